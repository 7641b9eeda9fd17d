"""kioskd run: the daemon."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kioskd.config.model import Config
    from kioskd.logs import LogLines


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options. From here on no signal ends the process in the middle of something."""
    from kioskd.daemon import signals

    # Called for this command alone and before all else: reading the configuration takes longer
    # to import than a signal takes to come.
    signals.hold()
    from kioskd.cli.common import add_config

    parser = commands.add_parser("run", help="run the daemon until SIGTERM or SIGINT")
    add_config(parser)
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Secure every strike, then import what is heavy, then serve.

    ConfigError, InputError and StoreError as of kioskd.daemon.boot.begin; before the first and
    the last of them the strikes that can be read are secured.
    """
    from kioskd.daemon.boot import begin

    config = _config(args)
    # Held until the process is gone: a thread that still writes may outlive this call.
    lock, failed = begin(config)

    from kioskd import logs

    lines = logs.set_up(args.log_format)
    try:
        return _serve(config, lock is None, failed, lines, args.log_format)
    finally:
        lines.finish()


def _config(args: argparse.Namespace) -> "Config":
    from kioskd.cli.common import config_of

    try:
        return config_of(args)
    except Exception:
        from kioskd.cli.secure import secure_despite_faults

        secure_despite_faults(Path(args.config), beside_a_daemon=False)
        raise


def _serve(
    config: "Config", read_only: bool, failed: dict[str, str], lines: "LogLines", log_format: str
) -> int:
    import logging

    log = logging.getLogger("kioskd")
    for device, why in failed.items():
        log.error("strike.not_secured", extra={"device": device, "why": why})
    if read_only:
        why = f"{config.storage.directory} cannot be written; check its owner and its mount"
        log.error("storage.read_only", extra={"why": why})
    from kioskd.daemon.run import run as serve
    from kioskd.errors import ConfigError

    def leave(code: int) -> None:
        lines.finish()
        os._exit(code)

    try:
        return serve(config, leave=leave, log_format=log_format)
    except ConfigError:
        raise  # a holiday calendar that is not known: found out only now, because it is slow
    except Exception:
        # Logged as where, not what: a traceback's text may hold what a patron typed.
        log.exception("daemon.failed")
        return 1

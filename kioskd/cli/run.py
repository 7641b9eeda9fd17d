"""kioskd run: the daemon."""

import argparse
from typing import Any

from kioskd.cli.common import add_config, config_of
from kioskd.config.model import Config


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser("run", help="run the daemon until SIGTERM or SIGINT")
    add_config(parser)
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Secure every strike, then import what is heavy, then serve."""
    from kioskd.daemon.boot import DirectoryLock, secure_strikes
    from kioskd.daemon.privileges import drop_to_owner

    config = config_of(args)
    drop_to_owner(config.storage.directory)
    lock = DirectoryLock.take(config.storage.directory)
    failed = secure_strikes(config)

    from kioskd.daemon import logs

    lines = logs.set_up(args.log_format)
    try:
        return _serve(config, lock is None, failed)
    finally:
        lines.finish()
        if lock is not None:
            lock.release()


def _serve(config: Config, read_only: bool, failed: dict[str, str]) -> int:
    import logging

    log = logging.getLogger("kioskd")
    for device, why in failed.items():
        log.error("strike.not_secured", extra={"device": device, "why": why})
    if read_only:
        why = f"{config.storage.directory} cannot be written; check its owner and its mount"
        log.error("storage.read_only", extra={"why": why})
    from kioskd.config.checks import check
    from kioskd.daemon.run import run as serve
    from kioskd.errors import ConfigError

    faults = check(config)
    if faults:
        raise ConfigError(faults)
    try:
        return serve(config)
    except Exception:
        # Logged as where, not what: a traceback's text may hold what a patron typed.
        log.exception("daemon.failed")
        return 1

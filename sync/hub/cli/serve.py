"""kioskd-hub serve: answers devices until SIGTERM or SIGINT.

Deliberately not here: what it serves (sync.hub.serve).
"""

import argparse
import asyncio
import logging
import os
import signal
from typing import Any, Final

from kioskd.logs import set_up
from sync.hub.cli.common import add_config, add_key_file, config_of
from sync.hub.model import HubConfig
from sync.hub.serve import serve

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

log = logging.getLogger("kioskd.hub")


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "serve",
        help="answer devices until it is told to stop",
        description="Answer devices until SIGTERM or SIGINT; ends within 5 s. `ready` is logged "
        "once it listens. Other commands work beside it.",
    )
    add_config(parser)
    add_key_file(parser)
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 after it was told to stop."""
    config = config_of(args)
    lines = set_up(args.log_format)
    try:
        for line in config.warnings:
            log.warning("config", extra={"warning": line})
        asyncio.run(_serve(config))
    finally:
        lines.finish()
    return 0


async def _serve(config: HubConfig) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    await serve(config, os.environ, stop, lambda address: None)

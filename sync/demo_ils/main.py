"""The demo's library system as a process: python -P -m sync.demo_ils.main --port 0

One JSON line on standard error says that it is ready, and on which port of the loopback; it ends
on SIGTERM. Deliberately not here: any library of anybody's. It forgets everything when it ends.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sync.demo_ils.people import USER
from sync.demo_ils.rules import Library
from sync.demo_ils.server import serving, wall

ENCODINGS: Final = ("utf-8", "cp850", "latin-1")
WELL, NOT_SERVED = 0, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; the exit code."""
    args = _parser().parse_args(arguments)
    try:
        how = {"encoding": args.encoding, "error_detection": args.error_detection}
        asyncio.run(_serve(args.port, how | _login(args.secret)))
    except OSError as error:
        _say({"event": "failed", "level": "ERROR", "error": str(error)})
        return NOT_SERVED
    return WELL


def _login(secret: Path | None) -> dict[str, Any]:
    if secret is None:
        return {}
    return {"login": (USER, secret.read_text(encoding="utf-8").strip())}


async def _serve(port: int, options: dict[str, Any]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(Library(wall()), port=port, **options) as bound:
        _say({"event": "ready", "port": bound})
        await stop.wait()


def _say(line: dict[str, object]) -> None:
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sync.demo_ils.main", allow_abbrev=False, description="A library system to try."
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="0: any that is free")
    parser.add_argument("--encoding", choices=ENCODINGS, default=ENCODINGS[0])
    parser.add_argument("--secret", type=Path, metavar="FILE", help="holds the password of 93")
    parser.add_argument("--error-detection", choices=("auto", "required"), default="auto")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

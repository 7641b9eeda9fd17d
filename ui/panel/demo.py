"""The panel of `kioskd demo`, which starts it as a child on its terminal:

    python -P -m ui.panel.demo --socket CONTROL --demo DEMO --door NAME

CONTROL is the daemon's control socket, DEMO that of the demo's stage. Exit code 0 when somebody
quits or the demo ends it, 1 when the stage is gone or the panel breaks, 2 for wrong usage.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from kioskd.client import AskError
from ui.panel.demo_links import StageLink
from ui.panel.following import Following, NoSuchDoorError

STOPPED, NOT_WELL, WRONG_USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the panel until somebody quits; the exit code."""
    args = _parser().parse_args(arguments)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return _say(WRONG_USAGE, "the panel needs a terminal; say kioskd demo --headless")
    try:
        return asyncio.run(_show(args.socket, args.demo, args.door))
    except NoSuchDoorError as error:
        return _say(WRONG_USAGE, str(error))
    except AskError as error:
        return _say(NOT_WELL, str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ui.panel.demo", allow_abbrev=False, description="The panel of kioskd demo."
    )
    parser.add_argument("--socket", type=Path, required=True, metavar="CONTROL")
    parser.add_argument("--demo", type=Path, required=True, metavar="DEMO")
    parser.add_argument("--door", required=True, metavar="NAME")
    return parser


async def _show(control: Path, demo: Path, door: str) -> int:
    stage = StageLink(demo)
    people, state = await stage.open()
    try:
        following = Following(door, [control])
        await following.begin()
        for stale in ("COLUMNS", "LINES"):  # of the shell that started it; the terminal is right
            os.environ.pop(stale, None)
        from ui.panel.demo_app import DemoPanel

        panel = DemoPanel(stage, people, state, following, control)
        await panel.run_async()
        code = panel.return_code or STOPPED  # 1 where it broke: Textual has told how
        return _say(code, panel.why) if panel.why else code
    finally:
        await stage.aclose()


def _say(code: int, message: str) -> int:
    print(f"kioskd demo: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())

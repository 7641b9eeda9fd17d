"""`kioskd demo`: a door with everything at it, simulated, with the real daemon and commands.

With a terminal people play at it themselves (demo_terminal). Without one, or with --headless, a
day is played by itself, and the exit code is 0 only when every step came out as expected and every
reason that can be brought about was. Everything lives in a temporary directory that goes with the
demo, however it ends.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kioskd.cli.demo_script import Step
    from kioskd.cli.demo_seen import Seen
    from kioskd.cli.demo_stage import Stage
    from kioskd.cli.demo_table import Report

SECONDS = 240.0  # the day takes a bit more than a minute


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser("demo", help="a door to play with, or a day that plays itself")
    parser.add_argument("--headless", action="store_true", help="play the day, also at a terminal")
    parser.add_argument(
        "--seconds",
        type=_seconds,
        metavar="N",
        help=f"end after so many seconds (default: {SECONDS:g}, at a terminal none)",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="not used; accepted")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when every step came out as expected, or the panel was left; 1 when something was not."""
    if not args.headless and sys.stdin.isatty() and sys.stdout.isatty():
        from kioskd.cli.demo_terminal import show

        return show(args.seconds)
    from kioskd.cli.demo_day import DAY

    return play(DAY, seconds=args.seconds or SECONDS, whole=True)


def play(day: "Sequence[Step]", *, seconds: float = SECONDS, whole: bool = False) -> int:
    """Play a day on a fresh site; the exit code. The daemon and all files are gone afterwards.

    whole: every reason that can be brought about must be. KeyboardInterrupt for any signal that
    ends it.
    """
    from kioskd.cli.demo_day import reasons_of, unseen
    from kioskd.cli.demo_ending import Ending
    from kioskd.cli.demo_play import set_stage
    from kioskd.cli.demo_table import Report, console_of

    report = Report(console_of())
    began = time.monotonic()
    with Ending() as ending, ExitStack() as closing:
        stage = set_stage(closing, ending, seconds)
        seen, failed = _play_steps(day, stage, report)
        why = stage.complaints()
    if whole:
        reasons = reasons_of(seen)
        report.reasons(reasons)
        failed += [f"{reason} was not seen" for reason in unseen(reasons)]
    report.verdict(time.monotonic() - began, failed, why)
    return 1 if failed else 0


def _play_steps(
    day: "Sequence[Step]", stage: "Stage", report: "Report"
) -> "tuple[list[Seen], list[str]]":
    from kioskd.cli.demo_play import play_step

    played: list[Seen] = []
    failed: list[str] = []
    report.head()
    for step in day:
        seen, faults, over = play_step(step, stage)
        report.row(step.title, seen, faults)
        played.append(seen)
        if faults:
            failed.append(step.title)
        if over:
            break
    return played, failed


def _seconds(text: str) -> float:
    value = float(text)
    if not 1 <= value <= 3600:
        raise argparse.ArgumentTypeError("use 1 to 3600")
    return value

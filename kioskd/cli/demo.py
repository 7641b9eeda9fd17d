"""`kioskd demo`: a door with everything at it, simulated, with the real daemon and commands.

With a terminal people play at it themselves (demo_terminal). Without one, or with --headless, a
day is played by itself, then one with a hub, and the exit code is 0 only when every step came out
as expected and every reason that can be brought about was. Everything lives in temporary
directories that go with the demo, however it ends.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kioskd.cli.demo_ending import Ending
    from kioskd.cli.demo_script import Step
    from kioskd.cli.demo_seen import Seen
    from kioskd.cli.demo_stage import Stage
    from kioskd.cli.demo_table import Report

SECONDS = 360.0  # both days take about two minutes


@dataclass(slots=True)
class Played:
    """What came of all steps so far. why: complaints of who served; over: the time is up."""

    seen: "list[Seen]" = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    over: bool = False


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
    from kioskd.cli.demo_script_hub import HUB_DAY

    return play(DAY, HUB_DAY, seconds=args.seconds or SECONDS, whole=True)


def play(
    day: "Sequence[Step]",
    hub_day: "Sequence[Step]" = (),
    *,
    seconds: float = SECONDS,
    whole: bool = False,
) -> int:
    """Play a day on a fresh site, then one with a hub; the exit code. Nothing is left afterwards.

    whole: every reason that can be brought about must be. KeyboardInterrupt for any signal that
    ends it.
    """
    from kioskd.cli.demo_day import reasons_of, unseen
    from kioskd.cli.demo_ending import Ending
    from kioskd.cli.demo_table import Report, console_of

    report = Report(console_of())
    began = time.monotonic()
    played = Played()
    with Ending() as ending:
        for steps, with_hub in ((day, False), (hub_day, True)):
            if steps and not played.over:
                left = seconds - (time.monotonic() - began)
                _play_on_stage(steps, ending, left, report, played, with_hub=with_hub)
    if whole:
        reasons = reasons_of(played.seen)
        report.reasons(reasons)
        played.failed += [f"{reason} was not seen" for reason in unseen(reasons)]
    report.verdict(time.monotonic() - began, played.failed, played.why)
    return 1 if played.failed else 0


def _play_on_stage(
    steps: "Sequence[Step]",
    ending: "Ending",
    seconds: float,
    report: "Report",
    played: "Played",
    *,
    with_hub: bool,
) -> None:
    """Set a stage, play on it, and clear it away."""
    from kioskd.cli.demo_play import set_stage

    with ExitStack() as closing:
        stage = set_stage(closing, ending, seconds, with_hub=with_hub)
        report.head("a device and its hub" if with_hub else "")
        before = len(played.failed)
        _play_steps(steps, stage, report, played)
        played.why += stage.complaints() if len(played.failed) > before else []


def _play_steps(
    steps: "Sequence[Step]", stage: "Stage", report: "Report", played: "Played"
) -> None:
    from kioskd.cli.demo_play import play_step

    for step in steps:
        seen, faults, played.over = play_step(step, stage)
        report.row(step.title, seen, faults)
        played.seen.append(seen)
        if faults:
            played.failed.append(step.title)
        if played.over:
            break


def _seconds(text: str) -> float:
    value = float(text)
    if not 1 <= value <= 3600:
        raise argparse.ArgumentTypeError("use 1 to 3600")
    return value

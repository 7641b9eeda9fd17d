"""`kioskd demo`: a day at a simulated door, played through the real daemon and commands.

Exit code 0 only when every step came out as expected. Everything lives in a temporary directory
that goes with the demo, however it ends. This version has no device panel yet: with or without
a terminal the scripted day is played.
"""

import argparse
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kioskd.cli.demo_script import Step
    from kioskd.cli.demo_stage import Seen, Stage
    from kioskd.cli.demo_table import Report

SECONDS = 120.0  # the day takes about half a minute


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser("demo", help="play a day at the door with simulated devices")
    parser.add_argument("--headless", action="store_true", help="no terminal: plain text")
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=SECONDS,
        metavar="N",
        help=f"give up after so many seconds (default: {SECONDS:g})",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="not used; accepted")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when every step came out as expected, 1 with the names of those that did not."""
    from kioskd.cli.demo_script import DAY

    with _terminated_like_interrupted():
        return play(DAY, seconds=args.seconds, headless=args.headless)


def play(day: "Sequence[Step]", *, seconds: float = SECONDS, headless: bool = False) -> int:
    """Play a day on a fresh site; the exit code. The daemon and all files are gone afterwards."""
    from kioskd.cli.demo_devices import SimulatedDoor
    from kioskd.cli.demo_site import Daemon, Site
    from kioskd.cli.demo_stage import Deadline, Stage
    from kioskd.cli.demo_table import Report, console_of

    report = Report(console_of(headless=headless))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kioskd-demo-") as directory:
        site = Site(Path(directory))
        daemon = Daemon(site)
        try:
            with SimulatedDoor(Path(directory)) as door:
                stage = Stage(site, door, daemon, Deadline(seconds))
                failed = _play_steps(day, stage, report)
                why = stage.complaints()
        finally:
            daemon.close()
    report.verdict(time.monotonic() - began, failed, why)
    return 1 if failed else 0


def _play_steps(day: "Sequence[Step]", stage: "Stage", report: "Report") -> list[str]:
    failed: list[str] = []
    report.head()
    for step in day:
        seen, faults, over = _play(step, stage)
        report.row(step.title, seen, faults)
        if faults:
            failed.append(step.title)
        if over:
            break
    return failed


def _play(step: "Step", stage: "Stage") -> "tuple[Seen, list[str], bool]":
    """Whether the day is over comes last: with the time up nothing more can be seen."""
    from kioskd.cli.demo_stage import TimeUp, Unexpected

    try:
        try:
            for move in step.moves:
                move(stage)
        except Unexpected as error:
            return stage.glance(), [str(error)], False
        if not step.expected.journalled:
            return stage.glance(), [], False
        seen = stage.observe(lambda seen: not step.expected.faults(seen))
        return seen, step.expected.faults(seen), False
    except Unexpected as error:
        return stage.glance(), [str(error)], False
    except TimeUp:
        return stage.glance(), ["the time given to the demo is up; see --seconds"], True


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _seconds(text: str) -> float:
    value = float(text)
    if not 1 <= value <= 3600:
        raise argparse.ArgumentTypeError("use 1 to 3600")
    return value

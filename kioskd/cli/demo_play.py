"""Sets a stage and plays steps on it, one at a time.

Deliberately not here: what the steps are (demo_day), and how they are told (demo_table).
"""

import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from kioskd.cli.demo_clock import Offset
from kioskd.cli.demo_config import ALWAYS, FILES, PLAYED, Times, from_hub
from kioskd.cli.demo_devices import SimulatedDoor
from kioskd.cli.demo_ending import Ending
from kioskd.cli.demo_hub import hub_beside
from kioskd.cli.demo_ils import ils_beside
from kioskd.cli.demo_script import Step
from kioskd.cli.demo_seen import Seen
from kioskd.cli.demo_site import Daemon, Site
from kioskd.cli.demo_stage import Deadline, Stage, TimeUp, Unexpected

_TIME_UP = "the time given to the demo is up; see --seconds"


def set_stage(
    closing: ExitStack,
    ending: Ending,
    seconds: float,
    times: Times = PLAYED,
    hours: Iterable[str] = ALWAYS,
    *,
    with_hub: bool = False,
) -> Stage:
    """A fresh site in a temporary directory, its door plugged in; gone when `closing` ends.

    seconds: for all that is played on it. with_hub: its register is a hub beside it. A library
    system stands beside it either way, where pysip2 is installed.
    """
    directory = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="kioskd-demo-")))
    hub = closing.enter_context(hub_beside(directory)) if with_hub else None
    ils = ils_beside(closing, directory, ending.check)
    register = (from_hub(directory, hub.url) if hub else FILES) + (ils.table if ils else "")
    site = Site(directory, times, hours, register)
    clock = closing.enter_context(Offset(site.offset))
    door = closing.enter_context(SimulatedDoor(directory))
    daemon = Daemon(site)
    closing.callback(daemon.close)
    return Stage(site, door, daemon, clock, Deadline(seconds, ending), hub, ils)


def play_step(step: Step, stage: Stage) -> tuple[Seen, list[str], bool]:
    """Play one; what was seen, what came out otherwise, and whether the day is over.

    With the time up nothing more can be seen.
    """
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
        return stage.glance(), [_TIME_UP], True

"""The demo at a terminal: sets the stage, then gives the terminal to the panel until it ends.

The panel is a program of its own (`ui.panel.demo`) that plays through the demo's socket and
looks through the daemon's. Whatever ends it, the terminal is as it was before, the daemon is
stopped and the directory is gone. Deliberately not here: drawing, and what the socket can do.
"""

import asyncio
import logging
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from kioskd.cli.demo_config import TIMEZONE, WATCHED, hours_around
from kioskd.cli.demo_ending import Ending
from kioskd.cli.demo_moves_ils import ASKS_ILS
from kioskd.cli.demo_play import play_step, set_stage
from kioskd.cli.demo_script import Step
from kioskd.cli.demo_script_hub import HUB_START
from kioskd.cli.demo_script_staff import CLEANER_LISTED
from kioskd.cli.demo_server import DOOR, SOCKET, DemoServer
from kioskd.cli.demo_stage import Stage

SETTING_UP_SECONDS: Final = 120.0
_ENDING_SECONDS: Final = 5.0  # for a panel that was told to end
_PAUSE_SECONDS: Final = 0.01
PANEL: Final = (sys.executable, "-P", "-m", "ui.panel.demo")
# What a panel that was ended could not do itself: leave the other screen, show the cursor, take
# no mouse, paste as usual.
_AS_BEFORE: Final = "\x1b[?1049l\x1b[?25h\x1b[?1000;1002;1003;1006;2004l\x1b[0m"


def show(seconds: float | None = None, panel: Sequence[str] = PANEL) -> int:
    """0 once the panel was left, or its time is up; 1 when something failed.

    seconds: of the panel, at most. panel: the program; it is told the two sockets and the door.
    """
    # What the parts of a daemon log in this process would stand in the middle of the panel.
    logging.getLogger("kioskd").addHandler(logging.NullHandler())
    with Ending() as ending, ExitStack() as closing:
        hours = hours_around(datetime.now(ZoneInfo(TIMEZONE)))
        stage = set_stage(closing, ending, SETTING_UP_SECONDS, WATCHED, hours, with_hub=True)
        if not all(_set(step, stage) for step in (*HUB_START, CLEANER_LISTED, ASKS_ILS)):
            return 1
        return asyncio.run(_shown(stage, panel, seconds, ending))


def _set(step: Step, stage: Stage) -> bool:
    """Play a step that sets the stage, with a line of its own."""
    began = time.monotonic()
    seen, faults, _ = play_step(step, stage)
    told = "; ".join(faults or seen.said)
    _tell(f"{step.title}: {told} ({time.monotonic() - began:.1f} s)")
    return not faults


async def _shown(stage: Stage, panel: Sequence[str], seconds: float | None, ending: Ending) -> int:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    ending.told = lambda: loop.call_soon_threadsafe(told.set)
    ending.check()
    path, control = stage.site.directory / SOCKET, stage.site.socket
    beside = f"kioskd sip2 trace --config {stage.site.config}" if stage.ils else ""
    server = DemoServer(path, control, stage.door, stage.daemon, stage.clock, stage.hub, beside)
    command = [*panel, "--socket", str(control), "--demo", str(path), "--door", DOOR]
    serving = asyncio.create_task(server.serve(), name="demo")
    try:
        await _there(path, serving)
        return await _watched(command, seconds, told)
    finally:
        ending.told = None
        serving.cancel()
        await asyncio.wait([serving])


async def _there(path: Path, serving: "asyncio.Task[None]") -> None:
    while not await asyncio.to_thread(path.exists):
        if serving.done():
            serving.result()
        await asyncio.sleep(_PAUSE_SECONDS)


async def _watched(command: Sequence[str], seconds: float | None, told: asyncio.Event) -> int:
    with _terminal_kept() as left_well:
        child = await asyncio.create_subprocess_exec(*command)
        left = asyncio.create_task(child.wait(), name="panel")
        ending = asyncio.create_task(told.wait(), name="panel ends")
        await asyncio.wait({left, ending}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        by_itself = left.done()
        if not by_itself:
            await _end(child, left)
        left_well[:] = [child.returncode == 0]
    if by_itself and child.returncode:
        _tell(f"the panel ended with {child.returncode}")
    return 1 if by_itself and child.returncode else 0


async def _end(child: asyncio.subprocess.Process, left: "asyncio.Task[int]") -> None:
    child.terminate()
    await asyncio.wait([left], timeout=_ENDING_SECONDS)
    if not left.done():
        child.kill()
        await left


@contextmanager
def _terminal_kept() -> Iterator[list[bool]]:
    """The terminal's settings, put back at the end. Yields whether the panel left it well."""
    before = termios.tcgetattr(sys.stdin)
    left_well = [False]
    try:
        yield left_well
    finally:
        with suppress(termios.error, OSError):  # the terminal itself is gone
            if not left_well[0]:
                sys.stdout.write(_AS_BEFORE)
                sys.stdout.flush()
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

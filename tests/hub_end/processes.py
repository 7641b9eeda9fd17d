"""Hub and line as the processes that they are, and kills that no code can see coming.

    HubProcess     `kioskd-hub serve`
    LineProcess    the child of the line; the daemon that keeps it alive is here, its journal too

The child waits in whole seconds after a failure; it is told to look again and again.

Deliberately not here: what happens to them (world).
"""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass

from kioskd.daemon.line import Line
from kioskd.daemon.line_wire import line_arguments
from kioskd.errors import InputError
from tests.hub_cli.hub_files import KIOSKD_HUB
from tests.hub_end.device_side import Device, FastClock
from tests.hub_end.hub_side import RunningHub

LOOK_SECONDS = 0.05


@dataclass
class HubProcess(RunningHub):
    """A hub that is a process of its own."""

    _process: Process | None = None
    _draining: asyncio.Task[bytes] | None = None

    async def start(self) -> None:
        file = str(self.office.config.path)
        arguments = (*KIOSKD_HUB, "serve", "--config", file)
        self._process = await asyncio.create_subprocess_exec(
            *arguments, stderr=PIPE, stdout=DEVNULL
        )
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            if b" ready listen=" in line:
                self.port = int(line.rstrip().rpartition(b":")[2])
                self._draining = asyncio.create_task(self._process.stderr.read())
                return
        raise AssertionError("the hub ended before it was ready")

    async def kill(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        if self._draining is not None:
            await self._draining
        await self._process.wait()
        self._process = None


@dataclass
class LineProcess(Device):
    """A device whose line is a child; a kill is the child's alone, and it is started again."""

    _kept_line: Line | None = None
    _kept: tuple[asyncio.Task[None], ...] = ()

    async def start(self) -> None:
        if self._kept:
            return
        self.open()
        assert self.site is not None
        line = Line(lambda: line_arguments(self.config, "text"), self.site, FastClock())
        self._kept_line = line
        self._kept = (asyncio.create_task(line.run()), asyncio.create_task(_ring(line)))

    async def kill(self) -> None:
        child = self._kept_line._child if self._kept_line is not None else None
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)

    async def end(self) -> None:
        await self.kill()
        for task in self._kept:
            task.cancel()
        await asyncio.gather(*self._kept, return_exceptions=True)
        self._kept = ()
        await super().end()


async def _ring(line: Line) -> None:
    while True:
        with contextlib.suppress(InputError):
            line.look_now()
        await asyncio.sleep(LOOK_SECONDS)

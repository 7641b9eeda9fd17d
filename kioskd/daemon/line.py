"""The daemon's side of the line to the hub: keeps its child alive, does what it asks for.

The daemon parses nothing that came over the network: a child of its own pulls, checks and writes
the credential cache, and pushes events; what only the daemon may do (its journal, its keys, its
hours) the child asks it for. A child that ends is started again, ever more slowly.

    child -> daemon   delivered | told | pulse | drop | publish | state
    daemon -> child   done | now

Deliberately not here: the child (line_run), and what it asks for (line_duties).
"""

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol
from urllib.parse import urlsplit

import msgspec

from kioskd.daemon.beside import Beside
from kioskd.daemon.line_wire import (
    MAX_LINE,
    NOT_TRIED,
    Asked,
    Delivered,
    Done,
    Drop,
    LineState,
    Now,
    Publish,
    Pulse,
    Question,
    SiteParts,
    Told,
    asked,
    encode,
)
from kioskd.domain.line import LineView
from kioskd.errors import InputError, KioskError, StoreError
from kioskd.ports import Clock

log = logging.getLogger("kioskd.line")
CHILD: Final = "kioskd.daemon.line_run"
FIRST_PAUSE: Final = 1.0
MOST_PAUSE: Final = 60.0
STEADY_SECONDS: Final = 60.0  # a child that lived so long is started again at once


class Duties(Protocol):
    """What the daemon does for its child. KioskError: it was not done."""

    async def delivered(self, said: Delivered) -> None: ...
    async def told(self, keys: list[bytes]) -> None: ...
    async def pulse(self) -> SiteParts: ...
    async def drop(self) -> None: ...
    async def publish(self, told: Publish) -> None: ...
    def state(self, line: LineState) -> None: ...


class Line:
    """Keeps the child of the line; `state` is how the line was when it last said so.

    arguments: of the child, asked for at each start. child: its module; a demonstration has one
    on a clock of its own.
    """

    def __init__(
        self,
        arguments: Callable[[], list[str]],
        duties: Duties,
        clock: Clock,
        child: str = CHILD,
    ) -> None:
        self.state = LineState(why=NOT_TRIED)
        self._module = child
        self._arguments = arguments
        self._duties = duties
        self._clock = clock
        self._child: Beside | None = None

    def look_now(self) -> None:
        """Pull and push at once. InputError when there is no child that could."""
        if self._child is None or self._child.writer.is_closing():
            raise InputError("the line to the hub is just being started; try again in a moment")
        self._child.writer.write(encode(Now()) + b"\n")

    def view(self, url: str) -> LineView:
        """How the line is, for status, doctor and alerts. url: of the hub."""
        now = self.state
        return LineView(
            hub=urlsplit(url).netloc,
            up=now.up,
            why=now.why,
            pulled=now.pulled,
            hints=now.hints,
            waiting=now.waiting,
            dead=now.dead,
            certificate_days=now.certificate_days,
            skew_seconds=now.skew_seconds,
            refused=now.refused,
            held=now.held,
            config_why=now.config_why,
        )

    def begin_anew(self) -> None:
        """End the child, so that the next one reads the file as it is now."""
        if self._child is not None:
            self._child.writer.close()

    async def run(self) -> None:
        """Until cancelled. The child has ended then."""
        pause = FIRST_PAUSE
        while True:
            began = self._clock.monotonic()
            try:
                await self._one()
            except Exception:
                # Whatever it was: the doors have no part in it.
                log.exception("line.failed")
            steady = self._clock.monotonic() - began > STEADY_SECONDS
            pause = FIRST_PAUSE if steady else min(2 * pause, MOST_PAUSE)
            await self._clock.sleep_until(self._clock.monotonic() + pause)

    async def _one(self) -> None:
        """One life of the child."""
        try:
            child = await Beside.started(self._module, self._arguments(), os.environ, MAX_LINE)
        except StoreError as error:
            self._say(LineState(why=str(error)))
            return
        self._child = child
        try:
            await self._serve(child)
        finally:
            self._child = None
            code = await child.end()
            why = "" if code == 0 else f"its process ended ({code}); it is started again"
            self._say(msgspec.structs.replace(self.state, up=False, hints=False, why=why))

    async def _serve(self, child: Beside) -> None:
        try:
            while line := await child.reader.readline():
                await self._answer(child, asked(line))
        except ConnectionError:
            return
        except (ValueError, RecursionError):  # a line too long, or none of ours
            log.exception("line.garbled")

    async def _answer(self, child: Beside, said: Asked) -> None:
        if isinstance(said, LineState):
            self._say(said)
            return
        done = await self._done(said)
        child.writer.write(encode(done) + b"\n")
        await child.writer.drain()

    async def _done(self, said: Question) -> Done:
        try:
            return await _WORK[type(said)](self._duties, said)
        except KioskError as error:
            return Done(said.id, str(error) or "not done", getattr(error, "transient", False))
        except Exception:
            # What a hub sent must not end the daemon, whatever it was.
            log.exception("line.not_done")
            return Done(said.id, "not done, by a fault of this version; see the log", False)

    def _say(self, state: LineState) -> None:
        if state.why and state.why != self.state.why:
            log.warning("line.down", extra={"why": state.why})
        elif state.up and not self.state.up:
            log.info("line.up", extra={"hints": state.hints})
        self.state = state
        self._duties.state(state)


async def _delivered(duties: Duties, said: Delivered) -> Done:
    await duties.delivered(said)
    return Done(said.id)


async def _told(duties: Duties, said: Told) -> Done:
    await duties.told(said.keys)
    return Done(said.id)


async def _pulse(duties: Duties, said: Pulse) -> Done:
    return Done(said.id, parts=await duties.pulse())


async def _drop(duties: Duties, said: Drop) -> Done:
    await duties.drop()
    return Done(said.id)


async def _publish(duties: Duties, said: Publish) -> Done:
    await duties.publish(said)
    return Done(said.id)


_WORK: Mapping[type, Callable[..., Awaitable[Done]]] = {
    Delivered: _delivered,
    Told: _told,
    Pulse: _pulse,
    Drop: _drop,
    Publish: _publish,
}

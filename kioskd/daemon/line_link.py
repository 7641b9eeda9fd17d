"""The child's side of the socket pair: asks the daemon, and hears when it is to look now.

One answer for each question, by its id. When the daemon is gone, `ended` is set: a child without
its daemon has nothing to do.

Deliberately not here: what is asked (line_side), and the daemon's side (line).
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress

from kioskd.daemon.line_wire import (
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
    answered,
    encode,
)
from kioskd.errors import StoreError
from sync.hub_wire import PublishedConfig


class DaemonLink:
    """Asks the daemon. StoreError when it did not do it, or is gone.

    look_now: called in the loop when somebody asked for a pull.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        look_now: Callable[[], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._look_now = look_now
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[Done]] = {}
        self.ended = asyncio.Event()

    async def listen(self) -> None:
        """Take answers until the daemon is gone."""
        try:
            with suppress(ConnectionError):
                while line := await self._reader.readline():
                    self._take(line)
        finally:
            self.ended.set()
            for waiting in self._open.values():
                if not waiting.done():
                    waiting.set_exception(StoreError("the daemon is gone"))

    def tell(self, state: LineState) -> None:
        """How the line is; nothing comes back."""
        if not self._writer.is_closing():
            self._writer.write(encode(state) + b"\n")

    async def mark_delivered(
        self, journal: str, through: int, dead: Sequence[tuple[int, str]]
    ) -> None:
        """The hub has everything of this journal up to this row."""
        await self._ask(Delivered(self._number(), journal, through, list(dead)))

    async def drop_activities(self, keys: Sequence[bytes]) -> None:
        """The hub has these activities."""
        await self._ask(Told(self._number(), list(keys)))

    async def pulse(self) -> SiteParts:
        """How the site is."""
        parts = (await self._ask(Pulse(self._number()))).parts
        if parts is None:
            raise StoreError("the daemon did not say how the site is")
        return parts

    async def drop(self) -> None:
        """Forget the cache and its keys."""
        await self._ask(Drop(self._number()))

    async def publish(self, config: PublishedConfig, key: str) -> None:
        """Put a published configuration into force."""
        await self._ask(Publish(self._number(), config, key))

    def _number(self) -> int:
        return next(self._numbers)

    async def _ask(self, question: Question) -> Done:
        if self.ended.is_set():
            raise StoreError("the daemon is gone")
        waiting: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._open[question.id] = waiting
        try:
            self._writer.write(encode(question) + b"\n")
            await self._writer.drain()
            done = await waiting
        except ConnectionError:
            raise StoreError("the daemon is gone") from None
        finally:
            del self._open[question.id]
        if done.fault:
            raise StoreError(done.fault, transient=done.transient)
        return done

    def _take(self, line: bytes) -> None:
        said = answered(line)
        if isinstance(said, Now):
            self._look_now()
        elif said.id in self._open and not self._open[said.id].done():
            self._open[said.id].set_result(said)


def plain(text: str) -> str:
    """A text for one line of a log or a state."""
    return "".join(c if c.isprintable() else " " for c in text)[:200]

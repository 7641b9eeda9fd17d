"""A standing connection for a screen: it asks, and listens to events meanwhile.

Deliberately not here: connecting anew. A link that has ended stays so; its owner opens another.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from kioskd import wire
from kioskd.client import faults

_EVENTS: Final = 256  # kept for a screen that is busy; then the oldest are dropped

T = TypeVar("T")


class Link:
    """Made by kioskd.client.open_link. version: the daemon's."""

    def __init__(
        self,
        path: Path,
        patience: float,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        version: str,
    ) -> None:
        self.version = version
        self._path = path
        self._patience = patience
        self._reader, self._writer = streams
        self._asked = 0
        self._awaited: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._events: deque[dict[str, Any]] = deque(maxlen=_EVENTS)
        self._more = asyncio.Event()
        self._end: faults.AskError | None = None
        self._reading = asyncio.create_task(self._read(), name="control link")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """The answer to a verb. AskError when there is none, or the daemon refuses."""
        if self._end is not None:
            raise self._end
        self._asked += 1
        number, text = self._asked, faults.request(self._asked, verb, args)
        told: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._awaited[number] = told
        try:
            self._writer.write(text)
            return faults.answer(await _within(self._path, self._patience, _result(told)))
        finally:
            del self._awaited[number]

    async def subscribe(self, topics: Iterable[str]) -> list[str]:
        """Listen to these topics instead of those before; the topics as the daemon took them."""
        answer = await self.ask("subscribe", topics=list(topics))
        return [str(topic) for topic in answer.get("topics", ())]

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Events as they come: {"event": topic, ...}; `lost` counts those that were not kept.

        Ends only with the AskError that ended the link.
        """
        while True:
            while self._events:
                yield self._events.popleft()
            if self._end is not None:
                raise self._end
            self._more.clear()
            await self._more.wait()

    async def aclose(self) -> None:
        """Hang up."""
        self._reading.cancel()
        await asyncio.wait([self._reading])
        await _close(self._writer)

    async def _read(self) -> None:
        try:
            while True:
                text = await _line(self._path, self._reader)
                self._take(faults.message(self._path, text))
        except faults.AskError as error:
            self._finish(error)
        finally:
            self._finish(faults.gone(self._path))

    def _take(self, told: dict[str, Any]) -> None:
        if "event" in told:
            self._events.append(told)
            self._more.set()
            return
        number = told.get("id")
        # An error without id is about the line that the daemon reads now: the oldest question.
        asked = number if isinstance(number, int) else min(self._awaited, default=0)
        if asked in self._awaited and not self._awaited[asked].done():
            self._awaited[asked].set_result(told)
        elif number is None:
            # No room, as a rule: said before anything was asked, and then the daemon hangs up.
            self._end = self._end or faults.refusal(told)

    def _finish(self, error: faults.AskError) -> None:
        self._end = self._end or error
        self._more.set()
        for told in self._awaited.values():
            if not told.done():
                told.set_exception(self._end)


async def connected(path: Path, patience: float) -> Link:
    """A link that was greeted. AskError."""
    try:
        opening = asyncio.open_unix_connection(path, limit=wire.MAX_LINE)
        reader, writer = await _within(path, patience, opening)
    except OSError as error:
        raise faults.mapped(path, error, patience) from None
    try:
        text = await _within(path, patience, _line(path, reader))
        return Link(path, patience, (reader, writer), faults.greeted(path, text))
    except BaseException:
        await _close(writer)
        raise


async def _close(writer: asyncio.StreamWriter) -> None:
    # What was not sent is not waited for: a daemon that hangs would hold up its screens.
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


async def _result(told: "asyncio.Future[Mapping[str, Any]]") -> Mapping[str, Any]:
    return await told


async def _line(path: Path, reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil()
    except (asyncio.IncompleteReadError, OSError):
        raise faults.gone(path) from None
    except asyncio.LimitOverrunError:
        raise faults.stranger(path, "a line without end") from None


async def _within(path: Path, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise faults.mapped(path, error, seconds) from None

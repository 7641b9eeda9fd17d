"""Requests that wait for their turn, and whoever waits for their answers.

Everything here is of one loop. A request whose caller has gone, or whose time is over, takes no
place and is never sent.

Deliberately not here: the connection that they wait for (session), and what may be asked twice.
"""

import asyncio
from collections import deque
from typing import Final

from sync.sip2.faults import NoAnswer, NotAsked
from sync.sip2.layouts import NAMES
from sync.sip2.messages import Message
from sync.sip2.transport import Link

MOST_WAITING: Final = 16  # one request takes tens of milliseconds; who comes later would wait long


class Asked:
    """One request. link: what it is on its way on. out: it has left this device already."""

    def __init__(self, message: Message, where: str) -> None:
        self.message = message
        self.link: Link | None = None
        self.out = False
        self.late = False
        self._what = f"{where}: {NAMES.get(message.code, 'request')}"
        self._answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

    @property
    def over(self) -> bool:
        """Whether nobody waits any more."""
        return self.late or self._answer.done()

    async def answer(self, seconds: float) -> Message:
        """The answer, or the fault that it failed by, within so many seconds.

        A request that is on its way when its time is over, or its caller goes, ends the link:
        its answer must not be taken for another's. Once it has ended, the link is another's.
        """
        timer = asyncio.get_running_loop().call_later(seconds, self._expire)
        try:
            return await self._answer
        except asyncio.CancelledError:
            self._leave("given up")
            raise
        finally:
            timer.cancel()

    def give(self, message: Message) -> None:
        """It was answered."""
        self.link = None
        if not self._answer.done():
            self._answer.set_result(message)

    def fail(self, fault: NotAsked | NoAnswer) -> None:
        """It failed by this."""
        self.link = None
        if not self._answer.done():
            self._answer.set_exception(fault)

    def end(self, why: str) -> None:
        """It failed, and what that means depends on how far it came."""
        text = f"{self._what}: {why}"
        self.fail(NoAnswer(text) if self.out or self.link else NotAsked(text))

    def _expire(self) -> None:
        if self._answer.done():
            return
        self.late = True
        if not self._leave("no answer within its time"):
            self.end("no answer within its time")

    def _leave(self, why: str) -> bool:
        # The link knows whether it went out, and says so to whoever asked it.
        if self.link:
            self.link.drop(why)
        return self.link is not None


class Waiting:
    """A bounded queue of requests, first come, first served."""

    def __init__(self) -> None:
        self._line: deque[Asked] = deque()
        self._filled = asyncio.Event()

    def put(self, asked: Asked) -> bool:
        """Whether there was room."""
        if len(self._line) >= MOST_WAITING:
            return False
        self._line.append(asked)
        self._filled.set()
        return True

    async def next(self) -> Asked:
        """The one that has waited longest, taken out."""
        while not self._line:
            self._filled.clear()
            await self._filled.wait()
        return self._line.popleft()

    def drop(self, asked: Asked) -> None:
        """Take it out, if it still waits."""
        if asked in self._line:
            self._line.remove(asked)

    def end(self, why: str) -> None:
        """Fail all of them."""
        while self._line:
            self._line.popleft().end(why)

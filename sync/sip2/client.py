"""The client: one connection, one request in flight, and a total deadline for each caller.

    client = SipClient(settings, clock=clock)
    running = asyncio.create_task(client.run(), name="sip2")
    answer = await client.ask(message, deadline)

Nothing is asked twice but what may be: a read whose link failed under it goes out once more on a
new link. Anything else that left this device is NoAnswer, and whoever asked must look what became
of it. A link that was seen to end before a request went out costs nothing but another link.

Deliberately not here: repeats on one link (connection), how a link is made and when it is not
tried (session), and what a message means (answers).
"""

from typing import Final

from kioskd.ports import Clock
from sync.sip2.faults import NoAnswer, NotAsked
from sync.sip2.layouts import READS
from sync.sip2.messages import Message
from sync.sip2.session import ClientView, Session
from sync.sip2.settings import SipSettings, Watcher
from sync.sip2.waiting import Asked, Waiting

__all__ = ["ClientView", "SipClient"]

_LINKS: Final = 3  # for one request: one that had ended unseen, one that fails under a read, one


class SipClient:
    """Asks one library system. All of it is of one loop."""

    def __init__(
        self, settings: SipSettings, *, clock: Clock, watcher: Watcher | None = None
    ) -> None:
        self._where = settings.where
        self._clock = clock
        self._session = Session(settings, clock, watcher)
        self._waiting = Waiting()
        self._running = False

    @property
    def status(self) -> Message | None:
        """The newest 98 of the library system; None before one came."""
        return self._session.status

    def view(self) -> ClientView:
        """How the library system stood when it was last needed."""
        return self._session.view()

    async def run(self) -> None:
        """Own the connection until cancelled; nothing of it is left then. Once at a time."""
        if self._running:
            raise RuntimeError("it runs already")
        self._running = True
        try:
            while True:
                await self._serve(await self._waiting.next())
        finally:
            self._running = False
            self._waiting.end("this device ends its connection")
            await self._session.close()

    async def ask(self, message: Message, deadline: float) -> Message:
        """The answer, by this reading of `clock.monotonic()`. NotAsked, LogInRefused, NoAnswer."""
        seconds = deadline - self._clock.monotonic()
        if not self._running:
            raise NotAsked(f"{self._where}: the connection to it is not in use")
        if seconds <= 0:
            raise NotAsked(f"{self._where}: no time was left to ask")
        asked = Asked(message, self._where)
        if not self._waiting.put(asked):
            raise NotAsked(f"{self._where}: too many requests wait already")
        try:
            return await asked.answer(seconds)
        finally:
            self._waiting.drop(asked)

    async def _serve(self, asked: Asked) -> None:
        try:
            asked.give(await self._answer_to(asked))
        except (NotAsked, NoAnswer) as fault:
            asked.fail(fault)
        finally:
            asked.end("this device ends its connection")  # nothing, where it has ended

    async def _answer_to(self, asked: Asked) -> Message:
        for _ in range(_LINKS):
            link = await self._session.link()
            if asked.over:
                break
            asked.link = link
            try:
                answer = await link.ask(asked.message)
            except NotAsked:
                if link.usable or asked.over:  # it cannot be said, or not in time
                    raise
            except NoAnswer as fault:
                if asked.late or not asked.over:  # a caller that went is nobody's fault
                    self._session.lost(str(fault))
                if not _may_repeat(asked):
                    raise
                asked.out = True
            else:
                self._session.answered()
                return answer
            asked.link = None
        raise NotAsked(f"{self._where}: the connection ended before anything could be asked")


def _may_repeat(asked: Asked) -> bool:
    return asked.message.code in READS and not asked.out and not asked.over

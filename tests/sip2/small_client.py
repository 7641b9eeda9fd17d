"""A client of the small server that runs for as long as a test needs it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

from kioskd.clock.system import SystemClock
from sync.sip2.client import SipClient
from sync.sip2.messages import Message
from sync.sip2.settings import SipSettings
from tests.sip2.small_server import Caller, Script, canned, message


class AheadClock(SystemClock):
    """The machine's clock, and as far ahead of it as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


CLOCK: Final = AheadClock()
ACCOUNT: Final[dict[str, Any]] = {"user": "kiosk", "password": "no-such-word-anywhere"}


def within(seconds: float = 5.0, clock: AheadClock = CLOCK) -> float:
    """A deadline."""
    return clock.monotonic() + seconds


def patron(card: str) -> Message:
    """A request for this patron."""
    return message("63", ("AO", "ESI"), ("AA", card))


@contextlib.asynccontextmanager
async def client_of(sip: SipSettings, clock: AheadClock = CLOCK) -> AsyncIterator[SipClient]:
    """A client that runs."""
    client = SipClient(sip, clock=clock)
    running = asyncio.create_task(client.run(), name="sip2")
    await asyncio.sleep(0)
    try:
        yield client
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def answering(**answers: Message) -> Script:
    """Answers as usual, but by these: `_94=...`."""

    async def talk(caller: Caller) -> None:
        while asked := await caller.hear():
            answer = canned(asked)
            await caller.answer(asked, answers.get(f"_{answer.code}", answer))

    return talk


async def answers_one(caller: Caller) -> None:
    """Answers one request; of all that follow it only hears."""
    if asked := await caller.hear():
        await caller.answer(asked)
    await caller.gone()


def waits_for(event: asyncio.Event) -> Script:
    """Answers its first request once the event is set, and then as usual."""

    async def talk(caller: Caller) -> None:
        asked = await caller.hear()
        await event.wait()
        while asked:
            await caller.answer(asked)
            asked = await caller.hear()

    return talk

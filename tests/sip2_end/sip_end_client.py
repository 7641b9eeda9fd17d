"""A running client of the fake server, and what it is made with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from kioskd.clock.system import SystemClock
from sync.sip2.client import SipClient
from sync.sip2.dialect import Dialect
from sync.sip2.dialects import DIALECTS
from sync.sip2.messages import Message
from sync.sip2.settings import SipSettings

CLOCK: Final = SystemClock()
ANSWER_SECONDS: Final = 0.15
DEADLINE: Final = 2.0  # of a whole operation
_DATE: Final = "20260301    101500"


def settings(port: int, dialect: Dialect = DIALECTS["koha-suomi"]) -> SipSettings:
    """Of a plain connection to loopback, with the account that fake and demo library know."""
    return SipSettings(
        host="127.0.0.1",
        port=port,
        dialect=dialect,
        tls=False,
        user="kiosk",
        password="sesam",
        institution="ESI",
        location="ESI",
        answer_seconds=ANSWER_SECONDS,
        retries=2,
    )


def with_checksum(policy: str) -> Dialect:
    """The dialect of the fake server under another policy."""
    return replace(DIALECTS["koha-suomi"], checksum=policy)


@asynccontextmanager
async def running(made_with: SipSettings) -> AsyncIterator[SipClient]:
    """A client that runs, and leaves nothing behind."""
    client = SipClient(made_with, clock=CLOCK)
    task = asyncio.create_task(client.run(), name="sip2")
    await asyncio.sleep(0)
    try:
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def soon(seconds: float = DEADLINE) -> float:
    """A deadline."""
    return CLOCK.monotonic() + seconds


def patron(card: str = "167A000001", pin: str = "1234") -> Message:
    """63, as a client of no further sense would say it."""
    fields = (("AO", "ESI"), ("AA", card), ("AC", ""), ("AD", pin))
    fixed = {"language": "007", "transaction_date": _DATE, "summary": "  Y       "}
    return Message("63", fixed, fields)


def checkout(item: str, card: str = "167A000001") -> Message:
    """11, likewise."""
    fixed = {"sc_renewal_policy": "N", "no_block": "N", "transaction_date": _DATE}
    fixed["nb_due_date"] = " " * 18
    return Message("11", fixed, (("AO", "ESI"), ("AA", card), ("AB", item), ("AC", "")))

"""Moves of the demo's day at its library system: this project's own SIP2 client asks it.

Deliberately not here: a desk, which does the same with people and items before it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from kioskd.cli.demo_config import BRANCH, TIMEZONE
from kioskd.cli.demo_ils import MISSING, DemoIls
from kioskd.cli.demo_script import BEFORE, Step
from kioskd.cli.demo_stage import PATIENCE_SECONDS, Stage, Unexpected
from kioskd.clock.system import SystemClock
from kioskd.config.model import SipAccess
from kioskd.domain.card import masked
from kioskd.domain.ils import Hold, Lent, Refusal, Standing
from kioskd.errors import RegisterError
from sync.demo_ils.catalogue import KALEVALA, OTHER, RESERVED, TRAVELS, WITH_FEE
from sync.demo_ils.people import BLOCKED, CARD_LOST, NOBODY, PIN, USER, WELL, WITH_LOANS
from sync.sip2.circulate import SipCirculation, SipPatronDesk
from sync.sip2.client import SipClient
from sync.sip2.dialects import settings_of
from sync.sip2.verify import SipVerifier

WRONG_PIN: Final = "0000"
LOANS: Final = ("Fänrik Ståls sägner", "Rautatie", "Seitsemän veljestä")


class Asked:
    """The ports over one connection; `by` is the deadline of what is asked next."""

    def __init__(self, ils: DemoIls) -> None:
        self._clock = SystemClock()
        access = SipAccess(
            ils.host, "koha", port=ils.port, tls=False, user=USER, institution=BRANCH
        )
        settings = settings_of(
            access, password=ils.password, terminal_password="", branch=BRANCH, timezone=TIMEZONE
        )
        self.client = SipClient(settings, clock=self._clock)
        self.cards = SipVerifier(self.client, settings, self._clock)
        self.items = SipCirculation(self.client, settings, self._clock)
        self.patrons = SipPatronDesk(self.client, settings, self._clock)

    @property
    def by(self) -> float:
        """In a while, on the monotonic clock."""
        return self._clock.monotonic() + PATIENCE_SECONDS


def asks_patrons(stage: Stage) -> None:
    """Cards and PINs, and what one of them has on loan."""
    _ask(stage, "SIP2: 93 99 63 17", _patrons)


def lends(stage: Stage) -> None:
    """One item is lent, one is another's, one costs something."""
    _ask(stage, "SIP2: 11, and 17 to see why not", _loans)


def renews_and_takes_back(stage: Stage) -> None:
    """All loans of a patron, then an item that belongs elsewhere."""
    _ask(stage, "SIP2: 65, 09", _renewals_and_returns)


def _ask(stage: Stage, done: str, what: Callable[[Asked], Awaitable[str]]) -> None:
    stage.mark(done)
    if stage.ils is None:
        stage.say(MISSING)
        return
    if not stage.ils.port:
        raise Unexpected("the library system did not begin to listen")
    try:
        stage.say(asyncio.run(_connected(stage.ils, what)))
    except RegisterError as error:
        raise Unexpected(f"the library system: {error}") from None


async def _connected(ils: DemoIls, what: Callable[[Asked], Awaitable[str]]) -> str:
    asked = Asked(ils)
    running = asyncio.create_task(asked.client.run(), name="sip2")
    await asyncio.sleep(0)  # it runs
    try:
        return await what(asked)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def _patrons(asked: Asked) -> str:
    for card, pin, meant in (
        (WITH_LOANS, PIN, Standing.OK),
        (WITH_LOANS, WRONG_PIN, Standing.WRONG),
        (NOBODY, PIN, Standing.UNKNOWN),
        (CARD_LOST, PIN, Standing.DENIED),
        (BLOCKED, PIN, Standing.OK),  # no loans, which closes no door
    ):
        said = await asked.cards.verify(card, pin, asked.by)
        _expect(masked(card), said.standing, meant)
    summary = await asked.patrons.summary(WITH_LOANS, PIN, asked.by)
    _expect("loans", tuple(sorted(loan.title for loan in summary.loans)), LOANS)
    return f"right, wrong, unknown, denied; {len(LOANS)} loans: {', '.join(LOANS)}"


async def _loans(asked: Asked) -> str:
    lent = await asked.items.checkout(WELL, KALEVALA, asked.by)
    _lent(lent, None)
    other = await asked.items.checkout(WELL, RESERVED, asked.by)
    _lent(other, Refusal.RESERVED)
    costs = await asked.items.checkout(WELL, WITH_FEE, asked.by)
    _lent(costs, Refusal.FEE_UNCONFIRMED)
    _lent(await asked.items.checkout(WELL, WITH_FEE, asked.by, fee_accepted=True), None)
    fee = f"{costs.fee.amount} {costs.fee.currency}" if costs.fee else "nothing"
    until = f"{lent.due:%d.%m.}" if lent.due else lent.due_text
    return f"{lent.title} until {until}; {other.title} is reserved; {costs.title} costs {fee}"


async def _renewals_and_returns(asked: Asked) -> str:
    all_of = await asked.items.renew_all(WITH_LOANS, asked.by)
    _expect("renewals", (len(all_of.renewed), len(all_of.unrenewed)), (2, 1))
    back = await asked.items.checkin(TRAVELS, asked.by)
    _expect("return", (back.refused, back.hold, back.destination), (None, Hold.TRANSFER, OTHER))
    return f"2 renewed, 1 not; {back.title} travels to {back.destination}"


def _lent(lent: Lent, meant: Refusal | None) -> None:
    _expect(lent.title or lent.item, lent.refused, meant)


def _expect(what: str, said: object, meant: object) -> None:
    if said != meant:
        raise Unexpected(f"the library system: {what}: expected {meant!r}, got {said!r}")


ASKS_ILS: Final = Step("the library system answers", (asks_patrons,), BEFORE)
ILS: Final = (
    ASKS_ILS,
    Step("it lends, and says why not", (lends,), BEFORE),
    Step("it renews and takes back", (renews_and_takes_back,), BEFORE),
)

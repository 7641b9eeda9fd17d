"""What a granted entry owes the register: one activity a day per patron, tied to no entry."""

import asyncio
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from drivers.fakes import FakeClock
from kioskd.access.facts import DoorPolicy, PinOutcome
from kioskd.access.lockout import LockoutPolicy
from kioskd.access.schedule import Schedule, Span
from kioskd.domain.credential import Credential, Restriction, RestrictionKind
from kioskd.domain.decision import Reason
from kioskd.domain.record import Owed
from kioskd.entry.dossier import Dossier
from kioskd.entry.fakes import (
    FakeCardIndex,
    FakeClockTrust,
    FakeCredentials,
    FakeJournal,
    FakePinVerifier,
    FakeStateFile,
    fake_verifier,
)
from kioskd.entry.lockouts import Lockouts
from kioskd.entry.verdict import Judge, PinStep
from kioskd.ports import CardActivity, pass_by

CARD = "167A006007"
ZONE = ZoneInfo("Europe/Helsinki")
RIGHT = PinStep(PinOutcome.RIGHT)


class Book:
    """A CardActivity that hides nothing."""

    def owed(self, ref: str, day: date) -> Owed:
        return Owed(f"{ref} {day}".encode(), ref.encode(), day.isoformat())


class Entrance:
    """A door's judge with everything behind it played by fakes."""

    def __init__(self, book: CardActivity | None, credential: Credential) -> None:
        self.clock, index = FakeClock(), FakeCardIndex()
        self.credentials = FakeCredentials(index, synced=self.clock.moment())
        self.credentials.put(CARD, credential)
        self.state, self.journal, self.trust = FakeStateFile(index), FakeJournal(), FakeClockTrust()
        lockouts = Lockouts(LockoutPolicy())
        dossier = Dossier(
            self.clock,
            ZONE,
            self.schedule,
            index,
            self.credentials,
            self.state,
            self.journal,
            lockouts,
            self.trust,
        )
        self.judge = Judge(
            "front",
            DoorPolicy("ESI", allow_when_clock_untrusted=True),
            lambda hours: True,
            dossier,
            lockouts,
            FakePinVerifier(self.clock),
            self.journal,
            self.clock,
            pass_by,
            book,
        )

    def schedule(self) -> Schedule:
        row = [Span.parse("00:00-24:00 self-service")]
        return Schedule([row] * 7, {}, [], lambda day: False, ZONE)

    async def enter(self, step: PinStep = RIGHT) -> Reason:
        return (await self.judge.judge(CARD, step, lambda entry, why: None)).decision.reason


def patron(*kinds: RestrictionKind, ref: str | None = "r1") -> Credential:
    restrictions = tuple(Restriction(kind) for kind in kinds)
    return Credential(fake_verifier("2580"), restrictions, ref=ref)


async def test_a_granted_entry_owes_the_days_activity_with_its_row() -> None:
    entrance = Entrance(Book(), patron())
    assert await entrance.enter() is Reason.OK
    (row,) = entrance.journal.rows
    day = entrance.clock.moment().wall.astimezone(ZONE).date()
    assert row.activity == Book().owed("r1", day)
    assert "r1" not in repr(row)


@pytest.mark.parametrize(
    ("credential", "step"),
    [
        (patron(ref=None), RIGHT),
        (patron(RestrictionKind.USE_BAN), RIGHT),
        (patron(), PinStep(PinOutcome.WRONG)),
    ],
)
async def test_who_is_unknown_to_the_register_or_not_let_in_is_owed_nothing(
    credential: Credential, step: PinStep
) -> None:
    entrance = Entrance(Book(), credential)
    await entrance.enter(step)
    assert [row.activity for row in entrance.journal.rows] == [None]


async def test_a_day_that_no_clock_vouches_for_is_told_to_nobody() -> None:
    entrance = Entrance(Book(), patron())
    entrance.trust.trusted = False
    assert await entrance.enter() is Reason.OK
    assert entrance.journal.rows[0].activity is None


async def test_without_a_hub_nothing_is_owed() -> None:
    entrance = Entrance(None, patron())
    assert await entrance.enter() is Reason.OK
    assert entrance.journal.rows[0].activity is None


async def test_the_row_is_one_and_the_same_append() -> None:
    """A medium that takes no row takes no activity either: the two are one call."""
    entrance = Entrance(Book(), patron())
    entrance.journal.broken = True
    assert await entrance.enter() is Reason.STORE_FAILED
    await asyncio.sleep(0)
    assert entrance.journal.rows == []

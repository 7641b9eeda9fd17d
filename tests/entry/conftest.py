"""A door with everything behind it played by fakes, and what people do at it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import pytest

from drivers.fakes import FakeClock, FakeKeypad, FakePanel, FakeReader, FakeStrike, settle
from kioskd.access.facts import DoorPolicy
from kioskd.access.lockout import LockoutPolicy
from kioskd.access.schedule import Schedule, Span
from kioskd.config.model import Door, StrikeConfig
from kioskd.domain.card import CodePatterns
from kioskd.domain.credential import Credential
from kioskd.domain.decision import Reason
from kioskd.domain.notice import Notice, Shown
from kioskd.domain.record import Kind, Record
from kioskd.entry.access_point import AccessPoint, Timing
from kioskd.entry.doorway import Doorway
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
from kioskd.entry.notebook import Notebook
from kioskd.entry.verdict import Judge
from kioskd.ports import Clock, PinVerifier

CARD, PIN = "167A006007", "2580"
OTHER_CARD = "167A000002"
UNKNOWN = "167A999999"
DOOR = Door("front", "reader", StrikeConfig("relay"), keypad="keypad")
PATTERNS = CodePatterns(
    patron=(re.compile(r"\d{3}[A-Z]\d{6}"), re.compile(r"26\d{8}")),
    item=(re.compile(r"\d{3}N\d{8}"), re.compile(r"2600\d{6}")),
)


class World:
    """One door from its reader to its strike. `earlier` is the same device before it died.

    real: a clock that runs by itself, for the few tests that measure.
    """

    card, pin, other_card, unknown, door = CARD, PIN, OTHER_CARD, UNKNOWN, DOOR

    def __init__(
        self,
        *,
        hours: str = "00:00-24:00 self-service",
        door: Door = DOOR,
        policy: DoorPolicy | None = None,
        lockout: LockoutPolicy | None = None,
        timing: Timing | None = None,
        panel: FakePanel | None = None,
        verifier: PinVerifier | None = None,
        earlier: "World | None" = None,
        real: Clock | None = None,
    ) -> None:
        self.clock: FakeClock = earlier.clock if earlier else FakeClock()
        self.time = real or self.clock
        self.hours = hours
        self.reader = FakeReader("reader", self.time)
        self.keypad = FakeKeypad("keypad", self.time)
        self.strike = FakeStrike(self.time)
        self.panel = panel or FakePanel(self.time)
        self.index = FakeCardIndex()
        self.credentials = FakeCredentials(self.index, synced=self.time.moment())
        self.state = FakeStateFile(self.index)
        self.journal = FakeJournal()
        self.journal.attempts = dict(earlier.journal.attempts) if earlier else {}
        self.trust = FakeClockTrust()
        self.pins = FakePinVerifier(self.time)
        self.lockouts = Lockouts(lockout or LockoutPolicy(), self.journal.attempts)
        self.notebook = Notebook(self.journal, self.time, self.trust)
        self.doorway = Doorway(door.name, self.strike, self.time, self.notebook, has_contact=False)
        self.passed: list[str] = []
        self.at_point: dict[str, Callable[[], None]] = {}
        judge = Judge(
            door.name,
            policy or DoorPolicy("ESI"),
            door.pin_required,
            self._dossier(),
            self.lockouts,
            verifier or self.pins,
            self.journal,
            self.time,
            self._pass,
        )
        self.point = AccessPoint(
            door,
            timing or Timing(),
            PATTERNS,
            self.schedule,
            self.reader,
            self.keypad,
            self.panel,
            judge,
            self.doorway,
            self.notebook,
            self.time,
            self._pass,
        )
        self.credentials.put(CARD, Credential(fake_verifier(PIN)))
        self.credentials.put(OTHER_CARD, Credential(fake_verifier("1111")))

    def _pass(self, name: str) -> None:
        self.passed.append(name)
        self.at_point.get(name, _do_nothing)()

    def _dossier(self) -> Dossier:
        return Dossier(
            self.time,
            ZoneInfo("Europe/Helsinki"),
            self.schedule,
            self.index,
            self.credentials,
            self.state,
            self.journal,
            self.lockouts,
            self.trust,
        )

    def schedule(self) -> Schedule:
        row = [Span.parse(self.hours)] if self.hours else []
        return Schedule([row] * 7, {}, [], _no_holiday, ZoneInfo("Europe/Helsinki"))

    async def __aenter__(self) -> Self:
        self.serving = asyncio.create_task(self.point.serve())
        self.watching = asyncio.create_task(self.doorway.keeper.watch())
        self.rest = [
            asyncio.create_task(work)
            for work in (self.reader.run(), self.keypad.run(), self.notebook.run())
        ]
        await self.settled()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """As the daemon stops: doors, strikes, what is still to be written, devices."""
        self.serving.cancel()
        await asyncio.wait([self.serving])
        self.watching.cancel()
        await asyncio.wait([self.watching])
        await self.notebook.flush()
        for task in self.rest:
            task.cancel()
        await asyncio.gather(*self.rest, return_exceptions=True)

    async def settled(self) -> None:
        for _ in range(3):
            await settle()

    async def wait(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.settled()

    async def scan(self, code: str) -> Shown:
        self.reader.scan(code)
        await self.settled()
        return self.shown

    async def press(self, keys: str) -> Shown:
        self.keypad.press(keys)
        await self.settled()
        return self.shown

    async def come(self, card: str = CARD, pin: str = PIN) -> Notice:
        """Somebody scans a card and types a PIN; two seconds later this is what they see."""
        await self.scan(card)
        await self.press(pin + "#")
        await self.wait(2)
        return self.shown.notice

    @property
    def shown(self) -> Shown:
        return self.panel.shown[-1]

    def notice(self) -> Notice:
        return self.shown.notice

    @property
    def notices(self) -> list[Notice]:
        return [shown.notice for shown in self.panel.shown]

    @property
    def decisions(self) -> list[Record]:
        return self.journal.of(Kind.ENTRY_DECIDED)

    @property
    def reasons(self) -> list[Reason]:
        return [row.decision.reason for row in self.decisions if row.decision]

    def restrict(self, number: str, credential: Credential) -> None:
        """A card with this against it, and the usual PIN."""
        self.credentials.put(number, replace(credential, verifier=fake_verifier(PIN)))


def _do_nothing() -> None:
    """What happens at most points."""


def _no_holiday(day: date) -> bool:
    return False


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A door in self-service hours, with two patrons in its cache."""
    async with World() as world:
        yield world


@pytest.fixture
def new_world() -> type[World]:
    """To be entered by the test itself, when the door is not an ordinary one."""
    return World

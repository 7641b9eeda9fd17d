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

from drivers.fakes import (
    FakeClock,
    FakeInputs,
    FakeKeypad,
    FakePanel,
    FakeReader,
    FakeStrike,
    FakeWatch,
    settle,
)
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
from kioskd.entry.attendant import Attendant
from kioskd.entry.doorway import DoorTimes, Doorway
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
from kioskd.entry.first_person import FirstPerson
from kioskd.entry.inputs import Lines
from kioskd.entry.lockouts import Lockouts
from kioskd.entry.losses import Losses
from kioskd.entry.notebook import Notebook
from kioskd.entry.staff_door import StaffDoor
from kioskd.entry.standing import Standing
from kioskd.entry.unlock import ScheduledUnlock
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
        contact: bool = False,
        open_at_first: bool = False,
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
        self.watch = FakeWatch()
        self.losses = Losses(self.watch)
        self.warned: list[str] = []
        self.doorway = Doorway(
            door.name,
            self.strike,
            self.time,
            self.notebook,
            has_contact=contact,
            times=DoorTimes.of(door),
            strike_there=self.strike_there,
            warned=self.warned.append,
        )
        dossier = self._dossier()
        door_policy = policy or DoorPolicy("ESI")
        self.standing = Standing(
            lambda: dossier.place(door_policy),
            self.schedule,
            self.strike_there,
            self.keypad_there,
            door.pin_required,
        )
        self.first = FirstPerson()
        self.unlock = ScheduledUnlock(
            self.doorway,
            lambda: dossier.place(door_policy),
            self.schedule,
            self.first,
            self.journal,
            self.time,
        )
        self.inputs = FakeInputs("inputs", self.time, self.losses)
        self.inputs.set(1, high=open_at_first)
        self.ticks: dict[str, list[float]] = {"point": [], "attendant": [], "strike": []}
        self.attendant = Attendant(
            self.doorway,
            self.time,
            lines=Lines(
                self.inputs.line(1, "low") if contact else None,
                self.inputs.line(2, "low"),
                self.inputs.line(3, "low"),
            ),
            unlock=self.unlock if door.staffed == "unlocked" else None,
            tick=self.ticker("attendant"),
        )
        self.losses.on_loss("inputs", door.name, self.doorway.contact_lost)
        self.losses.on_loss("relay", door.name, self.doorway.strike_lost)
        self.staff = StaffDoor(
            self.doorway,
            self.unlock if door.staffed == "unlocked" else None,
            self.standing.fault,
            self.attendant.task,
            self.time,
        )
        self.passed: list[str] = []
        self.tried_out: list[str] = []
        self.at_point: dict[str, Callable[[], None]] = {}
        judge = Judge(
            door.name,
            door_policy,
            door.pin_required,
            dossier,
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
            self.tried_out.append,
            self.time,
            self._pass,
            tick=self.ticker("point"),
            standing=self.standing.shown,
            keypad_there=self.keypad_there,
            first=self.first,
        )
        self.credentials.put(CARD, Credential(fake_verifier(PIN)))
        self.credentials.put(OTHER_CARD, Credential(fake_verifier("1111")))

    def _pass(self, name: str) -> None:
        self.passed.append(name)
        self.at_point.get(name, _do_nothing)()

    def strike_there(self) -> bool:
        return not self.strike.absent

    def keypad_there(self) -> bool:
        return self.keypad.present

    def ticker(self, task: str) -> Callable[[], None]:
        return lambda: self.ticks[task].append(self.time.monotonic())

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
        devices = (self.reader, self.keypad, self.inputs)
        self.rest = [asyncio.create_task(device.run()) for device in devices]
        self.rest.append(asyncio.create_task(self.notebook.run()))
        await settle()
        watch = self.doorway.keeper.watch(self.ticker("strike"))
        self.watching = asyncio.create_task(watch)
        self.attending = asyncio.create_task(self.attendant.serve())
        self.serving = asyncio.create_task(self.point.serve())
        await self.settled()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        # A keeper that cannot secure waits for time that does not pass any more.
        self.strike.absent = self.strike.failing = False
        await self.stop()

    async def stop(self) -> None:
        """As the daemon stops: doors, strikes, what is still to be written, devices."""
        self.serving.cancel()
        self.attending.cancel()
        await asyncio.wait([self.serving, self.attending])
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

    async def jump(self, seconds: float) -> None:
        """Hours and days, without each half second of them."""
        await self.clock.jump(seconds)
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

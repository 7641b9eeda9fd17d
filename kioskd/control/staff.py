"""All verbs of staff over one site, for a daemon and for a command without one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from kioskd.control.acts import Acts
from kioskd.control.cards import PAGE_BYTES, SiteCards
from kioskd.control.clock_verbs import Accepting
from kioskd.control.enrolment import Enrolling, PinLength
from kioskd.control.free_texts import without_cards
from kioskd.control.lists import Lists
from kioskd.control.lockdown import LockingDown
from kioskd.control.lockout_verbs import LockoutVerbs
from kioskd.control.people import Person
from kioskd.control.staff_hours import Changed, Excepting
from kioskd.control.verbs import Answer, Arguments, Run
from kioskd.domain.card import CodePatterns
from kioskd.ports import (
    AcceptableClock,
    CardIndex,
    Clock,
    ClockMark,
    Credentials,
    Enrolments,
    LockdownSwitch,
    LockoutBook,
    PinSealer,
    StaffHours,
    StaffLists,
    StateFile,
)


class StaffFile(StaffLists, Enrolments, LockdownSwitch, StaffHours, ClockMark, Protocol):
    """Everything that staff keep in one file."""


@dataclass(frozen=True, slots=True)
class StaffPorts:
    """What the verbs work on. room: bytes of a page of entries."""

    acts: Acts
    clock: Clock
    zone: ZoneInfo
    index: CardIndex
    patterns: CodePatterns
    file: StaffFile
    state: StateFile
    credentials: Credentials
    sealer: PinSealer
    pin_length: PinLength
    lockouts: LockoutBook
    trust: AcceptableClock
    schedule_changed: Changed
    room: int = PAGE_BYTES


def staff_verbs(ports: StaffPorts) -> Mapping[str, Run]:
    """By name. A verb that was begun is ended, whatever becomes of who asked for it."""
    acts, clock, zone, file = ports.acts, ports.clock, ports.zone, ports.file
    cards, room = SiteCards(ports.index, ports.patterns), ports.room
    lists = Lists(acts, clock, zone, cards, file, ports.state, ports.credentials, room)
    enrolling = Enrolling(
        acts,
        clock,
        zone,
        cards,
        file,
        ports.sealer,
        ports.pin_length,
        ports.state,
        ports.credentials,
        room,
    )
    rooms = (
        lists.verbs(),
        enrolling.verbs(),
        LockingDown(acts, clock, zone, file, ports.state).verbs(),
        LockoutVerbs(acts, clock, cards, ports.lockouts, room).verbs(),
        Accepting(acts, clock, zone, ports.trust, file).verbs(),
        Excepting(acts, clock, zone, file, ports.schedule_changed).verbs(),
    )
    runs = {name: _whole(run) for verbs in rooms for name, run in verbs.items()}
    return without_cards(runs, ports.patterns)


def _whole(run: Run) -> Run:
    # A client that hangs up leaves no row without its act.
    async def ended(person: Person, args: Arguments) -> Answer:
        return await asyncio.shield(run(person, args))

    return ended

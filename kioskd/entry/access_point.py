"""One access point, one task: scans and keys in; a decision, a notice and perhaps a pulse out.

The task feeds the session machine and runs its commands. A decision is made in a task beside
it, so that a second card is answered while the first is being decided.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from kioskd.access.facts import PinOutcome
from kioskd.access.pace import Pace, PaceLimits
from kioskd.access.policy import refused_at_scan
from kioskd.access.schedule import Schedule
from kioskd.access.session import Session
from kioskd.access.session_table import SessionCommand, SessionSignal, SessionState
from kioskd.config.model import Door
from kioskd.domain.card import CodeKind, CodePatterns, canonical
from kioskd.domain.notice import Notice, Shown
from kioskd.domain.reading import KeyPress, Scan
from kioskd.entry.answer import Answers, Asked, asked
from kioskd.entry.doorway import Doorway
from kioskd.entry.first_person import FirstPerson
from kioskd.entry.front import Front, open_to_cards
from kioskd.entry.standing import KEYPAD_FAULT_CODE
from kioskd.entry.strike_keeper import BEAT_SECONDS, Owner, no_tick
from kioskd.entry.verdict import Judge, PinStep
from kioskd.ports import CardReader, Checkpoint, Clock, Keypad, Panel, Tick

log = logging.getLogger("kioskd.entry")
HUNG_SECONDS = 10.0  # a decision that takes longer hangs; a hash and a commit take 2.5 s at most
_CARDS = frozenset({CodeKind.PATRON, CodeKind.PATRON_OR_ITEM})


@dataclass(frozen=True, slots=True)
class Timing:
    """Site-wide times of an access point, in seconds."""

    deny_after: float = 0.5
    double_read: float = 1.0
    pace: PaceLimits = field(default_factory=PaceLimits)


@dataclass(frozen=True, slots=True)
class _Timer:
    number: int


@dataclass(frozen=True, slots=True)
class _Decided:
    number: int


@dataclass(frozen=True, slots=True)
class _Beat:
    """Half a second went by."""


_Item = Scan | KeyPress | _Timer | _Decided | _Beat


def _always() -> bool:
    return True


class AccessPoint:
    """A door's reader, keypad, panel and strike, served until cancelled.

    tick: told twice a second by the loop that serves, unless a decision hangs. standing: what the
    panel shows while nobody is served. keypad_there: whether a PIN can be typed. first: told when
    staff come in.
    """

    def __init__(
        self,
        door: Door,
        timing: Timing,
        patterns: CodePatterns,
        schedule: Callable[[], Schedule],
        reader: CardReader,
        keypad: Keypad | None,
        panel: Panel,
        judge: Judge,
        doorway: Doorway,
        many_unknown: Callable[[str], None],
        clock: Clock,
        checkpoint: Checkpoint,
        *,
        tick: Tick = no_tick,
        standing: Callable[[], Shown] = open_to_cards,
        keypad_there: Callable[[], bool] = _always,
        first: FirstPerson | None = None,
    ) -> None:
        self._door = door
        self._timing = timing
        self._patterns = patterns
        self._reader = reader
        self._keypad = keypad
        self._front = Front(door.name, panel, standing, clock)
        self._judge = judge
        self._doorway = doorway
        self._clock = clock
        self._tick = tick
        self._keypad_there = keypad_there
        self._pace = Pace(timing.pace)
        self._answers = Answers(
            judge,
            doorway,
            self._pace,
            timing.deny_after,
            schedule,
            many_unknown,
            clock,
            checkpoint,
            first or FirstPerson(),
        )
        self._session = Session(door.pin_max)
        self._inbox: asyncio.Queue[_Item] = asyncio.Queue(256)
        self._last_scan = ("", float("-inf"))
        self._owner: Owner | None = None
        self._group = asyncio.TaskGroup()
        self._timer: asyncio.Task[None] | None = None
        self._timers = 0
        self._decisions = 0
        self._deciding: dict[int, float] = {}  # since when
        self._step = PinStep(PinOutcome.NOT_ASKED)

    async def serve(self) -> None:
        """Serve people until cancelled; ends with an exception only on a fault of our own."""
        self._owner = asyncio.current_task()
        self._front.stand()
        async with self._group as group:
            group.create_task(self._beat(), name=f"beat {self._door.name}")
            group.create_task(self._pump(self._reader.scans()), name=f"scans {self._door.name}")
            if self._keypad is not None:
                group.create_task(self._pump(self._keypad.keys()), name=f"keys {self._door.name}")
            while True:
                self._serve_one(await self._inbox.get())

    async def _pump(self, source: "AsyncIterator[Scan] | AsyncIterator[KeyPress]") -> None:
        async for item in source:
            await self._inbox.put(item)

    async def _beat(self) -> None:
        while True:
            await self._inbox.put(_Beat())
            await self._clock.sleep_until(self._clock.monotonic() + BEAT_SECONDS)

    def _serve_one(self, item: _Item) -> None:
        try:
            self._take(item)
        except Exception:
            self._failed()
            self._begin_anew()

    def _take(self, item: _Item) -> None:
        match item:
            case Scan():
                self._on_scan(item)
            case KeyPress():
                self._run(self._session.pressed(item.key, item.pressed_at))
            case _Timer(number) if number == self._timers:
                self._run(self._session.feed(SessionSignal.TIMER))
            case _Decided(number) if number == self._decisions:
                self._run(self._session.feed(SessionSignal.DECIDED))
            case _Beat():
                self._on_beat()

    def _on_beat(self) -> None:
        now = self._clock.monotonic()
        if all(now - since <= HUNG_SECONDS for since in self._deciding.values()):
            self._tick()
        match self._session.state:
            case SessionState.IDLE:
                self._front.beat(None)
            case SessionState.PIN:
                self._front.beat(self._prompt())

    def _on_scan(self, scan: Scan) -> None:
        number = canonical(scan.text)
        if self._patterns.classify(number) not in _CARDS:
            if self._session.state is SessionState.IDLE:
                self._front.show(Shown(Notice.NOT_A_LIBRARY_CODE))
            return
        if self._is_double(number, scan.read_at):
            return
        if self._session.state is not SessionState.IDLE:
            self._run(self._session.scanned(number, scan.read_at, asks_pin=True))
        elif self._pace.admits(scan.read_at):
            self._begin(number, scan.read_at)
        else:
            self._front.show(Shown(Notice.WAIT))

    def _is_double(self, number: str, at: float) -> bool:
        last, before = self._last_scan
        self._last_scan = (number, at)
        return number == last and at - before < self._timing.double_read

    def _begin(self, number: str, at: float) -> None:
        facts = self._judge.look_up(number).facts
        refused = refused_at_scan(facts) is not None
        asks_pin = not refused and self._door.pin_required(facts.hours)
        if asks_pin and not self._keypad_there():
            # Nobody was decided on, so there is no row; device.lost tells why nobody could be.
            self._front.show(Shown(Notice.FAULT, code=KEYPAD_FAULT_CODE))
            return
        self._step = PinStep(PinOutcome.NOT_ASKED if refused else PinOutcome.NOT_REQUIRED)
        self._run(self._session.scanned(number, at, asks_pin=asks_pin))
        for key, pressed_at in self._session.take_early_keys(at):
            self._run(self._session.pressed(key, pressed_at))

    def _run(self, commands: tuple[SessionCommand, ...]) -> None:
        for command in commands:
            match command:
                case SessionCommand.ASK_PIN | SessionCommand.KEEP_DIGIT:
                    self._show_digits()
                case SessionCommand.DROP_DIGITS:
                    self._show_digits()
                case SessionCommand.SHOW_WAIT:
                    self._front.show(Shown(Notice.WAIT))
                case SessionCommand.START_TIMER:
                    self._start_timer()
                case SessionCommand.STOP_TIMER:
                    self._stop_timer()
                case SessionCommand.DECIDE:
                    self._start_deciding()
                case SessionCommand.FORGET:
                    self._step = PinStep(PinOutcome.NOT_ASKED)

    def _failed(self) -> None:
        # A fault of ours ends this entry, not the door.
        log.exception("entry.failed", extra={"door": self._door.name})
        self._doorway.keeper.end_now("fault")
        self._front.fault()

    def _begin_anew(self) -> None:
        self._stop_timer()
        self._decisions += 1
        self._session = Session(self._door.pin_max)
        self._step = PinStep(PinOutcome.NOT_ASKED)

    def _show_digits(self) -> None:
        self._front.show(self._prompt())

    def _prompt(self) -> Shown:
        return Shown(Notice.ENTER_PIN, digits=self._session.typed)

    def _start_timer(self) -> None:
        self._stop_timer()
        until = self._session.last_key_at + self._door.pin_timeout_seconds
        self._timer = self._group.create_task(self._fire(until, self._timers))

    def _stop_timer(self) -> None:
        self._timers += 1
        if self._timer is not None:
            self._timer.cancel()

    async def _fire(self, until: float, number: int) -> None:
        await self._clock.sleep_until(until)
        await self._inbox.put(_Timer(number))

    def _start_deciding(self) -> None:
        self._decisions += 1
        self._deciding[self._decisions] = self._clock.monotonic()
        decision = self._decide(asked(self._session, self._step, self._door), self._decisions)
        self._group.create_task(decision, name=f"decision {self._door.name}")

    async def _decide(self, entry: Asked, decision: int) -> None:
        assert self._owner is not None  # noqa: S101 - serve() runs
        try:
            shown = await self._answers.answer(entry, self._owner)
            granted = shown.notice is Notice.GRANTED
            self._front.show(shown, entry.seconds if granted else 0.0)
        except Exception:
            self._failed()
        finally:
            self._deciding.pop(decision, None)
        await self._inbox.put(_Decided(decision))

"""What the core needs from outside, as small Protocols. Adapters and fakes implement them.

None of these raises anything but a KioskError. Times named `monotonic` are seconds of the
clock that time-outs and pulses run on; they never jump.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from kioskd.access.lockout import Lockout
from kioskd.access.schedule import StaffException
from kioskd.domain.credential import Credential
from kioskd.domain.face import Light, Tone
from kioskd.domain.moment import Moment
from kioskd.domain.notice import Shown
from kioskd.domain.reading import InputChange, KeyPress, Scan
from kioskd.domain.record import Owed, Record
from kioskd.domain.staff import Enrolment, ListEntry, Lockdown, Which


class Clock(Protocol):
    """All time, so that no test sleeps."""

    def moment(self) -> Moment: ...
    def monotonic(self) -> float: ...
    async def sleep_until(self, monotonic: float) -> None: ...
    def new_id(self) -> str:
        """A UUIDv7 of now."""
        ...


class CardReader(Protocol):
    """Whole frames, cleaned and bounded; runs until cancelled and survives unplugging."""

    def scans(self) -> AsyncIterator[Scan]: ...


class Keypad(Protocol):
    """One key at a time; runs until cancelled and survives unplugging."""

    def keys(self) -> AsyncIterator[KeyPress]: ...


class Strike(Protocol):
    """One lock. Both calls end within 200 ms; DeviceError when the frame did not get out.

    A strike that was lost and comes back is secured by its driver before anything else.
    """

    async def release(self) -> None: ...
    async def secure(self) -> None: ...


class Switch(Protocol):
    """One relay channel that is no lock: a lamp, a buzzer. DeviceError as of Strike."""

    async def turn(self, *, on: bool) -> None: ...


class Indicator(Protocol):
    """Lamps and a tone at the door. DeviceError when it did not take it."""

    async def indicate(self, light: Light, tone: Tone) -> None: ...


class Display(Protocol):
    """Lines of text at the door. DeviceError when it did not take them."""

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        ...

    async def write(self, lines: Sequence[str]) -> None: ...


class InputLine(Protocol):
    """One input: a door contact, REX, a staff button. Debounced by its driver.

    The first change yielded is the line's state when it could first be read, and again after the
    device was lost and came back.
    """

    def changes(self) -> AsyncIterator[InputChange]: ...


class Tick(Protocol):
    """Told by a task, at least once a second, that it goes on. Never raises."""

    def __call__(self) -> None: ...


class Device(Protocol):
    """What is supervised about any device."""

    @property
    def name(self) -> str: ...
    @property
    def present(self) -> bool: ...
    async def tried(self) -> bool:
        """Wait until the device was tried once; whether it was there."""
        ...

    async def run(self) -> None:
        """Own the link until cancelled: open, reopen with capped back-off, close."""
        ...


@dataclass(frozen=True, slots=True)
class DoorView:
    """A door as it stands now. Nothing in it tells of a person, `last_reason` excepted.

    state: secured, released, unlocked, open, held, forced or unknown; since: of that state.
    contact: open, closed, unknown (its device is away) or none. fault: a code, empty without one.
    last_reason: of the last decision; for those who may look at persons' rows.
    """

    name: str
    state: str
    since: datetime
    released: bool
    unlocked: bool
    contact: str
    fault: str = ""
    awaits_first_person: bool = False
    last_at: datetime | None = None
    last_granted: bool | None = None
    last_reason: str = ""


class StaffedDoor(Protocol):
    """A door as staff act on it. StoreError and DeviceError say why something was not done."""

    async def open(self, write: Callable[[], Awaitable[str]]) -> float:
        """Release once: `write` puts the row of this act into the journal and gives its id.

        Returns the seconds of release. A row that took too long to write releases nothing.
        """
        ...

    async def lock(self) -> None:
        """End every release and unlock at once; the next unlock needs a first person anew."""
        ...

    def view(self) -> DoorView: ...


class DeviceWatch(Protocol):
    """Told when a device goes and when it is back.

    lost, back: what is news, in turns; one that comes and goes is news a few times only.
    dropped: its link ended, each time and at once, after `lost` where that is news too.
    """

    def lost(self, device: str, why: str) -> None: ...
    def back(self, device: str) -> None: ...
    def dropped(self, device: str) -> None: ...


class Broadcast(Protocol):
    """Where what happens goes for screens that listen. Never raises, never blocks."""

    def publish(self, topic: str, event: Mapping[str, object]) -> None: ...


class Panel(Protocol):
    """Where notices go. Never raises, never blocks."""

    def show(self, shown: Shown) -> None: ...


@dataclass(frozen=True, slots=True)
class CardKeys:
    """The indices of one card: in the cache, and in state and journal (newest key first)."""

    cache: bytes
    state: tuple[bytes, ...]


class CardIndex(Protocol):
    """Card numbers become indices; VaultError when the keys cannot be had."""

    def keys_of(self, number: str) -> CardKeys: ...


@dataclass(frozen=True, slots=True)
class CacheState:
    """What is known of the cache at this moment. `synced` is None before the first feed."""

    readable: bool
    synced: Moment | None
    generation: str = ""
    credentials: int = 0


class Credentials(Protocol):
    """The exported credentials, one point read each. StoreError or VaultError when unreadable."""

    def find(self, index: bytes) -> Credential | None: ...
    def state(self) -> CacheState: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of the allow-list or the deny-list that is in force."""

    allowed: bool = False
    denied: bool = False


class StateFile(Protocol):
    """Lists, enrolled verifiers and lockdown. StoreError when it cannot be read."""

    def listed(self, indices: tuple[bytes, ...], now: datetime) -> Listed: ...
    def enrolled(self, indices: tuple[bytes, ...]) -> Credential | None: ...
    def lockdown(self) -> bool: ...


class PinVerifier(Protocol):
    """Checks a PIN off the loop. Without a verifier it spends the same time and says False."""

    async def check(self, verifier: bytes | None, pin: str) -> bool: ...


class CardActivity(Protocol):
    """What the register is to be told of a card that was used. None where it wants to know nothing.

    ref: the register's own reference of the patron; day: the site's.
    """

    def owed(self, ref: str, day: date) -> Owed | None: ...


class Journal(Protocol):
    """One durable transaction a call, committed when the call returns. StoreError otherwise."""

    async def charge(self, card: bytes, lockout: Lockout) -> None:
        """Write down a failed attempt before it is known to have failed."""
        ...

    async def append(self, record: Record, cleared: tuple[bytes, ...] = ()) -> None:
        """Append a row and its counts; failures of the indices in `cleared` are forgotten."""
        ...

    def last_grant(self, card: bytes) -> datetime | None:
        """When this card was last let in here, while that is kept."""
        ...


class StaffLists(Protocol):
    """Allow-list and deny-list as staff keep them, off the loop. StoreError.

    older: indices of the same card under older keys; their rows go.
    """

    async def entries(self, which: Which) -> tuple[ListEntry, ...]: ...
    async def put_entry(self, entry: ListEntry, older: tuple[bytes, ...]) -> None: ...
    async def drop_entries(self, cards: tuple[bytes, ...], which: Which) -> int: ...


class Enrolments(Protocol):
    """Cards with a PIN that staff gave them, off the loop. StoreError."""

    async def enrolments(self) -> tuple[Enrolment, ...]: ...
    async def put_enrolment(
        self, enrolment: Enrolment, sealed: bytes, older: tuple[bytes, ...]
    ) -> bool:
        """Keep it; whether the card had one already."""
        ...

    async def drop_enrolments(self, cards: tuple[bytes, ...]) -> int: ...


class PinSealer(Protocol):
    """Makes the sealed verifier of a new PIN, off the loop, at the cost of this site.

    VaultError. The PIN is in nothing that it raises or logs.
    """

    async def seal(self, card: bytes, pin: str) -> bytes: ...


class LockdownSwitch(Protocol):
    """The lockdown as staff turn it; it outlives a restart. StoreError."""

    async def lockdown_now(self) -> Lockdown: ...
    async def put_lockdown(self, to_be: Lockdown) -> None: ...


class StaffHours(Protocol):
    """Hours that staff gave single dates, off the loop. StoreError."""

    async def exceptions(self) -> tuple[StaffException, ...]: ...
    async def put_exception(self, exception: StaffException) -> None: ...
    async def drop_exception(self, day: date) -> bool: ...


class LockoutBook(Protocol):
    """Which cards have failed PINs. In memory: what is cleared is cleared in the journal too."""

    def snapshot(self) -> Mapping[bytes, Lockout]: ...
    def clear(self, indices: tuple[bytes, ...]) -> None: ...
    def clear_all(self) -> None: ...


class ClockMark(Protocol):
    """Where it is kept that an operator vouched for the clock. StoreError."""

    async def put_clock_mark(self, now: Moment) -> None: ...


class Checkpoint(Protocol):
    """Told as an entry passes a named point; tests stop the process there."""

    def __call__(self, name: str) -> None: ...


class Occupancy(Protocol):
    """How many people are inside; None where nothing counts them."""

    def inside(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class ClockJudgement:
    """Whether the wall clock may be believed, and why not."""

    trusted: bool
    why: str = ""


class ClockTrust(Protocol):
    """Judges the wall clock, at most a few times a second."""

    def judge(self, now: Moment) -> ClockJudgement: ...


class AcceptableClock(ClockTrust, Protocol):
    """A wall clock that an operator can vouch for."""

    @property
    def synchronised(self) -> bool:
        """Whether a time server vouched for it when it was judged last."""
        ...

    def accept(self, now: Moment) -> None: ...


def pass_by(name: str) -> None:
    """The checkpoint of production: nothing happens."""

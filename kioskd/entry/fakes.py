"""What stands behind an access point, without a disk, a key or a hash: for tests and demos.

They keep the promises of kioskd.ports and can be told to break. Deliberately not here: readers,
keypads, strikes, panels and clocks (drivers.fakes), and costs that mean anything.
"""

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from kioskd.access.lockout import Lockout
from kioskd.domain.credential import Credential, Source
from kioskd.domain.moment import Moment
from kioskd.domain.record import Kind, Record
from kioskd.errors import StoreError, VaultError
from kioskd.ports import CacheState, CardKeys, Clock, ClockJudgement, Listed


def fake_verifier(pin: str) -> bytes:
    """A verifier that FakePinVerifier understands; it hides nothing."""
    return b"fake:" + pin.encode()


class FakeCardIndex:
    """A CardIndex; `older` is how many earlier state keys are still looked under."""

    def __init__(self, older: int = 0) -> None:
        self.older = older
        self.broken = False

    def keys_of(self, number: str) -> CardKeys:
        """The card's indices, the same in every run."""
        if self.broken:
            raise VaultError("fake index: no keys; set broken to False")
        state = tuple(_index(f"state-{n}", number) for n in range(self.older, -1, -1))
        return CardKeys(_index("cache", number), state)


def _index(key: str, number: str) -> bytes:
    return hashlib.sha256(f"{key} {number}".encode()).digest()[:16]


@dataclass
class FakeCredentials:
    """Credentials in memory. Unreadable: `readable` is False; damaged: each `find` fails."""

    index: FakeCardIndex
    synced: Moment | None = None
    readable: bool = True
    damaged: bool = False
    rows: dict[bytes, Credential] = field(default_factory=dict, repr=False)

    def put(self, number: str, credential: Credential) -> None:
        """As if a feed had brought it."""
        self.rows[self.index.keys_of(number).cache] = credential

    def find(self, index: bytes) -> Credential | None:
        """One point read."""
        if self.damaged:
            raise StoreError("fake credentials: damaged; set damaged to False")
        return self.rows.get(index)

    def state(self) -> CacheState:
        """What is known of the cache now."""
        return CacheState(self.readable, self.synced, "fake", len(self.rows))


@dataclass
class FakeStateFile:
    """Lists, enrolled verifiers and lockdown in memory."""

    index: FakeCardIndex
    locked_down: bool = False
    broken: bool = False
    lists: dict[bytes, Listed] = field(default_factory=dict, repr=False)
    staff: dict[bytes, Credential] = field(default_factory=dict, repr=False)

    def allow(self, number: str) -> None:
        """Put a card on the allow-list."""
        self.lists[self._of(number)] = Listed(allowed=True)

    def deny(self, number: str) -> None:
        """Put a card on the deny-list."""
        self.lists[self._of(number)] = Listed(denied=True)

    def enrol(self, number: str, pin: str) -> None:
        """Give a card a verifier of its own."""
        self.staff[self._of(number)] = Credential(fake_verifier(pin), source=Source.ENROLLED)

    def listed(self, indices: tuple[bytes, ...], now: datetime) -> Listed:
        """What the lists say; fake entries do not run out."""
        self._whole()
        found = [self.lists[i] for i in indices if i in self.lists]
        return Listed(any(f.allowed for f in found), any(f.denied for f in found))

    def enrolled(self, indices: tuple[bytes, ...]) -> Credential | None:
        """The verifier that staff enrolled."""
        self._whole()
        return next((self.staff[i] for i in indices if i in self.staff), None)

    def lockdown(self) -> bool:
        """Whether a lockdown is on."""
        self._whole()
        return self.locked_down

    def _of(self, number: str) -> bytes:
        return self.index.keys_of(number).state[0]

    def _whole(self) -> None:
        if self.broken:
            raise StoreError("fake state: unreadable; set broken to False")


class FakeJournal:
    """A Journal in memory; `attempts` is what another boot would read.

    broken: every write fails. gate: clear it and writes wait until it is set again, in order.
    """

    def __init__(self) -> None:
        self.rows: list[Record] = []
        self.attempts: dict[bytes, Lockout] = {}
        self.grants: dict[bytes, datetime] = {}
        self.broken = False
        self.gate = asyncio.Event()
        self.gate.set()
        self._turn = asyncio.Lock()

    async def charge(self, card: bytes, lockout: Lockout) -> None:
        """Write down a failed attempt."""
        await self._written()
        self.attempts[card] = lockout

    async def append(self, record: Record, cleared: tuple[bytes, ...] = ()) -> None:
        """Append a row; failures of the indices in `cleared` are forgotten."""
        await self._written()
        self.rows.append(record)
        for index in cleared:
            self.attempts.pop(index, None)
        if record.card is not None and record.decision is not None and record.decision.granted:
            self.grants[record.card] = record.at

    def last_grant(self, card: bytes) -> datetime | None:
        """When this card was last let in."""
        if self.broken:
            raise StoreError("fake journal: broken; set broken to False")
        return self.grants.get(card)

    def of(self, kind: Kind) -> list[Record]:
        """The rows of one kind, in order."""
        return [row for row in self.rows if row.kind is kind]

    async def _written(self) -> None:
        async with self._turn:
            await self.gate.wait()
            if self.broken:
                raise StoreError("fake journal: broken; set broken to False")


class FakePinVerifier:
    """A PinVerifier over `fake_verifier`. It counts, and takes `seconds` of its clock.

    failing: as on a device without memory left.
    """

    def __init__(self, clock: Clock, seconds: float = 0.0) -> None:
        self._clock = clock
        self.seconds = seconds
        self.failing = False
        self.calls = 0

    async def check(self, verifier: bytes | None, pin: str) -> bool:
        """Whether the PIN is the verifier's."""
        self.calls += 1
        await self._clock.sleep_until(self._clock.monotonic() + self.seconds)
        if self.failing:
            raise VaultError("a PIN could not be checked: no memory")
        return verifier == fake_verifier(pin)


@dataclass
class FakeClockTrust:
    """A ClockTrust that judges as it is told."""

    trusted: bool = True

    def judge(self, now: Moment) -> ClockJudgement:
        """The verdict of this moment."""
        return ClockJudgement(self.trusted, "" if self.trusted else "told so")

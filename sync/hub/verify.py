"""POST /v1/verify: is this the PIN of this card, and may it come in at this branch?

Each attempt is charged to its card, in a transaction of its own, before anything is looked up; a
right PIN takes the charge back. So the ladder of waits holds over all hubs of a database, however
many ask at once, and stopping a hub in between buys no guess. Unknown cards are charged, locked
and made to cost what known ones cost. A device that has many wrong ones in a short time, of
whatever cards, is slowed as a whole: a stolen token is no way to try one PIN on everybody. It is
charged beforehand like a card, so that asking for many at once buys no more of them.

What time still tells: where a branch has registers with verifiers of different schemes, which
scheme an unknown card costs; and a card whose bcrypt waits to be wrapped is quicker until it is.

Deliberately not here: the ladder itself (slowing), and what a branch may know (rights).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.domain.card import MAX_SCAN, canonical
from kioskd.domain.moment import stamp
from kioskd.errors import InputError, KioskError
from kioskd.vault.kdf import MAX_PIN_BYTES, PinChecker
from kioskd.vault.verifiers import Bcrypt, unpack_verifier
from sync.feed_rows import RowFields
from sync.hub import rights, slowing
from sync.hub.database import Database
from sync.hub.devices import Asker
from sync.hub.inserts import insert_into
from sync.hub.model import Branch, HubConfig, Person
from sync.hub.schema import PATRON, PIN_FAILURE
from sync.hub.sealing import HubKeys
from sync.hub.slowing import GUESSING, Bucket, Failures, TooOften
from sync.hub_wire import Verdict

__all__ = ["TooOften", "Verifying", "forget_failures"]

MOST_WAITING: Final = 64  # PINs in hand; at 35 ms each nobody waits for more than about 2 s
_BUSY_SECONDS: Final = 2.0
_SAMPLE_AGAIN: Final = timedelta(hours=1)
_SAMPLED: Final = 20  # rows looked at for one with a verifier as most have it


@dataclass(frozen=True, slots=True)
class _Found:
    """A patron as this branch has it."""

    person: Person
    ref: str


class Verifying:
    """Checks PINs. One of these a hub; close it with the hub."""

    def __init__(
        self,
        database: Database,
        keys: HubKeys,
        config: HubConfig,
        now: Callable[[], datetime],
        checker: PinChecker | None = None,
    ) -> None:
        self._database = database
        self._keys = keys
        self._zone = ZoneInfo(config.timezone)
        self._near_days = rights.near_days_of(config)
        self._now = now
        self._checker = checker or PinChecker()
        self._paces: dict[str, Bucket] = {}
        self._waiting = 0
        self._sampled: datetime | None = None

    def close(self) -> None:
        """Check no more PINs."""
        self._checker.close()

    async def verify(self, device: Asker, branch: Branch, card: str, pin: str) -> Verdict:
        """Whether it is, and what the branch may know of whose it is.

        TooOften: this card, this device or the hub has too many in hand; nothing was checked.
        InputError: a card or PIN that cannot be one; nothing is charged. VaultError, StoreError.
        """
        number = _number(card)
        _check_pin(pin)
        self._check_pace(device)
        if self._waiting >= MOST_WAITING:
            raise TooOften("verify: too many at once; try again", _BUSY_SECONDS)
        self._waiting += 1
        self._take(device)
        try:
            verdict = await self._verify(branch, number, pin)
        except KioskError:  # nobody was told anything of a PIN
            self._give_back(device)
            raise
        finally:
            self._waiting -= 1
        if verdict.verdict in ("ok", "denied"):
            self._give_back(device)
        return verdict

    async def _verify(self, branch: Branch, number: str, pin: str) -> Verdict:
        index = self._keys.card_index(number)
        await self._charge(index)
        await self._know_costs(branch)
        found = await self._find(branch, index)
        right = await self._checker.check(found.person.verifier if found else None, pin)
        if found is None:
            return Verdict("unknown")
        if not right:
            return Verdict("wrong")
        await self._forgive(index)
        today = self._now().astimezone(self._zone).date()
        row = rights.fields(found.person, found.ref, branch, today, self._near_days)
        return Verdict("denied" if _denies(row, today) else "ok", row)

    async def _charge(self, index: bytes) -> None:
        """One wrong PIN more, until it turns out to be right. TooOften while the card is locked."""
        async with self._database.writing() as connection:
            first = insert_into(self._database, PIN_FAILURE).on_conflict_do_nothing()
            await connection.execute(first, {"card": index, "failures": 0})
            now = self._now()  # after whoever else had this row: never before what it wrote
            failures = await self._failures(connection, index)
            if locked := slowing.locked_for(failures, now):
                raise TooOften("card: too many wrong PINs", locked.total_seconds())
            after = slowing.charged(failures, now)
            forgotten = after.forgotten
            row = {"failures": after.count, "until": forgotten and stamp(forgotten)}
            mine = PIN_FAILURE.c.card == index
            await connection.execute(update(PIN_FAILURE).where(mine).values(**row))

    async def _failures(self, connection: AsyncConnection, index: bytes) -> Failures:
        # FOR UPDATE on PostgreSQL; SQLite has one writer, and this is it.
        asked = select(PIN_FAILURE).where(PIN_FAILURE.c.card == index).with_for_update()
        row = (await connection.execute(asked)).one()
        return Failures(row.failures, datetime.fromisoformat(row.until) if row.until else None)

    async def _forgive(self, index: bytes) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(PIN_FAILURE).where(PIN_FAILURE.c.card == index))

    async def _find(self, branch: Branch, index: bytes) -> _Found | None:
        """The patron, of the first of the branch's feeds that has the card."""
        live = PATRON.c.feed.in_(branch.feeds) & PATRON.c.deleted.is_(False)
        asked = select(PATRON.c.feed, PATRON.c.card, PATRON.c.sealed, PATRON.c.ref)
        async with self._database.reading() as connection:
            rows = (await connection.execute(asked.where(PATRON.c.card == index, live))).all()
        if not rows:
            return None
        row = min(rows, key=lambda row: branch.feeds.index(row.feed))
        return _Found(self._opened(row), row.ref or "")

    async def _know_costs(self, branch: Branch) -> None:
        """Make an unknown card cost what this branch's cards cost."""
        now = self._now()
        if self._sampled is not None and now - self._sampled < _SAMPLE_AGAIN:
            return
        self._sampled = now
        live = PATRON.c.feed.in_(branch.feeds) & PATRON.c.deleted.is_(False)
        asked = select(PATRON.c.feed, PATRON.c.card, PATRON.c.sealed).where(live).limit(_SAMPLED)
        async with self._database.reading() as connection:
            rows = (await connection.execute(asked)).all()
        for row in rows:
            if (verifier := self._opened(row).verifier) and _is_usual(verifier):
                self._checker.site_verifier = verifier
                return

    def _opened(self, row: Any) -> Person:
        return self._keys.open_person(row.feed, row.card, row.sealed)

    def _check_pace(self, device: Asker) -> None:
        if wait := slowing.wait_of(self._bucket_of(device), GUESSING, self._now()):
            raise TooOften("verify: too many wrong PINs from this device", wait.total_seconds())

    def _take(self, device: Asker) -> None:
        self._paces[device.name] = slowing.taken(self._bucket_of(device), GUESSING, self._now())

    def _give_back(self, device: Asker) -> None:
        bucket = self._bucket_of(device)
        self._paces[device.name] = replace(bucket, left=min(bucket.left + 1.0, GUESSING.most))

    def _bucket_of(self, device: Asker) -> Bucket:
        return self._paces.get(device.name) or slowing.full(GUESSING, self._now())


async def forget_failures(database: Database, now: Callable[[], datetime]) -> int:
    """Drop wrong PINs that count no more; of how many cards."""
    over = PIN_FAILURE.c.until.is_(None) | (PIN_FAILURE.c.until <= stamp(now()))
    async with database.writing() as connection:
        return (await connection.execute(delete(PIN_FAILURE).where(over))).rowcount


def _denies(row: RowFields, today: date) -> bool:
    """Whether the right PIN is no right to come in."""
    if any(restriction.kind in rights.DOOR_KINDS for restriction in row.restrictions or ()):
        return True
    too_young = row.eligible_from is not None and today < row.eligible_from
    return too_young or (row.expires is not None and today > row.expires)


def _number(card: str) -> str:
    number = canonical(card)
    if not 0 < len(number) <= MAX_SCAN or not (number.isascii() and number.isprintable()):
        raise InputError(f"card: wanted: 1 to {MAX_SCAN} printable characters")
    return number


def _check_pin(pin: str) -> None:
    # An empty PIN is nobody's, and bcrypt would look at the first 72 bytes of a longer one.
    if not 0 < len(pin.encode("utf-8", "surrogatepass")) <= MAX_PIN_BYTES:
        raise InputError(f"pin: wanted: 1 to {MAX_PIN_BYTES} bytes")


def _is_usual(packed: bytes) -> bool:
    try:
        return not isinstance(unpack_verifier(packed), Bcrypt)
    except ValueError:
        return False

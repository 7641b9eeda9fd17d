"""A hub with patrons, as a test sets it up, and a device's view of its branch."""

import contextlib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.vault.verifiers import pack_verifier
from sync.feed_rows import RowFields
from sync.hub.database import Change, Database
from sync.hub.inserts import insert_into
from sync.hub.model import AgeState, Branch, HubConfig, Person
from sync.hub.pulls import Pulls, Stream, sync_branches
from sync.hub.rights import may_be_restricted, turns
from sync.hub.schema import PATRON
from sync.hub.sealing import HubKeys
from sync.hub_wire import RestrictionLine, Trailer

ESI = Branch("ESI", "esimerkkila", ("esi",), terms_required=False)
TOI = Branch("TOI", "toinen", ("toi",))
BOTH = Branch("BOTH", "toinen", ("toi", "esi"))
KEY = bytes(range(32))
VERIFIER = pack_verifier(
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
    "aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
)
BCRYPT = pack_verifier("$2a$08$abcdefghijklmnopqrstuuKV1Ay5OIWHWMxZ5UdG7fAN2nvGvEuWe")
START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
ADULT: Mapping[int, AgeState | date] = {15: AgeState.REACHED}
BLOCK = Restriction(RestrictionKind.SELF_SERVICE_BLOCK)


def config_of(*branches: Branch) -> HubConfig:
    return HubConfig(Path("hub.toml"), "127.0.0.1:0", "", "", branches=branches)


def person_of(number: int, **columns: Any) -> Person:
    """Somebody of full age without restrictions."""
    return Person(f"167A{number:06}", **{"verifier": VERIFIER, "ages": ADULT, **columns})


@dataclass
class Hub:
    """One hub over a database. `at` is its clock."""

    database: Database
    config: HubConfig = field(default_factory=lambda: config_of(ESI, TOI, BOTH))
    keys: HubKeys = field(default_factory=lambda: HubKeys(KEY))
    at: datetime = START

    async def start(self) -> "Hub":
        await sync_branches(self.database, self.config)
        return self

    def now(self) -> datetime:
        return self.at

    @property
    def today(self) -> date:
        return self.at.date()

    @property
    def pulls(self) -> Pulls:
        return Pulls(self.database, self.keys, self.config, self.now)

    async def put(self, *persons: Person, feed: str = "esi") -> int:
        """These persons as the register has them now, as one change; its number."""
        async with self.database.changing() as change:
            await self.write(change, persons, feed=feed)
        return change.number

    async def drop(self, *persons: Person, feed: str = "esi") -> int:
        """The register removed these cards, as one change; its number."""
        async with self.database.changing() as change:
            await self.write(change, [Person(p.card) for p in persons], feed=feed, deleted=True)
        return change.number

    async def write(
        self, change: Change, persons: Sequence[Person], feed: str = "esi", *, deleted: bool = False
    ) -> None:
        rows = [self.row(change.number, p, feed, deleted=deleted) for p in persons]
        statement = insert_into(self.database, PATRON)
        changed = {c.name: statement.excluded[c.name] for c in PATRON.c if not c.primary_key}
        upsert = statement.on_conflict_do_update(index_elements=["feed", "card"], set_=changed)
        await change.connection.execute(upsert, rows)
        change.rows += len(rows)

    def row(self, number: int, person: Person, feed: str, *, deleted: bool) -> dict[str, Any]:
        index = self.keys.card_index(person.card)
        due = turns(person, self.today)
        return {
            "feed": feed,
            "card": index,
            "sealed": self.keys.seal_person(feed, index, person),
            "source": bytes(16),
            "ref": None if deleted else self.keys.ref(feed, person.card),
            "change": number,
            "rchange": number,
            "deleted": deleted,
            "restricted": may_be_restricted(person) and not deleted,
            "unwrapped": False,
            "turns": None if due is None or deleted else due.isoformat(),
            "seen": "",
        }


@dataclass
class Pulled:
    """A stream that was read to its end and checked against its trailer."""

    lines: list[bytes]
    trailer: Trailer

    def rows(self) -> dict[str, RowFields]:
        found = [msgspec.json.decode(line, type=RowFields) for line in self.lines]
        assert len({row.card for row in found}) == len(found), "a card came twice"
        return {row.card: row for row in found}

    def restrictions(self) -> dict[str, RestrictionLine]:
        found = [msgspec.json.decode(line, type=RestrictionLine) for line in self.lines]
        return {row.card: row for row in found}


async def read(stream: Stream) -> Pulled:
    async with contextlib.aclosing(stream):
        return checked(b"".join([chunk async for chunk in stream]))


def checked(data: bytes) -> Pulled:
    """The lines of a stream whose trailer says the same of them."""
    *lines, last = data.splitlines()
    trailer = msgspec.json.decode(last, type=Trailer)
    digest = hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()
    assert (trailer.count, trailer.sha256) == (len(lines), digest)
    return Pulled(lines, trailer)


@dataclass
class Device:
    """A device's cache, as simply as it can be."""

    hub: Hub
    branch: Branch = ESI
    page: int = 2_000
    cache: dict[str, RowFields] = field(default_factory=dict)
    cursor: str = ""

    async def snapshot(self) -> Pulled:
        pulled = await read(await self.hub.pulls.snapshot(self.branch))
        self.cache, self.cursor = pulled.rows(), pulled.trailer.cursor
        return pulled

    async def pull(self) -> list[str]:
        """Every page that waits; the cards in them."""
        cards: list[str] = []
        more = True
        while more:
            stream = await self.hub.pulls.credentials(self.branch, self.cursor, self.page)
            pulled = await read(stream)
            self._apply(pulled.rows().values())
            cards += pulled.rows()
            self.cursor, more = pulled.trailer.cursor, pulled.trailer.more
        return cards

    def _apply(self, rows: Iterable[RowFields]) -> None:
        for row in rows:
            if row.deleted:
                self.cache.pop(row.card, None)
            else:
                self.cache[row.card] = row

    def cards(self) -> list[str]:
        return sorted(self.cache)


def blocked(person: Person, until: date | None = None, branch: str | None = None) -> Person:
    block = Restriction(RestrictionKind.SELF_SERVICE_BLOCK, until, branch)
    return replace(person, restrictions=(*person.restrictions, block))

"""A hub's desk in a test: a database, keys, a clock that a test turns, and patrons in few words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert, select

from kioskd.vault.kdf import hash_pin
from kioskd.vault.verifiers import Argon2Parameters
from sync.hub.database import Database
from sync.hub.devices import Device
from sync.hub.model import ANY_AGE, AgeState, Branch, HubConfig, Municipality, Person
from sync.hub.schema import DEVICE, PATRON
from sync.hub.sealing import HubKeys
from sync.hub_wire import Event

NOON = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # 12:00 in Helsinki, a Monday
CHEAP = Argon2Parameters(8, 1, 1)
FRONT = Device("front", "ESI")
CARD = "167A000001"

CONFIG = HubConfig(
    path=Path("hub.toml"),
    listen="127.0.0.1:8080",
    database="",
    key="",
    cards=(r"\d{3}A\d{6}",),
    municipalities=(Municipality("esimerkkila", ("esi",)), Municipality("naapuri", ("naa",))),
    branches=(
        Branch("ESI", "esimerkkila", ("esi",)),
        Branch("NAA", "naapuri", ("naa", "esi")),
    ),
)
ESI, NAA = CONFIG.branches


@dataclass
class Clock:
    """A clock that stands until a test turns it."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def turn(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Desk:
    """One hub's view of a database."""

    database: Database
    clock: Clock = field(default_factory=Clock)
    config: HubConfig = CONFIG
    keys: HubKeys = field(default_factory=lambda: HubKeys(bytes(range(32))))

    async def patron(
        self, card: str = CARD, *, feed: str = "esi", pin: str = "1234", **more: Any
    ) -> str:
        """Have a patron imported, of age unless the test says otherwise; the ref."""
        verifier = hash_pin(pin, CHEAP) if pin else None
        known: Mapping[str, Any] = {
            "verifier": verifier,
            "ages": {ANY_AGE: AgeState.REACHED},
            "terms": True,
        }
        await self.put(Person(card, **{**known, **more}), feed)
        return self.keys.ref(feed, card)

    async def put(
        self, person: Person, feed: str = "esi", *, ref: str = "", deleted: bool = False
    ) -> None:
        """A row as an import leaves it."""
        index = self.keys.card_index(person.card)
        row = {
            "feed": feed,
            "card": index,
            "sealed": self.keys.seal_person(feed, index, person),
            "source": bytes(16),
            "ref": ref or self.keys.ref(feed, person.card),
            "change": 1,
            "rchange": 1,
            "deleted": deleted,
            "restricted": False,
            "unwrapped": False,
            "seen": "1",
        }
        async with self.database.writing() as connection:
            await connection.execute(insert(PATRON), row)

    async def rows(self, table: Table) -> list[Any]:
        """Everything in a table."""
        async with self.database.reading() as connection:
            return list((await connection.execute(select(table))).all())

    async def device(self, name: str = "front") -> Any:
        """A device's row."""
        return next(row for row in await self.rows(DEVICE) if row.name == name)


def event(number: int = 1, **more: Any) -> Event:
    """A granted entry, unless the test says otherwise."""
    known: dict[str, Any] = {
        "id": f"019ab000-0000-7000-8000-{number:012x}",
        "journal": "j1",
        "seq": number,
        "at": NOON - timedelta(minutes=1),
        "kind": "entry.decided",
        "door": "front",
        "decision": "granted",
        "reason": "OK",
        "decided_by": "cache",
    }
    return Event(**{**known, **more})

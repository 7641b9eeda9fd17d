"""A hub's database of any size, filled in bulk: the rows that an import leaves, without the import.

Cards, verifiers and persons are made up: the verifiers have the form of argon2id and are the hash
of nothing. Rows are sealed under the hub's own key, in batches of a thousand under a change number
each and in the order in which an import writes them.

Deliberately not here: hubs and devices (hub_rig), and what is measured.
"""

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import bindparam, text, update

from bench.feeds import card
from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.domain.moment import stamp
from kioskd.vault.verifiers import Argon2id, Argon2Parameters, repack
from sync.hub.database import Database, sqlite_path
from sync.hub.model import ANY_AGE, AgeState, Person
from sync.hub.schema import BATCH, PATRON
from sync.hub.sealing import HubKeys

FEED: Final = "esi"
AT_ONCE: Final = 1000  # rows of a change number, as an import has them
RESTRICTED: Final = 50  # one card in so many has a block
_SALT_AND_HASH: Final = 48  # bytes
_ARGON2ID: Final = repack(Argon2id(Argon2Parameters(19456, 2, 1), bytes(16), bytes(32)))
_COLUMNS: Final = tuple(column.name for column in PATRON.c)
_BATCH: Final = tuple(column.name for column in BATCH.c)
# What is in no restriction changes no place in the stream of restrictions.
_NAMED: Final = tuple(f"of_{name}" for name in _COLUMNS)
_CHANGE: Final = (
    update(PATRON)
    .where(PATRON.c.feed == bindparam("of_feed"), PATRON.c.card == bindparam("of_card"))
    .values({name: bindparam(f"of_{name}") for name in ("sealed", "change")})
)
Rows = list[tuple[Any, ...]]


class Persons:
    """Rows of PATRON for made-up cards. keys: of the hub that will read them."""

    def __init__(self, keys: HubKeys) -> None:
        self._keys = keys
        self._seen = secrets.token_hex(8)

    def row(self, number: int, change: int, expires: date = date(2029, 12, 31)) -> tuple[Any, ...]:
        """The row of a card, in the order of the table's columns."""
        person, index = self._person(number, expires), self._keys.card_index(card(number))
        sealed = self._keys.seal_person(FEED, index, person)
        source = self._keys.source_digest(index)
        ref = self._keys.ref(FEED, person.card)
        restricted = bool(person.restrictions)
        flags = (False, restricted, False, None, self._seen)
        return (FEED, index, sealed, source, ref, change, change, *flags)

    def batches(self, count: int) -> Iterator[tuple[int, Rows]]:
        """Change numbers from 1, and their rows: cards in the order of their indexes."""
        order = sorted(range(count), key=lambda number: self._keys.card_index(card(number)))
        for change, start in enumerate(range(0, count, AT_ONCE), 1):
            yield change, [self.row(number, change) for number in order[start : start + AT_ONCE]]

    def _person(self, number: int, expires: date) -> Person:
        blocked = number % RESTRICTED == RESTRICTED - 1
        return Person(
            card(number),
            _nobodys(),
            (Restriction(RestrictionKind.USE_BAN),) if blocked else (),
            expires,
            {ANY_AGE: AgeState.REACHED},
            terms=True,
            category="AIKUINEN",
        )


async def fill(database: Database, keys: HubKeys, count: int) -> None:
    """`count` credentials in an empty hub."""
    batches = Persons(keys).batches(count)
    if database.is_postgresql:
        await _fill_postgresql(database, batches)
    else:
        path = sqlite_path(str(database.engine.url))
        assert path is not None
        with sqlite3.connect(path, isolation_level=None) as connection:
            _fill_sqlite(connection, batches)
        connection.close()


async def change(database: Database, keys: HubKeys, numbers: Sequence[int]) -> None:
    """These cards get another last day, as a delta of the register would have it."""
    persons, expires = Persons(keys), date(2030, 1, 1 + secrets.randbelow(28))
    for start in range(0, len(numbers), AT_ONCE):
        async with database.changing() as changing:
            some = numbers[start : start + AT_ONCE]
            rows = [persons.row(number, changing.number, expires) for number in some]
            named = [dict(zip(_NAMED, row, strict=True)) for row in rows]
            await changing.connection.execute(_CHANGE, named)
            changing.rows += len(rows)


def _fill_sqlite(connection: sqlite3.Connection, batches: Iterator[tuple[int, Rows]]) -> None:
    put = f"INSERT INTO patron VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
    connection.execute("PRAGMA synchronous=OFF")
    for number, rows in batches:
        connection.execute("BEGIN")
        connection.executemany(put, rows)
        connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", _batch(number, rows))
        connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def _fill_postgresql(database: Database, batches: Iterator[tuple[int, Rows]]) -> None:
    last = 0
    async with database.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        for number, rows in batches:
            async with driver.transaction():
                await driver.copy_records_to_table("patron", records=rows, columns=_COLUMNS)
                one = [_batch(number, rows)]
                await driver.copy_records_to_table("batch", records=one, columns=_BATCH)
            last = number
        await driver.execute(f"SELECT setval('change_number', {last})")


async def counted(database: Database, statement: str) -> list[tuple[Any, ...]]:
    """Rows of a statement of ours, for the checks afterwards."""
    async with database.reading() as connection:
        return [tuple(row) for row in await connection.execute(text(statement))]


def _batch(number: int, rows: Rows) -> tuple[Any, ...]:
    return (number, secrets.token_hex(8), stamp(datetime.now(UTC)), len(rows))


def _nobodys() -> bytes:
    # Of chance: what repeats itself would be packed for the wire better than any register's.
    return _ARGON2ID[:-_SALT_AND_HASH] + secrets.token_bytes(_SALT_AND_HASH)

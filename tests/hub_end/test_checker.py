"""The checker sees what it looks for: a world at rest is spoilt in one place at a time."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from kioskd.daemon.keys import open_keyring
from kioskd.vault.card_index import index_of
from kioskd.vault.keys import Purpose
from tests.faults.proxy import Schedule
from tests.hub_end.checker import faults_of
from tests.hub_end.register import MARKER, card_of
from tests.hub_end.world import World, world

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TWICE = (
    "INSERT INTO event SELECT device, 'x', branch, at, received, kind, journal, seq, body "
    "FROM event WHERE seq = 1"
)
SWAPPED = (
    "UPDATE patron SET deleted = 1 WHERE feed = 'esi' AND card IN "
    "(SELECT card FROM patron WHERE feed = 'yht' AND NOT deleted)"
)
AT_HUB = (
    ("DELETE FROM event WHERE seq = 2", "b: row 2 is not at the hub"),
    ("UPDATE event SET body = replace(body, 'front', 'back')", "is another at the hub"),
    (TWICE, "b: row 1 is at the hub 2 times"),
    ("UPDATE event SET body = replace(body, '\"seq\":1,', '\"seq\":777,')", "nobody wrote"),
    ("UPDATE tally SET n = n + 1", "b: counted wrongly"),
    ("DELETE FROM activity", "b: a day of use is not at the hub"),
    ("UPDATE activity SET day = '2020-01-01'", "b: the hub has a day of use that was none"),
    ("DELETE FROM patron WHERE feed = 'yht'", "a: the device has a card that it must not have"),
    ("UPDATE patron SET ref = 'another'", "differs at the device: ref"),
    (SWAPPED, "differs at the device: verifier"),
)
AT_DEVICE = (
    ("UPDATE delivery SET through = 1", "for undelivered"),
    ("UPDATE activity SET sealed = x'00'", "days of use are still owed"),
    ("INSERT INTO dead VALUES (1, 'no', '')", "b: 1 rows were given up"),
    ("DELETE FROM event WHERE seq = 3", "was written and is gone"),
)


@contextmanager
def spoilt(file: Path, statement: str) -> Iterator[None]:
    """The database with this changed, and as it was afterwards."""
    with closing(sqlite3.connect(file)) as connection, closing(sqlite3.connect(":memory:")) as kept:
        connection.backup(kept)
        with connection:
            assert connection.execute(statement).rowcount > 0, statement
        try:
            yield
        finally:
            kept.backup(connection)


async def looked(made: World) -> str:
    return "\n".join(await faults_of(made.office, made.device, made.journalled))


@SQLITE
async def test_whatever_is_wrong_is_seen(database_url: str, tmp_path: Path) -> None:
    async with world(tmp_path, database_url, 5, Schedule()) as made:
        for _ in range(6):
            await made.journal_some()
        assert await made.faults() == []
        hub = Path(made.office.config.database.removeprefix("sqlite:///"))
        journal = made.device.directory / "journal.db"
        cases = [(hub, *case) for case in AT_HUB] + [(journal, *case) for case in AT_DEVICE]
        for file, statement, fault in cases:
            with spoilt(file, statement):
                assert fault in await looked(made), statement
        assert await looked(made) == ""


@SQLITE
async def test_a_trace_of_another_branch_is_seen(database_url: str, tmp_path: Path) -> None:
    async with world(tmp_path, database_url, 5, Schedule()) as made:
        assert await made.faults() == []
        secret = open_keyring(made.device.config).newest(Purpose.CACHE_INDEX).secret
        left = made.device.directory / "left.behind"
        for what, trace in (
            ("index", index_of(secret, card_of(MARKER))),
            ("card", card_of(MARKER).encode()),
        ):
            left.write_bytes(b"..." + trace + b"...")
            assert f"c: left.behind has the {what}" in await looked(made)

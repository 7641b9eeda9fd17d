"""state.db as staff change it: older files keep what they had, and no card has two rows."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kioskd.access.schedule import MINUTES_PER_DAY, Span, StaffException
from kioskd.domain.credential import Credential, Source
from kioskd.domain.hours import HoursState
from kioskd.domain.moment import Moment, stamp
from kioskd.domain.staff import Enrolment, ListEntry, Lockdown, Which
from kioskd.errors import StoreDamaged, StoreError
from kioskd.ports import Listed
from kioskd.store.state import STATE, NoState, StateDatabase
from kioskd.store.state_schema import STEPS
from kioskd.store.state_staff import StaffState
from tests.store.rig import DAY, NOW, card

# What version 0.1.0 made, statement by statement.
OLD = """
CREATE TABLE listed (card BLOB NOT NULL, which TEXT NOT NULL, until TEXT NOT NULL,
  why TEXT NOT NULL, "by" TEXT NOT NULL, PRIMARY KEY (card, which)) WITHOUT ROWID;
CREATE TABLE enrolled (card BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (card)) WITHOUT ROWID;
CREATE TABLE value ("key" TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY ("key")) WITHOUT ROWID;
PRAGMA user_version = 1;
"""


def unseal(index: bytes, sealed: bytes) -> Credential:
    return Credential(verifier=sealed, source=Source.ENROLLED)


def opened(directory: Path, *, read_only: bool = False) -> StateDatabase:
    return StateDatabase(directory, unseal, read_only=read_only)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A storage directory of the first version with something in it."""
    with closing(sqlite3.connect(tmp_path / STATE)) as connection:
        connection.executescript(OLD)
        until = stamp(NOW + DAY)
        connection.execute(
            "INSERT INTO listed VALUES (?, 'allow', ?, 'guard', 'maija')", (card(1), until)
        )
        connection.execute("INSERT INTO enrolled VALUES (?, ?)", (card(1), b"sealed"))
        connection.execute("INSERT INTO value VALUES ('lockdown', 'on')")
        connection.commit()
    return tmp_path


def _schema(directory: Path) -> list[tuple[str, list[tuple[str, str]]]]:
    with closing(sqlite3.connect(directory / STATE)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = sorted(row[0] for row in tables.fetchall())
        return [
            (n, [(r[1], r[2]) for r in connection.execute(f"PRAGMA table_info({n})")])
            for n in names
        ]


async def test_a_file_of_the_first_version_loses_nothing(old: Path) -> None:
    with closing(opened(old)) as state:
        assert state.listed((card(1),), NOW) == Listed(allowed=True)
        found = state.enrolled((card(1),))
        assert (found and found.verifier, state.lockdown()) == (b"sealed", True)
    staff = StaffState(old)
    entry = ListEntry(card(1), Which.ALLOW, NOW + DAY, "guard", "maija")
    assert await staff.entries(Which.ALLOW) == (entry,)
    assert await staff.enrolments() == (Enrolment(card(1)),)
    assert await staff.lockdown_now() == Lockdown(on=True)


async def test_staff_may_come_before_the_daemon(old: Path) -> None:
    """A command without a daemon brings the file to the newest schema as well."""
    assert await StaffState(old).exceptions() == ()
    with closing(sqlite3.connect(old / STATE)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)


def test_old_files_become_as_new_ones(old: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    new = tmp_path_factory.mktemp("new")
    for directory in (old, new):
        opened(directory).close()
    assert _schema(old) == _schema(new)


def test_a_reader_of_an_old_file_finds_no_exceptions_in_it(old: Path) -> None:
    with closing(opened(old, read_only=True)) as state:
        assert state.exceptions() == ()


async def test_a_new_row_replaces_those_under_older_keys(tmp_path: Path) -> None:
    opened(tmp_path).close()
    staff = StaffState(tmp_path)
    until = NOW + DAY
    for index in (card(2), card(3)):
        await staff.put_entry(ListEntry(index, Which.ALLOW, until, "old", "maija"), ())
        await staff.put_enrolment(Enrolment(index), b"old", ())
    newest = ListEntry(card(1), Which.ALLOW, until, "new", "maija", "…007", NOW)
    await staff.put_entry(newest, (card(2), card(3)))
    assert await staff.put_enrolment(Enrolment(card(1), "…007"), b"new", (card(2), card(3)))
    assert await staff.entries(Which.ALLOW) == (newest,)
    assert [e.card for e in await staff.enrolments()] == [card(1)]


async def test_all_rows_of_a_card_go_and_those_of_the_other_list_stay(tmp_path: Path) -> None:
    opened(tmp_path).close()
    staff = StaffState(tmp_path)
    for index, which in ((card(1), Which.ALLOW), (card(2), Which.ALLOW), (card(2), Which.DENY)):
        await staff.put_entry(ListEntry(index, which, NOW + DAY, "x", "maija"), ())
    assert await staff.drop_entries((card(1), card(2), card(3)), Which.ALLOW) == 2
    assert await staff.entries(Which.ALLOW) == ()
    assert len(await staff.entries(Which.DENY)) == 1


async def test_a_held_reader_sees_what_staff_wrote(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as state:
        staff = StaffState(tmp_path)
        await staff.put_lockdown(Lockdown(on=True, since=NOW, by="maija", reason="x"))
        assert state.lockdown()
        await staff.put_clock_mark(Moment(NOW, 12.5, "boot"))
        assert state.clock_mark() == Moment(NOW, 12.5, "boot")
        await staff.put_lockdown(Lockdown(on=False))
        assert not state.lockdown()
        assert await staff.lockdown_now() == Lockdown(on=False)


SPANS = st.builds(
    lambda start, length, state: Span(start, start + length, state),
    st.integers(0, MINUTES_PER_DAY - 1),
    st.integers(1, MINUTES_PER_DAY - 1),
    st.sampled_from(HoursState),
)
EXCEPTIONS = st.builds(
    StaffException,
    st.dates(date(1970, 1, 1), date(2200, 1, 1)),
    st.lists(SPANS, max_size=4).map(tuple),
    st.text(st.characters(codec="utf-8"), max_size=60),
    st.text(st.characters(codec="utf-8"), max_size=20),
)


@settings(deadline=None)
@given(EXCEPTIONS)
async def test_any_exception_comes_back(
    tmp_path_factory: pytest.TempPathFactory, exception: StaffException
) -> None:
    directory = tmp_path_factory.getbasetemp()
    with closing(opened(directory)) as state:
        staff = StaffState(directory)
        await staff.put_exception(exception)
        assert state.exceptions() == (exception,)
        assert await staff.drop_exception(exception.date)
        assert not await staff.drop_exception(exception.date)


def test_without_a_state_there_are_no_hours_of_staff() -> None:
    assert (NoState().exceptions(), NoState().clock_mark()) == ((), None)


async def test_a_damaged_file_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / STATE).write_bytes(b"garbage " * 2048)
    with pytest.raises(StoreDamaged, match="restore it from a backup"):
        await StaffState(tmp_path).put_lockdown(Lockdown(on=False))
    assert (tmp_path / STATE).read_bytes() == b"garbage " * 2048


async def test_a_file_that_is_only_partly_sound_is_not_written_on(tmp_path: Path) -> None:
    opened(tmp_path).close()
    staff = StaffState(tmp_path)
    await staff.put_entry(ListEntry(card(1), Which.DENY, NOW + DAY, "x", "maija"), ())
    with closing(sqlite3.connect(tmp_path / STATE)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'added TEXT', 'added TEXT NOT NULL')"
        )
        connection.commit()
    with pytest.raises(StoreDamaged, match=r"NULL value in listed\.added"):
        await staff.put_lockdown(Lockdown(on=False))


async def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        await StaffState(tmp_path / "gone").entries(Which.ALLOW)


async def test_damaged_times_are_over_and_a_damaged_note_is_nobody_s(tmp_path: Path) -> None:
    opened(tmp_path).close()
    staff = StaffState(tmp_path)
    await staff.put_entry(ListEntry(card(1), Which.DENY, NOW + DAY, "x", "maija"), ())
    await staff.put_lockdown(Lockdown(on=True, since=NOW, by="maija"))
    with closing(sqlite3.connect(tmp_path / STATE)) as connection:
        connection.execute("UPDATE listed SET until = 'soon', added = 'then'")
        connection.execute("UPDATE value SET value = '[' WHERE key = 'lockdown.note'")
        connection.commit()
    [entry] = await staff.entries(Which.DENY)
    assert (entry.until < NOW, entry.added) == (True, None)
    assert await staff.lockdown_now() == Lockdown(on=True)

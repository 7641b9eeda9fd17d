"""A lockdown begins at once, outlives everything, and ends only by somebody who is written down."""

import asyncio
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kioskd import wire
from kioskd.control.acts import Acts
from kioskd.control.lockdown import LockingDown
from kioskd.control.verbs import Refusal, Verbs
from kioskd.daemon.keys import no_keys
from kioskd.domain.staff import Lockdown
from kioskd.entry.fakes import FakeCardIndex, FakeStateFile
from kioskd.errors import StoreDamaged, StoreFull
from kioskd.store.engine import connect, transaction
from kioskd.store.reserve import RESERVE_BYTES, Reserve
from kioskd.store.state import NoState, StateDatabase
from kioskd.store.state_staff import StaffState
from tests.control_staff.conftest import NOW, PEKKA, Office


def _locked(office: Office) -> bool:
    """As a door reads it at a scan."""
    return office.stores.state.lockdown()


async def test_a_lockdown_holds_at_once_and_over_a_restart(office: Office) -> None:
    told = await office.ask("lockdown", on=True, reason="man in the yard")
    assert told == {
        "on": True,
        "since": "2026-11-23T18:00:00+02:00",
        "by": "maija",
        "reason": "man in the yard",
        "changed": True,
    }
    assert _locked(office)
    office.restart()
    assert _locked(office)
    assert (await office.ask("lockdown", on=False))["changed"]
    assert not _locked(office)
    office.restart()
    assert not _locked(office)


async def test_one_that_goes_on_keeps_who_began_it(office: Office) -> None:
    await office.ask("lockdown", on=True, reason="first")
    await office.clock.advance(60)
    again = await office.ask_as(PEKKA, "lockdown", on=True, reason="second")
    assert (again["by"], again["reason"], again["changed"]) == ("maija", "first", False)
    lifted = await office.ask_as(PEKKA, "lockdown", on=False, reason="gone")
    assert (lifted["on"], lifted["by"], lifted["changed"]) == (False, "maija", True)
    assert [(by, action) for by, action, _ in office.acts()] == [
        ("maija", "lockdown-on"),
        ("pekka", "lockdown-on"),
        ("pekka", "lockdown-off"),
    ]


async def test_a_lockdown_begins_without_a_journal_and_does_not_end_without(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    journal = office.directory / "journal.db"
    kept = journal.rename(office.directory / "elsewhere")
    assert (await office.ask("lockdown", on=True))["on"]
    assert _locked(office)
    assert "staff.action_unwritten" in caplog.text
    kept.rename(journal)
    office.restart()
    assert _locked(office)


async def test_an_end_that_cannot_be_written_down_does_not_come(office: Office) -> None:
    await office.ask("lockdown", on=True)
    (office.directory / "journal.db").unlink()
    with pytest.raises(Refusal) as told:
        await office.ask("lockdown", on=False)
    assert told.value.code == wire.FAILED
    assert _locked(office)


async def test_what_cannot_be_read_is_a_lockdown_that_staff_can_end(office: Office) -> None:
    await office.ask("lockdown", on=True)
    with closing(sqlite3.connect(office.directory / "state.db")) as connection:
        connection.execute("UPDATE value SET value = 'onn' WHERE key = 'lockdown'")
        connection.commit()
    assert _locked(office)
    told = await office.ask_as(PEKKA, "lockdown", on=True)
    assert (told["by"], told["changed"]) == ("pekka", False)
    await office.ask("lockdown", on=False)
    assert not _locked(office)


async def test_a_damaged_state_is_neither_lifted_nor_written_over(office: Office) -> None:
    office.end()
    damaged = b"garbage " * 2048
    for part in office.directory.glob("state.db*"):
        part.unlink()
    (office.directory / "state.db").write_bytes(damaged)
    office.begin()
    assert _locked(office)
    for on in (True, False):
        with pytest.raises(Refusal, match="restore it from a backup"):
            await office.ask("lockdown", on=on)
    assert _locked(office)
    assert (office.directory / "state.db").read_bytes() == damaged
    assert [action for _, action, _ in office.acts()] == ["lockdown-on.failed"]


STATE_FILES = ("state.db", "state.db-wal", "state.db-shm")


@pytest.mark.parametrize("another", [False, True], ids=["gone", "replaced"])
async def test_a_lockdown_is_not_said_to_stand_where_no_door_reads_it(
    office: Office, another: bool
) -> None:
    for name in STATE_FILES:
        (office.directory / name).unlink(missing_ok=True)
    if another:
        StateDatabase(office.directory, no_keys("").unseal_state).close()
    for on in (True, False):
        with pytest.raises(Refusal, match="restart kioskd; until then every door is") as told:
            await office.ask("lockdown", on=on, reason="x")
        assert told.value.code == wire.FAILED
    with pytest.raises(StoreDamaged):
        _locked(office)
    failed = [action for _, action, _ in office.acts() if action.endswith(".failed")]
    assert failed[0] == "lockdown-on.failed"
    assert (office.directory / "state.db").exists() is another


async def test_what_doors_still_read_otherwise_is_told(office: Office) -> None:
    """As where state.db could not be read at the start and was mended since."""
    doors = NoState()
    switch = StaffState(office.directory)
    acts = Acts(office.journal, office.clock, office.trust)
    verbs = Verbs(LockingDown(acts, office.clock, ZoneInfo("UTC"), switch, doors).verbs())
    assert (await verbs.ask(PEKKA, "lockdown", {"on": True}))["on"]
    with pytest.raises(Refusal, match="restart kioskd; until then they are locked down"):
        await verbs.ask(PEKKA, "lockdown", {"on": False})
    blind = FakeStateFile(FakeCardIndex())
    verbs = Verbs(LockingDown(acts, office.clock, ZoneInfo("UTC"), switch, blind).verbs())
    with pytest.raises(Refusal, match="NOT locked down: shut them by hand"):
        await verbs.ask(PEKKA, "lockdown", {"on": True})
    acted = [action for _, action, _ in office.acts()]
    assert acted[1:] == ["lockdown-off", "lockdown-off.failed", "lockdown-on.failed"]


@pytest.mark.parametrize("args", [{}, {"on": "yes"}, {"on": 1}, {"on": True, "reason": "\x07"}])
async def test_bad_input_changes_nothing(office: Office, args: dict[str, object]) -> None:
    with pytest.raises(Refusal) as told:
        await office.ask("lockdown", **args)
    assert told.value.code == wire.BAD_ARGUMENT
    assert (_locked(office), office.acts()) == (False, [])


async def test_a_client_that_hangs_up_ends_no_act_half_done(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.ask("lockdown", on=True)
    written, lifted = asyncio.Event(), asyncio.Event()
    put = StaffState.put_lockdown

    async def put_slowly(self: StaffState, to_be: Lockdown) -> None:
        written.set()
        await asyncio.sleep(0)
        await put(self, to_be)
        lifted.set()

    monkeypatch.setattr(StaffState, "put_lockdown", put_slowly)
    asking = asyncio.create_task(office.ask("lockdown", on=False))
    await written.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await lifted.wait()
    assert not _locked(office)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "none", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs to mount a file system, as root can")
    yield place
    subprocess.run(["umount", str(place)], check=True)


async def test_a_full_disk_keeps_no_lockdown_from_beginning(small_disk: Path) -> None:
    with closing(StateDatabase(small_disk, no_keys("").unseal_state)) as state:
        reserve = Reserve(small_disk / "reserve.bin")
        reserve.path.write_bytes(bytes(RESERVE_BYTES))
        _filled(small_disk)
        await StaffState(small_disk).put_lockdown(Lockdown(on=True, since=NOW, by="maija"))
        assert state.lockdown()
        assert not reserve.path.exists(), "it was given up for this"


def _filled(directory: Path) -> None:
    """No room for a write; the reserve stays."""
    with (directory / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    with (
        closing(connect(directory / "state.db")) as connection,
        pytest.raises(StoreFull),
        transaction(connection, directory) as run,
    ):
        run.exec_driver_sql("INSERT INTO value VALUES ('x', ?)", ("x" * 100_000,))

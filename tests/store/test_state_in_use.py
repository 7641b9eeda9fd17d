"""A state.db that is taken away under a daemon: doors are told, and nobody begins another."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kioskd.daemon.stores import last_seen
from kioskd.domain.credential import Credential
from kioskd.domain.staff import Lockdown, Which
from kioskd.errors import StoreDamaged, StoreError
from kioskd.store.engine import connect
from kioskd.store.state import STATE, StateDatabase
from kioskd.store.state_staff import StaffState
from tests.store.rig import NOW, card

FILES = (STATE, f"{STATE}-wal", f"{STATE}-shm")
TOLD = "replaced while in use; put it back or restore it from a backup, then restart kioskd"


def unseal(index: bytes, sealed: bytes) -> Credential:
    return Credential(verifier=sealed)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[StateDatabase]:
    with closing(StateDatabase(tmp_path, unseal)) as state:
        assert not state.lockdown()
        yield state


def removed(directory: Path) -> None:
    for name in FILES:
        (directory / name).unlink(missing_ok=True)


def replaced(directory: Path) -> None:
    removed(directory)
    StateDatabase(directory, unseal).close()


def restored(directory: Path) -> None:
    """As a backup tool does: a copy takes the name."""
    shutil.copy(directory / STATE, directory / "copy")
    (directory / "copy").rename(directory / STATE)


def without_log(directory: Path) -> None:
    (directory / f"{STATE}-wal").unlink()


def emptied(directory: Path) -> None:
    os.truncate(directory / STATE, 0)


@pytest.mark.parametrize("harm", [removed, replaced, restored, without_log, emptied])
def test_doors_are_told_that_what_they_hold_is_not_the_state_any_more(
    held: StateDatabase, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    harm(tmp_path)
    for read in (
        held.lockdown,
        lambda: held.listed((card(1),), NOW),
        lambda: held.enrolled((card(1),)),
    ):
        with pytest.raises(StoreDamaged, match=TOLD):
            read()


def test_a_file_that_is_put_back_is_read_again(held: StateDatabase, tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    aside.mkdir()
    for name in FILES:
        (tmp_path / name).rename(aside / name)
    with pytest.raises(StoreDamaged):
        held.lockdown()
    for name in FILES:
        (aside / name).rename(tmp_path / name)
    assert not held.lockdown()


def test_a_log_that_others_write_and_fold_is_no_replacement(
    held: StateDatabase, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / STATE)) as other:
        other.execute("INSERT INTO value VALUES ('lockdown', 'on')")
        other.commit()
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert held.lockdown()


async def test_staff_begin_no_other_state(held: StateDatabase, tmp_path: Path) -> None:
    removed(tmp_path)
    staff = StaffState(tmp_path)
    with pytest.raises(StoreError, match="No such file any more; put it back"):
        await staff.put_lockdown(Lockdown(on=True))
    with pytest.raises(StoreError, match="No such file"):
        await staff.entries(Which.ALLOW)
    assert not any((tmp_path / name).exists() for name in FILES)


def test_nor_do_the_daemons_chores(held: StateDatabase, tmp_path: Path) -> None:
    removed(tmp_path)
    with pytest.raises(StoreError, match="No such file"):
        StateDatabase(tmp_path, unseal, create=False)
    assert last_seen(tmp_path) is None
    with pytest.raises(StoreError):
        connect(tmp_path / STATE, create=False)  # also where it goes between two looks
    assert not any((tmp_path / name).exists() for name in FILES)

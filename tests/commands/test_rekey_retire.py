"""When keys of an earlier `kioskd rekey` are deleted: once nothing made with them is left."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kioskd.config.model import Config
from kioskd.daemon.keys import open_keys
from kioskd.daemon.rekeying import OLDER, retire_keys
from kioskd.errors import InputError, StoreDamaged, StoreError
from kioskd.store import generations
from kioskd.store.state import NoState, StateDatabase
from kioskd.vault.keyring import Keyring
from kioskd.vault.keys import Purpose
from tests.commands.rekey_site import DAY, NOW, Site, made_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site that has a cache, an enrolled card, lists and a card that is locked out."""
    return made_site(tmp_path)


@pytest.fixture
def superseded(site: Site) -> Iterator[StateDatabase]:
    """The state of a site that was rekeyed and has taken a full feed since."""
    site.rekeyed()
    site.feed("new")
    keys = open_keys(site.config("new"))
    with closing(StateDatabase(site.directory, keys.unseal_state)) as state:
        yield state


def late(site: Site) -> Config:
    config = site.config("new")
    return replace(config, retention=replace(config.retention, incident_hold_max_days=90))


def test_old_keys_go_when_nothing_made_with_them_is_left(
    site: Site, superseded: StateDatabase
) -> None:
    config, then = late(site), NOW + 91 * DAY
    assert retire_keys(config, superseded, then) == (), "an enrolled card needs its index key"
    with closing(sqlite3.connect(site.directory / "state.db")) as connection, connection:
        connection.execute("DELETE FROM enrolled")
    assert retire_keys(config, superseded, then) == (), "so does a listed one"
    assert superseded.forget_expired(then) == 1
    assert retire_keys(config, superseded, NOW + 89 * DAY) == (), "so do persons in the journal"
    assert len(retire_keys(config, superseded, then)) == 4
    assert retire_keys(config, superseded, then) == ()
    keyring = Keyring.open(site.directory, site.key("new"))
    assert all(len(keyring.all(purpose)) == 1 for purpose in Purpose)
    assert site.credentials("new")[0] is not None


def test_rows_written_since_do_not_keep_old_keys(site: Site, superseded: StateDatabase) -> None:
    with closing(sqlite3.connect(site.directory / "state.db")) as connection, connection:
        connection.execute("DELETE FROM enrolled")
        connection.execute("DELETE FROM listed")
    superseded.put_enrolled(b"an index of now!", b"sealed")
    assert len(retire_keys(late(site), superseded, NOW + 91 * DAY)) == 4


def test_a_cache_that_still_needs_an_old_key_keeps_it(site: Site) -> None:
    site.rekeyed()
    keys = open_keys(site.config("new"))
    with closing(StateDatabase(site.directory, keys.unseal_state)) as state:
        with closing(sqlite3.connect(site.directory / "state.db")) as connection, connection:
            connection.execute("DELETE FROM enrolled")
            connection.execute("DELETE FROM listed")
        gone = retire_keys(late(site), state, NOW + 91 * DAY)
    assert len(gone) == 3, "its index key was not superseded yet"
    assert site.credentials("new")[0] is not None


@pytest.mark.parametrize("noted", ["[garbage", "[" * 100_000, "7", '["xy"]', "[null]"])
def test_a_damaged_note_keeps_every_key_and_says_what_to_do(
    site: Site, superseded: StateDatabase, noted: str
) -> None:
    superseded.put_value(OLDER, noted)
    with pytest.raises(StoreDamaged, match="no old key is deleted; run `kioskd rekey` again"):
        retire_keys(late(site), superseded, NOW + 91 * DAY)
    assert len(Keyring.open(site.directory, site.key("new")).all(Purpose.STATE_INDEX)) == 2


def test_no_key_goes_while_the_state_cannot_be_read_or_an_import_runs(
    site: Site, superseded: StateDatabase
) -> None:
    then = NOW + 91 * DAY
    assert retire_keys(late(site), NoState(), then) == ()
    with generations.import_lock(site.directory), pytest.raises(InputError):
        retire_keys(late(site), superseded, then)
    superseded.close()
    with pytest.raises(StoreError):
        retire_keys(late(site), superseded, then)

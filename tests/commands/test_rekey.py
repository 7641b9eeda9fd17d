"""`kioskd rekey`: a new device key, the same answers at the door, whatever cuts it short."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kioskd.daemon.boot import DirectoryLock
from kioskd.daemon.keys import open_keys
from kioskd.daemon.rekeying import rekey
from kioskd.errors import VaultError
from kioskd.store import generations
from kioskd.vault.keyring import Keyring
from kioskd.vault.keys import Purpose
from tests.commands.rekey_site import Site, made_site, newest_seals, seal_keys


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site that has a cache, an enrolled card, lists and a card that is locked out."""
    return made_site(tmp_path)


def test_the_door_answers_as_before_under_another_key(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    answers, credentials = site.answers("old"), site.credentials("old")
    reasons = [str(answer) for answer in answers]
    assert len(set(reasons)) > 4, "the cards differ in what is decided"
    assert site.rekeyed() == 0
    out = capsys.readouterr().out
    assert "cache: 6 credentials sealed anew" in out
    assert "enrolled: 1 verifiers sealed anew" in out
    assert f"let secrets.device_key name {site.home}/new.key" in out
    assert site.answers("new") == answers
    assert site.credentials("new") == credentials
    assert seal_keys(site) == newest_seals(site)
    assert len(list(site.directory.glob("credentials.*.db"))) == 1


def test_the_old_key_opens_nothing_any_more(site: Site) -> None:
    site.rekeyed()
    with pytest.raises(VaultError, match="not the one that this keyring was made with"):
        site.answers("old")
    assert open_keys(site.config("old")).keyring is None


def test_the_age_of_the_cache_stays(site: Site) -> None:
    def synced() -> object:
        current = generations.read_current(site.directory)
        assert current is not None
        database = generations.database_of(site.directory, current.generation)
        with closing(sqlite3.connect(database)) as connection:
            return connection.execute(
                "SELECT synced_wall, synced_boot, index_key, verifiers, site_verifier FROM meta"
            ).fetchall()

    before = synced()
    site.rekeyed()
    assert synced() == before


def test_a_new_index_key_is_taken_by_the_next_full_feed(site: Site) -> None:
    answers = site.answers("old")
    site.rekeyed()
    keyring = Keyring.open(site.directory, site.key("new"))
    assert keyring.newest(Purpose.CACHE_INDEX).pending
    site.feed("new")
    assert not Keyring.open(site.directory, site.key("new")).newest(Purpose.CACHE_INDEX).pending
    assert site.answers("new") == answers


POINTS = (
    "rekey-keyring",
    "cache-built",
    "cache-switch",
    "cache-switched",
    "rekey-cache",
    "rekey-state",
)


class PowerCut(Exception):
    """What a test throws where the power goes."""


@pytest.mark.parametrize("point", POINTS)
def test_cut_short_anywhere_it_answers_and_is_completed_by_another_run(
    site: Site, point: str
) -> None:
    answers, credentials = site.answers("old"), site.credentials("old")

    def cut(name: str) -> None:
        if name == point:
            raise PowerCut

    with pytest.raises(PowerCut):
        rekey(site.directory, site.key("old"), site.key("new"), checkpoint=cut)
    assert site.answers("new") == answers, "nothing is lost in between"
    done = rekey(site.directory, site.key("old"), site.key("new"))
    assert (done.keyring, done.cache_fault) == (False, "")
    assert seal_keys(site) == newest_seals(site)
    assert site.credentials("new") == credentials
    keyring = Keyring.open(site.directory, site.key("new"))
    assert len(keyring.all(Purpose.STATE_INDEX)) == 2, "no second set of keys"


def test_run_again_when_all_is_done_changes_nothing(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.rekeyed()
    before = (site.directory / "keyring.json").read_bytes()
    capsys.readouterr()
    assert site.rekeyed(key="new") == 0
    out = capsys.readouterr().out
    assert "under the new device key already" in out
    assert "0 credentials" in out
    assert "NOW" not in out
    assert (site.directory / "keyring.json").read_bytes() == before


def test_two_keys_in_a_row(site: Site) -> None:
    answers = site.answers("old")
    assert site.rekeyed() == 0
    assert site.rekeyed(key="new", new="newer") == 0
    assert site.answers("newer") == answers


def test_it_refuses_while_the_daemon_runs(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    lock = DirectoryLock.take(site.directory)
    assert lock is not None
    try:
        assert site.rekeyed() == 2
    finally:
        lock.release()
    assert "stop it first" in capsys.readouterr().err
    assert open_keys(site.config("old")).keyring is not None


def test_it_refuses_while_a_feed_is_imported(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    with generations.import_lock(site.directory):
        assert site.rekeyed() == 2
    assert "another feed import is running" in capsys.readouterr().err


def test_a_key_that_is_neither_is_told(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.rekeyed(key="newer") == 2
    err = capsys.readouterr().err
    assert "opens neither with the present device key" in err
    assert "--key-file" in err
    assert site.rekeyed("--key-file", str(site.home / "old.key"), key="newer") == 0


def test_a_new_key_that_is_not_there_is_to_be_made(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.home / "new.key").unlink()
    assert site.rekeyed() == 2
    assert "kioskd keygen" in capsys.readouterr().err


def test_the_present_key_that_is_gone_is_to_be_put_back(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.home / "old.key").unlink()
    assert site.rekeyed() == 2
    err = capsys.readouterr().err
    assert "put it back from its copy" in err
    assert "keygen" not in err


def test_a_directory_without_keyring_is_told(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.directory / "keyring.json").unlink()
    assert site.rekeyed() == 2
    assert "nothing to rekey" in capsys.readouterr().err


def test_a_damaged_cache_is_left_and_the_rest_is_done(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    (database,) = site.directory.glob("credentials.*.db")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE credential SET sealed = zeroblob(60)")
    assert site.rekeyed() == 1
    out = capsys.readouterr().out
    assert "cache: left under its old key" in out
    assert "enrolled: 1 verifiers" in out
    site.feed("new")
    assert seal_keys(site) == newest_seals(site)


def test_an_enrolled_verifier_that_no_key_opens_stops_it(site: Site) -> None:
    with closing(sqlite3.connect(site.directory / "state.db")) as connection, connection:
        connection.execute("UPDATE enrolled SET sealed = zeroblob(60)")
    with pytest.raises(VaultError, match="enrol anew"):
        rekey(site.directory, site.key("old"), site.key("new"))

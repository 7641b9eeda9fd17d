"""Without a daemon: the same verbs, in the name of who asks, and no file of another owner."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kioskd import wire
from kioskd.config.load import load
from kioskd.config.model import Config, Secrets
from kioskd.control.people import VERBS, Role
from kioskd.control.verbs import Refusal
from kioskd.daemon import offline
from kioskd.daemon.boot import DirectoryLock
from kioskd.daemon.keys import open_keys
from kioskd.daemon.offline import ask_offline, caller
from kioskd.errors import InputError, StoreError, VaultError
from kioskd.store.journal_read import JournalReader
from kioskd.store.state import StateDatabase
from kioskd.vault.device_key import write_device_key
from tests.commands.rekey_site import ENROLLED, LISTED, made_site
from tests.control_staff.conftest import CARD, CONFIGURATION, OTHER, PIN

NOBODY = 65534
NEEDS_DAEMON = {"status", "open", "lock", "reload", "subscribe", "devices", "health", "site"}
UNTIL = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
ALLOW = {"which": "allow", "card": CARD, "until": UNTIL, "reason": "cleaner"}
# As root in a directory of its own first: every module is then in memory, wherever the
# interpreter is installed and whoever may read it there.
BY_ROOT = """
import os, sys
from pathlib import Path
from kioskd.config.load import load
from kioskd.daemon.offline import ask_offline
os.umask(0o077)
own, other = (load(Path(path)) for path in sys.argv[1:])
for config in (own, other):
    ask_offline(config, VERB, ARGS)
"""


def _site(home: Path) -> Config:
    (home / "storage").mkdir(mode=0o700)
    write_device_key(home / "device.key")
    path = home / "kioskd.toml"
    path.write_text(CONFIGURATION.format(home=home), encoding="utf-8")
    return load(path)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return _site(tmp_path)


def _rows(config: Config) -> list[dict[str, Any]]:
    with closing(JournalReader(config.storage.directory)) as reader:
        return list(reader.rows())


def _files(config: Config) -> list[str]:
    return sorted(path.name for path in config.storage.directory.iterdir())


def test_what_is_done_without_a_daemon_is_there_for_the_next(config: Config) -> None:
    told = ask_offline(config, "list-add", ALLOW)
    assert "kioskd enrol" in told["note"]
    ask_offline(config, "enrol", {"card": CARD, "pin": PIN})
    assert ask_offline(config, "list-add", {**ALLOW, "card": CARD})["note"] == ""
    ask_offline(config, "lockdown", {"on": True})
    keys = open_keys(config)
    with closing(StateDatabase(config.storage.directory, keys.unseal_state)) as state:
        indices = keys.index.keys_of(CARD).state
        assert state.listed(indices, datetime.now(UTC)).allowed
        assert state.enrolled(indices) is not None
        assert state.lockdown()
    acts = [(row["by"], row["detail"].get("action")) for row in _rows(config)[1:]]
    who = caller().name
    assert acts == [(who, "list-add"), (who, "enrol"), (who, "list-add"), (who, "lockdown-on")]


def test_nothing_of_it_stays_open_or_locked(config: Config) -> None:
    ask_offline(config, "lockdown", {"on": True})
    expected = ["journal.db", "keyring.json", "kioskd.lock", "reserve.bin", "state.db"]
    assert _files(config) == expected
    assert not DirectoryLock.held(config.storage.directory)
    with pytest.raises(InputError):
        ask_offline(config, "lockdown", {"on": "no"})
    assert (_files(config), DirectoryLock.held(config.storage.directory)) == (expected, False)


@pytest.mark.parametrize("verb", sorted(offline.VERBS))
def test_every_verb_of_staff_answers(config: Config, verb: str) -> None:
    args: dict[str, dict[str, Any]] = {
        "clock-accept": {"reason": "as my watch says"},
        "enrol": {"show": True},
        "list-add": ALLOW,
        "list-show": {"which": "deny"},
        "lockdown": {"on": False},
        "lockout-clear": {"all": True},
        "schedule-except": {"date": UNTIL, "hours": [], "reason": "stocktaking"},
        "why": {"door": "front"},
    }
    if verb == "list-remove":
        ask_offline(config, "list-add", ALLOW)
        args[verb] = {"which": "allow", "card": CARD}
    assert ask_offline(config, verb, args.get(verb, {}))


def test_verbs_of_doors_and_devices_need_the_daemon(config: Config) -> None:
    others = VERBS.keys() - offline.VERBS
    assert others >= NEEDS_DAEMON
    for verb in [*sorted(others), "fly"]:
        with pytest.raises(Refusal, match="needs the running daemon; start it") as told:
            ask_offline(config, verb, {})
        assert told.value.code == wire.FAILED
    assert _files(config) == []


def test_hours_of_staff_are_shown_without_the_lock_and_before_the_first_start(
    config: Config,
) -> None:
    shutil.rmtree(config.storage.directory)
    assert len(ask_offline(config, "schedule-show", {})["days"]) == 14
    assert not config.storage.directory.exists()
    config.storage.directory.mkdir(mode=0o700)
    given = {"date": UNTIL, "hours": [], "reason": "stocktaking", "title": "Inventointi"}
    ask_offline(config, "schedule-except", given)
    lock = DirectoryLock.take(config.storage.directory)
    days = ask_offline(config, "schedule-show", {})["days"]
    assert [(d["date"], d["title"]) for d in days if d["source"] == "staff"] == [
        (UNTIL, "Inventointi")
    ]
    assert lock is not None
    lock.release()


def test_a_daemon_that_runs_is_the_one_writer(config: Config) -> None:
    lock = DirectoryLock.take(config.storage.directory)
    assert lock is not None
    with pytest.raises(InputError, match="another kioskd is running"):
        ask_offline(config, "lockdown", {"on": True})
    lock.release()
    assert _files(config) == ["kioskd.lock"]


def test_a_directory_that_is_not_there_is_not_made(config: Config) -> None:
    config.storage.directory.rmdir()
    with pytest.raises(StoreError, match="no storage directory yet; start the daemon first"):
        ask_offline(config, "lockdown", {"on": True})
    assert not config.storage.directory.exists()


def test_a_key_of_the_unit_is_told_with_both_ways_out(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    unit = replace(config, secrets=Secrets("credential:device-key"))
    with pytest.raises(VaultError, match="--key-file FILE"):
        ask_offline(unit, "lockdown", {"on": True})
    assert _files(config) == [], "nothing is begun without keys"
    ask_offline(config, "list-show", {"which": "allow"})
    for verb, args in (("list-add", ALLOW), ("enrol", {"card": CARD, "pin": PIN})):
        with pytest.raises(VaultError) as told:
            ask_offline(unit, verb, args)
        for part in ("--key-file FILE", "systemd-run", "LoadCredential=device-key:FILE"):
            assert part in str(told.value)
        assert CARD not in str(told.value)
    assert ask_offline(unit, "lockdown", {"on": True})["on"], "this needs no key"
    ask_offline(config, "list-add", ALLOW)  # as with --key-file


def test_whoever_logged_in_stands_before_root(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "login_of", lambda process: NOBODY)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert caller().roles == {Role.ADMINISTRATOR}
    assert caller().name.endswith(" as root")
    ask_offline(config, "lockdown", {"on": True})
    assert _rows(config)[-1]["by"] == caller().name


def test_what_the_parts_log_as_an_error_is_told(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    config.storage.directory.joinpath("journal.db").mkdir()
    assert ask_offline(config, "lockdown", {"on": True})["on"]
    assert "staff.action_unwritten: " in capsys.readouterr().err


@pytest.fixture
def other_owner() -> Iterator[Config]:
    """A site whose storage directory is somebody else's and whose key is root's alone.

    In a directory of its own: the directories of tests may be entered by their user alone.
    """
    home = Path(tempfile.mkdtemp(prefix="kioskd-"))
    home.chmod(0o755)
    found = _site(home)
    os.chown(found.storage.directory, NOBODY, NOBODY)
    yield found
    shutil.rmtree(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give it up")
def test_root_leaves_no_file_of_its_own_behind(config: Config, other_owner: Config) -> None:
    asked: dict[str, dict[str, Any]] = {
        "list-add": ALLOW,
        "enrol": {"card": CARD, "pin": PIN},
        "lockdown": {"on": True},
    }
    for verb, args in asked.items():
        script = BY_ROOT.replace("VERB", repr(verb)).replace("ARGS", repr(args))
        command = [sys.executable, "-P", "-c", script, str(config.path), str(other_owner.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    directory = other_owner.storage.directory
    owners = {path.name: path.stat().st_uid for path in directory.iterdir()}
    assert set(owners.values()) == {NOBODY}, owners
    assert {"state.db", "journal.db", "keyring.json"} <= owners.keys()
    modes = {path.name: path.stat().st_mode & 0o077 for path in directory.iterdir()}
    assert set(modes.values()) == {0}, modes
    assert {row["by"] for row in _rows(other_owner)[1:]} == {caller().name}


def test_under_a_new_key_old_rows_are_found_replaced_and_removed(tmp_path: Path) -> None:
    site = made_site(tmp_path)
    args = {**ALLOW, "card": OTHER}
    ask_offline(site.config("old"), "list-add", args)
    assert site.rekeyed() == 0
    new = site.config("new")

    def counts() -> tuple[int, int]:
        with closing(sqlite3.connect(site.directory / "state.db")) as state:
            listed = state.execute("SELECT count(*) FROM listed").fetchone()
            enrolled = state.execute("SELECT count(*) FROM enrolled").fetchone()
        return listed[0], enrolled[0]

    before = counts()
    assert ask_offline(new, "list-add", args)["replaced"]
    assert ask_offline(new, "enrol", {"card": ENROLLED, "pin": PIN})["replaced"]
    assert counts() == before == (2, 1)
    assert ask_offline(new, "list-remove", {"which": "allow", "card": OTHER})["removed"] == 1
    assert ask_offline(new, "list-remove", {"which": "deny", "card": LISTED})["removed"] == 1
    assert ask_offline(new, "enrol", {"card": ENROLLED, "remove": True})["removed"] == 1
    assert counts() == (0, 0)

"""Files that were damaged and media that take no writes: the door stays shut, people are told."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.outside.outside_facts import CARD, chain_faults, register
from tests.outside.premises import KIOSKD, Premises
from tests.outside.wire import OFF


def damage(path: Path) -> None:
    """Something else stands in the middle of the file, as after a fault of the card."""
    content = bytearray(path.read_bytes())
    content[100:4000] = b"\xa5" * 3900
    path.write_bytes(content)


def used(premises: Premises) -> None:
    """A site on which a day has gone by."""
    premises.start()
    assert premises.visit(CARD) == "OK"
    assert premises.stop() == 0


def whys(premises: Premises) -> str:
    """What people are told in the log."""
    return "\n".join(line["why"] for line in premises.lines() if "why" in line)


def test_a_damaged_cache_denies_until_a_feed_heals_it(premises: Premises) -> None:
    used(premises)
    (cache,) = premises.storage.glob("credentials.*.db")
    damage(cache)
    before = premises.ons()
    premises.start()
    assert cache.name in whys(premises)
    assert "kioskd feed import" in whys(premises)
    assert premises.visit(CARD) == "CACHE_UNREADABLE"
    assert premises.ons() == before
    lines = len(premises.lines())
    assert premises.load(register()).returncode == 0
    premises.until(lambda: "cache.adopted" in premises.events()[lines:])
    assert premises.visit(CARD) == "OK"
    assert premises.stop() == 0
    assert premises.decisions() == ["OK", "CACHE_UNREADABLE", "OK"]


def test_a_cache_that_goes_away_in_use_is_told_and_missed(premises: Premises) -> None:
    premises.start()
    assert premises.visit(CARD) == "OK"
    (premises.storage / "current").unlink()
    premises.until(lambda: "cache.unreadable" in premises.events())
    assert premises.visit(CARD) == "CACHE_UNREADABLE"
    assert premises.stop() == 0
    rows = [json.loads(row) for row in premises.command("journal", "export").stdout.splitlines()]
    (failed,) = (row for row in rows if row["kind"] == "sync.failed")
    assert "feed import" in failed["detail"]["why"]


def test_a_damaged_state_is_a_lockdown(premises: Premises) -> None:
    used(premises)
    damage(premises.storage / "state.db")
    before = premises.ons()
    premises.start()
    assert str(premises.storage / "state.db") in whys(premises)
    assert "move state.db aside, restart" in whys(premises)
    assert premises.refused(CARD) == "LOCKDOWN"
    assert premises.ons() == before
    assert premises.stop() == 0
    assert premises.decisions() == ["OK", "LOCKDOWN"]


def test_a_damaged_journal_is_set_aside_and_a_new_chain_says_so(premises: Premises) -> None:
    used(premises)
    journal = premises.storage / "journal.db"
    damage(journal)
    damaged = journal.read_bytes()
    premises.start()
    assert "a new journal was begun: damaged; the old one is kept beside it" in whys(premises)
    assert premises.visit(CARD) == "OK"
    assert premises.stop() == 0
    (kept,) = premises.storage.glob("journal.damaged-*.db")
    assert kept.read_bytes() == damaged
    rows = premises.export()
    assert (rows[0]["kind"], rows[0]["detail"]["why"]) == ("journal.started", "damaged")
    assert rows[0]["detail"]["previous"]["seq"] > 0
    assert chain_faults(rows) == []
    assert premises.command("journal", "verify").returncode == 0


def test_a_journal_removed_in_use_denies_one_entry_and_keeps_the_next(premises: Premises) -> None:
    premises.start()
    assert premises.visit(CARD) == "OK"
    for part in premises.storage.glob("journal.db*"):
        part.unlink()
    before = premises.ons()
    assert premises.visit(CARD) == "STORE_FAILED"
    assert premises.ons() == before
    assert premises.visit(CARD) == "OK"
    assert premises.stop() == 0
    assert "removed, emptied or replaced while in use" in whys(premises)
    assert premises.decisions() == ["OK"]
    verified = premises.command("journal", "verify")
    assert verified.returncode == 0
    assert "seq 1 at " in verified.stdout
    assert "the journal before this one was gone" in verified.stdout


def test_a_journal_removed_between_two_starts_is_told_as_gone(premises: Premises) -> None:
    used(premises)
    (premises.storage / "journal.db").unlink()
    premises.start()
    assert "a new journal was begun: missing; nothing is left of the old one" in whys(premises)
    assert "kept beside it" not in whys(premises)
    assert premises.stop() == 0


def test_a_journal_put_back_from_a_copy_is_named_by_verify(premises: Premises) -> None:
    used(premises)
    copy = (premises.storage / "journal.db").read_bytes()
    used(premises)
    (premises.storage / "journal.db").write_bytes(copy)
    used(premises)
    assert "restored; it goes on in the copy that was put back" in whys(premises)
    verified = premises.command("journal", "verify", "--json")
    assert verified.returncode == 0
    (restart,) = json.loads(verified.stdout)["restarts"]
    assert restart["why"] == "restored"


NESTED = b"[" * 1000


def test_a_current_that_is_nonsense_takes_no_daemon_down(premises: Premises) -> None:
    used(premises)
    current = premises.storage / "current"
    good = current.read_bytes()
    current.write_bytes(NESTED)
    premises.start()
    assert premises.visit(CARD) == "CACHE_UNREADABLE"
    current.write_bytes(good)
    premises.until(lambda: "cache.adopted" in premises.events())
    current.write_bytes(NESTED)
    assert premises.visit(CARD) == "OK", "what is open stays in use"
    assert premises.stop() == 0


def test_a_flipped_bit_in_an_attempt_stops_no_start(premises: Premises) -> None:
    premises.start()
    assert premises.visit(CARD, "0000") == "WRONG_PIN"
    assert premises.stop() == 0
    with closing(sqlite3.connect(premises.storage / "journal.db")) as journal, journal:
        journal.execute(
            "UPDATE attempt SET step = -126, boot_id = 'another', "
            "until_wall = '2199-01-01T00:00:00.000000Z'"
        )
        journal.execute("UPDATE event SET at = '0001-01-01T00:00:00.000000Z'")
    premises.start()
    assert premises.visit(CARD) == "OK"
    assert premises.stop() == 0


def test_a_damaged_keyring_denies_everybody(premises: Premises) -> None:
    used(premises)
    keyring = premises.storage / "keyring.json"
    keyring.write_bytes(keyring.read_bytes()[:200])
    before = premises.ons()
    premises.start()
    assert f"{keyring}: the keyring is damaged; restore it" in whys(premises)
    assert premises.refused(CARD) == "CACHE_UNREADABLE"
    assert premises.ons() == before
    assert premises.stop() == 0


def test_a_changed_row_shows_in_the_chain(premises: Premises) -> None:
    used(premises)
    rows = premises.export()
    assert chain_faults(rows) == []
    assert chain_faults(rows[:1] + rows[2:]) == [rows[2]["seq"]]
    journal = sqlite3.connect(premises.storage / "journal.db")
    journal.execute("UPDATE event SET reason = 'OK' WHERE seq = 2")
    journal.commit()
    journal.close()
    assert chain_faults(premises.export()) == [2]
    verified = premises.command("journal", "verify")
    assert verified.returncode == 1
    assert "broken at seq 2" in verified.stdout


@pytest.fixture
def read_only(premises: Premises) -> Iterator[Premises]:
    """A used site whose storage takes no writes."""
    used(premises)
    for path in premises.storage.iterdir():
        path.chmod(0o400)
    premises.storage.chmod(0o500)
    yield premises
    premises.storage.chmod(0o700)


def test_on_a_read_only_medium_the_door_stays_shut_and_says_why(read_only: Premises) -> None:
    before = read_only.ons()
    read_only.start((*bound_by_modes(), *KIOSKD))
    assert f"{read_only.storage} cannot be written; check its owner and its mount" in (
        whys(read_only)
    )
    assert f"{read_only.storage / 'journal.db'}: cannot be written" in whys(read_only)
    assert f"{read_only.storage / 'state.db'}: cannot be written" in whys(read_only)
    assert "move state.db aside" not in whys(read_only)
    begun = len(read_only.lines())
    assert read_only.visit(CARD) == "STORE_FAILED"
    shown = [line for line in read_only.lines()[begun:] if line["event"] == "notice"]
    assert (shown[-1]["notice"], shown[-1]["code"]) == ("fault", "31")
    assert read_only.ons() == before
    assert read_only.relay.listen().endswith(OFF)
    assert read_only.stop() == 0
    assert read_only.decisions() == ["OK"]


def bound_by_modes() -> tuple[str, ...]:
    """What makes a program of root's heed file modes, as any other user must."""
    if os.geteuid() != 0:
        return ()
    return ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-all")

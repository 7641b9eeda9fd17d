"""Staff at a running daemon, through its socket: the door does at once what they said."""

import json
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.outside.outside_facts import BCRYPT_CARD, CARD, UNKNOWN_CARD, WRONG_PIN
from tests.outside.premises import Premises

OWN_PIN = "736251"
TRIES = 3  # fewer than a reader takes before it is slowed
TODAY = datetime.now(ZoneInfo("Europe/Helsinki")).date()
UNTIL = (TODAY + timedelta(days=3)).isoformat()


@pytest.fixture
def premises(tmp_path: Path) -> Iterator[Premises]:
    made = Premises(tmp_path)
    text = made.config.read_text(encoding="utf-8").replace("tries = 20", f"tries = {TRIES}")
    made.config.write_text(text, encoding="utf-8")
    made.begin()
    try:
        begin(made)
        yield made
    finally:
        made.close()


def begin(premises: Premises) -> None:
    """Start the daemon and wait until its door stands as it is, no strike still to be tried."""
    premises.start()

    def stands() -> bool:
        lines = [line for line in premises.lines() if line["event"] == "standing"]
        return bool(lines) and lines[-1]["notice"] != "fault"

    premises.until(stands)


def told(premises: Premises, *arguments: str, stdin: str = "") -> dict[str, Any]:
    """What a command answers that must succeed."""
    done = premises.command(*arguments, "--json", stdin=stdin)
    assert (done.returncode, done.stderr) == (0, "")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_state_that_is_taken_away_is_a_lockdown_and_no_act_is_said_to_stand(
    premises: Premises,
) -> None:
    files = ("state.db", "state.db-wal", "state.db-shm")
    for name in files:
        (premises.storage / name).rename(premises.storage / f"{name}.aside")
    assert premises.refused(CARD) == "LOCKDOWN"
    for change in ("on", "off"):
        done = premises.command("lockdown", change, "--reason", "x")
        assert (done.returncode, "restart kioskd" in done.stderr) == (1, True)
    assert json.loads(premises.command("status", "--json").stdout)["lockdown"]
    assert not (premises.storage / "state.db").exists()
    for name in files:
        (premises.storage / f"{name}.aside").rename(premises.storage / name)
    told(premises, "lockdown", "on", "--reason", "x")
    told(premises, "lockdown", "off")
    assert premises.visit(BCRYPT_CARD) == "OK"


def test_a_day_of_staff_over_two_restarts(premises: Premises) -> None:
    assert premises.visit(UNKNOWN_CARD, OWN_PIN) == "UNKNOWN_CARD"
    told(premises, "enrol", "--label", "guard", stdin=f"{UNKNOWN_CARD}\n{OWN_PIN}\n")
    listing = ("list", "add", "allow", "--until", UNTIL, "--reason", "guard")
    assert told(premises, *listing, stdin=UNKNOWN_CARD)["note"] == ""
    assert premises.visit(UNKNOWN_CARD, OWN_PIN) == "OK"

    told(premises, "lockdown", "on", "--reason", "man in the yard")
    assert premises.refused(CARD) == "LOCKDOWN"
    assert premises.visit(UNKNOWN_CARD, OWN_PIN) == "OK", "the allow-list is let in"
    assert premises.stop() == 0
    begin(premises)
    assert premises.refused(CARD) == "LOCKDOWN"
    told(premises, "lockdown", "off")
    assert premises.visit(BCRYPT_CARD) == "OK"

    except_today = ("schedule", "except", TODAY.isoformat())
    told(premises, *except_today, "closed", "--reason", "water damage")
    assert premises.refused(CARD) == "CLOSED"
    assert premises.visit(UNKNOWN_CARD, OWN_PIN) == "OK"
    premises.stop(signal.SIGKILL)
    begin(premises)
    assert premises.refused(CARD) == "CLOSED"
    told(premises, *except_today, "--remove", "--reason", "dry again")
    assert premises.visit(BCRYPT_CARD) == "OK"

    lost = ("list", "add", "deny", "--until", UNTIL, "--reason", "lost card")
    told(premises, *lost, stdin=CARD)
    assert premises.visit(CARD) == "DENY_LISTED"
    told(premises, "list", "remove", "deny", stdin=CARD)
    assert premises.visit(CARD) == "OK"


def test_wrong_pins_are_seen_and_forgiven_at_once(premises: Premises) -> None:
    for _ in range(TRIES):
        assert premises.visit(CARD, WRONG_PIN) == "WRONG_PIN"
    assert premises.refused(CARD) == "LOCKED_OUT"
    [entry] = told(premises, "lockout", "list")["entries"]
    assert entry["failures"] >= TRIES
    assert 0 < entry["remaining_seconds"] <= 60
    assert told(premises, "lockout", "clear", "--id", entry["id"]) == {"cleared": 1}
    assert premises.visit(CARD) == "OK"


def test_who_did_what_stands_in_the_journal_and_no_number(premises: Premises) -> None:
    told(premises, "enrol", stdin=f"{UNKNOWN_CARD}\n{OWN_PIN}\n")
    told(premises, "list", "show", "allow")
    told(premises, "clock", "accept", "--reason", "to be sure")
    premises.stop()
    told(premises, "lockdown", "on")  # nobody runs now: by the command itself
    acts = [row for row in premises.export() if row["kind"] == "staff.action"]
    assert [row["detail"]["action"] for row in acts] == ["enrol", "list-show", "lockdown-on"]
    assert all(row["by"] for row in acts)
    assert premises.command("journal", "verify").returncode == 0
    for path in premises.base.rglob("*"):
        if path.is_file() and path != premises.config:
            data = path.read_bytes()
            assert UNKNOWN_CARD.encode() not in data, path
            assert OWN_PIN.encode() not in data, path

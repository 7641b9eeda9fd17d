"""A reload of the running daemon: what changes, what goes on, and what a fault leaves alone."""

import json
from typing import Any

from tests.outside.outside_facts import BCRYPT_CARD, CARD
from tests.outside.premises import Premises


def edit(premises: Premises, old: str, new: str) -> None:
    text = premises.config.read_text(encoding="utf-8")
    assert old in text
    premises.config.write_text(text.replace(old, new), encoding="utf-8")


def reload(premises: Premises, code: int = 0) -> dict[str, Any]:
    done = premises.command("reload", "--json")
    assert done.returncode == code, done.stderr
    return dict(json.loads(done.stdout)) if done.stdout else {}


def test_a_longer_release_is_in_force_at_once_and_journalled_with_who_asked(
    premises: Premises,
) -> None:
    premises.start()
    assert premises.visit(CARD) == "OK"
    edit(premises, "\nrelease_seconds = 0.5", "\nrelease_seconds = 0.9")
    told = reload(premises)
    assert told["changed"] == ["doors.front.release_seconds: 0.5 -> 0.9"]
    assert (told["doors"], told["devices"]) == (["front"], [])
    assert premises.visit(CARD) == "OK"
    rows = premises.export()
    released = [r["detail"]["seconds"] for r in rows if r["kind"] == "strike.released"]
    assert released == [0.5, 0.9]
    (changed,) = [row for row in rows if row["kind"] == "config.changed"]
    assert changed["by"] == "root"
    assert changed["detail"]["changed"] == told["changed"]


def test_a_scanner_with_another_port_begins_anew_and_the_relay_notices_nothing(
    premises: Premises,
) -> None:
    premises.start()
    premises.scanner.unplug()
    premises.until(lambda: "device.lost" in premises.events())
    elsewhere = premises.base / "other-scanner"
    premises.scanner.link = elsewhere
    premises.scanner.plug()
    edit(premises, f"{premises.base}/scanner", str(elsewhere))
    told = reload(premises)
    assert (told["devices"], told["doors"]) == (["front-scanner"], ["front"])
    assert premises.visit(CARD) == "OK"
    lost = [line["device"] for line in premises.lines() if line["event"] == "device.lost"]
    assert lost == ["front-scanner"]


def test_a_file_with_faults_changes_nothing_and_each_fault_is_told(premises: Premises) -> None:
    premises.start()
    edit(premises, "\nrelease_seconds = 0.5", "\nreleas_seconds = 9\nholdays = 1")
    done = premises.command("reload")
    assert done.returncode == 2
    assert "the configuration in force stays: 3 faults in the file" in done.stderr
    assert "did you mean release_seconds?" in done.stderr
    assert "holdays" in done.stderr
    assert premises.visit(CARD) == "OK"
    edit(premises, "\nreleas_seconds = 9\nholdays = 1", "\nrelease_seconds = 0.5")
    kinds = [row["kind"] for row in premises.export()]
    assert "config.changed" not in kinds


def test_a_lockdown_and_a_lock_do_not_wait_for_a_file_without_faults(premises: Premises) -> None:
    premises.start()
    edit(premises, "\nrelease_seconds = 0.5", "\nreleas_seconds = 9")
    assert premises.command("lockdown", "on", "--reason", "drill").returncode == 0
    assert premises.refused(CARD) == "LOCKDOWN"
    assert premises.command("lock", "front").returncode == 0
    assert premises.command("lockdown", "off").returncode == 0
    assert premises.visit(BCRYPT_CARD) == "OK"


def test_what_waits_for_a_restart_is_told_and_not_done(premises: Premises) -> None:
    premises.start()
    edit(premises, "tries = 20", "tries = 3")
    told = reload(premises, code=1)
    assert told["held_back"] == ["lockout.tries"]
    assert premises.visit(CARD) == "OK"

"""The command `doctor` over real sites: well, half set up, damaged, and for who may see little."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.outside.premises import KIOSKD, Premises


def look(premises: Premises) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """The exit code and the findings by check."""
    done = premises.command("doctor", "--json")
    told = json.loads(done.stdout)
    assert done.stderr == ""
    assert (done.returncode == 0) is told["well"]
    found: dict[str, list[dict[str, Any]]] = {}
    for check in told["checks"]:
        found.setdefault(check["check"], []).append(check)
    return done.returncode, found


def words(found: dict[str, list[dict[str, Any]]], check: str) -> set[str]:
    return {finding["word"] for finding in found[check]}


def test_without_a_daemon_everything_else_is_looked_at(premises: Premises) -> None:
    code, found = look(premises)
    bad = {check for check in found if "bad" in words(found, check)}
    assert (code, bad) == (1, {"daemon"})
    assert "systemctl start" in found["daemon"][0]["todo"]
    assert found["feed"][0]["what"].startswith("4 credentials")
    assert found["coverage"][0]["what"] == "4 exported, 0 enrolled by staff"
    assert found["coverage front"][0]["what"].startswith("nothing yet")
    assert "tier 3: a file on the same card" in found["key"][0]["what"]
    assert words(found, "clock") == {"look"}  # the site takes its clock as right
    assert "Python" in found["versions"][0]["what"]
    assert {"device front-scanner", "device front-keypad", "device front-relay"} <= set(found)


def test_a_running_daemon_is_looked_at_beside_its_doors(premises: Premises) -> None:
    premises.start()
    premises.visit("167A006007")
    premises.visit("167A006999")
    code, found = look(premises)
    assert not [check for check in found if "bad" in words(found, check)], found
    assert code == 0
    assert found["coverage front"][0]["what"].startswith("50 % of 2 entries")
    assert "UNKNOWN_CARD 1" in found["coverage front"][0]["what"]
    assert premises.visit("167A006007") == "OK"


def test_a_key_that_is_not_this_site_s_is_named(premises: Premises) -> None:
    premises.key.unlink()
    assert premises.command("keygen", "--out", str(premises.key)).returncode == 0
    _, found = look(premises)
    assert "bad" in words(found, "key")


def test_a_missing_device_and_an_unreadable_key_are_named(premises: Premises) -> None:
    premises.scanner.unplug()
    premises.key.unlink()
    _, found = look(premises)
    assert words(found, "device front-scanner") == {"bad"}
    assert words(found, "key") == {"bad"}
    assert words(found, "device front-relay") == {"ok"}


def test_a_configuration_with_faults_is_shown_and_looked_past(premises: Premises) -> None:
    text = premises.config.read_text(encoding="utf-8")
    premises.config.write_text(text.replace("release_seconds", "releas_seconds"), encoding="utf-8")
    code, found = look(premises)
    assert code == 1
    assert any("did you mean release_seconds?" in f["what"] for f in found["configuration"])
    assert {"swap", "disk", "journal", "versions"} <= set(found)


def test_without_any_configuration_there_is_an_answer(tmp_path: Path) -> None:
    command = [*KIOSKD, "doctor", "--json", "--config", str(tmp_path / "none.toml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "there is no such file" in done.stdout


@pytest.mark.parametrize("name", ["journal.db", "state.db", "current"])
def test_a_damaged_file_ends_no_look(premises: Premises, name: str) -> None:
    premises.start()
    assert premises.stop() == 0
    (premises.storage / name).write_bytes(b"\x1b[2J junk " * 1000)
    code, found = look(premises)
    assert code == 1
    if name == "journal.db":
        assert words(found, "journal") == {"bad"}
    if name == "current":
        assert words(found, "feed") == {"bad"}


def test_an_older_journal_that_was_put_back_is_noticed(premises: Premises) -> None:
    premises.start()
    assert premises.stop() == 0
    older = (premises.storage / "journal.db").read_bytes()
    premises.start()
    assert premises.stop() == 0
    (premises.storage / "journal.db").write_bytes(older)
    _, found = look(premises)
    assert "rows are missing" in found["journal"][0]["what"]


def test_open_permissions_are_named_with_the_command_that_mends_them(premises: Premises) -> None:
    premises.storage.chmod(0o755)
    premises.config.chmod(0o666)
    premises.key.chmod(0o640)
    _, found = look(premises)
    todos = {f["todo"] for f in found["permissions"]} | {f["todo"] for f in found["key"]}
    assert f"chmod 700 {premises.storage}" in todos
    assert f"chmod go-w {premises.config}" in todos
    assert f"chmod 600 {premises.key}" in todos


def test_looking_changes_nothing(premises: Premises) -> None:
    premises.start()
    assert premises.stop() == 0
    before = {p.name: p.stat().st_mtime_ns for p in premises.storage.iterdir()}
    look(premises)
    after = {p.name: p.stat().st_mtime_ns for p in premises.storage.iterdir()}
    sides = {name for name in after if name.endswith(("-wal", "-shm"))}
    assert {n: t for n, t in after.items() if n not in sides} == {
        n: t for n, t in before.items() if n not in sides
    }


def test_for_people_there_is_a_table_with_words_and_ways_out(premises: Premises) -> None:
    done = premises.command("doctor")
    assert done.returncode == 1
    assert "→ start it: systemctl start kioskd" in done.stdout
    assert "1 bad" in done.stdout

"""The bundle over a real site with secrets planted in every place that it reads."""

import json
import stat
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kioskd.daemon.bundling import NEVER, collect
from kioskd.domain.record import Kind, Record
from kioskd.store.journal_start import open_journal
from tests.doctor.drawn import Machine
from tests.outside.premises import Premises
from tests.store.rig import NOW, ZONE, card, entry

CARD = "167A006007"
PLANTED = (
    CARD,
    CARD.lower(),
    "2600104874",
    "010190-123A",
    "maija@example.invalid",
    "Meikäläinen",
    "+358 50 765 4321",
    "hunter2",
    "84617263",
    card(7).hex(),
)
PHONE = "+358 40 123 4567"


def planted_config(premises: Premises) -> None:
    """Secrets in comments, names, arguments and where a reference should be."""
    text = premises.config.read_text(encoding="utf-8")
    text = text.replace(
        'branch = "ESI"',
        f'branch = "ESI"\nhelp_phone = "{PHONE}"  # or Maija Meikäläinen, +358 50 765 4321',
    )
    text += f'\n[alerts]\ncommand = ["/usr/bin/mail", "maija@example.invalid", "{CARD}"]\n'
    premises.config.write_text(text, encoding="utf-8")


def planted_journal(premises: Premises) -> None:
    """Rows with persons, with who did it, and with texts that somebody typed."""
    opened = open_journal(premises.storage, ZONE, NOW, "id-start", None)
    told: dict[str, Any] = {
        "action": "list-add",
        "reason": "Meikäläinen called from +358 50 765 4321",
        "shown": "…007",
        "label": "Maija Meikäläinen",
    }
    why = f"front-scanner: {CARD} 010190-123A maija@example.invalid \x1b[2J"
    rows = [
        entry(7),
        Record("id-3", NOW, Kind.STAFF_ACTION, "front", by="Meikäläinen", detail=told),
        Record("id-4", NOW, Kind.DEVICE_LOST, detail={"device": "front-scanner", "why": why}),
        Record("id-5", datetime(2026, 11, 23, tzinfo=UTC), Kind.DEVICE_BACK, detail={"n": CARD}),
    ]
    for row in rows:
        opened.file.append(row)
    opened.file.close()


@pytest.fixture
def planted(premises: Premises) -> Premises:
    planted_config(premises)
    planted_journal(premises)
    (premises.storage / f"export-{CARD}.csv").write_text(CARD)
    return premises


def unpacked(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        texts = {}
        for member in archive.getmembers():
            file = archive.extractfile(member)
            assert file is not None
            assert member.mode == 0o600
            texts[member.name.removeprefix("kioskd-support/")] = file.read().decode()
        return texts


def test_no_planted_secret_is_in_the_bundle(planted: Premises, tmp_path: Path) -> None:
    out = tmp_path / "b.tar.gz"
    done = planted.command("support-bundle", "--out", str(out))
    assert done.returncode == 0, done.stderr
    inside = unpacked(out)
    for name, text in [*inside.items(), ("the command", done.stdout)]:
        for secret in PLANTED:
            assert secret not in text, (name, secret)
        assert "\x1b" not in text
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_what_is_inside_is_listed_and_so_is_what_is_not(planted: Premises, tmp_path: Path) -> None:
    out = tmp_path / "b.tar.gz"
    done = planted.command("support-bundle", "--out", str(out))
    inside = unpacked(out)
    manifest = json.loads(inside["manifest.json"])
    assert set(manifest["files"]) | {"manifest.json"} == set(inside)
    assert {"configuration.json", "doctor.json", "journal.jsonl", "files.json"} <= set(inside)
    assert manifest["left_out"][: len(NEVER)] == list(NEVER)
    assert any(line.startswith("status.json: ") for line in manifest["left_out"])
    for name in inside:
        assert f"  {name}\n" in done.stdout
    assert "look at it before you send it" in done.stdout


def test_what_support_needs_is_there(planted: Premises, tmp_path: Path) -> None:
    planted.command("support-bundle", "--out", str(tmp_path / "b.tar.gz"))
    inside = unpacked(tmp_path / "b.tar.gz")
    config = json.loads(inside["configuration.json"])
    assert config["site"]["help_phone"] == PHONE
    assert config["secrets"]["device_key"] == f"file:{planted.key}"
    assert config["alerts"]["command"] == ["/usr/bin/mail", "and 2 arguments"]
    rows = [json.loads(line) for line in inside["journal.jsonl"].splitlines()]
    assert [row["kind"] for row in rows] == [
        "journal.started",
        "entry.decided",
        "staff.action",
        "device.lost",
        "device.back",
    ]
    assert rows[1]["at"] == "2026-11-23T16:00:00.000000Z"
    assert rows[2]["detail"] == {"action": "list-add"}
    assert rows[3]["detail"]["device"] == "front-scanner"
    assert all("by" not in row and "card" not in row and "personal" not in row for row in rows)
    assert json.loads(inside["doctor.json"])["checks"]


def test_an_older_file_is_never_overwritten(planted: Premises, tmp_path: Path) -> None:
    out = tmp_path / "b.tar.gz"
    out.write_text("mine")
    done = planted.command("support-bundle", "--out", str(out))
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert out.read_text() == "mine"


def test_the_newest_500_rows_are_taken(premises: Premises) -> None:
    opened = open_journal(premises.storage, ZONE, NOW, "id-start", None)
    for number in range(2, 605):
        opened.file.append(entry(number))
    opened.file.close()
    lines = collect(premises.config).files["journal.jsonl"].splitlines()
    assert len(lines) == 500
    assert json.loads(lines[-1])["seq"] == 604


def test_a_configuration_that_cannot_be_read_leaves_the_rest(premises: Premises) -> None:
    premises.config.write_text(f'[site\nname = "{CARD}"', encoding="utf-8")
    bundle = collect(premises.config)
    assert "configuration.json" not in bundle.files
    assert "doctor.json" in bundle.files
    assert CARD not in "".join([*bundle.files.values(), *bundle.left_out])


def test_what_devices_say_of_themselves_is_redacted_too(premises: Premises, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "root")
    machine.usb("ttyUSB0", "1a86", "7523", maker=CARD, model="maija@example.invalid")
    machine.file("proc/swaps", "Filename Type\n/home/010190-123A/swap file\n")
    machine.file("proc/sys/kernel/core_pattern", "core")
    bundle = collect(premises.config, root=machine.root)
    text = "".join(bundle.files.values())
    assert "/dev/ttyUSB0" in text
    for secret in PLANTED:
        assert secret not in text

"""What the commands say when something is not well: imports, devices, key, files, certificate."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kioskd.domain.moment import stamp
from kioskd.vault.device_key import write_device_key
from sync.hub.cli import check_config
from sync.hub.main import main
from sync.hub_wire import CacheSays, Heartbeat
from tests.hub_cli import certificates
from tests.hub_cli.hub_files import TEXT, Hub

PEOPLE = 40


def feed(first: int, last: int, *, torn: int = 0) -> bytes:
    lines = [f'{{"card": "001A{n:06}"}}\n' for n in range(first, last)]
    return "".join([*lines, *("{\n" for _ in range(torn))]).encode()


def load(hub: Hub, data: bytes, *options: str) -> tuple[int, str]:
    """The exit code and what was said to people."""
    done = hub.run("import", "-", "--feed", "esi", "--no-wait", *options, stdin=data)
    return done.returncode, done.stdout + done.stderr


def faults(hub: Hub) -> list[str]:
    """What status says of everything but feed naa."""
    done = hub.run("status", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode == 0) is told["well"] is (not told["faults"])
    return [fault for fault in told["faults"] if not fault.startswith("feed naa")]


def write(hub: Hub, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(hub.base / "hub.db")) as connection, connection:
        assert connection.execute(statement, values).rowcount == 1


def beats(hub: Hub, **said: Any) -> None:
    """The device `front` as its heartbeat leaves it behind."""
    now = datetime.now(UTC)
    beat = Heartbeat(at=now, version="1", **said)
    state = msgspec.json.encode(beat).decode()
    write(hub, "UPDATE device SET seen = ?, state = ? WHERE name = 'front'", stamp(now), state)


@pytest.fixture
def door(hub: Hub) -> Hub:
    """A hub whose feed esi is well, and with a device."""
    assert load(hub, feed(0, PEOPLE))[0] == 0
    hub.well("device", "add", "front", "--branch", "ESI")
    return hub


def test_bad_rows_of_a_full_import_are_a_fault_until_it_is_mended(hub: Hub) -> None:
    assert load(hub, feed(0, PEOPLE, torn=2))[0] == 1
    assert faults(hub) == ["feed esi: 2 rows of the last full import were bad"]
    assert load(hub, feed(0, 1), "--delta")[0] == 0
    assert faults(hub) == ["feed esi: 2 rows of the last full import were bad"]
    assert load(hub, feed(0, PEOPLE))[0] == 0
    assert faults(hub) == []


def test_cards_that_wait_to_be_dropped_are_a_fault_until_somebody_decides(hub: Hub) -> None:
    load(hub, feed(0, PEOPLE))
    assert load(hub, feed(0, 10))[0] == 1
    assert faults(hub) == ["feed esi: 30 cards wait to be dropped (--confirm-shrink)"]
    assert load(hub, feed(0, 10), "--confirm-shrink")[0] == 0
    assert faults(hub) == []


def test_an_empty_file_never_makes_a_hub_well(hub: Hub) -> None:
    for _ in range(2):
        code, told = load(hub, b"")
        assert code == 1
        assert "the file is empty: nobody of esi is in it" in told
    empty = "feed esi: the last full import was empty; look at the export"
    assert faults(hub) == [empty, "feed esi: no full import yet"]
    load(hub, feed(0, PEOPLE))
    assert load(hub, b"")[0] == 1
    assert faults(hub) == [empty, f"feed esi: {PEOPLE} cards wait to be dropped (--confirm-shrink)"]
    assert load(hub, b"", "--confirm-shrink")[0] == 0


def test_lines_that_cannot_be_read_drop_nobody_unasked(hub: Hub) -> None:
    load(hub, feed(0, PEOPLE))
    code, told = load(hub, feed(0, 30, torn=4))
    assert code == 1
    assert "4 of 34 lines could not be read at all: 10 cards wait" in told
    code, told = load(hub, feed(0, 30, torn=4), "--confirm-shrink")
    assert code == 1
    assert re.search(r"dropped +10   not in the feed, or their line could not be read", told)
    assert re.search(r"dropped +1 ", load(hub, feed(0, 29, torn=3))[1])


def test_an_import_that_runs_is_told_apart_from_one_that_was_cut_off(hub: Hub) -> None:
    load(hub, feed(0, PEOPLE))
    at = datetime.now(UTC)
    row = ("one", "esi", "feed", 0, "2999-01-01T11:00:00.000000Z", None, None)
    write(hub, "INSERT INTO import VALUES (?, ?, ?, ?, ?, ?, ?)", *row)
    assert "1 was cut off" in hub.run("status").stdout
    row = ("two", "esi", "feed", 0, "2999-01-01T12:00:00.000000Z", None, None)
    write(hub, "INSERT INTO import VALUES (?, ?, ?, ?, ?, ?, ?)", *row)
    until = stamp(at + timedelta(hours=1))
    write(hub, "INSERT INTO lease VALUES ('import:esi', 'somebody', ?)", until)
    assert "running since 14:00, 1 was cut off" in hub.run("status").stdout


def test_a_dropped_cache_is_shown_and_is_a_fault(door: Hub) -> None:
    beats(door, alerts=["cache-held"])
    back = "`kioskd-hub device command front sync-now` brings it back"
    assert faults(door) == [f"device front: its cache is dropped; {back}"]
    assert " dropped " in door.run("device", "list").stdout
    (listed,) = json.loads(door.well("device", "list", "--json"))["devices"]
    assert listed["cache_dropped"] is True
    cache = CacheSays(PEOPLE, datetime.now(UTC), "g")
    beats(door, cache=cache)
    assert faults(door) == []
    assert " dropped " not in door.run("device", "list").stdout


def test_a_device_with_alerts_is_not_well(door: Hub) -> None:
    beats(door, alerts=["disk-low", "door-held"])
    assert faults(door) == ["device front: it raised disk-low, door-held"]


def test_a_device_that_does_not_take_what_was_published_is_not_well(door: Hub) -> None:
    beats(door)
    source = b'help_phone = "+358 00 000 0000"\n'
    door.well("config", "publish", "-", "--branch", "ESI", stdin=source)
    (version,) = _column(door, "SELECT version FROM published")
    assert faults(door) == []
    then = stamp(datetime.now(UTC) - timedelta(minutes=6))
    write(door, "UPDATE published SET at = ?", then)
    told = f"has not taken what was published: version {version}, it has 0"
    assert faults(door) == [f"device front: {told}"]
    beats(door, config_version=version)
    assert faults(door) == []


def test_a_device_that_joined_and_says_nothing_was_not_started(hub: Hub) -> None:
    load(hub, feed(0, PEOPLE))
    hub.well("device", "add", "front", "--branch", "ESI")
    assert "never heard of since it was added" in faults(hub)[0]
    done = hub.run("device", "join-code", "front", "--branch", "ESI")
    assert "kioskd setup --join CODE --hub URL" in done.stderr
    assert done.stdout.strip() not in done.stderr
    write(hub, "UPDATE join_code SET used = ?", stamp(datetime.now(UTC)))
    assert faults(hub) == ["device front: joined, daemon not started"]


def test_init_makes_no_key_beside_a_database_that_has_one(either: Hub) -> None:
    key = either.base / "hub.key"
    kept = key.read_bytes()
    key.unlink()
    for command in (("init",), ("import", "-", "--feed", "esi")):
        done = either.run(*command)
        assert done.returncode == 2
        assert f"{key}: no hub key there" in done.stderr
        assert "put the copy back; a new key cannot read this database" in done.stderr
        assert not key.exists()
    key.write_bytes(kept)
    key.chmod(0o600)
    assert either.run("init").returncode == 0


def test_a_file_that_is_no_key_is_not_to_be_replaced_by_a_new_one(hub: Hub) -> None:
    key = hub.base / "hub.key"
    key.write_text("not it\n")
    for command in (("init",), ("import", "-", "--feed", "esi")):
        done = hub.run(*command)
        assert done.returncode == 2
        told = "not a hub key; put the copy back; a new key cannot read this database"
        assert done.stderr == f"{key}: {told}\n"


@pytest.mark.parametrize("log", [False, True])
def test_a_database_that_is_gone_is_not_made_anew(hub: Hub, *, log: bool) -> None:
    file = hub.base / "hub.db"
    file.unlink()
    if log:
        (hub.base / "hub.db-wal").write_bytes(b"x" * 64)
    for command in (("status",), ("device", "list"), ("import", "-", "--feed", "esi"), ("serve",)):
        done = hub.run(*command)
        assert done.returncode == 2, command
        told = "is not there; restore it, or run `kioskd-hub init` for a new hub"
        assert done.stderr.endswith(f"{file}: {told}\n")
        assert not file.exists()


def test_a_path_with_odd_characters_is_opened_as_it_is(tmp_path: Path) -> None:
    base = tmp_path / "a b#c"
    base.mkdir()
    hub = Hub(base, f"sqlite:///{base}/hub.db")
    hub.write()
    hub.well("init")
    hub.well("device", "list")
    assert {path.name for path in base.iterdir()} >= {"hub.db"}


def test_a_password_is_in_no_message(bare: Hub) -> None:
    bare.write(TEXT.replace("{database}", "postgresql://hub:hunter2@127.0.0.1:1/hub"))
    write_device_key(bare.base / "hub.key")
    done = bare.run("import", "-", "--feed", "esi")
    assert done.returncode == 2
    assert "postgresql://hub:***@127.0.0.1:1/hub: cannot be reached" in done.stderr
    assert bare.run("status").returncode == 1
    assert "hunter2" not in done.stderr


def test_check_config_looks_at_certificate_and_key(
    bare: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = generate_private_key(SECP256R1())
    monkeypatch.setattr(certificates, "generate_private_key", lambda curve: private)
    cert = certificates.certificate(bare.base, days=90)
    key = _pem(private, bare.base / "tls.key")
    assert _checked(bare, cert, key)[0] == 0
    other = _pem(generate_private_key(SECP256R1()), bare.base / "other.key")
    for wrong, told in (
        (bare.base / "none.key", "none.key: No such file"),
        (bare.config, "hub.toml: is no unencrypted private key"),
        (other, f"other.key: is not the key of {cert}"),
    ):
        code, said = _checked(bare, cert, wrong)
        assert (code, told in said) == (2, True), said
    certificates.certificate(bare.base, days=0)
    code, said = _checked(bare, cert, key)
    assert (code, "put a new certificate there" in said) == (2, True)


def test_check_config_has_the_usual_file(monkeypatch: pytest.MonkeyPatch, bare: Hub) -> None:
    monkeypatch.setattr(check_config, "DEFAULT_CONFIG", bare.config)
    assert main(["check-config"]) == 0


def test_clearing_an_alarm_that_is_none_says_so(door: Hub) -> None:
    done = door.run("device", "clear-alarm", "front")
    assert (done.returncode, done.stderr) == (0, "front: there was no alarm\n")
    write(door, "UPDATE device SET alarm = 'its journal is shorter' WHERE name = 'front'")
    done = door.run("device", "clear-alarm", "front")
    assert done.stderr == "front: alarm cleared\n"


def test_a_person_is_shown_to_whoever_has_to_answer_for_it(hub: Hub) -> None:
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    ban = f'[{{"kind": "use-ban", "until": "{until}"}}]'
    pin = "$2a$04$abcdefghijklmnopqrstuuFf8fM3RIfDd1uJxR6WlXq3Wd0Ri6Ki2"
    line = f'{{"card": "001A000001", "restrictions": {ban}, "pin_hash": "{pin}"}}\n'
    load(hub, line.encode())
    (ref,) = _column(hub, "SELECT ref FROM patron")
    day = datetime.now(UTC).date().isoformat()
    write(hub, "INSERT INTO activity VALUES (?, ?, ?)", ref, day, stamp(datetime.now(UTC)))
    told = hub.well("person", "show", "--card-stdin", stdin=b"001a000001\n")
    (found,) = json.loads(told)["held"]
    assert found["feed"] == "esi"
    assert found["restrictions"] == [{"kind": "use-ban", "until": until}]
    assert found["pin"] is True
    assert found["used_on"] == [day]
    assert found["branches"] == ["ESI", "NAA"]
    assert "$2a$" not in told
    assert "001A000001" not in told
    unknown = hub.well("person", "show", "--card-stdin", stdin=b"001A000009\n")
    assert json.loads(unknown)["held"] == []
    assert hub.run("person", "show", "--card-stdin", stdin=b"\n").returncode == 2


def _column(hub: Hub, statement: str) -> list[Any]:
    with closing(sqlite3.connect(hub.base / "hub.db")) as connection:
        return [row[0] for row in connection.execute(statement)]


def _checked(hub: Hub, cert: Path, key: Path) -> tuple[int, str]:
    tls = f'tls_cert = "{cert}"\ntls_key = "{key}"\nkey ='
    hub.write(TEXT.replace("key =", tls, 1))
    done = hub.run("check-config")
    return done.returncode, done.stderr


def _pem(key: EllipticCurvePrivateKey, path: Path) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path

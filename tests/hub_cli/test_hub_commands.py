"""The real command: init, devices, status, statistics; exit codes, and what stands where."""

import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kioskd.vault.device_key import write_device_key
from sync.hub.main import COMMANDS
from sync.hub_wire import TOKEN
from tests.hub_cli.certificates import certificate
from tests.hub_cli.hub_files import TEXT, Hub

SOMEBODY = 65533  # an account that owns nothing else here


def test_init_makes_key_and_tables_once(bare: Hub) -> None:
    first = bare.process("init")
    assert first.returncode == 0
    assert "a new key. Keep a copy" in first.stderr
    key = bare.base / "hub.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    again = bare.run("init", "--json")
    assert json.loads(again.stdout) == {"key_made": False, "database_new": False}
    assert key.read_bytes() == before
    assert stat.S_IMODE((bare.base / "hub.db").stat().st_mode) == 0o600


def test_a_key_of_another_hub_is_refused_by_name(hub: Hub) -> None:
    key = hub.base / "hub.key"
    key.unlink()
    write_device_key(key)
    for command in (
        ("init",),
        ("serve",),
        ("import", "-", "--feed", "esi"),
        ("activity", "export", "--feed", "esi"),
        ("config", "show", "--branch", "ESI"),
    ):
        done = hub.run(*command)
        assert done.returncode == 2, command
        assert f"file:{key}: is not the key of {hub.base / 'hub.db'}" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_hub_without_init_says_so(bare: Hub) -> None:
    for command in (("device", "list"), ("status",), ("stats", "--year", "2026")):
        done = bare.run(*command)
        assert done.returncode == 2
        assert "run `kioskd-hub init`" in done.stderr


def test_a_database_without_its_key_check_says_so(either: Hub) -> None:
    key = either.base / "hub.key"
    key.unlink()
    done = either.run("import", "-", "--feed", "esi")
    assert done.returncode == 2
    assert "put the copy back; a new key cannot read this database" in done.stderr


def test_a_device_is_added_told_and_revoked(either: Hub) -> None:
    added = either.run("device", "add", "front", "--branch", "ESI")
    assert (added.returncode, added.stderr) == (0, "")
    token = TOKEN.fullmatch(added.stdout.removesuffix("\n"))
    assert token is not None
    assert token[1] == "front"
    assert either.run("device", "add", "front", "--branch", "ESI").returncode == 2
    assert either.run("device", "command", "front", "sync-now").returncode == 0
    code = either.well("device", "join-code", "front", "--branch", "ESI")
    assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){4}\n", code)
    assert either.run("device", "revoke", "front").returncode == 0
    (listed,) = json.loads(either.well("device", "list", "--json"))["devices"]
    assert listed["name"] == "front"
    assert listed["revoked"]
    assert "revoked" in either.well("device", "list")
    assert token[0] not in json.dumps(listed)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("device", "add", "front", "--branch", "ESU"), "has no branch 'ESU'; did you mean ESI?"),
        (("device", "add", "fro nt", "--branch", "ESI"), "is no name of a device"),
        (("device", "revoke", "nobody"), "no such device"),
        (("device", "command", "nobody", "drop-cache"), "no such device"),
        (("device", "command", "front", "explode"), "invalid choice"),
        (("device", "clear-alarm", "nobody"), "no such device"),
        (("import", "-", "--feed", "esa"), "owns a feed 'esa'; did you mean esi?"),
        (("import", "/nowhere.jsonl", "--feed", "esi"), "no such file"),
        (("import", "-", "--feed", "esi", "--delete"), "--delete"),
        (("import", "-", "--feed", "esi", "--format", "xml"), "invalid choice"),
        (("activity", "export", "--feed", "esa"), "did you mean esi?"),
        (("activity", "forget", "--feed", "esi", "--before", "2026-01-01"), "with its Z"),
        (("config", "publish", "/nowhere.toml", "--branch", "ESI"), "cannot be read"),
        (("config", "publish", "-", "--branch", "ESU"), "has no branch 'ESU'"),
        (("stats", "--year", "26"), "give a year like"),
        (("stats", "--year", "2025", "--municipality", "esimerkki"), "did you mean esimerkkila?"),
        (("stats", "--year", "2025", "--branch", "NA"), "did you mean NAA?"),
        (("import", "-", "--feed", "esi", "--confirm"), "unrecognized arguments"),
        (("recovery-key",), "not built into this version"),
        (("sevre",), "did you mean serve?"),
    ],
)
def test_wrong_usage_is_one_clear_line(hub: Hub, arguments: tuple[str, ...], told: str) -> None:
    done = hub.run(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ""


def test_wrong_usage_of_the_real_command(hub: Hub) -> None:
    done = hub.process("device", "add", "front", "--branch", "ESU")
    assert (done.returncode, done.stdout) == (2, "")
    told = f"--branch: {hub.config} has no branch 'ESU'; did you mean ESI?\n"
    assert done.stderr == told


def test_a_bad_configuration_stops_every_command(bare: Hub) -> None:
    bare.write(TEXT.replace("listen", "lisen"))
    for arguments in (
        ("init",),
        ("serve",),
        ("status",),
        ("check-config",),
        ("import", "-", "--feed", "esi"),
        ("stats", "--year", "2025"),
        ("device", "list"),
        ("config", "show", "--branch", "ESI"),
        ("activity", "export", "--feed", "esi"),
    ):
        done = bare.run(*arguments)
        assert done.returncode == 2, arguments
        assert (
            done.stderr.splitlines()[0]
            == f"{bare.config}: hub.lisen: unknown key; did you mean listen?"
        )
    assert not (bare.base / "hub.db").exists()


def test_every_command_has_help(bare: Hub) -> None:
    for name in COMMANDS:
        assert f"usage: kioskd-hub {name}" in bare.well(name, "--help")


def test_check_config_tells_warnings_and_ends_well(bare: Hub) -> None:
    bare.write(TEXT.replace('feeds = ["naa"]', 'feeds = ["nab"]', 1))
    done = bare.run("check-config")
    assert done.returncode == 0
    assert "did you mean nab?" in done.stderr
    assert json.loads(bare.well("check-config", "--json"))["warnings"]


def test_status_tells_what_is_not_well(hub: Hub) -> None:
    done = hub.run("status", "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["faults"] == ["feed esi: no full import yet", "feed naa: no full import yet"]
    assert told["waiting_to_wrap"] == 0
    hub.well("device", "add", "front", "--branch", "ESI")
    plain = hub.run("status")
    assert plain.returncode == 1
    assert "device front: never heard of" in plain.stdout


def test_status_is_well_after_imports_and_ill_when_they_are_old(hub: Hub) -> None:
    at = datetime.now(UTC)
    _imported(hub, "esi", at - timedelta(hours=1))
    _imported(hub, "naa", at - timedelta(hours=2))
    done = hub.run("status")
    assert (done.returncode, "all is well" in done.stdout) == (0, True)
    _imported(hub, "esi", at - timedelta(hours=200), clear=True)
    done = hub.run("status")
    assert done.returncode == 1
    assert "the last full import is 200 hours old" in " ".join(done.stdout.split())


def test_status_counts_the_days_of_the_certificate(hub: Hub) -> None:
    _imported(hub, "esi", datetime.now(UTC))
    _imported(hub, "naa", datetime.now(UTC))
    cert = certificate(hub.base, days=10)
    hub.write(TEXT.replace("key =", f'tls_cert = "{cert}"\ntls_key = "{cert}"\nkey =', 1))
    told = json.loads(hub.run("status", "--json").stdout)
    assert told["certificate_days"] in (9, 10)
    assert f"{cert}: ends in {told['certificate_days']} days" in told["faults"][0]


def test_statistics_of_a_year(either: Hub, tmp_path: Path) -> None:
    for line in ("table", "csv", "json"):
        done = either.run("stats", "--year", "2025", "--format", line)
        assert done.returncode == 0
    assert json.loads(done.stdout) == {"year": 2025, "tables": []}
    picture = tmp_path / "log-ins.svg"
    assert either.run("stats", "--year", "2025", "--plot", str(picture)).returncode == 0
    assert picture.read_text().startswith("<svg")
    assert stat.S_IMODE(picture.stat().st_mode) == 0o644
    running = either.run("stats", "--year", str(datetime.now(UTC).year))
    assert "is not over" in running.stderr


def test_statistics_are_counted_and_withheld(hub: Hub) -> None:
    with closing(sqlite3.connect(hub.base / "hub.db")) as connection, connection:
        rows = [("ESI", f"2025-03-{d:02}", 9, "login", 40) for d in range(3, 10)]
        rows += [("NAA", "2025-03-03", 9, "login", 3), ("OLD", "2025-03-03", 9, "login", 50)]
        connection.executemany("INSERT INTO tally VALUES (?, ?, ?, ?, ?)", rows)
    done = hub.run("stats", "--year", "2025", "--format", "csv")
    assert done.returncode == 0
    assert "no municipality answers for them: OLD" in done.stderr
    assert "esimerkkila,ESI,log-ins,branch,ESI,month,2025-03,280\r" in done.stdout.replace("\n", "")
    assert not re.search(r",[1-4]\r?\n", done.stdout)
    mine = hub.run("stats", "--year", "2025", "--municipality", "naapurila", "--json")
    assert {t["municipality"] for t in json.loads(mine.stdout)["tables"]} == {"naapurila"}
    drawn = hub.run("stats", "--year", "2025")
    assert "too few to show" in drawn.stdout
    assert "esimerkkila, ESI: log-ins of 2025 by weekday and hour" in drawn.stdout


# Every module is in memory before the account changes, wherever the interpreter is installed and
# whoever may read it there.
AS_ROOT = """
import pkgutil, sys
from importlib import import_module
import rich.console, rich.table, aiosqlite.core, sqlalchemy.dialects.sqlite.aiosqlite
import sync.hub.cli
for found in pkgutil.iter_modules(sync.hub.cli.__path__, "sync.hub.cli."):
    import_module(found.name)
from sync.hub.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_leaves_no_file_of_root_s_to_the_hub() -> None:
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        home = base / "own"
        home.mkdir()
        base.chmod(0o755)
        os.chown(home, SOMEBODY, SOMEBODY)
        hub = Hub(base, f"sqlite:///{home / 'hub.db'}")
        hub.write(TEXT.replace("{base}/hub.key", "{base}/own/hub.key"))
        for command in (("init",), ("device", "add", "front", "--branch", "ESI")):
            asked = [sys.executable, "-P", "-c", AS_ROOT, *command, "--config", str(hub.config)]
            done = subprocess.run(asked, capture_output=True, check=False, timeout=60)
            assert done.returncode == 0, done.stderr.decode()
        assert {path.stat().st_uid for path in home.iterdir()} == {SOMEBODY}
        assert {path.name for path in home.iterdir()} >= {"hub.db", "hub.key"}


def _imported(hub: Hub, feed: str, at: datetime, *, clear: bool = False) -> None:
    """As a full import leaves it behind."""
    text = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with closing(sqlite3.connect(hub.base / "hub.db")) as connection, connection:
        if clear:
            connection.execute("DELETE FROM import WHERE feed = ?", (feed,))
        row = (f"{feed}-{text}", feed, "feed", 1, text, text, '{"fresh": true}')
        connection.execute("INSERT INTO import VALUES (?, ?, ?, ?, ?, ?, ?)", row)

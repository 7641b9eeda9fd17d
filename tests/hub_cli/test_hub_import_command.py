"""`kioskd-hub import`: files, pipes, two at once, bars and lines, what is kept and removed."""

import json
import os
import pty
import re
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bcrypt
import pytest

from tests.hub_cli.hub_files import KIOSKD_HUB, PATIENCE_SECONDS, Hub

HASH = bcrypt.hashpw(b"1234", bcrypt.gensalt(4)).decode()


INLINE = 200  # hashes that the import itself wraps
WAITING = 8


def feed(count: int, **more: object) -> bytes:
    """So many good lines."""
    lines = [json.dumps({"card": f"001A{n:06}"} | more) for n in range(count)]
    return "\n".join(lines).encode() + b"\n"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.jsonl"
    path.write_bytes(feed(20))
    return path


def test_a_pipe_is_imported_and_its_hashes_wrapped(either: Hub) -> None:
    lines = feed(20, pin_hash=HASH)
    done = either.process("import", "-", "--feed", "esi", "--json", stdin=lines)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["rows"], told["applied"], told["waiting_to_wrap"]) == (20, 20, 0)
    again = json.loads(either.well("import", "-", "--feed", "esi", "--json", stdin=lines))
    assert (again["applied"], again["unchanged"]) == (0, 20)


def test_a_file_is_kept_unless_it_is_to_be_removed(hub: Hub, export: Path) -> None:
    kept = hub.run("import", str(export), "--feed", "esi", "--no-wait")
    assert kept.returncode == 0
    assert f"{export}: is kept; it holds card numbers" in kept.stderr
    assert "esi: full feed loaded" in kept.stdout
    gone = hub.run("import", str(export), "--feed", "esi", "--delete")
    assert gone.returncode == 0
    assert not export.exists()


def test_a_file_with_bad_rows_is_kept(hub: Hub, export: Path) -> None:
    export.write_bytes(feed(20) + b'{"card": "no card"}\n')
    done = hub.run("import", str(export), "--feed", "esi", "--delete", "--no-wait")
    assert done.returncode == 1
    assert export.exists()
    assert "is kept, because not everything" in done.stderr
    assert "line 21: " in done.stdout
    assert "no card" not in done.stdout + done.stderr


def test_a_file_that_says_too_much_is_refused_and_kept(hub: Hub, export: Path) -> None:
    export.write_bytes(feed(3, phone="050 000"))
    done = hub.run("import", str(export), "--feed", "esi", "--delete", "--json")
    assert done.returncode == 2
    assert "phone" in json.loads(done.stdout)["refused"]
    assert "phone" in done.stderr
    assert "050 000" not in done.stderr
    assert export.exists()
    status = json.loads(hub.run("status", "--json").stdout)
    assert "feed esi: 1 import failed since the last good full one" in status["faults"]


def test_a_feed_that_shrinks_asks_first(hub: Hub) -> None:
    hub.well("import", "-", "--feed", "esi", "--no-wait", stdin=feed(20))
    asked = hub.run("import", "-", "--feed", "esi", "--no-wait", stdin=feed(5))
    assert asked.returncode == 1
    assert "--confirm-shrink" in asked.stderr
    hub.well("import", "-", "--feed", "esi", "--no-wait", "--confirm-shrink", stdin=feed(5))


def test_a_delta_drops_nobody(hub: Hub) -> None:
    hub.well("import", "-", "--feed", "esi", "--no-wait", stdin=feed(20))
    told = json.loads(
        hub.well("import", "-", "--feed", "esi", "--delta", "--json", "--no-wait", stdin=feed(1))
    )
    assert (told["full"], told["dropped"], told["unchanged"]) == (False, 0, 1)


def test_hashes_are_wrapped_here_or_by_serve(hub: Hub) -> None:
    """And how far that is, is told in plain lines where there is no terminal."""
    lines = feed(INLINE + WAITING, pin_hash=HASH)
    told = json.loads(hub.well("import", "-", "--feed", "esi", "--json", "--no-wait", stdin=lines))
    assert told["waiting_to_wrap"] == WAITING
    assert json.loads(hub.run("status", "--json").stdout)["waiting_to_wrap"] == WAITING
    assert f"{WAITING} PIN hashes wait" in hub.run("status").stdout
    done = hub.run("import", "-", "--feed", "esi", stdin=lines)
    assert done.returncode == 0
    assert "wrapping 100 %" in done.stderr
    assert "\x1b" not in done.stderr
    assert json.loads(hub.run("status", "--json").stdout)["waiting_to_wrap"] == 0


def test_on_a_terminal_progress_is_a_bar(hub: Hub) -> None:
    main, side = pty.openpty()
    arguments = [*KIOSKD_HUB, "import", "-", "--feed", "esi", "--config", str(hub.config)]
    child = subprocess.Popen(
        arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=side,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"},
    )
    os.close(side)
    assert child.stdin is not None
    child.stdin.write(feed(300))
    child.stdin.close()
    shown = b""
    with suppress(OSError):  # a pty whose other side is closed
        while data := os.read(main, 65536):
            shown += data
    os.close(main)
    assert child.wait(PATIENCE_SECONDS) == 0
    assert b"writing" in shown
    assert "━".encode() in shown


def test_standard_input_at_a_terminal_is_not_waited_for(hub: Hub) -> None:
    main, side = pty.openpty()
    done = subprocess.run(
        [*KIOSKD_HUB, "import", "-", "--feed", "esi", "--config", str(hub.config)],
        stdin=side,
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    os.close(side)
    os.close(main)
    assert done.returncode == 2
    assert b"standard input is a terminal" in done.stderr


def _begun(hub: Hub) -> bool:
    """Whether an import has its place; a second one before that would take it."""
    feeds = json.loads(hub.run("status", "--json").stdout)["feeds"]
    return any(feed["open"] for feed in feeds)


def test_of_two_imports_of_a_feed_one_is_refused(either: Hub) -> None:
    arguments = [*KIOSKD_HUB, "import", "-", "--feed", "esi", "--no-wait"]
    first = subprocess.Popen(
        [*arguments, "--config", str(either.config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert first.stdin is not None
        first.stdin.write(feed(5))
        first.stdin.flush()
        while not _begun(either):
            assert first.poll() is None, first.communicate()
        done = either.run("import", "-", "--feed", "esi", "--delta", "--no-wait", stdin=b"")
        assert "another import of it is running" in done.stderr
        assert done.returncode == 2
        other = either.run("import", "-", "--feed", "naa", "--no-wait", stdin=feed(2))
        assert other.returncode == 0
        told, _ = first.communicate(timeout=PATIENCE_SECONDS)
        assert first.returncode == 0, told
    finally:
        first.kill()
        first.communicate()


def test_after_one_that_was_killed_the_next_import_does_not_wait(hub: Hub) -> None:
    killed = subprocess.Popen(
        [*KIOSKD_HUB, "import", "-", "--feed", "esi", "--config", str(hub.config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert killed.stdin is not None
        killed.stdin.write(feed(5))
        killed.stdin.flush()
        while not _begun(hub):
            assert killed.poll() is None
    finally:
        killed.kill()
        killed.communicate()
    told = hub.well("import", "-", "--feed", "esi", "--json", stdin=feed(5))
    assert json.loads(told)["rows"] == 5


def test_cards_leave_no_trace_in_what_is_printed(hub: Hub) -> None:
    lines = feed(5) + feed(1) + b'{"card": "001A000009", "expires": "soon"}\n'
    done = hub.run("import", "-", "--feed", "esi", stdin=lines)
    assert done.returncode == 1
    assert "001A" not in done.stdout + done.stderr
    assert "soon" not in done.stdout + done.stderr


def test_days_of_use_are_exported_and_then_forgotten(hub: Hub) -> None:
    hub.well("import", "-", "--feed", "esi", "--no-wait", stdin=feed(2, ref="r"))
    with closing(sqlite3.connect(hub.base / "hub.db")) as connection, connection:
        ((ref,),) = connection.execute("SELECT DISTINCT ref FROM patron").fetchall()
        row = (ref, "2026-01-02", "2026-01-02T10:00:00.000000Z")
        connection.execute("INSERT INTO activity VALUES (?, ?, ?)", row)
    done = hub.run("activity", "export", "--feed", "esi")
    assert done.returncode == 0
    assert done.stdout in ("001A000000,2026-01-02\n", "001A000001,2026-01-02\n")
    before = done.stderr.split("--before ")[1].strip()
    told = json.loads(hub.well("activity", "export", "--feed", "esi", "--json"))
    assert [line["date"] for line in told["activity"]] == ["2026-01-02"]
    forget = ("activity", "forget", "--feed", "esi", "--before", before, "--json")
    assert json.loads(hub.well(*forget)) == {"feed": "esi", "forgotten": 1}
    assert hub.well("activity", "export", "--feed", "esi") == ""


def test_a_configuration_is_published_and_shown_masked(either: Hub) -> None:
    nothing = either.run("config", "show", "--branch", "ESI")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    text = """
help_phone = "+358 00 000 0000"
[[lists.allow]]
card = "001A000001"
until = 2026-12-31
reason = "cleaner"
""".replace("2026-12-31", _soon())
    done = either.run("config", "publish", "-", "--branch", "ESI", stdin=text.encode())
    assert done.returncode == 0, done.stderr
    version = re.search(r"version (\d+) is published", done.stderr)
    assert version is not None
    assert abs(int(version[1]) - time.time()) < PATIENCE_SECONDS
    shown = either.well("config", "show", "--branch", "ESI")
    assert "001A000001" not in shown
    assert json.loads(shown)["allow"][0]["card"].endswith("001")
    bad = either.run("config", "publish", "-", "--branch", "ESI", stdin=b"help_fone = 1\nx = 2\n")
    assert bad.returncode == 2
    assert len(bad.stderr.splitlines()) == 2
    assert "did you mean help_phone?" in bad.stderr


def _soon() -> str:
    return (datetime.now(UTC) + timedelta(days=30)).date().isoformat()

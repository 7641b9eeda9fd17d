"""The running daemon under watch: systemd's watchdog, the site's alert command, /metrics."""

import json
import os
import signal
import socket
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.operate.test_running_reload import edit
from tests.outside.outside_facts import BCRYPT_CARD, CARD
from tests.outside.premises import KIOSKD, Premises
from tests.outside.wire import OFF

HANGING = (
    sys.executable,
    "-P",
    "-c",
    # The task of the door hangs in the middle of serving, as a driver that never returns would.
    """
import asyncio, sys
from kioskd.entry import access_point
took = access_point.AccessPoint._on_scan
def hang(self, scan):
    self._inbox.get = asyncio.Event().wait
access_point.AccessPoint._on_scan = hang
from kioskd.cli.main import main
sys.exit(main())
""",
)


class Systemd:
    """The receiver of sd_notify."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self.said: list[str] = []

    def hear(self) -> list[str]:
        try:
            while True:
                self.said += self._socket.recv(4096).decode().split("\n")
        except BlockingIOError:
            return self.said

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Systemd":
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    return Systemd(path)


def test_systemd_hears_that_the_daemon_is_ready_lives_and_stops(
    premises: Premises, systemd: Systemd
) -> None:
    premises.start()
    premises.until(lambda: systemd.hear().count("WATCHDOG=1") > 2)
    assert systemd.said.count("READY=1") == 1
    assert any(said.startswith("STATUS=") and "devices=3/3" in said for said in systemd.said)
    assert premises.command("reload").returncode == 0
    assert systemd.hear().count("RELOADING=1") == 1
    assert systemd.said.count("READY=1") == 2
    assert premises.stop() == 0
    assert "STOPPING=1" in systemd.hear()
    systemd.close()


def test_a_door_whose_task_hangs_is_not_fed_for(premises: Premises, systemd: Systemd) -> None:
    premises.start(HANGING)
    premises.until(lambda: "WATCHDOG=1" in systemd.hear())
    premises.scan(CARD.encode() + b"\r")
    premises.until(lambda: "watchdog.unfed" in premises.events())
    fed = systemd.hear().count("WATCHDOG=1")
    late = [line["late"] for line in premises.lines() if line["event"] == "watchdog.unfed"]
    assert late == ["door front"]
    premises.until(lambda: any(a["alert"] == "task-hung" for a in alerts(premises)))
    assert systemd.hear().count("WATCHDOG=1") == fed
    premises.stop(signal.SIGKILL)
    systemd.close()


def alerts(premises: Premises) -> list[dict[str, str]]:
    done = premises.command("status", "--json")
    return list(json.loads(done.stdout)["alerts"])


def test_after_sigkill_in_mid_pulse_secure_alone_secures(premises: Premises) -> None:
    edit(
        premises,
        "\nrelease_seconds = 0.5\nlong_release_seconds = 1.0",
        "\nrelease_seconds = 30.0\nlong_release_seconds = 30.0",
    )
    premises.start()
    assert premises.command("open", "front", "--reason", "drill").returncode == 0
    premises.until(lambda: premises.ons() == 1)
    premises.stop(signal.SIGKILL)
    premises.config.write_text("no configuration any more", encoding="utf-8")
    for name in ("journal.db", "state.db"):
        (premises.storage / name).unlink()
    before = premises.relay.listen().count(OFF)
    os.environ["STATE_DIRECTORY"] = str(premises.storage)
    try:
        done = premises.command("secure")
    finally:
        del os.environ["STATE_DIRECTORY"]
    assert "front: secured" in done.stdout
    assert premises.relay.listen().count(OFF) == before + 1
    assert premises.relay.listen().endswith(OFF)


def test_an_alert_runs_the_command_of_the_site_and_its_end_too(premises: Premises) -> None:
    told = premises.base / "told"
    script = premises.base / "tell"
    script.write_text(f"#!/bin/sh\ncat >> {told}\n", encoding="utf-8")
    script.chmod(0o755)
    edit(premises, "[policy]", f'[alerts]\ncommand = ["{script}"]\n[policy]')
    premises.start()
    assert premises.command("lockdown", "on", "--reason", "drill").returncode == 0
    premises.until(lambda: told.exists() and "raised" in told.read_text())
    assert premises.command("lockdown", "off").returncode == 0
    premises.until(lambda: "cleared" in told.read_text())
    raised, cleared = (json.loads(line) for line in told.read_text().splitlines())
    assert (raised["alert"], raised["state"], raised["branch"]) == ("lockdown", "raised", "ESI")
    assert (cleared["alert"], cleared["state"]) == ("lockdown", "cleared")
    rows = [row for row in premises.export() if row["kind"].startswith("alert.")]
    assert [row["kind"] for row in rows] == ["alert.raised", "alert.cleared"]


def test_metrics_are_told_on_loopback_and_name_nobody(premises: Premises) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    edit(premises, "[policy]", f'[metrics]\nlisten = "127.0.0.1:{port}"\n[policy]')
    premises.start()
    assert premises.visit(CARD) == "OK"
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        page = answer.read().decode()
    assert 'kioskd_entries_total{decision="granted"} 1' in page
    assert CARD not in page
    assert CARD.removeprefix("167A") not in page


def test_an_entry_goes_on_while_the_socket_cannot_be_made(premises: Premises) -> None:
    (premises.storage / "control.sock").mkdir()
    premises.start(KIOSKD)
    assert premises.visit(CARD) == "OK"
    assert "control.failed" in premises.events() or "control.taken" in premises.events()


def test_a_state_file_that_is_gone_after_a_stop_locks_down_until_staff_lift_it(
    premises: Premises,
) -> None:
    premises.start()
    assert premises.visit(CARD) == "OK"
    assert premises.command("lockdown", "on", "--reason", "drill").returncode == 0
    assert premises.stop() == 0
    for path in premises.storage.glob("state.db*"):
        path.unlink()
    premises.start()
    assert any("lockdown off" in line.get("why", "") for line in premises.lines())
    assert premises.refused(CARD) == "LOCKDOWN"
    assert premises.command("lockdown", "off").returncode == 0
    # Another card: the same one would be a double read still.
    assert premises.visit(BCRYPT_CARD) == "OK"

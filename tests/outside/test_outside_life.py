"""Starting, ending and what stands in the way of it: each test has a daemon of its own."""

import os
import time

import pytest

from tests.outside.outside_facts import CARD, PIN
from tests.outside.premises import KIOSKD, RECONNECT_SECONDS, Premises
from tests.outside.wire import OFF, ON

STOP_SECONDS = 5.0
# The daemon with a wall clock that is wrong by so many days, and a time server that vouches for it
# or does not; all else is as it is.
_CLOCK_OFF_BY = """
import sys
from dataclasses import replace
from datetime import timedelta
from kioskd.cli.main import main
from kioskd.clock.system import SystemClock
from kioskd.clock.trust import SystemEvidence
real = SystemClock.moment
def moment(self):
    now = real(self)
    return replace(now, wall=now.wall + timedelta(days={days}))
SystemClock.moment = moment
SystemEvidence.synchronised = lambda self: {vouched}
sys.exit(main())
"""


def clock_off_by(days: int, *, vouched: bool = False) -> tuple[str, ...]:
    """A program that runs the daemon on a wrong clock, whatever this machine's own is worth."""
    return (*KIOSKD[:-1], _CLOCK_OFF_BY.format(days=days, vouched=vouched))


def test_a_missing_relay_is_named_and_secured_once_it_is_there(premises: Premises) -> None:
    premises.scanner.plug()
    premises.keypad.plug()
    premises.start_alone()
    premises.until(lambda: "ready" in premises.events())
    ready = next(line for line in premises.lines() if line["event"] == "ready")
    assert (ready["missing"], ready["devices"]) == ("front-relay", "2/3")
    premises.relay.plug()
    premises.until(lambda: premises.relay.listen() != b"", RECONNECT_SECONDS)
    premises.until(lambda: "device.back" in premises.events())
    assert premises.relay.listen().replace(OFF, b"") == b""
    assert premises.visit(CARD) == "OK"
    assert premises.stop() == 0


def test_without_any_device_it_is_ready_all_the_same(premises: Premises) -> None:
    premises.start_alone()
    premises.until(lambda: "ready" in premises.events())
    ready = next(line for line in premises.lines() if line["event"] == "ready")
    assert ready["missing"] == "front-scanner,front-keypad,front-relay"
    assert premises.stop() == 0


def test_sigterm_in_mid_pulse_secures_the_strike(premises: Premises) -> None:
    premises.start()
    begun = len(premises.lines())
    premises.scan(CARD.encode() + b"\r")
    premises.keypad.send(PIN.encode() + b"#")
    premises.until(lambda: premises.relay.listen().endswith(ON))
    asked = time.monotonic()
    assert premises.stop() == 0
    assert time.monotonic() - asked < STOP_SECONDS
    assert premises.relay.listen().partition(ON)[2].startswith(OFF)
    assert "stopping" in premises.events()[begun:]
    kinds = [row["kind"] for row in premises.export()]
    assert kinds[-1] == "daemon.stopped"


def test_killed_in_mid_pulse_it_secures_first_when_it_is_back(premises: Premises) -> None:
    premises.start()
    premises.scan(CARD.encode() + b"\r")
    premises.keypad.send(PIN.encode() + b"#")
    premises.until(lambda: premises.relay.listen().endswith(ON))
    assert premises.child is not None
    premises.child.kill()
    premises.child.wait()
    assert premises.relay.listen().endswith(ON)
    premises.start()
    assert premises.relay.listen().partition(ON)[2].replace(OFF, b"") == b""
    assert premises.relay.listen().endswith(OFF)
    assert premises.decisions() == ["OK"]
    assert premises.command("journal", "verify").returncode == 0


def test_a_wrong_key_denies_everybody(premises: Premises) -> None:
    premises.key.unlink()
    assert premises.command("keygen", "--out", str(premises.key)).returncode == 0
    _everybody_is_denied(premises, "the device key is not the one")


def test_a_missing_key_denies_everybody(premises: Premises) -> None:
    premises.key.unlink()
    _everybody_is_denied(premises, "put it back")


def _everybody_is_denied(premises: Premises, way_out: str) -> None:
    premises.start()
    whys = [line["why"] for line in premises.lines() if line["event"] == "fault"]
    assert any(way_out in why for why in whys), whys
    assert premises.refused(CARD) == "CACHE_UNREADABLE"
    assert premises.ons() == 0
    assert premises.stop() == 0
    assert premises.decisions() == ["CACHE_UNREADABLE"]


def test_a_missing_configuration_ends_with_2(premises: Premises) -> None:
    premises.config.unlink()
    done = premises.command("run")
    assert done.returncode == 2
    assert str(premises.config) in done.stderr


def test_every_fault_of_a_configuration_is_told_and_ends_with_2(premises: Premises) -> None:
    text = premises.config.read_text(encoding="utf-8")
    text = text.replace("release_seconds = 0.5", "releas_seconds = 0.5", 1)
    premises.config.write_text(text.replace("retention_days = 14\n", ""), encoding="utf-8")
    for command in ("run", "check-config"):
        done = premises.command(command)
        assert done.returncode == 2
        assert "doors.front.releas_seconds: unknown key; did you mean release_seconds?" in (
            done.stderr
        )
        assert "storage.retention_days" in done.stderr


def test_a_second_daemon_ends_with_2_and_leaves_the_pulse_alone(premises: Premises) -> None:
    text = premises.config.read_text(encoding="utf-8")
    text = text.replace("\nrelease_seconds = 0.5", "\nrelease_seconds = 3.0")
    text = text.replace("long_release_seconds = 1.0", "long_release_seconds = 3.0")
    premises.config.write_text(text, encoding="utf-8")
    premises.start()
    premises.scan(CARD.encode() + b"\r")
    premises.keypad.send(PIN.encode() + b"#")
    premises.until(lambda: premises.relay.listen().endswith(ON))
    second = premises.command("run")
    assert second.returncode == 2
    assert "another kioskd is running" in second.stderr
    assert premises.relay.listen().endswith(ON)
    premises.until(lambda: premises.relay.listen().endswith(ON + OFF))
    assert premises.visit(CARD) == "OK"


@pytest.mark.parametrize(
    ("days", "then"),
    [(1, "OK"), (4000, "CACHE_TOO_OLD")],
    ids=["a day ahead", "ten years ahead"],
)
def test_a_clock_set_back_is_not_believed(premises: Premises, days: int, then: str) -> None:
    premises.start(clock_off_by(days))
    assert premises.visit(CARD) == then
    assert premises.stop() == 0
    before = premises.ons()
    premises.start(clock_off_by(0))
    assert premises.refused(CARD) == "CLOCK_UNTRUSTED"
    assert premises.ons() == before
    whys = [line["why"] for line in premises.lines() if line["event"] == "clock.untrusted"]
    assert "behind the last recorded event" in whys[0]
    assert premises.stop() == 0
    assert premises.decisions() == [then, "CLOCK_UNTRUSTED"]
    assert premises.command("journal", "verify").returncode == 0


def test_a_clock_set_back_by_a_time_server_is_believed_and_told(premises: Premises) -> None:
    premises.start(clock_off_by(1))
    assert premises.visit(CARD) == "OK"
    assert premises.stop() == 0
    premises.start(clock_off_by(0, vouched=True))
    assert premises.visit(CARD) == "OK"
    assert "clock.corrected" in premises.events()
    assert premises.stop() == 0
    assert "clock.corrected" in premises.command("journal", "export").stdout


def test_secure_drives_the_strike_safe_without_a_daemon(premises: Premises) -> None:
    premises.relay.plug()
    done = premises.command("secure")
    assert (done.returncode, done.stdout) == (0, "front: secured\n")
    assert premises.relay.listen() == OFF
    premises.relay.unplug()
    done = premises.command("secure")
    assert done.returncode == 1
    assert "front-relay: NOT SECURED" in done.stderr


def test_nothing_is_written_where_others_could_read_it(premises: Premises) -> None:
    premises.start()
    assert premises.visit(CARD) == "OK"
    assert premises.stop() == 0
    modes = {path.name: path.stat().st_mode & 0o077 for path in premises.storage.iterdir()}
    assert {name for name, mode in modes.items() if mode} == set()
    assert premises.storage.stat().st_uid == os.getuid()

"""Signals and what hangs: the strikes are secured, the exit code is 0, five seconds are enough."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.outside.outside_facts import CARD, PIN
from tests.outside.premises import KIOSKD, Premises
from tests.outside.wire import OFF, ON

STOP_SECONDS = 5.0  # what the daemon promises; it is not measured closer than that
STOPPING = [
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGALRM,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
]
PAUSING = [signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU]


def long_release(premises: Premises, seconds: float) -> None:
    """A pulse that the test's own end comes into the middle of."""
    text = premises.config.read_text(encoding="utf-8")
    text = text.replace("\nrelease_seconds = 0.5", f"\nrelease_seconds = {seconds}")
    text = text.replace("long_release_seconds = 1.0", f"long_release_seconds = {seconds}")
    premises.config.write_text(text, encoding="utf-8")


def released(premises: Premises) -> None:
    """Somebody was let in just now."""
    premises.scan(CARD.encode() + b"\r")
    premises.keypad.send(PIN.encode() + b"#")
    premises.until(lambda: premises.relay.listen().endswith(ON))


@pytest.mark.parametrize("number", STOPPING, ids=lambda n: n.name)
def test_a_signal_in_mid_pulse_secures_and_ends_in_order(
    premises: Premises, number: signal.Signals
) -> None:
    long_release(premises, 20.0)
    premises.start()
    released(premises)
    assert premises.stop(number) == 0
    assert premises.relay.listen().partition(ON)[2].startswith(OFF)
    assert [row["kind"] for row in premises.export()][-1] == "daemon.stopped"


@pytest.mark.parametrize("number", PAUSING, ids=lambda n: n.name)
def test_what_would_pause_it_does_not_keep_a_pulse_from_its_end(
    premises: Premises, number: signal.Signals
) -> None:
    premises.start()
    released(premises)
    assert premises.child is not None
    premises.child.send_signal(number)
    premises.until(lambda: premises.relay.listen().endswith(ON + OFF))
    assert premises.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_before_there_is_a_loop_ends_in_order_too(
    premises: Premises, number: signal.Signals
) -> None:
    for wire in premises.wires:
        wire.plug()
    premises.start_alone()
    premises.until(lambda: _blocked(premises, number))
    assert premises.stop(number) == 0
    assert premises.relay.listen().startswith(OFF)
    assert premises.ons() == 0


def test_a_signal_that_comes_again_and_again_changes_nothing(premises: Premises) -> None:
    long_release(premises, 20.0)
    premises.start()
    released(premises)
    child = premises.child
    assert child is not None
    end = time.monotonic() + STOP_SECONDS
    while child.poll() is None and time.monotonic() < end:
        child.send_signal(signal.SIGHUP)
        child.send_signal(signal.SIGTERM)
        time.sleep(0.002)
    assert child.returncode == 0
    assert premises.relay.listen().partition(ON)[2].startswith(OFF)


def test_started_with_nohup_it_outlives_its_terminal(premises: Premises) -> None:
    premises.start(("nohup", *KIOSKD))
    assert premises.child is not None
    premises.child.send_signal(signal.SIGHUP)
    assert premises.visit(CARD) == "OK"
    assert premises.stop() == 0


def test_a_journal_that_stalls_does_not_keep_it(premises: Premises) -> None:
    long_release(premises, 20.0)
    premises.start()
    released(premises)
    with locked(premises.storage / "journal.db"):
        asked = time.monotonic()
        assert premises.stop() == 0
        assert time.monotonic() - asked < STOP_SECONDS
    assert premises.relay.listen().partition(ON)[2].startswith(OFF)
    assert premises.events().count("journal.unfinished") == 1
    log = premises.log.read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert "never retrieved" not in log
    assert premises.command("journal", "verify").returncode == 0
    premises.start()
    assert premises.stop() == 0
    assert premises.decisions() == ["OK"]


def test_a_start_that_stalls_can_be_stopped(premises: Premises) -> None:
    premises.start()
    assert premises.visit(CARD) == "OK"
    assert premises.stop() == 0
    with locked(premises.storage / "journal.db"):
        before = len(premises.relay.listen())
        premises.start_alone()
        premises.until(lambda: premises.relay.listen()[before:] == OFF)
        asked = time.monotonic()
        assert premises.stop() == 0
        assert time.monotonic() - asked < STOP_SECONDS


@pytest.mark.parametrize("name", ["current", "keyring.json"])
def test_a_named_pipe_in_the_place_of_a_file_holds_up_nothing(
    premises: Premises, name: str
) -> None:
    (premises.storage / name).unlink()
    os.mkfifo(premises.storage / name)
    premises.start()
    whys = [line["why"] for line in premises.lines() if "why" in line]
    assert any(f"{name}: " in why and "not a plain file" in why for why in whys), whys
    assert premises.stop() == 0
    assert premises.ons() == 0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody else writes into this database and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def _blocked(premises: Premises, number: signal.Signals) -> bool:
    assert premises.child is not None
    status = Path(f"/proc/{premises.child.pid}/status").read_text(encoding="ascii")
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:"))
    return bool(int(mask, 16) >> (number - 1) & 1)

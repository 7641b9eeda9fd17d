"""A configuration or a storage directory with a fault in it: what can be secured, is."""

import shutil

import pytest

from tests.outside.outside_facts import CARD, PIN
from tests.outside.premises import Premises
from tests.outside.wire import OFF, ON

FAULT = ('holidays = ""', 'holidayz = ""')
NO_TOML = ("[policy]", "[policy")


def spoil(premises: Premises, fault: tuple[str, str]) -> None:
    """Somebody edited the file and looked no further."""
    text = premises.config.read_text(encoding="utf-8")
    assert text.count(fault[0]) == 1
    premises.config.write_text(text.replace(*fault), encoding="utf-8")


@pytest.mark.parametrize("fault", [FAULT, NO_TOML], ids=["unknown key", "no TOML"])
def test_secure_does_what_it_can_then_tells_the_faults(
    premises: Premises, fault: tuple[str, str]
) -> None:
    spoil(premises, fault)
    premises.relay.plug()
    done = premises.command("secure")
    assert (done.returncode, done.stdout) == (2, "front: secured\n")
    assert str(premises.config) in done.stderr
    assert premises.relay.listen() == OFF


def test_secure_leaves_alone_what_it_cannot_read_for_certain(premises: Premises) -> None:
    spoil(premises, ('lock = "fail-secure"', 'lock = "fail-saef"'))
    premises.relay.plug()
    done = premises.command("secure")
    assert (done.returncode, done.stdout) == (2, "")
    assert "front: NOT SECURED" in done.stderr
    assert "doors.front.strike.lock" in done.stderr
    assert premises.relay.listen() == b""


@pytest.mark.parametrize("fault", [FAULT, NO_TOML], ids=["unknown key", "no TOML"])
def test_run_secures_before_it_refuses(premises: Premises, fault: tuple[str, str]) -> None:
    spoil(premises, fault)
    premises.relay.plug()
    assert premises.command("run").returncode == 2
    assert premises.relay.listen() == OFF


def test_run_without_a_readable_storage_directory_touches_nothing(premises: Premises) -> None:
    spoil(premises, (f'"{premises.storage}"', '"storage"'))
    premises.relay.plug()
    assert premises.command("run").returncode == 2
    assert premises.relay.listen() == b""


def test_run_with_a_fault_leaves_the_pulse_of_the_running_daemon_alone(
    premises: Premises,
) -> None:
    text = premises.config.read_text(encoding="utf-8")
    text = text.replace("\nrelease_seconds = 0.5", "\nrelease_seconds = 3.0")
    text = text.replace("long_release_seconds = 1.0", "long_release_seconds = 3.0")
    premises.config.write_text(text, encoding="utf-8")
    premises.start()
    premises.scan(CARD.encode() + b"\r")
    premises.keypad.send(PIN.encode() + b"#")
    premises.until(lambda: premises.relay.listen().endswith(ON))
    spoil(premises, FAULT)
    assert premises.command("run").returncode == 2
    assert premises.relay.listen().endswith(ON)
    premises.until(lambda: premises.relay.listen().endswith(ON + OFF))
    assert premises.stop() == 0


def test_a_storage_directory_that_leads_in_a_circle(premises: Premises) -> None:
    shutil.rmtree(premises.storage)
    premises.storage.symlink_to(premises.storage)
    premises.relay.plug()
    premises.start_alone()
    assert premises.child is not None
    premises.child.wait(20)
    assert premises.relay.listen().startswith(OFF)

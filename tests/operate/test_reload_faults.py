"""A reload at a bad moment: while the daemon stops, with the relay away, failing half-way."""

import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.operate.test_running_reload import edit
from tests.outside.outside_facts import CARD
from tests.outside.premises import KIOSKD, Premises
from tests.outside.wire import OFF, ON, PATIENCE_SECONDS

BREAKING = (
    sys.executable,
    "-P",
    "-c",
    # The second time that a door is built fails, as a fault of our own would.
    """
import sys
from kioskd.daemon import fleet
build, built = fleet.build_door, []
def once(*args):
    if built:
        raise RuntimeError("planted")
    built.append(1)
    return build(*args)
fleet.build_door = once
from kioskd.cli.main import main
sys.exit(main())
""",
)
LONGER = ("\nrelease_seconds = 0.5", "\nrelease_seconds = 0.9")
HELD = (
    "\nrelease_seconds = 0.5\nlong_release_seconds = 1.0",
    "\nrelease_seconds = 30.0\nlong_release_seconds = 30.0",
)


@pytest.mark.parametrize("milliseconds", [0, 2, 5, 10, 20, 40])
def test_told_to_stop_in_the_middle_of_a_reload(premises: Premises, milliseconds: int) -> None:
    premises.start()
    edit(premises, *LONGER)
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(premises.storage / "control.sock"))
        asking.sendall(b'{"id":1,"verb":"reload","args":{}}\n')
        time.sleep(milliseconds / 1000)
        assert premises.stop() == 0
    assert "stop.late" not in premises.events()
    assert premises.relay.listen().endswith(OFF)


def test_a_reload_that_fails_half_way_ends_the_daemon_with_its_strikes_secured(
    premises: Premises,
) -> None:
    premises.start(BREAKING)
    assert premises.visit(CARD) == "OK"
    edit(premises, *LONGER)
    before = premises.relay.listen().count(OFF)
    assert premises.command("reload").returncode == 1
    assert premises.child is not None
    assert premises.child.wait(PATIENCE_SECONDS) == 1
    assert premises.relay.listen().count(OFF) > before
    assert premises.relay.listen().endswith(OFF)
    premises.start()
    assert premises.visit(CARD) == "OK"


def test_a_door_that_is_released_is_not_given_up_while_its_relay_is_away(
    premises: Premises,
) -> None:
    edit(premises, *HELD)
    premises.start()
    assert premises.command("open", "front", "--reason", "drill").returncode == 0
    premises.until(lambda: premises.relay.listen().endswith(ON))
    premises.relay.unplug()
    premises.until(lambda: "device.lost" in premises.events())
    edit(premises, HELD[1], LONGER[0] + "\nlong_release_seconds = 1.0")
    done = premises.command("reload")
    assert (done.returncode, "plug it in" in done.stderr) == (2, True)
    assert "reload.refused" in premises.events()
    premises.relay.plug()
    premises.until(lambda: premises.relay.listen().endswith(OFF))
    assert premises.command("reload").returncode == 0


def test_a_start_waits_for_a_command_that_holds_the_directory(premises: Premises) -> None:
    lock = premises.storage / "kioskd.lock"
    lock.touch(mode=0o600)
    holding = "import fcntl,sys,time; fcntl.flock(open(sys.argv[1]),2); print(); time.sleep(1)"
    command = subprocess.Popen(
        [sys.executable, "-c", f"{holding}", str(lock)], stdout=subprocess.PIPE
    )
    assert command.stdout is not None
    command.stdout.readline()
    premises.start(KIOSKD)
    assert command.wait(PATIENCE_SECONDS) == 0
    command.stdout.close()
    assert premises.visit(CARD) == "OK"


def test_two_reloads_at_once_are_done_one_after_the_other(premises: Premises) -> None:
    premises.start()
    edit(premises, *LONGER)
    places = [socket.socket(socket.AF_UNIX) for _ in range(2)]
    for place in places:
        place.connect(str(premises.storage / "control.sock"))
        place.sendall(b'{"id":1,"verb":"reload","args":{}}\n')
    answers = []
    for place in places:
        with place, place.makefile("rb") as lines:
            lines.readline()  # the greeting
            answers.append(lines.readline())
    assert sorted(b"release_seconds" in answer for answer in answers) == [False, True]
    assert all(b'"ok"' in answer for answer in answers)
    assert premises.visit(CARD) == "OK"
    assert premises.stop(signal.SIGTERM) == 0


def test_a_stop_in_the_middle_of_a_release_is_told_as_a_stop_and_no_fault(
    premises: Premises,
) -> None:
    edit(premises, *HELD)
    premises.start()
    assert premises.command("open", "front", "--reason", "drill").returncode == 0
    premises.until(lambda: premises.relay.listen().endswith(ON))
    assert premises.stop() == 0
    assert premises.relay.listen().endswith(OFF)
    secured = [row["detail"] for row in premises.export() if row["kind"] == "strike.secured"]
    # The end of the release and the secure frame with which every strike is left may be one.
    assert secured in ([{"why": "exit"}], [{"why": "exit"}] * 2)

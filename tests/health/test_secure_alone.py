"""After SIGKILL in the middle of a pulse `kioskd secure` alone secures the strike.

Whatever became of the configuration, the storage directory and the environment meanwhile: it needs
no database, no key and no file without faults. Nothing of kioskd is asked here but its commands.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.outside.outside_facts import CARD, PIN
from tests.outside.premises import KIOSKD, Premises
from tests.outside.wire import OFF, ON

NAME = "strikes.json"
JUNK = {
    "nothing": b"",
    "zeros": b"\0" * 5000,
    "every byte": bytes(range(256)) * 20,
    "half tables": b"[doors.front\n" * 100,
}
SAFE_SECURED = ON  # a fail-safe lock is secured by the frame that opens the other kind


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    """A site with a key and a cache, on which no daemon ever runs."""
    premises = Premises(tmp_path_factory.mktemp("master"))
    premises.begin()
    return premises


@pytest.fixture
def premises(tmp_path: Path, master: Premises) -> Iterator[Premises]:
    """A site whose pulses outlast a test."""
    premises = Premises(tmp_path)
    premises.begin_as(master)
    edit(premises, "\nrelease_seconds = 0.5", "\nrelease_seconds = 60.0")
    edit(premises, "long_release_seconds = 1.0", "long_release_seconds = 60.0")
    try:
        yield premises
    finally:
        premises.close()


@pytest.fixture
def killed(premises: Premises) -> Premises:
    """Its daemon was killed just after it had let somebody in."""
    premises.start()
    premises.until((premises.storage / NAME).exists)
    premises.scan(CARD.encode() + b"\r")
    premises.keypad.send(PIN.encode() + b"#")
    premises.until(lambda: premises.relay.listen().endswith(ON))
    assert premises.child is not None
    premises.child.kill()
    premises.child.wait()
    assert premises.relay.listen().endswith(ON)
    return premises


def edit(premises: Premises, old: str, new: str) -> None:
    text = premises.config.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    premises.config.write_text(text.replace(old, new), encoding="utf-8")


def secure(
    premises: Premises, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """The command as a unit's ExecStopPost runs it: nothing on standard input, no HOME."""
    given = {"PATH": os.environ["PATH"], **(environment or {})}
    return subprocess.run(
        [*KIOSKD, "secure", "--config", str(premises.config)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=given,
        cwd="/",
        timeout=60,
        check=False,
    )


def frames_since(premises: Premises) -> bytes:
    return premises.relay.listen().rpartition(ON)[2]


def state_directory(premises: Premises) -> Mapping[str, str]:
    return {"STATE_DIRECTORY": str(premises.storage)}


def test_with_the_configuration_as_it_was(killed: Premises) -> None:
    done = secure(killed)
    assert (done.returncode, done.stdout, done.stderr) == (0, "front: secured\n", "")
    assert frames_since(killed) == OFF


def test_with_standard_input_closed(killed: Premises) -> None:
    command = " ".join(f"'{word}'" for word in (*KIOSKD, "secure", "--config", killed.config))
    done = subprocess.run(
        ["sh", "-c", f"exec {command} <&-"],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "front: secured\n", "")
    assert frames_since(killed) == OFF


def test_with_the_configuration_deleted(killed: Premises) -> None:
    killed.config.unlink()
    done = secure(killed, state_directory(killed))
    assert (done.returncode, done.stdout) == (2, "front: secured\n")
    assert "no such file" in done.stderr
    assert frames_since(killed) == OFF


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_with_the_configuration_full_of_junk(killed: Premises, junk: bytes) -> None:
    killed.config.write_bytes(junk)
    done = secure(killed, state_directory(killed))
    assert (done.returncode, done.stdout) == (2, "front: secured\n")
    assert frames_since(killed) == OFF


def test_with_a_lock_that_cannot_be_read_for_certain_the_map_counts(killed: Premises) -> None:
    edit(killed, 'lock = "fail-secure"', 'lock = "fail-saef"')
    done = secure(killed)
    assert (done.returncode, done.stdout) == (2, "front: secured\n")
    assert "NOT SECURED" not in done.stderr
    assert frames_since(killed) == OFF


def test_with_a_port_that_was_spoilt_the_map_counts(killed: Premises) -> None:
    edit(killed, f'port = "{killed.base}/relay"', 'port = "relay"')
    assert secure(killed).returncode == 2
    assert frames_since(killed) == OFF


def test_with_another_lock_in_a_file_with_faults_nothing_is_guessed(killed: Premises) -> None:
    edit(killed, 'lock = "fail-secure"', 'lock = "fail-safe"')
    edit(killed, 'holidays = ""', 'holidayz = ""')
    done = secure(killed)
    assert (done.returncode, done.stdout) == (2, "")
    assert "front: NOT SECURED: the file and the last good strike map name different locks" in (
        done.stderr
    )
    assert frames_since(killed) == b""


def test_with_another_lock_in_a_valid_file_the_file_counts(killed: Premises) -> None:
    edit(killed, 'lock = "fail-secure"', 'lock = "fail-safe"')
    assert secure(killed).returncode == 0
    assert killed.relay.listen().endswith(ON + SAFE_SECURED)


def test_with_the_door_taken_out_of_a_valid_file(killed: Premises) -> None:
    text = killed.config.read_text(encoding="utf-8")
    before, _, rest = text.partition("[doors.front]")
    killed.config.write_text(before + "[policy]" + rest.partition("[policy]")[2], encoding="utf-8")
    done = secure(killed)
    assert (done.returncode, done.stdout) == (0, "front: secured\n")
    assert frames_since(killed) == OFF


def test_with_the_strike_moved_in_a_valid_file(killed: Premises) -> None:
    edit(killed, "channel = 1", "channel = 2")
    done = secure(killed)
    assert (done.returncode, done.stdout) == (0, "front: secured\nfront: secured\n")
    assert frames_since(killed) == bytes.fromhex("A00200A2") + OFF


def test_with_the_databases_and_the_key_gone(killed: Premises) -> None:
    for path in [*killed.storage.iterdir(), killed.key]:
        if path.name != NAME:
            path.unlink()
    killed.config.unlink()
    assert secure(killed, state_directory(killed)).stdout == "front: secured\n"
    assert frames_since(killed) == OFF


def test_with_the_storage_directory_missing(killed: Premises) -> None:
    shutil.rmtree(killed.storage)
    done = secure(killed)
    assert (done.returncode, done.stdout) == (0, "front: secured\n")
    assert frames_since(killed) == OFF
    assert not killed.storage.exists()


def test_with_nothing_left_at_all_it_says_so_and_touches_nothing(killed: Premises) -> None:
    shutil.rmtree(killed.storage)
    killed.config.unlink()
    done = secure(killed, state_directory(killed))
    assert (done.returncode, done.stdout) == (2, "")
    assert frames_since(killed) == b""


def test_with_a_map_of_junk_it_is_ignored_and_told(killed: Premises) -> None:
    (killed.storage / NAME).write_bytes(b"\x1b[2Jjunk")
    done = secure(killed)
    assert (done.returncode, done.stdout) == (0, "front: secured\n")
    assert done.stderr == f"{killed.storage / NAME}: is not JSON; ignored\n"
    assert frames_since(killed) == OFF


def test_with_the_relay_unplugged_it_is_told(killed: Premises) -> None:
    killed.relay.unplug()
    killed.config.unlink()
    done = secure(killed, state_directory(killed))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{killed.base}/relay (last good map): NOT SECURED: " in done.stderr


def test_with_something_else_in_the_place_of_the_relay_it_is_not_written_to(
    killed: Premises,
) -> None:
    """The map's port is a path of the daemon's user; the command may be root's."""
    (killed.base / "relay").unlink()
    os.mkfifo(killed.base / "relay")
    with os.fdopen(os.open(killed.base / "relay", os.O_RDONLY | os.O_NONBLOCK), "rb") as pipe:
        done = secure(killed)
        assert pipe.read() in (None, b"")
    assert (done.returncode, done.stdout) == (1, "")
    assert "NOT SECURED: " in done.stderr
    assert "relay: not a serial device; correct its port" in done.stderr


def test_run_with_a_faulty_file_secures_by_the_map_as_well(killed: Premises) -> None:
    edit(killed, 'lock = "fail-secure"', 'lock = "fail-saef"')
    assert killed.command("run").returncode == 2
    assert frames_since(killed) == OFF


def test_a_pulse_of_a_running_daemon_is_left_alone_by_a_faulty_run(premises: Premises) -> None:
    premises.start()
    premises.until((premises.storage / NAME).exists)
    premises.scan(CARD.encode() + b"\r")
    premises.keypad.send(PIN.encode() + b"#")
    premises.until(lambda: premises.relay.listen().endswith(ON))
    edit(premises, 'lock = "fail-secure"', 'lock = "fail-saef"')
    assert premises.command("run").returncode == 2
    assert premises.relay.listen().endswith(ON)
    assert premises.stop(signal.SIGTERM) == 0

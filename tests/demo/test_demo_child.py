"""A child of the demo: heard while it lives, and gone with all that it started."""

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kioskd.cli.demo_child import Child, run_to_end
from tests.demo.left_behind import processes_of

PATIENCE = 20.0
PARENT = """\
import json, signal, subprocess, sys, time
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", sys.argv[1]])
signal.signal(signal.SIGTERM, lambda *_: (other.kill(), other.wait(), sys.exit(3)))
print(json.dumps({"event": "ready"}), file=sys.stderr, flush=True)
print("no JSON", file=sys.stderr, flush=True)
time.sleep(600)
"""


@pytest.fixture
def child(directory: Path) -> Iterator[Child]:
    child = Child((sys.executable, "-P", "-c", PARENT, str(directory)), directory / "log")
    yield child
    child.close()
    assert processes_of(directory) == []


def begin(child: Child) -> None:
    """Start it, and wait until it said everything."""
    heard = len(child.events)
    child.start()
    end = time.monotonic() + PATIENCE
    while len(child.events) < heard + 2:
        assert time.monotonic() < end
        child.listen()


def test_what_it_says_is_heard_whatever_it_is(child: Child) -> None:
    begin(child)
    assert child.events == [{"event": "ready"}, {"event": "", "text": "no JSON"}]
    assert child.running


def test_a_killed_child_takes_its_children_with_it(child: Child, directory: Path) -> None:
    begin(child)
    assert len(processes_of(directory)) == 2
    child.kill()
    assert not child.running
    assert processes_of(directory) == []
    begin(child)  # and can be started anew
    assert child.running


def test_a_stopped_child_ends_by_itself(child: Child, directory: Path) -> None:
    begin(child)
    assert child.stop() == 3
    assert not child.running
    assert processes_of(directory) == []
    assert child.stop() == 0


def test_one_that_does_not_end_is_killed(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(child)
    monkeypatch.setattr("kioskd.cli.demo_child.STOP_SECONDS", 0.0)
    assert child.stop() == -signal.SIGKILL
    assert not child.running


def test_one_that_was_never_started_ends_well(child: Child) -> None:
    child.kill()
    child.listen()
    assert child.stop() == 0


def test_all_that_a_command_says_is_kept(directory: Path) -> None:
    said = directory / "said"
    script = "import sys; sys.stdout.write(input()); sys.stderr.write('!'); sys.exit(4)"
    done = run_to_end([sys.executable, "-c", script], said, seconds=PATIENCE, stdin="hello\n")
    assert (done.code, done.out, done.err) == (4, "hello", "!")
    assert said.read_text() == "hello!"

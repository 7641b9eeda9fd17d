"""`kioskd demo` as somebody who has just cloned the project meets it."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kioskd.cli.demo import play
from kioskd.cli.demo_day import DAY, IMPOSSIBLE
from kioskd.cli.demo_script import START, granted
from kioskd.cli.demo_script_hub import HUB_DAY
from kioskd.domain.decision import Reason
from tests.demo.left_behind import processes_of

KIOSKD = [
    sys.executable,
    "-P",
    "-c",
    "import sys; from kioskd.cli.main import main; sys.exit(main())",
]
WHOLE = (*DAY, *HUB_DAY)


def demo(*options: str, directory: Path) -> "subprocess.Popen[str]":
    """The command, with its temporary directory inside `directory`."""
    environment = {**os.environ, "TMPDIR": str(directory), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*KIOSKD, "demo", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        encoding="utf-8",
    )


def step(title: str) -> int:
    """Where a step of that title stands in the day."""
    return next(number for number, step in enumerate(DAY) if step.title == title)


@pytest.mark.timeout(420)
def test_the_whole_day_comes_out_as_expected(directory: Path) -> None:
    told, _ = (running := demo("--headless", "--seconds", "400", directory=directory)).communicate()
    assert running.returncode == 0, told
    assert re.search(
        rf"^WELL {len(WHOLE)} steps in \d+ s: every step came out as expected$", told, re.M
    )
    assert told.count("as expected\n") == len(WHOLE) + 1 > 100
    assert "a device and its hub" in told
    assert f"Reasons: {len(Reason) - len(IMPOSSIBLE)} of {len(Reason)} seen" in told
    for reason in Reason:
        assert re.search(rf"\b{reason}: " if reason in IMPOSSIBLE else rf"\b{reason} \d+x", told)
    pulses = sum(step.expected.relay.count("on") for step in WHOLE)
    assert told.count("A0 01 01 A2") == pulses > 30
    assert "after 1.0 s" in told
    assert "after 2.0 s" in told
    assert "\x1b" not in told
    assert list(directory.iterdir()) == []
    assert processes_of(directory) == []


def test_a_day_that_comes_out_otherwise_is_told(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(directory))
    unknown = DAY[step("card nobody knows")]
    wrong = replace(unknown, title="an optimist", expected=granted())
    assert play((*START, unknown, wrong, unknown)) == 1
    told = capsys.readouterr().out
    assert "decided: expected granted OK, got denied UNKNOWN_CARD" in told
    assert "the notice: expected granted, got wrong-card-or-pin" in told
    assert "to the relay: expected on, off, got nothing" in told
    assert re.search(r"^NOT WELL 7 steps in \d+ s: not as expected: an optimist$", told, re.M)
    assert told.count("NOT as") == 1
    assert list(directory.iterdir()) == []


def test_a_command_that_fails_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    make_key = DAY[0]
    assert play((make_key, replace(make_key, title="once more")), whole=True) == 1
    told = capsys.readouterr().out
    assert "exit code 2" in told
    assert "not as expected: once more; OK was not seen; DENY_LISTED was not seen" in told
    assert f"Reasons: 0 of {len(Reason)} seen" in told


def test_the_time_given_ends_it(directory: Path) -> None:
    told, _ = (running := demo("--seconds", "1", directory=directory)).communicate(timeout=60)
    assert running.returncode == 1
    assert "the time given to the demo is up; see --seconds" in told
    assert list(directory.iterdir()) == []
    assert processes_of(directory) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(directory: Path, number: signal.Signals) -> None:
    running = demo("--headless", directory=directory)
    assert running.stdout is not None
    for line in running.stdout:
        if "right PIN (argon2id)" in line:
            break
    assert processes_of(directory) != []
    running.send_signal(number)
    told = running.stdout.read()
    running.stdout.close()
    assert running.wait(20) == 1, told
    assert told.endswith("stopped\n")
    assert list(directory.iterdir()) == []
    assert processes_of(directory) == []

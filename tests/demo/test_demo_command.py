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
from kioskd.cli.demo_script import DAY, Expected, granted

KIOSKD = [
    sys.executable,
    "-P",
    "-c",
    "import sys; from kioskd.cli.main import main; sys.exit(main())",
]
START = DAY[:4]  # key, configuration, feed, daemon


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


def processes_of(directory: Path) -> list[str]:
    """Command lines of processes that were started for a directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = process.read_bytes()
        except OSError:  # it has just ended
            continue
        if str(directory).encode() in line:
            found.append(line.replace(b"\0", b" ").decode())
    return found


@pytest.mark.timeout(240)
def test_the_whole_day_comes_out_as_expected(tmp_path: Path) -> None:
    told, _ = (running := demo("--headless", "--seconds", "200", directory=tmp_path)).communicate()
    assert running.returncode == 0, told
    assert re.search(r"^WELL 30 steps in \d+ s: every step came out as expected$", told, re.M)
    assert told.count("as expected\n") == len(DAY) + 1
    for reason in (
        *("WRONG_PIN", "UNKNOWN_CARD", "PIN_NOT_SET", "SELF_SERVICE_BLOCK", "USE_BAN", "EXPIRED"),
        *("UNDER_AGE", "CARD_LOST", "CANCELLED", "PIN_TIMEOUT"),
    ):
        assert f"denied {reason} " in told
    pulses = sum(step.expected.relay.count("on") for step in DAY)
    assert told.count("A0 01 01 A2") == pulses > 8
    assert "after 1.0 s" in told
    assert "after 2.0 s" in told
    assert "\x1b" not in told
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


def test_a_day_that_comes_out_otherwise_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    unknown = DAY[step("card nobody knows")]
    wrong = replace(unknown, title="an optimist", expected=granted())
    assert play((*START, unknown, wrong, unknown), headless=True) == 1
    told = capsys.readouterr().out
    assert "decided: expected granted OK, got denied UNKNOWN_CARD" in told
    assert "to the relay: expected on, off, got nothing" in told
    assert re.search(r"^NOT WELL 7 steps in \d+ s: not as expected: an optimist$", told, re.M)
    assert told.count("NOT as") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_fails_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    make_key = DAY[0]
    assert play((make_key, replace(make_key, title="once more")), headless=True) == 1
    told = capsys.readouterr().out
    assert "exit code 2" in told
    assert "not as expected: once more" in told


def test_the_time_given_ends_it(tmp_path: Path) -> None:
    told, _ = (running := demo("--seconds", "1", directory=tmp_path)).communicate(timeout=60)
    assert running.returncode == 1
    assert "the time given to the demo is up; see --seconds" in told
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    running = demo("--headless", directory=tmp_path)
    assert running.stdout is not None
    for line in running.stdout:
        if "right PIN (argon2id)" in line:
            break
    assert processes_of(tmp_path) != []
    running.send_signal(number)
    told = running.stdout.read()
    running.stdout.close()
    assert running.wait(20) == 1, told
    assert told.endswith("stopped\n")
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


def test_expectations_tell_every_difference() -> None:
    from kioskd.cli.demo_stage import Seen

    seen = Seen(
        decided=("granted OK",),
        relay=("on", "off"),
        pulses=(0.5,),
        journal=("strike.released", "strike.secured"),
    )
    assert granted(0.5).faults(seen) == []
    assert granted(1.0).faults(seen) == ["a pulse of 0.50 s instead of 1 s"]
    assert Expected(("granted OK",)).faults(seen) == [
        "to the relay: expected nothing, got on, off",
        "in the journal: expected nothing, got strike.released, strike.secured",
    ]

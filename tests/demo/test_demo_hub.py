"""The demo's second act: a device, its hub, and the line between them.

The whole act is played by the command's own test; here are its parts, and that each move of it
fails when what it is there to show does not come about.
"""

import os
import re
import signal
import subprocess
import sys
from dataclasses import astuple, replace
from functools import partial
from pathlib import Path

import pytest

from kioskd.cli import demo_moves_hub
from kioskd.cli.demo import play
from kioskd.cli.demo_devices import ON, Frame
from kioskd.cli.demo_hub import Delivered, hub_beside
from kioskd.cli.demo_moves import comes_in
from kioskd.cli.demo_moves_hub import (
    cuts_line,
    finds_each_entry_at_hub,
    is_blocked_at_hub,
    is_removed_at_hub,
    mends_line,
    was_opened_for_people_alone,
)
from kioskd.cli.demo_people import ARGON2ID
from kioskd.cli.demo_play import play_step
from kioskd.cli.demo_script import Step, granted
from kioskd.cli.demo_script_hub import HUB_DAY
from kioskd.cli.demo_server import DemoServer
from kioskd.cli.demo_stage import Stage, Unexpected
from kioskd.control.verbs import Refusal
from kioskd.domain.decision import Reason
from kioskd.errors import InputError
from sync.hub.config import load_hub
from tests.demo.left_behind import processes_of

# The door's times are those for who watches, so no pulse is measured here.
IN = replace(granted(), opened=0.0, maybe=("sync.done", "sync.failed"))
HUB_DAY_ALONE = (
    "import sys; from kioskd.cli.main import main; from kioskd.cli import demo_day\n"
    "demo_day.DAY = ()\nsys.exit(main(['demo', '--headless']))"
)


def titled(title: str) -> Step:
    """The step of the act with that title."""
    return next(step for step in HUB_DAY if step.title == title)


async def test_the_line_is_cut_and_mended_from_the_panel(hub_stage: Stage, tmp_path: Path) -> None:
    stage, parts = hub_stage, (hub_stage.door, hub_stage.daemon, hub_stage.clock)
    server = DemoServer(tmp_path / "demo.sock", stage.site.socket, *parts, stage.hub)
    assert server.state()["line"] == "whole"
    await server.verbs["cut"]({})
    assert server.state()["line"] == "cut"
    stage.until(lambda: not demo_moves_hub.line_of(stage)["up"], "a line that is down")
    await server.verbs["mend"]({})
    assert server.state()["line"] == "whole"
    stage.until(lambda: bool(demo_moves_hub.line_of(stage)["up"]), "a line that is up")
    with pytest.raises(InputError, match="unknown argument"):
        await server.verbs["cut"]({"for": 1})
    assert server.state()["line"] == "whole"


async def test_where_there_is_no_hub_nothing_is_cut(hub_stage: Stage, tmp_path: Path) -> None:
    parts = (hub_stage.door, hub_stage.daemon, hub_stage.clock)
    server = DemoServer(tmp_path / "demo.sock", hub_stage.site.socket, *parts)
    assert server.state()["line"] == ""
    with pytest.raises(Refusal, match="this demo has no hub"):
        await server.verbs["cut"]({})


def test_an_entry_is_at_the_hub_once_or_that_is_told(
    hub_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert play_step(Step("in", comes_in(ARGON2ID), IN), hub_stage)[1] == []
    finds_each_entry_at_hub(hub_stage)
    there = hub_stage.hub.delivered()
    (number, decision), *others = there.entries
    assert decision == "granted"
    monkeypatch.setattr("kioskd.cli.demo_stage.PATIENCE_SECONDS", 0.5)
    for entries, counted in (
        (others, there.counted),
        ([*there.entries, there.entries[0]], there.counted),
        ([(number, "denied"), *others], there.counted),
        ([("0" + number, decision), *others], there.counted),
        (there.entries, there.counted + 1),
    ):
        wrong = Delivered(tuple(sorted(entries)), counted)
        monkeypatch.setattr(hub_stage.hub, "delivered", partial(Delivered, *astuple(wrong)))
        with pytest.raises(Unexpected, match=r"the hub has|as many at the hub: not within"):
            finds_each_entry_at_hub(hub_stage)


def test_a_door_that_was_opened_for_nobody_is_told(hub_stage: Stage) -> None:
    was_opened_for_people_alone(hub_stage)
    frames = hub_stage.door.frames
    frames.append(Frame(0.0, ON))
    try:
        with pytest.raises(Unexpected, match=r"\d+ on-frames for \d+ granted entries"):
            was_opened_for_people_alone(hub_stage)
    finally:
        frames.pop()


def test_a_hub_that_does_not_deny_is_told(
    hub_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import says that all is well, and nothing comes of it."""
    monkeypatch.setattr(demo_moves_hub, "imported", lambda *_: "esi: delta loaded")
    monkeypatch.setattr("kioskd.cli.demo_stage.PATIENCE_SECONDS", 2.0)
    step = titled("blocked at the hub: out within 2 s")
    _, faults, over = play_step(step, hub_stage)
    assert (faults, over) == (["the daemon's cache.adopted: not within 2 s"], False)


def test_a_block_that_comes_late_is_told(hub_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_moves_hub, "BLOCKED_WITHIN_SECONDS", -1.0)
    with pytest.raises(Unexpected, match=r"the door knew \d\.\d s after the import"):
        is_blocked_at_hub(hub_stage)
    assert hub_stage.glance().notice == "self-service-block"


def test_a_line_that_is_not_cut_and_one_that_stays_cut_are_told(
    hub_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    cable = hub_stage.hub.cable
    monkeypatch.setattr("kioskd.cli.demo_stage.PATIENCE_SECONDS", 3.0)
    with monkeypatch.context() as patch:
        patch.setattr(cable, "cut", lambda: None)
        with pytest.raises(Unexpected, match=r"line\.down: not within 3 s"):
            cuts_line(hub_stage)
    cuts_line(hub_stage)
    with monkeypatch.context() as patch:
        patch.setattr(cable, "mend", lambda: None)
        with pytest.raises(Unexpected, match=r"line\.up: not within 3 s"):
            mends_line(hub_stage)
    is_removed_at_hub(hub_stage)
    mends_line(hub_stage)


def test_an_act_that_comes_out_otherwise_is_told(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without its hub the device cannot join, and has nobody to let in."""
    monkeypatch.setattr("tempfile.tempdir", str(directory))
    serves = titled("the hub serves")
    day = [step for step in HUB_DAY[:4] if step is not serves]
    assert play((), day) == 1
    told = capsys.readouterr().out
    assert "exit code 1" in told
    assert re.search(r"^NOT WELL 3 steps in \d+ s: not as expected: the device joins", told, re.M)
    assert processes_of(directory) == []
    assert list(directory.iterdir()) == []


def test_an_interrupted_act_leaves_nothing_behind(directory: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-P", "-c", HUB_DAY_ALONE],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(directory), "PYTHONUNBUFFERED": "1"},
        encoding="utf-8",
    )
    assert running.stdout is not None
    for line in running.stdout:
        if "in, with what the hub told" in line:
            break
    alive = " ".join(processes_of(directory))
    assert all(name in alive for name in ("demo_daemon", "demo_line", "demo_hub_serve"))
    running.send_signal(signal.SIGINT)
    told = running.stdout.read()
    running.stdout.close()
    assert running.wait(20) == 1, told
    assert told.endswith("stopped\n")
    assert processes_of(directory) == []
    assert list(directory.iterdir()) == []


def test_the_act_shows_the_week_in_order() -> None:
    """Offline entries before the age limit, none beyond it, and entries again."""
    decided = [one for step in HUB_DAY for one in step.expected.decided]
    old = decided.index(f"denied {Reason.CACHE_TOO_OLD}")
    assert decided.count(f"denied {Reason.CACHE_TOO_OLD}") == 1
    assert decided[old + 1] == "granted OK"
    assert f"denied {Reason.SELF_SERVICE_BLOCK}" in decided[:old]
    assert decided[old:].count(f"denied {Reason.UNKNOWN_CARD}") == 1


def test_the_hubs_configuration_is_without_faults(tmp_path: Path) -> None:
    with hub_beside(tmp_path) as hub:
        assert hub.url.startswith("http://127.0.0.1:")
        config = load_hub(tmp_path / "hub" / "hub.toml")
    assert config.warnings == ()
    assert [branch.code for branch in config.branches] == ["ESI"]

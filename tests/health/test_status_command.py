"""`kioskd status` as it is typed, against a daemon's socket: the table, JSON, exit codes."""

import asyncio
import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from kioskd.cli.status import lines_of
from kioskd.control.broadcast import Broadcaster
from kioskd.control.server import ControlServer
from kioskd.control.status import status_of, status_verbs
from kioskd.control.verbs import Verbs
from tests.health.looked import TECHNICIAN, Looked
from tests.outside.premises import KIOSKD

PATIENCE_SECONDS = 20.0  # only ever spent by a test that fails


@pytest.fixture
async def looked(tmp_path: Path) -> AsyncIterator[Looked]:
    """A site whose daemon answers on its socket."""
    async with Looked(tmp_path) as found:
        found.feed(12345)
        await found.pass_seconds(5)
        socket = found.directory / "control.sock"
        verbs = Verbs(status_verbs(found.config, found.overview))
        server = ControlServer(socket, verbs, Broadcaster(), lambda peer: TECHNICIAN, "0.1.0")
        task = asyncio.create_task(server.serve())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not socket.exists():  # noqa: ASYNC110 - made by a thread
                await asyncio.sleep(0.002)
        yield found
        task.cancel()
        await asyncio.wait({task})


async def status(looked: Looked, *options: str, **environment: str) -> tuple[int, str, str]:
    child = await asyncio.create_subprocess_exec(
        *KIOSKD,
        "status",
        "--config",
        str(looked.path),
        *options,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "80", **environment},
    )
    said, complained = await child.communicate()
    assert child.returncode is not None
    return child.returncode, said.decode(), complained.decode()


async def test_a_site_at_which_all_is_well(looked: Looked) -> None:
    code, said, complained = await status(looked)
    assert (code, complained) == (0, "")
    lines = [line.rstrip() for line in said.splitlines()]
    assert lines[0].split() == ["ok", "kioskd", "0.1.0,", "ESI,", "up", "0", "min"]
    assert "ok  hours           self-service until Mon 23 Nov 21:00" in lines
    assert "ok  door front      secured since Mon 23 Nov 10:00, closed" in lines
    assert "ok  credentials     12,345, 0 min old" in lines
    assert all(line.startswith("ok") for line in lines)


async def test_what_is_bad_is_said_and_the_exit_code_is_1(looked: Looked) -> None:
    looked.device("relay").unplug()
    looked.state.set_lockdown(on=True)
    await looked.pass_seconds(20)
    code, said, _ = await status(looked)
    assert code == 1
    words = {" ".join(line.split()[:3]) for line in said.splitlines()}
    assert "bad device relay" in words
    assert "look lockdown on:" in words
    assert "info alert lockdown" in words
    assert "bad alert strike-missing" in words


async def test_a_lockdown_alone_is_not_bad(looked: Looked) -> None:
    looked.state.set_lockdown(on=True)
    await looked.pass_seconds(5)
    assert (await status(looked))[0] == 0


async def test_everything_is_in_the_json_too(looked: Looked) -> None:
    looked.device("scanner").unplug()
    code, said, _ = await status(looked, "--json")
    answer = json.loads(said)
    assert code == 1
    assert answer == status_of(looked.config, looked.overview, looked.zone)


async def test_no_colour_and_no_escape_sequence_where_nobody_looks(looked: Looked) -> None:
    looked.device("scanner").unplug()
    looked.news.lost("scanner", "\x1b[2J\x1b]0;x\x07gone")
    for options in ((), ("--json",)):
        _, said, _ = await status(looked, *options)
        assert "\x1b" not in said
        assert "\x07" not in said


@pytest.mark.parametrize("columns", [40, 80, 200])
async def test_it_fits_the_terminal(looked: Looked, columns: int) -> None:
    looked.device("scanner").unplug()
    looked.news.lost("scanner", "x" * 150)
    _, said, _ = await status(looked, COLUMNS=str(columns))
    assert max(len(line) for line in said.splitlines()) <= columns
    assert said.count("x") >= 150


async def test_watching_needs_a_terminal(looked: Looked) -> None:
    code, said, complained = await status(looked, "--watch")
    assert (code, said) == (2, "")
    assert "--watch needs a terminal" in complained


async def test_watching_shows_what_changes_until_ctrl_c(looked: Looked) -> None:
    terminal, other = pty.openpty()
    child = await asyncio.create_subprocess_exec(
        *KIOSKD,
        "status",
        "--watch",
        "--config",
        str(looked.path),
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
    )
    os.close(other)
    try:
        await asyncio.to_thread(_until, terminal, b"secured since")
        looked.doors_view(state="forced", contact="open")
        seen = await asyncio.to_thread(_until, terminal, b"forced since")
        assert b"\x1b[1;31mbad" in seen  # bold red, and the word all the same
        child.send_signal(signal.SIGINT)
        await asyncio.to_thread(_until, terminal, b"\x1b[?1049l")  # the screen is as it was
        assert await child.wait() == 1
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        os.close(terminal)


def _until(terminal: int, wanted: bytes) -> bytes:
    seen, end = b"", time.monotonic() + PATIENCE_SECONDS
    while wanted not in seen:
        assert time.monotonic() < end, seen
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 65536)
    return seen


async def test_without_a_daemon_it_says_what_to_do(tmp_path: Path) -> None:
    looked = Looked(tmp_path)
    looked.stores.close()
    code, said, complained = await status(looked)
    assert (code, said) == (1, "")
    assert "systemctl start kioskd" in complained


async def test_what_a_table_says_of_each_state(looked: Looked) -> None:
    def told(**changes: Any) -> dict[str, tuple[str, str]]:
        answer = {**status_of(looked.config, looked.overview, looked.zone), **changes}
        return {line.about: (line.word, line.told) for line in lines_of(answer)}

    cache = {"readable": True, "credentials": 5, "good_for_seconds": 432_000}
    assert told(cache={**cache, "age_seconds": 90_000})["credentials"] == (
        "look",
        "5, 25 h 0 min old",
    )
    assert told(cache={**cache, "age_seconds": 432_001})["credentials"] == ("bad", "5, 5 d 0 h old")
    assert told(cache={**cache, "age_seconds": None})["credentials"][0] == "bad"
    assert told(cache={**cache, "readable": False})["credentials"][0] == "bad"
    assert told(clock={"trusted": False, "why": "behind"})["clock"][0] == "bad"
    assert told(journal={"seq": 3, "writes": False})["journal"][0] == "bad"
    assert told(late=["door front"])["tasks"] == ("bad", "do not go on: door front")
    door = status_of(looked.config, looked.overview, looked.zone)["doors"][0]
    for state, word in (("secured", "ok"), ("unlocked", "ok"), ("held", "look"), ("forced", "bad")):
        assert told(doors=[{**door, "state": state}])["door front"][0] == word
    waiting = told(doors=[{**door, "awaits_first_person": True, "contact": "unknown"}])
    assert "contact not known, unlocks with the first person in" in waiting["door front"][1]
    fault = told(doors=[{**door, "fault": "41"}])
    assert fault["door front"] == ("bad", "secured since Mon 23 Nov 10:00, closed; fault 41")
    assert told(hours={"state": "self-service", "next_change": None})["hours"][1] == "self-service"

"""A child of our own: started without held signals, ended with its socket, reaped in every case."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from kioskd.daemon.beside import END_SECONDS, Beside
from kioskd.errors import StoreError

ECHO = """
import os, signal, socket, sys
pair = socket.socket(fileno=os.dup(0))
stream = pair.makefile("rwb")
for line in stream:
    held = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    told = [",".join(sys.argv[1:]), str(len(held)), os.environ.get("NOTIFY_SOCKET", "-"),
            os.environ.get("CREDENTIALS_DIRECTORY", "-")]
    stream.write((line.decode().strip() + " " + " ".join(told) + "\\n").encode())
    stream.flush()
"""
DEAF = "import time\ntime.sleep(600)\n"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "echoing.py").write_text(ECHO)
    (tmp_path / "deaf.py").write_text(DEAF)
    more = {"PYTHONPATH": str(tmp_path), "NOTIFY_SOCKET": "/x", "CREDENTIALS_DIRECTORY": "/c"}
    return {**os.environ, **more}


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_it_hears_and_answers_with_no_signal_held(environment: dict[str, str]) -> None:
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        child = await Beside.started("echoing", ["a", "b"], environment, 1000)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
    child.writer.write(b"hello\n")
    assert await child.reader.readline() == b"hello a,b 0 - /c\n"
    assert await child.end() == 0
    assert gone(child.pid)


async def test_one_that_does_not_listen_is_ended(environment: dict[str, str]) -> None:
    child = await Beside.started("deaf", [], environment, 1000)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await child.end() == -signal.SIGKILL
    assert loop.time() - began >= END_SECONDS
    assert gone(child.pid)


async def test_one_that_ends_by_itself_is_told_by_its_socket(environment: dict[str, str]) -> None:
    child = await Beside.started("no_such_module", [], environment, 1000)
    assert await child.reader.readline() == b""
    assert await child.end() == 1
    assert gone(child.pid)


async def test_what_cannot_be_started_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    before = descriptors()
    with pytest.raises(StoreError, match="cannot be started"):
        await Beside.started("echoing", [], {}, 1000)
    assert descriptors() == before

"""The demo's library system as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync.demo_ils.people import PASSWORD, USER

PROGRAM = (sys.executable, "-P", "-m", "sync.demo_ils.main")


@contextmanager
def running(*options: str) -> "Iterator[tuple[subprocess.Popen[str], int]]":
    """The process and the port that it says."""
    with subprocess.Popen([*PROGRAM, *options], stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stderr is not None
            line = json.loads(child.stderr.readline())
            assert line["event"] == "ready"
            yield child, line["port"]
        finally:
            child.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_its_port_answers_and_ends_when_told(number: signal.Signals) -> None:
    with running("--port", "0", "--encoding", "utf-8") as (child, port):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(f"9300CN{USER}|CO{PASSWORD}|\r".encode())
            assert line.recv(100) == b"941\r"
            os.kill(child.pid, number)
            assert line.recv(100) == b""
        assert child.wait(5) == 0
        assert child.stderr is not None
        assert child.stderr.read() == ""


def test_it_speaks_the_encoding_asked_for() -> None:
    with (
        running("--encoding", "cp850") as (_, port),
        socket.create_connection(("127.0.0.1", port), timeout=5) as line,
    ):
        line.sendall(f"9300CN{USER}|CO{PASSWORD}|\r".encode())
        line.recv(100)
        line.sendall(b"1720261207    104152AOESI|AB167N00000002|\r")
        assert "AJSeitsemän veljestä|" in line.recv(1000).decode("cp850")


def test_its_password_can_be_another(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("toinen\n", encoding="utf-8")
    with running("--secret", str(secret)) as (_, port):
        for password, said in ((PASSWORD, b"940\r"), ("toinen", b"941\r")):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
                line.sendall(f"9300CN{USER}|CO{password}|\r".encode())
                assert line.recv(100) == said


def test_a_port_that_is_taken_and_wrong_usage_are_said() -> None:
    with running() as (_, port):
        taken = subprocess.run(
            [*PROGRAM, "--port", str(port)], capture_output=True, text=True, check=False
        )
    assert taken.returncode == 1
    assert json.loads(taken.stderr)["event"] == "failed"
    wrong = subprocess.run(
        [*PROGRAM, "--encoding", "ebcdic"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2

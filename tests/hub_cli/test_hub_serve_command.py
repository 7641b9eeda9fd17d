"""`kioskd-hub serve` as a process: ready, other commands beside it, its end."""

import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.hub_cli.hub_files import KIOSKD_HUB, PATIENCE_SECONDS, TEXT, Hub

READY = re.compile(r"^\S+T\S+Z INFO kioskd\S* ready listen=(http:/{2}127\.0\.0\.1:\d+)$")
END_SECONDS = 5.0


@contextmanager
def serving(hub: Hub, *arguments: str) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    """A hub that has said that it is ready, and that line."""
    child = subprocess.Popen(
        [*KIOSKD_HUB, "serve", "--config", str(hub.config), *arguments],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stderr is not None
        lines = iter(child.stderr.readline, "")
        yield child, next(line for line in lines if "ready" in line).removesuffix("\n")
    finally:
        child.kill()
        child.communicate()


def ask(address: str, path: str, token: str = "") -> int:
    request = urllib.request.Request(f"{address}{path}")  # noqa: S310
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_other_commands_work_beside_it(either: Hub) -> None:
    with serving(either) as (child, line):
        ready = READY.fullmatch(line)
        assert ready is not None, line
        assert ask(ready[1], "/healthz") == 200
        token = either.well("device", "add", "front", "--branch", "ESI").strip()
        assert ask(ready[1], "/v1/credentials", token) == 200
        either.well("import", "-", "--feed", "esi", stdin=b'{"card": "001A000001"}\n')
        assert either.run("status").returncode == 1
        either.well("device", "revoke", "front")
        assert ask(ready[1], "/v1/credentials", token) == 401
        begun = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_SECONDS) == 0
        assert time.monotonic() - begun < END_SECONDS


def test_its_lines_may_be_json(hub: Hub) -> None:
    with serving(hub, "--log-format", "json") as (child, line):
        told = json.loads(line)
        assert (told["event"], told["level"]) == ("ready", "INFO")
        assert told["listen"].startswith("http://127.0.0.1:")
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            ('"127.0.0.1:0"', '"127.0.0.1:1"\ntls_cert = "/nowhere"\ntls_key = "/nowhere"'),
            "nowhere",
        ),
        (('"127.0.0.1:0"', '"192.0.2.1:8080"'), "can be reached from elsewhere"),
    ],
)
def test_what_it_cannot_serve_it_says_in_a_line(
    hub: Hub, change: tuple[str, str], told: str
) -> None:
    hub.write(TEXT.replace(*change))
    done = hub.process("serve")
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_that_is_taken_is_named(hub: Hub) -> None:
    with serving(hub) as (_, line):
        address = line.rpartition("//")[2]
        hub.write(TEXT.replace("127.0.0.1:0", address))
        done = hub.process("serve")
        assert done.returncode in (1, 2)
        assert address.rpartition(":")[2] in done.stderr
        assert "Traceback" not in done.stderr

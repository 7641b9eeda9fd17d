"""How commands ask: the daemon where one runs, the files where none does, and never both."""

import asyncio
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kioskd.cli import asking
from kioskd.client import AskError
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.control.people import Person, Role
from kioskd.control.verbs import Arguments, Refusal
from kioskd.daemon import offline
from kioskd.daemon.boot import DirectoryLock
from kioskd.errors import InputError
from tests.control.wired import Wired, until

TOML = """
[site]
name = "Esimerkkilä"
branch = "ESI"
[storage]
directory = "{folder}/data"
retention_days = 14
[secrets]
device_key = "file:{folder}/device.key"
[cards]
patron = ['\\d{{3}}[A-Z]\\d{{6}}']
[control.roles]
operator = "kioskd-staff"
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
"""
Asked = list[tuple[str, Mapping[str, Any]]]


@pytest.fixture
def config(place: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A site whose socket is beside its files, as it is without systemd."""
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    (place.parent / "data").mkdir()
    file = place.parent / "kioskd.toml"
    file.write_text(TOML.format(folder=place.parent), encoding="utf-8")
    return load(file)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What was done without a daemon."""
    asked: Asked = []

    def ask_offline(config: Config, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
        asked.append((verb, args))
        if verb == "open":
            raise Refusal("failed", "open needs the running daemon")
        if verb == "enrol":
            raise Refusal("not-found", "no such card")
        return {"offline": True}

    monkeypatch.setattr(offline, "ask_offline", ask_offline)
    return asked


@pytest.fixture
def held(config: Config) -> Iterator[None]:
    """The storage directory is somebody's, as while a daemon runs."""
    lock = DirectoryLock.take(config.storage.directory)
    assert lock is not None
    yield
    lock.release()


def socket_of(config: Config) -> Path:
    return config.storage.directory / "control.sock"


async def test_the_running_daemon_is_asked(config: Config, files: Asked, held: None) -> None:
    async with Wired(socket_of(config)) as wired:
        answer = await asyncio.to_thread(asking.ask, config, "open", {"door": "front"})
        assert answer == {"did": "open"}
        assert wired.remembered.asked == [("root", "open", {"door": "front"})]
    assert files == []


def test_the_files_are_asked_where_no_daemon_runs(config: Config, files: Asked) -> None:
    assert asking.ask(config, "list-show", {"which": "deny"}) == {"offline": True}
    assert files == [("list-show", {"which": "deny"})]


def test_a_stale_socket_is_no_daemon(config: Config, files: Asked) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(socket_of(config)))
    assert asking.ask(config, "list-show", {}) == {"offline": True}


def test_what_the_files_refuse_is_told_as_the_daemon_would(config: Config, files: Asked) -> None:
    with pytest.raises(AskError, match="open needs the running daemon"):
        asking.ask(config, "open", {})
    with pytest.raises(InputError, match="no such card"):
        asking.ask(config, "enrol", {})


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("bad-argument", InputError),
        ("not-found", InputError),
        ("failed", AskError),
        ("busy", AskError),
    ],
)
async def test_the_callers_faults_are_told_apart(
    config: Config, code: str, error: type[Exception]
) -> None:
    async def refuse(person: Person, args: Arguments) -> dict[str, Any]:
        raise Refusal(code, "told why")

    async with Wired(socket_of(config), verbs={"open": refuse}):
        with pytest.raises(error, match="told why"):
            await asyncio.to_thread(asking.ask, config, "open", {})


async def test_who_may_not_is_not_sent_to_the_files(config: Config, files: Asked) -> None:
    async with Wired(socket_of(config)) as wired:
        wired.anybody = Person("maija", frozenset({Role.VIEWER}))
        with pytest.raises(AskError, match="may not ask for open"):
            await asyncio.to_thread(asking.ask, config, "open", {})
    assert files == []


def test_a_directory_that_is_held_is_left_alone(config: Config, files: Asked, held: None) -> None:
    with pytest.raises(AskError, match="If it is starting, wait a moment") as refused:
        asking.ask(config, "list-add", {}, patience=0)
    assert str(socket_of(config)) in str(refused.value)
    assert files == []


async def test_a_daemon_that_starts_is_waited_for(
    config: Config, files: Asked, held: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def count(seconds: float) -> None:
        nonlocal looks
        looks += 1

    monkeypatch.setattr(asking, "_pause", count)
    answering = asyncio.create_task(
        asyncio.to_thread(asking.ask, config, "status", {}, patience=20.0)
    )
    await until(lambda: looks)
    async with Wired(socket_of(config)):
        assert await answering == {"did": "status"}
    assert files == []


def test_a_daemon_that_hangs_is_not_gone_round(
    config: Config, files: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(socket_of(config)))
        hanging.listen()
        with pytest.raises(AskError, match="did not answer within"):
            asking.ask(config, "list-add", {}, timeout=0.05)
    assert files == []


def test_who_may_not_use_the_socket_is_told_the_groups(
    config: Config, files: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, timeout: float, answering: float) -> None:
        raise AskError("forbidden", f"{path}: this account may not use it")

    monkeypatch.setattr(asking, "Client", refuse)
    with pytest.raises(AskError, match=r"kioskd-staff \(operator\)"):
        asking.ask(config, "status", {})
    assert files == []


async def test_the_first_place_where_a_daemon_answers_counts(
    config: Config, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person who may not look into the storage directory finds the daemon in /run."""
    run = place.parent / "run" / "control.sock"
    run.parent.mkdir()
    monkeypatch.setattr(asking, "candidates", lambda *a, **k: [place.parent / "none", run])
    async with Wired(run):
        assert await asyncio.to_thread(asking.ask, config, "status", {}) == {"did": "status"}

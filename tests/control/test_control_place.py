"""The socket's file: its mode, what is in its place, and what happens when it goes away."""

import asyncio
import logging
import os
import socket
import stat
import threading
from collections.abc import Collection
from pathlib import Path

import pytest

from kioskd.control import server
from kioskd.control.listening import FAILED, TAKEN, Listening, NotListening, listen
from kioskd.control.people import Role
from tests.control.wired import Caller, Wired, until


@pytest.fixture(autouse=True)
def _every_event(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


async def test_it_is_for_the_owner_and_one_group_from_the_first_moment(place: Path) -> None:
    seen: set[int] = set()
    looking = True

    async def look() -> None:
        while looking:
            seen.update(modes(place))
            await asyncio.sleep(0)

    watching = asyncio.create_task(look())
    for umask in (0, 0o077, 0o777):
        before = os.umask(umask)
        try:
            async with Wired(place):
                pass
        finally:
            os.umask(before)
    looking = False
    await watching
    assert seen == {0o660}


async def test_a_socket_that_is_made_while_the_daemon_stops_is_not_left(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, stopped = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slowly(path: Path, gids: Collection[int]) -> Listening:
        listening = listen(path, gids)
        loop.call_soon_threadsafe(made.set)
        stopped.wait(20)
        return listening

    monkeypatch.setattr(server, "listen", slowly)
    serving = asyncio.create_task(Wired(place).server.serve())
    await made.wait()
    serving.cancel()
    await asyncio.wait([serving])
    stopped.set()
    await until(lambda: not modes(place))


async def test_it_is_tried_whether_it_can_be_made_or_not(place: Path) -> None:
    put(place, "directory")
    wired = Wired(place)
    assert not wired.server.tried.is_set()
    serving = asyncio.create_task(wired.server.serve())
    async with asyncio.timeout(20):
        await wired.server.tried.wait()
    remove(place)
    await until(place.exists)
    serving.cancel()
    await asyncio.wait([serving])


async def test_it_is_there_once_it_was_tried(place: Path) -> None:
    wired = Wired(place)
    serving = asyncio.create_task(wired.server.serve())
    async with asyncio.timeout(20):
        await wired.server.tried.wait()
    assert modes(place) == {0o660}
    serving.cancel()
    await asyncio.wait([serving])


async def test_it_is_gone_when_the_daemon_is(place: Path) -> None:
    async with Wired(place) as wired:
        await wired.call(Role.VIEWER)
    assert list(place.parent.iterdir()) == []


async def test_a_stale_socket_is_replaced(place: Path) -> None:
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(place))
    stale.close()
    async with Wired(place) as wired:
        assert "ok" in await (await until_called(wired)).ask("status")


async def test_the_second_daemon_waits_for_the_first(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Wired(place) as first:
        async with Wired(place) as second:
            await until(lambda: TAKEN in caplog.text)
            await asyncio.sleep(0.2)  # several tries more
            second.people = first.people
            caller = await first.call(Role.VIEWER)
            assert "ok" in await caller.ask("status")
            assert first.remembered.asked
            assert not second.remembered.asked
        assert modes(place), "who was second takes away nothing"
    told = [r for r in caplog.records if r.message == TAKEN and r.levelname == "ERROR"]
    assert len(told) == 1, "loud once, then quiet"
    assert "give each its own control.socket" in told[0].__dict__["why"]


async def test_the_second_daemon_takes_over(place: Path) -> None:
    first = Wired(place)
    await first.__aenter__()
    async with Wired(place) as second:
        await first.__aexit__(None, None, None)
        assert "ok" in await (await until_called(second)).ask("status")


@pytest.mark.parametrize("kind", ["file", "directory", "link", "fifo"])
async def test_what_is_no_socket_is_left_alone(
    place: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    put(place, kind)
    before = modes(place)
    server = Wired(place)
    serving = asyncio.create_task(server.server.serve())
    await until(lambda: FAILED in caplog.text)
    assert not serving.done(), "doors go on"
    assert modes(place) == before
    assert "is no socket; move it away" in caplog.records[0].__dict__["why"]
    remove(place)
    await until(lambda: "control.ready" in caplog.text)
    serving.cancel()
    await asyncio.wait([serving])


async def test_a_directory_that_comes_later_is_used_then(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    missing = place.parent / "run" / "control.sock"
    wired = Wired(missing)
    serving = asyncio.create_task(wired.server.serve())
    await until(lambda: FAILED in caplog.text)
    assert "control.socket" in caplog.records[0].__dict__["why"]
    missing.parent.mkdir()
    await until(lambda: "control.ready" in caplog.text)
    caller = await wired.call(Role.VIEWER)
    assert "ok" in await caller.ask("status")
    await caller.close()
    serving.cancel()
    await asyncio.wait([serving])


async def test_a_socket_that_was_removed_is_made_anew(place: Path) -> None:
    async with Wired(place) as wired:
        old = await wired.call(Role.VIEWER)
        remove(place)
        await until(place.exists)
        assert "ok" in await (await wired.call(Role.VIEWER)).ask("status")
        assert "ok" in await old.ask("status"), "who was connected stays so"


async def test_a_directory_that_vanishes_is_waited_for(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deep = place.parent / "run" / "control.sock"
    deep.parent.mkdir()
    async with Wired(deep) as wired:
        deep.unlink()
        deep.parent.rmdir()
        await until(lambda: FAILED in caplog.text)
        deep.parent.mkdir()
        assert "ok" in await (await until_called(wired)).ask("status")


async def test_another_daemons_socket_in_its_place_is_left(place: Path) -> None:
    """As when the directory was emptied and another daemon was quicker."""
    async with Wired(place):
        remove(place)
        other = listen(place, ())
    assert other.in_place()
    other.leave()


def test_what_a_crash_left_beside_it_is_in_nobodys_way(place: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(place.with_name("control.soc~")))
    left.close()
    listening = listen(place, ())
    assert [path.name for path in place.parent.iterdir()] == ["control.sock"]
    listening.leave()


def test_a_path_that_is_too_long_is_refused(place: Path) -> None:
    with pytest.raises(NotListening, match=r"set control\.socket") as refused:
        listen(place.with_name("x" * 120), ())
    assert refused.value.event == FAILED


def test_the_longest_path_will_do(place: Path) -> None:
    longest = place.with_name("x" * (107 - len(str(place.parent)) - 1))
    listening = listen(longest, ())
    assert listening.in_place()
    listening.leave()


def put(place: Path, kind: str) -> None:
    match kind:
        case "file":
            place.write_text("precious", encoding="utf-8")
        case "directory":
            place.mkdir()
        case "link":
            place.symlink_to(place.parent / "elsewhere")
        case "fifo":
            os.mkfifo(place)


def remove(place: Path) -> None:
    if place.is_dir():
        place.rmdir()
    else:
        place.unlink()


def modes(place: Path) -> set[int]:
    """The rights of what is there; none when nothing is."""
    try:
        return {stat.S_IMODE(place.lstat().st_mode)}
    except FileNotFoundError:
        return set()


async def until_called(wired: Wired) -> Caller:
    """Connect once the new socket is there."""
    while True:
        try:
            return await wired.call(Role.VIEWER)
        except (ConnectionRefusedError, FileNotFoundError):
            await asyncio.sleep(0.002)

"""The one client, as commands and screens use it; and what it says when there is no answer."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from kioskd import client
from kioskd.client import AskError, Client, Link, open_link
from kioskd.control.people import Person, Role
from kioskd.errors import KioskError
from tests.control.wired import Wired, until

HELLO = b'{"hello":1,"version":"9.9"}\n'
OK = b'{"id":1,"ok":{"did":"status"}}\n'

Ask = Callable[[Path, float], Awaitable[dict[str, Any]]]


async def as_command(path: Path, seconds: float) -> dict[str, Any]:
    def ask() -> dict[str, Any]:
        with Client(path, seconds) as daemon:
            return daemon.ask("status")

    return await asyncio.to_thread(ask)


async def as_screen(path: Path, seconds: float) -> dict[str, Any]:
    async with await open_link(path, seconds) as link:
        return await link.ask("status")


both = pytest.mark.parametrize("ask", [as_command, as_screen], ids=["command", "screen"])


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(path: Path, talk: Talk) -> AsyncIterator[None]:
    """Something that talks with each client, and leaves nothing behind."""
    talking: list[tuple[asyncio.Task[None], asyncio.StreamWriter]] = []

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking.append((asyncio.ensure_future(talk(reader, writer)), writer))

    async with await asyncio.start_unix_server(begin, path):
        yield
        for task, writer in talking:
            task.cancel()
            await asyncio.wait([task])
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


def daemon(path: Path, *said: bytes, silent: bool = False) -> AbstractAsyncContextManager[None]:
    """It says this much: its greeting, then a piece for each line that it hears."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said[0])
        for piece in said[1:]:
            await reader.readline()
            writer.write(piece)
        if silent:
            await reader.read()
        writer.close()

    return listening(path, talk)


@both
async def test_a_question_is_answered(place: Path, ask: Ask) -> None:
    async with Wired(place) as wired:
        assert await ask(place, 5.0) == {"did": "status"}
        assert wired.remembered.asked == [("root", "status", {})]


@both
async def test_a_refusal_is_told_in_the_daemons_words(place: Path, ask: Ask) -> None:
    async with Wired(place) as wired:
        wired.anybody = Person("maija", frozenset({Role.SCREEN}))
        with pytest.raises(AskError, match=r"maija \(screen\) may not ask for status") as refused:
            await ask(place, 5.0)
    assert refused.value.code == "not-allowed"
    assert isinstance(refused.value, KioskError)


@both
@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        ((HELLO, OK), "", ""),
        ((HELLO, b'{"event":"panel:front"}\n' + OK), "", ""),
        ((HELLO, b'{"id":7,"ok":{}}\n' + OK), "", ""),
        (
            (HELLO, b'{"id":null,"error":{"code":"busy","message":"too many"}}\n'),
            "busy",
            "too many",
        ),
        (
            (HELLO, b'{"id":1,"error":{"code":"failed","message":"a\\u001b[2Jb"}}\n'),
            "failed",
            "a?[",
        ),
        ((HELLO, b'{"id":1}\n'), "failed", "no answer of this version"),
        ((HELLO, b'{"id":1,"ok":[]}\n'), "failed", "no answer of this version"),
        ((HELLO, b""), "gone", "the daemon hung up"),
        ((HELLO, OK[:-5]), "gone", "the daemon hung up"),
        ((b"",), "gone", "the daemon hung up"),
        ((HELLO[:9],), "gone", "the daemon hung up"),
        ((b"SSH-2.0-OpenSSH\n",), "other-version", "is no kioskd"),
        ((HELLO, b"junk\n"), "other-version", "is no kioskd"),
        ((HELLO, b"a" * 70_000 + b"\n"), "other-version", "is no kioskd"),
        (
            (b'{"hello":2,"version":"2.0"}\n',),
            "other-version",
            "daemon (2.0) speaks protocol 2, this program",
        ),
    ],
)
async def test_what_a_daemon_may_say(
    place: Path, ask: Ask, said: tuple[bytes, ...], code: str, told: str
) -> None:
    async with daemon(place, *said):
        if not code:
            assert await ask(place, 5.0) == {"did": "status"}
            return
        with pytest.raises(AskError) as failed:
            await ask(place, 5.0)
    assert failed.value.code == code
    assert told in str(failed.value)


@both
@pytest.mark.parametrize("said", [(b"",), (HELLO, b"")], ids=["no greeting", "no answer"])
async def test_a_daemon_that_hangs_is_not_waited_for(
    place: Path, ask: Ask, said: tuple[bytes, ...]
) -> None:
    async with daemon(place, *said, silent=True):
        with pytest.raises(AskError, match=r"did not answer within 0\.05 s") as failed:
            await ask(place, 0.05)
    assert failed.value.code == client.SILENT


@both
async def test_an_answer_that_drips_is_late(place: Path, ask: Ask) -> None:
    """The deadline is for the whole answer, whatever comes meanwhile."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO)
        with suppress(OSError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)

    async with listening(place, drip):
        with pytest.raises(AskError) as failed:
            await ask(place, 0.1)
    assert failed.value.code == client.SILENT


@both
async def test_no_daemon_has_its_own_words(place: Path, ask: Ask) -> None:
    with pytest.raises(AskError, match="no daemon runs here; start it") as absent:
        await ask(place, 5.0)
    assert absent.value.code == client.ABSENT
    await asyncio.to_thread(place.touch)
    with pytest.raises(AskError, match="no daemon answers there any more") as stale:
        await ask(place, 5.0)
    assert stale.value.code == client.REFUSED
    with pytest.raises(AskError) as inside:
        await ask(place / "below", 5.0)
    assert inside.value.code == client.ABSENT
    with pytest.raises(AskError, match=r"check control\.socket"):
        await ask(place.with_name("x" * 200), 5.0)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another account")
async def test_who_may_not_is_told_for_whom_it_is(place: Path) -> None:
    script = (
        "import pathlib, sys\nfrom kioskd.client import Client, AskError\n"
        "try: Client(pathlib.Path(sys.argv[1]))\n"
        "except AskError as error: print(error.code, error)"
    )
    place.parent.chmod(0o755)
    async with Wired(place):
        command = ["setpriv", "--reuid=61100", "--regid=61100", "--clear-groups"]
        command += [sys.executable, "-P", "-c", script, str(place)]
        told = await asyncio.to_thread(subprocess.check_output, command, text=True)
    assert told.startswith("forbidden ")
    assert "for the groups named in control.roles and for root; join one" in told


async def test_a_command_may_ask_again(place: Path) -> None:
    def ask() -> list[dict[str, Any]]:
        with Client(place) as talk:
            assert talk.version == "1.2.3"
            return [talk.ask("open", door="front"), talk.ask("status")]

    async with Wired(place) as wired:
        assert await asyncio.to_thread(ask) == [{"did": "open"}, {"did": "status"}]
        assert wired.remembered.asked[0] == ("root", "open", {"door": "front"})


async def test_a_question_that_fits_no_line_is_not_sent(place: Path) -> None:
    async with Wired(place), await open_link(place) as link:
        with pytest.raises(AskError) as failed:
            await link.ask("status", x="a" * 70_000)
        assert failed.value.code == "bad-request"
        assert await link.ask("status") == {"did": "status"}


async def test_a_screen_hears_events_while_it_asks(place: Path) -> None:
    async with Wired(place) as wired, await open_link(place) as link:
        assert link.version == "1.2.3"
        assert await link.subscribe(["panel:front"]) == ["panel:front"]
        events = link.events()
        for number in range(3):
            wired.broadcast.publish("panel:front", {"n": number})
            assert (await link.ask("site"))["did"] == "site"
        assert [(await anext(events))["n"] for _ in range(3)] == [0, 1, 2]
        answers = await asyncio.gather(*(link.ask("status") for _ in range(50)))
        assert answers == [{"did": "status"}] * 50


async def test_a_screen_is_told_when_the_daemon_goes(place: Path) -> None:
    wired = Wired(place)
    await wired.__aenter__()
    async with await open_link(place) as link:
        await link.subscribe(["panel:front"])
        wired.broadcast.publish("panel:front", {"n": 1})
        await link.ask("status")
        await wired.__aexit__(None, None, None)
        events = link.events()
        assert (await anext(events))["n"] == 1, "what was heard before is told first"
        with pytest.raises(AskError) as gone:
            await anext(events)
        assert gone.value.code == client.GONE
        with pytest.raises(AskError):
            await link.ask("status")


async def test_a_question_ends_when_the_daemon_goes(place: Path) -> None:
    begun = asyncio.Event()

    async def never(person: Person, args: Any) -> dict[str, Any]:
        begun.set()
        await asyncio.Event().wait()
        return {}

    wired = Wired(place, verbs={"status": never})
    await wired.__aenter__()
    async with await open_link(place) as link:
        asking = asyncio.create_task(link.ask("status"))
        await begun.wait()
        await wired.__aexit__(None, None, None)
        with pytest.raises(AskError) as gone:
            await asking
        assert gone.value.code == client.GONE


async def test_a_late_answer_is_nobody_elses(place: Path) -> None:
    free = asyncio.Event()

    async def slow(person: Person, args: Any) -> dict[str, Any]:
        await free.wait()
        return {"late": True}

    async with Wired(place, verbs={"health": slow}) as wired, await open_link(place, 0.05) as link:
        with pytest.raises(AskError) as late:
            await link.ask("health")
        assert late.value.code == client.SILENT
        free.set()
        assert await link.ask("status") == {"did": "status"}
        assert wired.remembered.asked == [("root", "status", {})]


async def test_a_screen_that_is_one_too_many_learns_it(place: Path) -> None:
    full = b'{"id":null,"error":{"code":"busy","message":"full"}}\n'
    async with daemon(place, HELLO + full), await open_link(place) as link:
        await until(lambda: link._end is not None)
        with pytest.raises(AskError, match="full") as busy:
            await link.ask("status")
    assert busy.value.code == "busy"


def test_a_command_does_not_pay_for_what_only_screens_need() -> None:
    script = "import sys, kioskd.client; print(*{'asyncio', 'rich', 'textual'} & set(sys.modules))"
    done = subprocess.check_output([sys.executable, "-P", "-c", script], text=True)
    assert done.strip() == ""
    assert client.Link is Link
    with pytest.raises(AttributeError):
        client.__getattr__("Chain")

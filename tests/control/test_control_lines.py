"""What a client may send, and what it may not: junk never ends the daemon or another client."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kioskd.control.connection import Patience
from kioskd.control.people import Person, Role
from kioskd.control.room import Limits
from kioskd.control.verbs import Arguments, Refusal
from kioskd.errors import InputError, StoreError
from tests.control.wired import Wired

OPERATOR = Role.OPERATOR
LINE = 65_536  # bytes, the line feed included, as the documentation promises
STATUS = b'{"id":7,"verb":"status","args":{}}'


def long_request(size: int) -> bytes:
    """A right request of exactly so many bytes, its line feed included."""
    before, after = b'{"id":7,"verb":"status","args":{"x":"', b'"}}\n'
    return before + b"a" * (size - len(before) - len(after)) + after


async def test_the_daemon_greets_first(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.connect(OPERATOR)
        assert await caller.line() == {"hello": 1, "version": "1.2.3"}


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (b"", None),
        (b"open sesame", None),
        (b"[]", None),
        (b'"status"', None),
        (b"null", None),
        (b"{}", None),
        (b'{"id":7}', 7),
        (b'{"id":7,"verb":5}', 7),
        (b'{"id":7,"verb":"status","args":[]}', 7),
        (b'{"id":7,"verb":"status","argz":{}}', 7),
        (b'{"id":"7","verb":"status"}', None),
        (b'{"id":true,"verb":"status"}', None),
        (b'{"id":-1,"verb":"status"}', None),
        (b'{"id":9007199254740993,"verb":"status"}', None),
        (b'{"id":' + b"9" * 5000 + b',"verb":"status"}', None),
        (b'{"id":7,"verb":"status","args":{"n":' + b"9" * 5000 + b"}}", 7),
        (b'{"id":7,"verb":"status","args":{"n":1e999}}', 7),
        (b'{"id":7,"verb":"status","args":{"n":NaN}}', None),
        (b'{"id":7,"verb":"stat\xffus"}', 7),
        (b'{"id":7,"verb":"\\ud800"}', None),
        (b"\xef\xbb\xbf" + STATUS, None),
        (b"\x00" * 100, None),
        (b"\x1b[2J\x07", None),
        (b"[" * 60_000, None),
        (b'{"id":7,"verb":"status","args":' + b'{"a":' * 9_000 + b"1" + b"}" * 9_001, None),
        (b'{"hello":"1"}', None),
        (b'{"hello":true}', None),
    ],
)
async def test_junk_is_answered_and_the_next_line_is_heard(
    place: Path, line: bytes, number: int | None
) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(OPERATOR)
        await caller.send(line + b"\n" + STATUS + b"\n")
        told = await caller.line()
        assert (told["id"], told["error"]["code"]) == (number, "bad-request")
        assert told["error"]["message"].isprintable()
        assert (await caller.line()) == {"id": 7, "ok": {"did": "status"}}


async def test_a_line_may_have_64_kib_and_no_byte_more(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(OPERATOR)
        await caller.send(long_request(LINE))
        assert (await caller.line())["ok"] == {"did": "status"}
        await caller.send(long_request(LINE + 1))
        told = await caller.line()
        assert (told["id"], told["error"]["code"]) == (None, "bad-request")
        assert await caller.hung_up()


async def test_a_line_without_end_is_not_waited_for(place: Path) -> None:
    limits = Limits(patience=Patience(line=0.05))
    async with Wired(place, limits=limits) as wired:
        silent, caller = await wired.call(OPERATOR), await wired.call(OPERATOR)
        await caller.send(STATUS[:10])
        assert (await caller.line())["error"]["code"] == "bad-request"
        assert await caller.hung_up()
        assert "ok" in await silent.ask("status"), "who begins no line may be silent for ever"


async def test_a_line_that_drips_is_late_all_the_same(place: Path) -> None:
    """A byte now and then buys no more time."""
    async with Wired(place, limits=Limits(patience=Patience(line=0.2))) as wired:
        caller = await wired.call(OPERATOR)
        dripping = asyncio.create_task(_drip(caller.writer))
        while not await caller.hung_up():
            pass
        dripping.cancel()
        await asyncio.wait([dripping])


async def test_a_line_may_come_byte_by_byte(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(OPERATOR)
        for byte in STATUS + b"\n" + STATUS + b"\n":
            await caller.send(bytes([byte]))
            await asyncio.sleep(0)
        assert [(await caller.line())["id"] for _ in range(2)] == [7, 7]


async def test_requests_that_come_at_once_are_answered_in_order(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(OPERATOR)
        numbers = range(1000)
        lines = b"".join(b'{"id":%d,"verb":"status"}\n' % number for number in numbers)
        sending = asyncio.create_task(caller.send(lines))
        assert [(await caller.line())["id"] for _ in numbers] == list(numbers)
        await sending


async def test_one_request_of_a_client_is_done_at_a_time(place: Path) -> None:
    free, running = asyncio.Event(), 0

    async def slow(person: Person, args: Arguments) -> dict[str, Any]:
        nonlocal running
        running += 1
        assert running == 1
        await free.wait()
        running -= 1
        return {}

    async with Wired(place, verbs={"health": slow}) as wired:
        caller, other = await wired.call(OPERATOR), await wired.call(OPERATOR)
        await caller.send(b'{"id":1,"verb":"health"}\n{"id":2,"verb":"health"}\n')
        assert "ok" in await other.ask("status"), "nobody else waits"
        free.set()
        assert [(await caller.line())["id"] for _ in range(2)] == [1, 2]


async def test_who_has_said_all_is_answered_still(place: Path) -> None:
    """As `nc` and `socat` do: the sending side is closed, the answers are read."""
    async with Wired(place) as wired:
        caller = await wired.call(OPERATOR)
        await caller.send(STATUS + b"\n" + STATUS + b"\nhalf a li")
        caller.writer.write_eof()
        assert [(await caller.line())["id"] for _ in range(2)] == [7, 7]
        assert await caller.hung_up()


async def test_a_client_may_greet(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(OPERATOR)
        await caller.send(b'{"hello":1,"version":"0.9"}\n' + STATUS + b"\n")
        assert (await caller.line()) == {"id": 7, "ok": {"did": "status"}}


async def test_a_client_of_another_version_is_told_both(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(OPERATOR)
        await caller.send(b'{"hello":2,"version":"9.0"}\n')
        error = (await caller.line())["error"]
        assert error["code"] == "bad-request"
        assert "9.0) speaks protocol 2" in error["message"]
        assert "this daemon protocol 1; restart the older one" in error["message"]


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (InputError("until: in the past"), "bad-argument", "until: in the past"),
        (StoreError("journal.db: no space"), "failed", "journal.db: no space"),
        (Refusal("not-found", "door 'x': there are: front"), "not-found", "door 'x': there are: f"),
        (KeyError("167A006007"), "failed", "status failed by a fault of the program"),
        (TimeoutError(), "failed", "status failed by a fault of the program"),
        (Refusal("failed", "\x1b" * 200_000), "failed", "\x1b"),
        (Refusal("failed", "\ud800"), "failed", "'\\ud800'"),
    ],
)
async def test_a_verb_that_fails_is_answered(
    place: Path, caplog: pytest.LogCaptureFixture, raised: Exception, code: str, told: str
) -> None:
    async def fail(person: Person, args: Arguments) -> dict[str, Any]:
        raise raised

    async with Wired(place, verbs={"status": fail}) as wired:
        caller = await wired.call(OPERATOR)
        for _ in range(2):
            error = (await caller.ask("status"))["error"]
            assert error["code"] == code
            assert error["message"].startswith(told)
            assert "167A006007" not in error["message"]
    assert "167A006007" not in "".join(str(vars(record)) for record in caplog.records)


@pytest.mark.parametrize(
    "answer", [{"x": "a" * 70_000}, {"x": object()}, {"x": "\ud800"}, {"x": 10**5000}]
)
async def test_an_answer_that_fits_no_line_is_refused(place: Path, answer: dict[str, Any]) -> None:
    async def tell(person: Person, args: Arguments) -> dict[str, Any]:
        return answer

    async with Wired(place, verbs={"status": tell}) as wired:
        caller = await wired.call(OPERATOR)
        assert (await caller.ask("status"))["error"]["code"] == "failed"
        assert "ok" in await caller.ask("health")


WORDS = st.sampled_from(
    [b'{"id":', b'"verb":', b'"args":', b"}", b"{", b",", b"1", b'"status"', b"\n", b"\r\n", b"\0"]
)
NOISE = st.lists(st.one_of(WORDS, st.binary(max_size=40)), max_size=60).map(b"".join)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(chunks=st.lists(NOISE, max_size=6))
@example(chunks=[b"{" * 70_000])
@example(chunks=[b"\n" * 3_000])
def test_whatever_bytes_come_each_line_is_answered(chunks: list[bytes]) -> None:
    """The daemon never dies of them: it answers each line or hangs up, and serves the next."""
    asyncio.run(_survives(chunks))


async def _survives(chunks: list[bytes]) -> None:
    with tempfile.TemporaryDirectory(prefix="kc-") as folder:
        async with Wired(Path(folder) / "s") as wired:
            caller = await wired.call(OPERATOR)
            sending = asyncio.create_task(_send(caller.writer, chunks))
            lines = b"".join(chunks).split(b"\n")
            told = 0
            while not await caller.hung_up():
                told += 1
            assert told >= _expected(lines)
            await sending
            assert "ok" in await (await wired.call(OPERATOR)).ask("status")


def _expected(lines: list[bytes]) -> int:
    """How many of the lines must be answered: all up to the first that is too long."""
    whole = lines[:-1]
    long = next((i for i, line in enumerate(lines) if len(line) >= LINE), None)
    return len(whole) - sum(_greets(line) for line in whole) if long is None else long + 1


def _greets(line: bytes) -> bool:
    return b"hello" in line


async def _send(writer: asyncio.StreamWriter, chunks: list[bytes]) -> None:
    try:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        return  # the daemon hung up on a line that was too long


async def _drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b" ")
        await asyncio.sleep(0.01)

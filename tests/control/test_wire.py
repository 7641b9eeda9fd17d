"""Lines and messages, without a socket: whatever comes in, it is a value or a WireError."""

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd import wire
from kioskd.domain.notice import Notice, Shown

SHOWN = st.builds(
    Shown,
    st.sampled_from(Notice),
    code=st.text(max_size=8),
    until=st.none() | st.dates(),
    minutes=st.integers(0, 9_999),
    opens=st.none() | st.datetimes(timezones=st.just(UTC)),
    digits=st.integers(0, 16),
    standing=st.booleans(),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def sent(message: dict[str, Any]) -> dict[str, Any]:
    """A message as the other side reads it."""
    line = wire.line(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return wire.message_of(line[:-1])


@given(SHOWN)
def test_a_notice_comes_out_as_it_went_in(shown: Shown) -> None:
    assert wire.shown_of(sent({"event": "panel:front", **wire.shown_event(shown)})) == shown


def test_an_event_carries_all_that_is_shown_and_nothing_else() -> None:
    assert wire.shown_event(Shown(Notice.IDLE)).keys() == {f.name for f in fields(Shown)}


@pytest.mark.parametrize(
    "change",
    [
        {"notice": "welcome"},
        {"notice": None},
        {"notice": []},
        {"until": "soon"},
        {"until": 5},
        {"minutes": "5"},
        {"minutes": -1},
        {"minutes": 10**30},
        {"digits": 1.5},
        {"opens": "2026-11-24T07:00:00"},
        {"opens": "tomorrow"},
    ],
)
def test_a_notice_of_another_version_is_none(change: dict[str, Any]) -> None:
    shown = Shown(Notice.CLOSED, until=date(2026, 1, 1), opens=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(wire.WireError):
        wire.shown_of({**wire.shown_event(shown), **change})


def read_or_refused(read: Callable[[Any], object], text: Any) -> object:
    """What was read, or the error; any other error is the test's."""
    try:
        return read(text)
    except wire.WireError as error:
        return error


@given(st.dictionaries(st.sampled_from(["notice", "code", "until", "minutes", "opens"]), JSON))
def test_any_event_is_a_notice_or_an_error(event: dict[str, Any]) -> None:
    read = read_or_refused(wire.shown_of, event)
    assert isinstance(read, Shown) or str(read).isprintable()


@given(st.binary(max_size=200))
def test_any_line_is_a_request_a_greeting_or_an_error(line: bytes) -> None:
    read = read_or_refused(wire.request_of, line)
    if isinstance(read, wire.WireError):
        assert str(read).isprintable()
        assert read.id is None or 0 <= read.id <= wire.MAX_ID
    else:
        assert isinstance(read, wire.Request | wire.Hello)


@given(st.integers(0, wire.MAX_ID), st.text(), st.dictionaries(st.text(), st.text()))
def test_a_request_comes_out_as_it_went_in(number: int, verb: str, args: dict[str, str]) -> None:
    text = json.dumps({"id": number, "verb": verb, "args": args}).encode()
    assert wire.request_of(text) == wire.Request(number, verb, args)


def test_a_daemon_greets() -> None:
    assert wire.hello_of(wire.hello("1.2.3")) == wire.Hello(1, "1.2.3")
    for line in (b'{"ok":{}}', b"HTTP/1.1 400 Bad Request", b"", b'{"hello":-1}'):
        with pytest.raises(wire.WireError):
            wire.hello_of(line)


def test_a_version_cannot_act_on_a_terminal() -> None:
    assert wire.hello_of(b'{"hello":9,"version":"\\u001b[2J' + b"x" * 99 + b'"}').version == (
        "?[2J" + "x" * 36
    )


@given(st.binary(max_size=300), st.lists(st.integers(1, 50), min_size=1))
def test_lines_are_the_same_however_they_come(text: bytes, sizes: list[int]) -> None:
    lines, found, at, turn = wire.Lines(), [], 0, 0
    while at < len(text):
        step = sizes[turn % len(sizes)]
        lines.give(text[at : at + step])
        at, turn = at + step, turn + 1
        while (line := lines.next()) is not None:
            found.append(line)
    assert found == text.split(b"\n")[:-1]
    assert lines.unfinished == (not text.endswith(b"\n") and text != b"")


def test_a_line_is_never_longer_than_its_bound() -> None:
    lines = wire.Lines()
    lines.give(b"a" * (wire.MAX_LINE - 1))
    assert lines.next() is None
    assert lines.room == 1
    lines.give(b"\n")
    assert lines.next() == b"a" * (wire.MAX_LINE - 1)
    lines.give(b"a" * wire.MAX_LINE)
    with pytest.raises(wire.WireError, match="at most 65536 bytes"):
        lines.next()

"""A library system that says far more than it is asked: what is read of it, and when it ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.sip2 import connection as machine
from sync.sip2.charset import Charset
from sync.sip2.connection import MAX_DISCARDED, MAX_FIELDS, MAX_READ, Connection, Timer, Told
from sync.sip2.dialect import Dialect
from sync.sip2.framing import MAX_BYTES
from sync.sip2.messages import Message, parse
from tests.sip2.sip_lines import (
    ANSWER_63,
    ASK,
    LEND,
    NOT_UNDERSTOOD,
    RESEND,
    answered,
    asking,
    bad,
    line,
    of_kind,
    opened,
    said,
    sent,
    status,
    why,
)

READ = 256 * 1024  # what a loop hands on at once
TOO_MANY = "more lines than answers"
FOREIGN = line(status(), 7)


def filled(unit: bytes) -> bytes:
    return unit * (READ // len(unit))


def long(unit: str, seq: int = 0) -> bytes:
    """A 64 of nearly the longest that is read."""
    fields = [(unit[:2], unit[2:])] * ((MAX_BYTES - 200) // (len(unit.encode()) + 1))
    return line(said("64", *fields), seq)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the lines were that were looked into."""
    lengths: list[int] = []

    def counted(data: bytes, charset: Charset, delimiter: str) -> Message:
        lengths.append(len(data))
        return parse(data, charset, delimiter)

    monkeypatch.setattr(machine, "parse", counted)
    return lengths


FLOODS = {
    "cr": filled(b"\r"),
    "lf": filled(b"\n\r"),
    "short": filled(b"9\r"),
    "unreadable": filled(b"94\r"),
    "request": filled(b"99\r"),
    "unknown": filled(b"\xe4\r"),
    "96": filled(NOT_UNDERSTOOD),
    "98": filled(line(status(), None)),
    "98 of another": filled(FOREIGN),
    "98 of any": b"".join(line(status(), seq % 10) for seq in range(READ // 60)),
    "broken 98": filled(bad(FOREIGN)),
    "lines of the most": (b"64" + b"\xe4" * (READ // 128 - 3) + b"\r") * 128,
    "long broken": bad(long("AU12345678")) * 4,
    "long of another": long("AU12345678", 7) * 4,
    "long 98": line(status(), 7)[:-12] + b"x" * 60_000 + b"\r" + filled(FOREIGN),
}


@pytest.mark.parametrize("policy", ["strict", "warn", "off"])
@pytest.mark.parametrize("ay", [True, False])
@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_no_read_makes_more_than_so_much_work(
    flood: bytes, waits: bool, ay: bool, policy: str, read: list[int]
) -> None:
    connection = opened(policy, ay=ay, retries=9)
    if waits:
        connection.request(LEND)
    signals = connection.receive(flood[:READ])
    assert len(read) <= MAX_DISCARDED + 1
    assert sum(read) <= MAX_READ
    assert sent(signals).count(b"\r") <= 9


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("name", ["cr", "short", "unreadable", "98 of another", "unknown"])
def test_a_flood_is_the_end(name: str, waits: bool) -> None:
    connection = asking(ASK) if waits else opened()
    assert TOO_MANY in why(connection.receive(FLOODS[name]))
    assert connection.spent
    assert connection.receive(FLOODS[name]) == []


@pytest.mark.parametrize(
    "stray", [b"\r", b"\n\r", b"941\r", b"\xff\xfe\r", b"64\r", line(status())]
)
def test_while_nothing_is_asked_so_many_lines_are_let_pass(stray: bytes) -> None:
    connection = opened()
    for _ in range(MAX_DISCARDED):
        assert why(connection.receive(stray)) == ""
    assert why(connection.receive(stray)) == "more than 50 lines that are no answer"


@pytest.mark.parametrize("stray", [b"\r", b"XX\r", FOREIGN, line(ANSWER_63, 5), line(status())])
def test_and_while_something_is(stray: bytes) -> None:
    connection = asking(ASK)
    assert why(connection.receive(stray * MAX_DISCARDED)) == ""
    ended = connection.receive(stray)
    assert why(ended) == "more than 50 lines that are no answer to patron information"


def test_lines_count_from_one_answer_to_the_next() -> None:
    connection = opened()
    for seq in range(4):
        connection.receive(FOREIGN * 25)
        connection.request(ASK)
        assert answered(connection.receive(b"\r" * 25 + line(ANSWER_63, seq))) == ["64"]
    connection.receive(FOREIGN * 25)
    connection.request(ASK)
    assert "50 lines" in why(connection.receive(b"\r" * 26))


def test_the_answer_to_a_keep_alive_is_one() -> None:
    connection = opened()
    for seq in range(4):
        connection.receive(b"\r" * 40)
        connection.fired(Timer.IDLE)
        assert of_kind(connection.receive(line(status(), seq)), Told)


def test_while_nothing_is_asked_only_a_98_is_read(read: list[int]) -> None:
    connection = opened()
    assert connection.receive(line(ANSWER_63, 0) + b"96\r64\r9\r" + bad(long("AU123456"))) == []
    assert read == []
    assert of_kind(connection.receive(FOREIGN), Told)
    assert len(read) == 1


def test_what_follows_an_answer_was_not_asked(read: list[int]) -> None:
    connection = asking(ASK)
    answer = long("AU12345678")
    assert answered(connection.receive(answer + answer + long("AU12345678", 1))) == ["64"]
    assert read == [len(answer) - 1]
    connection.request(ASK)
    assert answered(connection.receive(line(ANSWER_63, 1))) == ["64"]


@pytest.mark.parametrize("waits", [True, False])
def test_long_messages_in_one_go_are_the_end(waits: bool) -> None:
    connection = asking(ASK) if waits else opened()
    padded = line(status(), 7)[:-10] + b"AF" + b"x" * 60_000 + b"|\r"
    assert TOO_MANY in why(connection.receive(padded * 2))


def test_a_long_answer_that_was_broken_may_come_once_more() -> None:
    connection = asking(ASK)
    answer = long("AU12345678")
    for _ in range(3):
        assert sent(connection.receive(bad(answer))) == RESEND
    assert answered(connection.receive(answer)) == ["64"]


def test_a_long_answer_may_come_with_something_before_it() -> None:
    answer = long("AU12345678")
    assert answered(asking(ASK).receive(line(status(), 7) * 20 + answer)) == ["64"]


def test_a_message_has_so_many_fields_and_not_one_more() -> None:
    most = line(said("64", *([("AU", "1")] * MAX_FIELDS)), 0)
    assert answered(asking(ASK).receive(most)) == ["64"]
    more = line(said("64", *([("AU", "1")] * (MAX_FIELDS + 1))), 0)
    assert "of over 8192 fields" in why(asking(ASK).receive(more))


def test_so_many_fields_of_a_dialect_with_another_delimiter() -> None:
    dialect = Dialect("test", delimiter="^")
    connection = Connection(dialect, answer_seconds=3.0)
    connection.request(ASK)
    more = b"|" * MAX_FIELDS * 2
    assert why(connection.receive(b"64" + b" " * 60 + more + b"\r")) == ""
    assert "fields" in why(connection.receive(b"64" + b" " * 60 + b"^" * (MAX_FIELDS + 1) + b"\r"))


STRAYS = st.sampled_from([b"\r", b"\n", b"9\r", b"64\r", b"XX", b"\x00 ", FOREIGN, line(status())])


@given(st.lists(STRAYS, max_size=90), st.data())
def test_the_end_comes_with_the_line_after_the_last_that_is_let_pass(
    parts: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    connection = opened()
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        connection.receive(stream[start:end])
    assert connection.spent == (stream.count(b"\r") > MAX_DISCARDED)

"""One connection, told its bytes: what it sends, what it takes, and what it does not take."""

import pytest

from sync.sip2.charset import Charset
from sync.sip2.connection import MAX_DISCARDED, Answered, Connection, Send, Timer
from sync.sip2.dialect import Dialect
from sync.sip2.framing import MAX_BYTES
from sync.sip2.messages import Message, checksum, encode
from tests.sip2.sip_lines import (
    ANSWER,
    ANSWER_11,
    ANSWER_63,
    ASK,
    DATE,
    HTML,
    IDLE,
    LEND,
    LENIENT,
    NOT_UNDERSTOOD,
    RESEND,
    answered,
    asking,
    bad,
    line,
    notes,
    opened,
    said,
    sent,
    status,
    why,
)

# Asking and answering


def test_a_request_goes_out_numbered_and_summed_and_its_answer_comes_back() -> None:
    connection = opened()
    assert connection.start() == [IDLE]
    asked = connection.request(ASK)
    assert asked == [Send(encode(ASK, seq=0, checked=True) + b"\r"), ANSWER]
    assert connection.waiting
    taken = connection.receive(line(ANSWER_63, 0))
    assert answered(taken) == ["64"]
    assert taken[1:] == [IDLE]
    assert not connection.waiting


def test_numbers_count_from_0_to_9_and_on() -> None:
    connection = opened()
    for turn in range(12):
        assert sent(connection.request(ASK)) == line(ASK, turn % 10)
        assert answered(connection.receive(line(ANSWER_63, turn % 10))) == ["64"]


def test_without_error_detection_nothing_of_it_is_sent_and_any_number_is_taken() -> None:
    connection = opened(ay=False)
    assert sent(connection.request(ASK)) == line(ASK, checked=False)
    assert answered(connection.receive(line(ANSWER_63, 7))) == ["64"]
    connection.request(ASK)
    assert answered(connection.receive(line(ANSWER_63, checked=False))) == ["64"]


@pytest.mark.parametrize("end", [b"\r", b"\r\n", b"\r\n\x00 "])
def test_an_answer_may_end_and_begin_as_servers_like(end: bytes) -> None:
    connection = asking(ASK)
    assert answered(connection.receive(b"\n\x00 " + line(ANSWER_63, 0)[:-1] + end)) == ["64"]


def test_an_answer_may_come_a_byte_at_a_time() -> None:
    connection = asking(ASK)
    steps = [connection.receive(bytes((byte,))) for byte in line(ANSWER_63, 0)]
    assert not any(steps[:-1])
    assert answered(steps[-1]) == ["64"]


def test_one_request_at_a_time() -> None:
    connection = asking(ASK)
    with pytest.raises(RuntimeError):
        connection.request(ASK)


@pytest.mark.parametrize(
    "message",
    [
        said("23", ("AA", "a|b")),
        said("23", ("AA", "a\rb")),
        said("23", ("AA", "7" * 256)),
        said("23", ("AA", "Ж")),
        said("64"),
        Message("77", {}),
        Message("97", {}),
        Message("23", {}),
    ],
)
def test_what_cannot_be_said_is_refused_and_nothing_is_in_flight(message: Message) -> None:
    connection = Connection(
        Dialect("test", charset=Charset("latin-1")), answer_seconds=3.0, retries=3
    )
    with pytest.raises(ValueError, match=r"^[^|Ж]*$"):
        connection.request(message)
    assert not connection.waiting
    assert sent(connection.request(ASK)) == line(ASK, 0)


def test_a_dialect_has_its_charset_and_its_delimiter() -> None:
    dialect = Dialect("test", charset=Charset("cp850", "cp850"), delimiter="^")
    connection = Connection(dialect, answer_seconds=3.0)
    asked = sent(connection.request(said("17", ("AB", "Ä"))))
    assert f"AB{chr(0x8E)}^".encode("latin-1") in asked
    body = f"18030001{DATE}AJÖölanti^AY0AZ".encode("cp850")
    (answer, *_) = connection.receive(body + checksum(body).encode() + b"\r")
    assert isinstance(answer, Answered)
    assert answer.message.first("AJ") == "Öölanti"


def test_neither_pin_nor_card_is_shown() -> None:
    connection = opened()
    asked = connection.request(ASK)
    taken = connection.receive(line(ANSWER_63, 0))
    shown = repr([*asked, *taken])
    assert "4711" not in shown
    assert "167A006007" not in shown


# Whose answer it is


@pytest.mark.parametrize("seq", [1, 9, None])
def test_another_number_is_another_answer(seq: int | None) -> None:
    connection = asking(ASK)
    assert connection.receive(line(ANSWER_63, seq)) == []
    assert connection.waiting
    assert answered(connection.receive(line(ANSWER_63, 0))) == ["64"]


def test_our_number_with_another_answer_ends_it() -> None:
    connection = asking(ASK)
    ended = connection.receive(line(ANSWER_11, 0))
    assert why(ended) == "patron information was answered by checkout response"


def test_an_echo_is_no_answer() -> None:
    connection = asking(ASK)
    assert "patron information" in why(connection.receive(line(ASK, 0)))


def test_without_numbers_another_answer_is_let_pass() -> None:
    connection = asking(ASK, ay=False)
    assert connection.receive(line(ANSWER_11, checked=False)) == []
    assert answered(connection.receive(line(ANSWER_63, checked=False))) == ["64"]


@pytest.mark.parametrize("policy", LENIENT)
def test_an_answer_without_number_is_taken_where_the_site_says_so(policy: str) -> None:
    connection = asking(ASK, policy)
    taken = connection.receive(line(ANSWER_63, checked=False))
    assert notes(taken) == ["no sequence number"]
    assert answered(taken) == ["64"]
    connection.request(ASK)
    again = connection.receive(line(ANSWER_63, checked=False))
    assert (notes(again), answered(again)) == ([], ["64"])


@pytest.mark.parametrize("policy", LENIENT)
def test_another_number_is_not_none(policy: str) -> None:
    assert asking(ASK, policy).receive(line(ANSWER_63, 5)) == []


@pytest.mark.parametrize("policy", LENIENT)
def test_no_answer_without_number_is_taken_once_anything_was_repeated(policy: str) -> None:
    connection = asking(ASK, policy)
    connection.fired(Timer.ANSWER)
    assert connection.receive(line(ANSWER_63, checked=False)) == []
    assert answered(connection.receive(line(ANSWER_63, 0))) == ["64"]
    connection.request(ASK)
    assert connection.receive(line(ANSWER_63, checked=False)) == []


def test_a_server_without_numbers_is_asked_nothing_twice() -> None:
    connection = asking(LEND, "warn")
    connection.receive(line(ANSWER_11, checked=False))
    connection.request(LEND)
    ended = connection.fired(Timer.ANSWER)
    assert (sent(ended), why(ended)) == (b"", "no answer to checkout with a sequence number")


def test_nor_is_one_whose_answer_was_let_pass_for_strictness() -> None:
    connection = asking(LEND)
    assert connection.receive(line(ANSWER_11, None)) == []
    ended = connection.fired(Timer.ANSWER)
    assert (sent(ended), why(ended)) == (b"", "no answer to checkout with a sequence number")


def test_another_answer_without_number_says_nothing_of_numbers() -> None:
    connection = asking(LEND)
    assert connection.receive(line(ANSWER_63, None)) == []
    assert sent(connection.fired(Timer.ANSWER)) == line(LEND, 0)


@pytest.mark.parametrize(
    "junk", [HTML + b"\r\n", b"XXwhatever|\r", b"\r\r\n", line(ANSWER_63, 5), b"\xff" * 9 + b"\r"]
)
def test_junk_is_let_pass(junk: bytes) -> None:
    connection = asking(ASK)
    assert connection.receive(junk) == []
    assert answered(connection.receive(line(ANSWER_63, 0))) == ["64"]


def test_too_much_junk_ends_it() -> None:
    connection = asking(ASK)
    assert connection.receive((HTML + b"\r\n") * MAX_DISCARDED) == []
    assert "more than 50 lines" in why(connection.receive(HTML + b"\r\n"))


def test_junk_counts_for_one_request() -> None:
    connection = opened()
    for seq in range(3):
        connection.request(ASK)
        connection.receive((HTML + b"\r\n") * 30)
        assert answered(connection.receive(line(ANSWER_63, seq))) == ["64"]


def test_what_comes_while_nothing_was_asked_is_nothing() -> None:
    connection = opened()
    for data in (line(ANSWER_63, 0), b"64\r", NOT_UNDERSTOOD, HTML + b"\r", bad(line(status()))):
        assert connection.receive(data) == []


def test_the_second_of_two_answers_is_nothing() -> None:
    connection = asking(ASK)
    assert answered(connection.receive(line(ANSWER_63, 0) * 2)) == ["64"]
    connection.request(ASK)
    assert connection.receive(line(ANSWER_63, 0)) == []


def test_200_fields_and_nul_bytes_are_an_answer() -> None:
    many = [("AU", f"item{number}") for number in range(200)]
    connection = asking(ASK)
    assert answered(connection.receive(line(said("64", *many), 0))) == ["64"]
    connection.request(ASK)
    body = line(said("64", ("AE", "x~x")), 1, checked=False)[:-1].replace(b"~", b"\0") + b"AZ"
    assert answered(connection.receive(body + checksum(body).encode() + b"\r")) == ["64"]


def test_a_line_without_end_ends_it() -> None:
    connection = asking(ASK)
    assert "without end" in why(connection.receive(b"64" + b" " * MAX_BYTES))
    assert connection.spent


# Checksums


def test_a_wrong_checksum_is_asked_for_again() -> None:
    connection = asking(ASK)
    again = connection.receive(bad(line(ANSWER_63, 0)))
    assert again == [Send(RESEND), ANSWER]
    assert answered(connection.receive(line(ANSWER_63, 0))) == ["64"]


@pytest.mark.parametrize("seq", [None, 0, 2])
def test_the_repeat_may_bear_no_number_or_0(seq: int | None) -> None:
    connection = opened()
    for before in (0, 1):
        connection.request(ASK)
        connection.receive(line(ANSWER_63, before))
    connection.request(ASK)
    connection.receive(bad(line(ANSWER_63, 2)))
    taken = connection.receive(line(ANSWER_63, seq))
    assert (answered(taken), notes(taken)) == (["64"], [])


def test_the_repeat_is_known_even_if_another_broken_line_came_between() -> None:
    connection = asking(ASK)
    connection.receive(bad(line(ANSWER_63, 0)) + bad(line(ANSWER_63, 7)))
    assert answered(connection.receive(line(ANSWER_63, None))) == ["64"]


def test_a_repeat_without_number_and_checksum_is_none() -> None:
    connection = asking(ASK)
    connection.receive(bad(line(ANSWER_63, 0)))
    assert connection.receive(line(ANSWER_63, None, checked=False)) == []


def test_a_repeat_without_number_is_none_where_what_was_broken_was_not_ours() -> None:
    connection = opened()
    connection.request(ASK)
    connection.receive(line(ANSWER_63, 0))
    connection.request(ASK)  # is lost
    assert sent(connection.receive(bad(line(ANSWER_63, 7)))) == RESEND
    assert connection.receive(line(ANSWER_63, 0)) == []  # so this is the answer before
    assert connection.receive(line(ANSWER_63, None)) == []
    assert connection.waiting


def test_a_number_that_is_missing_is_right_for_one_request_only() -> None:
    connection = asking(ASK)
    connection.receive(bad(line(ANSWER_63, 0)))
    connection.receive(line(ANSWER_63, None))
    connection.request(ASK)
    assert connection.receive(line(ANSWER_63, None)) == []


def test_checksums_that_stay_wrong_end_it() -> None:
    connection = asking(ASK)
    for _ in range(3):
        assert sent(connection.receive(bad(line(ANSWER_63, 0)))) == RESEND
    ended = connection.receive(bad(line(ANSWER_63, 0)))
    assert why(ended) == "wrong checksum in the answer to patron information after 3 repeats"


def test_warn_takes_it_and_says_so_once() -> None:
    connection = asking(ASK, "warn")
    taken = connection.receive(bad(line(ANSWER_63, 0)))
    assert (notes(taken), answered(taken)) == (["wrong checksum"], ["64"])
    connection.request(ASK)
    taken = connection.receive(bad(line(ANSWER_63, 1)))
    assert (notes(taken), answered(taken)) == ([], ["64"])


def test_off_looks_at_none() -> None:
    connection = asking(ASK, "off")
    taken = connection.receive(bad(line(ANSWER_63, 0)))
    assert (notes(taken), answered(taken)) == ([], ["64"])


def test_a_sum_over_characters_is_right_enough() -> None:
    text = line(said("64", ("AE", "Pöystí – Ж")), 0, checked=False)[:-1].decode() + "AZ"
    digits = f"{-sum(map(ord, text)) & 0xFFFF:04X}"
    connection = asking(ASK)
    taken = connection.receive(f"{text}{digits}\r".encode())
    assert (notes(taken), answered(taken)) == (["checksum over characters"], ["64"])


def test_a_number_without_checksum_is_taken_and_noted() -> None:
    connection = asking(ASK)
    taken = connection.receive(line(ANSWER_63, 0, checked=False))
    assert (notes(taken), answered(taken)) == (["no checksum"], ["64"])


def test_without_error_detection_a_wrong_checksum_ends_it() -> None:
    ended = asking(ASK, ay=False).receive(bad(line(ANSWER_63)))
    assert why(ended) == "wrong checksum in the answer to patron information"
    assert answered(asking(ASK, "off", ay=False).receive(bad(line(ANSWER_63)))) == ["64"]


def test_a_message_that_cannot_be_read_is_asked_for_again() -> None:
    connection = asking(ASK)
    assert sent(connection.receive(b"64   AY0AZ0000\r")) == RESEND
    assert answered(connection.receive(line(ANSWER_63, None))) == ["64"]


def test_one_that_stays_so_ends_it() -> None:
    connection = asking(ASK, "off", retries=1)
    connection.receive(b"64   AY0AZ0000\r")
    expected = "cannot be read: truncated_fixed_field:patron_status after 1 repeat"
    assert why(connection.receive(b"64   AY0AZ0000\r")).endswith(expected)


def test_without_error_detection_it_ends_at_once() -> None:
    assert "cannot be read" in why(asking(ASK, ay=False).receive(b"64   \r"))

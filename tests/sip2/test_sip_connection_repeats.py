"""One connection, told its timers: what it says again, what it does not, and its end."""

import pytest

from sync.sip2.connection import Answered, Arm, Failed, Send, Timer, Told
from sync.sip2.messages import Message
from tests.sip2.sip_lines import (
    ANSWER,
    ANSWER_11,
    ANSWER_63,
    ASK,
    IDLE,
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

# Time-outs


def test_a_read_is_said_again_byte_for_byte() -> None:
    connection = opened(replays=False)
    first = connection.request(ASK)
    assert connection.fired(Timer.ANSWER) == first
    assert answered(connection.receive(line(ANSWER_63, 0))) == ["64"]


def test_a_checkout_is_said_again_where_the_server_replays() -> None:
    connection = opened()
    first = connection.request(LEND)
    assert connection.fired(Timer.ANSWER) == first


def test_a_checkout_is_not_said_again_where_it_could_be_done_twice() -> None:
    connection = asking(LEND, replays=False)
    ended = connection.fired(Timer.ANSWER)
    assert (sent(ended), why(ended)) == (b"", "no answer to checkout")


@pytest.mark.parametrize("message", [ASK, LEND])
def test_without_error_detection_nothing_is_said_again(message: Message) -> None:
    ended = asking(message, ay=False).fired(Timer.ANSWER)
    assert sent(ended) == b""
    assert why(ended).startswith("no answer to ")


def test_repeats_come_to_an_end() -> None:
    connection = asking(LEND)
    assert all(sent(connection.fired(Timer.ANSWER)) for _ in range(3))
    assert why(connection.fired(Timer.ANSWER)) == "no answer to checkout after 3 repeats"


def test_no_retries_is_one_try() -> None:
    assert why(asking(ASK, retries=0).fired(Timer.ANSWER)) == "no answer to patron information"


def test_all_kinds_of_repeats_count_together() -> None:
    connection = asking(ASK)
    connection.fired(Timer.ANSWER)
    connection.receive(NOT_UNDERSTOOD)
    connection.receive(bad(line(ANSWER_63, 0)))
    assert "after 3 repeats" in why(connection.fired(Timer.ANSWER))


def test_each_request_has_repeats_of_its_own() -> None:
    connection = opened(retries=1)
    for seq in range(3):
        connection.request(ASK)
        connection.fired(Timer.ANSWER)
        assert answered(connection.receive(line(ANSWER_63, seq))) == ["64"]


@pytest.mark.parametrize("replays", [True, False])
def test_a_checkout_whose_answer_was_broken_is_not_said_again(replays: bool) -> None:
    connection = asking(LEND, replays=replays)
    connection.receive(bad(line(ANSWER_11, 0)))
    assert sent(connection.fired(Timer.ANSWER)) == RESEND
    assert answered(connection.receive(line(ANSWER_11, 0))) == ["12"]


def test_a_read_whose_answer_was_broken_is() -> None:
    connection = asking(ASK)
    connection.receive(bad(line(ANSWER_63, 0)))
    assert sent(connection.fired(Timer.ANSWER)) == line(ASK, 0)


def test_timers_that_no_longer_matter() -> None:
    connection = opened()
    assert connection.fired(Timer.ANSWER) == []
    connection.request(ASK)
    assert connection.fired(Timer.IDLE) == []
    assert connection.waiting


# 96: not understood


@pytest.mark.parametrize("replays", [True, False])
@pytest.mark.parametrize("ay", [True, False])
@pytest.mark.parametrize("message", [ASK, LEND])
def test_what_was_not_understood_is_said_again(message: Message, ay: bool, replays: bool) -> None:
    connection = opened(ay=ay, replays=replays)
    first = connection.request(message)
    assert connection.receive(NOT_UNDERSTOOD) == first
    assert connection.receive(b"96\r") == first


def test_what_is_never_understood_ends_it() -> None:
    connection = asking(ASK)
    for _ in range(3):
        connection.receive(NOT_UNDERSTOOD)
    expected = "the library system did not understand patron information after 3 repeats"
    assert why(connection.receive(NOT_UNDERSTOOD)) == expected


def test_a_97_that_is_not_understood_ends_it() -> None:
    connection = asking(ASK)
    connection.receive(bad(line(ANSWER_63, 0)))
    assert "did not repeat its answer" in why(connection.receive(NOT_UNDERSTOOD))


def test_a_96_that_may_mean_an_earlier_copy_repeats_no_checkout() -> None:
    connection = asking(ASK, replays=False)
    connection.fired(Timer.ANSWER)
    connection.receive(line(ANSWER_63, 0))
    connection.request(LEND)
    ended = connection.receive(NOT_UNDERSTOOD)
    assert sent(ended) == b""
    assert "did not understand checkout" in why(ended)


def test_nor_does_a_96_that_may_mean_an_earlier_97() -> None:
    connection = asking(ASK, replays=False)
    connection.receive(bad(line(ANSWER_63, 7)))
    connection.receive(line(ANSWER_63, 0))
    connection.request(LEND)
    assert sent(connection.receive(NOT_UNDERSTOOD)) == b""


def test_without_numbers_what_was_said_twice_may_be_answered_twice() -> None:
    connection = asking(ASK, ay=False)
    connection.receive(NOT_UNDERSTOOD)
    taken = connection.receive(line(ANSWER_63, checked=False))
    assert answered(taken) == ["64"]
    assert of_kind(taken, Arm) == []
    assert connection.spent
    with pytest.raises(RuntimeError):
        connection.request(ASK)


# 98: the status, asked or not


def test_a_98_that_was_asked_for_is_an_answer_whatever_it_says() -> None:
    connection = asking(said("99", status_code="0"))
    (answer, _) = connection.receive(line(status(online_status="N"), 0))
    assert isinstance(answer, Answered)


def test_an_unasked_98_amid_a_keep_alive_says_nothing_of_numbers() -> None:
    connection = opened()
    connection.fired(Timer.IDLE)
    (told,) = connection.receive(line(status()))
    assert isinstance(told, Told)
    assert sent(connection.fired(Timer.ANSWER))


def test_a_98_while_nothing_was_asked_is_told() -> None:
    (told,) = opened().receive(line(status()))
    assert isinstance(told, Told)


@pytest.mark.parametrize("seq", [None, 4])
def test_an_unasked_98_amid_a_request_is_told_and_nothing_else(seq: int | None) -> None:
    connection = asking(LEND)
    (told,) = connection.receive(line(status(online_status="N"), seq))
    assert isinstance(told, Told)
    assert answered(connection.receive(line(ANSWER_11, 0))) == ["12"]


def test_a_98_instead_of_an_answer_and_the_request_goes_out_under_a_new_number() -> None:
    connection = asking(LEND, replays=False)
    told, again, armed = connection.receive(line(status(), 0))
    assert isinstance(told, Told)
    assert (again, armed) == (Send(line(LEND, 1)), ANSWER)
    assert connection.receive(line(ANSWER_11, 0)) == []
    assert answered(connection.receive(line(ANSWER_11, 1))) == ["12"]


def test_under_a_new_number_nothing_of_the_old_one_counts() -> None:
    connection = asking(ASK)
    connection.receive(bad(line(ANSWER_63, 0)))
    assert sent(connection.receive(line(status(), 0))) == line(ASK, 1)
    assert connection.receive(line(ANSWER_63, None)) == []
    assert connection.receive(line(ANSWER_63, 0)) == []


@pytest.mark.parametrize("ay", [True, False])
@pytest.mark.parametrize("online", ["N", "n", " "])
def test_off_line_in_mid_checkout(ay: bool, online: str) -> None:
    connection = asking(LEND, ay=ay)
    told, failed = connection.receive(line(status(online_status=online), 0 if ay else None))
    assert isinstance(told, Told)
    assert failed == Failed("the library system says that it is off-line")
    assert connection.spent


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("11", "checkout_ok"),
        ("09", "checkin_ok"),
        ("29", "acs_renewal_policy"),
        ("65", "acs_renewal_policy"),
    ],
)
def test_a_policy_that_forbids_it_ends_it(code: str, part: str) -> None:
    every = ("checkout_ok", "checkin_ok", "acs_renewal_policy")
    connection = asking(said(code))
    assert part in why(connection.receive(line(status(**{part: "N"}), 0)))
    others = dict.fromkeys((name for name in every if name != part), "N")
    assert sent(asking(said(code)).receive(line(status(**others), 0))) == line(said(code), 1)


def test_98_for_ever_ends_it() -> None:
    connection = asking(ASK)
    for seq in range(3):
        assert sent(connection.receive(line(status(), seq))) == line(ASK, seq + 1)
    assert "with its status after 3 repeats" in why(connection.receive(line(status(), 3)))


@pytest.mark.parametrize("code", ["01", "09", "11", "15", "29", "65"])
def test_what_changes_something_goes_out_under_one_other_number(code: str) -> None:
    connection = asking(said(code), retries=9)
    signals = connection.receive(b"".join(line(status(), seq) for seq in range(10)))
    assert sent(signals) == line(said(code), 1)
    assert "with its status" in why(signals)
    assert connection.spent


def test_each_request_may_go_out_under_one_other_number() -> None:
    connection = opened()
    for seq in (0, 2):
        connection.request(LEND)
        assert sent(connection.receive(line(status(), seq))) == line(LEND, seq + 1)
        assert answered(connection.receive(line(ANSWER_11, seq + 1))) == ["12"]


def test_a_98_to_a_repeated_checkout_does_not_say_that_the_first_was_not_done() -> None:
    connection = asking(LEND)
    connection.fired(Timer.ANSWER)
    ended = connection.receive(line(status(), 0))
    assert (sent(ended), why(ended)) == (
        b"",
        "the library system answered checkout with its status",
    )


def test_a_98_after_a_96_does_not_say_that_nothing_was_done() -> None:
    """Seen in no server, but a loan that was made must not be told as refused."""
    connection = asking(LEND)
    connection.receive(NOT_UNDERSTOOD)
    ended = connection.receive(line(status(), 0))
    assert (sent(ended), why(ended)) == (
        b"",
        "the library system answered checkout with its status",
    )


def test_without_numbers_a_98_asks_a_read_again_and_spends_the_connection() -> None:
    connection = asking(ASK, ay=False)
    assert sent(connection.receive(line(status(), checked=False))) == line(ASK, checked=False)
    assert answered(connection.receive(line(ANSWER_63, checked=False))) == ["64"]
    assert connection.spent


def test_without_numbers_a_98_lets_a_checkout_wait() -> None:
    connection = asking(LEND, ay=False)
    (told,) = connection.receive(line(status(checkout_ok="N"), checked=False))
    assert isinstance(told, Told)
    assert answered(connection.receive(line(ANSWER_11, checked=False))) == ["12"]
    assert not connection.spent


# Keep-alive and the end


def test_silence_is_broken_by_a_99_whose_98_is_told() -> None:
    connection = opened()
    asked = connection.fired(Timer.IDLE)
    assert sent(asked) == line(said("99", max_print_width="080", protocol_version="2.00"), 0)
    assert connection.waiting
    told, armed = connection.receive(line(status(), 0))
    assert isinstance(told, Told)
    assert armed == IDLE


def test_a_keep_alive_that_nobody_answers_ends_it() -> None:
    connection = opened(retries=1)
    connection.fired(Timer.IDLE)
    assert sent(connection.fired(Timer.ANSWER))
    assert why(connection.fired(Timer.ANSWER)) == "no answer to SC status after 1 repeat"


def test_a_dialect_without_keep_alive_has_no_such_timer() -> None:
    connection = opened(keep_alive=0)
    assert connection.start() == []
    connection.request(ASK)
    assert of_kind(connection.receive(line(ANSWER_63, 0)), Arm) == []
    assert connection.fired(Timer.IDLE) == []


def test_the_other_side_closes() -> None:
    amid = asking(LEND)
    assert amid.receive(line(ANSWER_11, 0)[:-1]) == []
    expected = "the library system closed the connection before it answered checkout"
    assert why(amid.ended()) == expected
    idle = opened()
    assert why(idle.ended()) == "the library system closed the connection"
    assert idle.spent


def test_after_the_end_nothing_more_comes_of_it() -> None:
    connection = asking(LEND)
    connection.ended()
    assert not connection.waiting
    assert connection.spent
    assert connection.receive(line(ANSWER_11, 0) + line(status())) == []
    assert [*connection.fired(Timer.ANSWER), *connection.fired(Timer.IDLE)] == []
    assert [*connection.ended(), *connection.start()] == []
    with pytest.raises(RuntimeError):
        connection.request(ASK)


def test_what_follows_a_failure_in_the_same_bytes_is_nothing() -> None:
    connection = asking(LEND)
    signals = connection.receive(line(status(online_status="N"), 0) + line(status(), 5))
    assert [type(signal) for signal in signals] == [Told, Failed]

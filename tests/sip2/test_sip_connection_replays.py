"""One connection, told an answer that it has taken already: it is no other request's."""

import pytest

from tests.sip2.sip_lines import ANSWER_63, ASK, RESEND, answered, bad, line, opened, said, sent


def test_the_answer_to_the_request_before_is_not_taken_for_its_ay0() -> None:
    """A right PIN, then a wrong one whose answer is broken, and the right one's answer again."""
    connection = opened()
    connection.request(ASK)
    right = line(said("64", ("AA", "167A006007"), ("CQ", "Y")), 0)
    assert answered(connection.receive(right)) == ["64"]
    connection.request(ASK)
    assert sent(connection.receive(bad(line(ANSWER_63, 1)))) == RESEND
    assert connection.receive(right) == []
    assert connection.receive(line(said("64", ("CQ", "Y")), 0)) == []  # nor another of AY0
    assert answered(connection.receive(line(ANSWER_63, 1))) == ["64"]


@pytest.mark.parametrize("seq", [0, None])
def test_a_repeat_that_was_taken_is_taken_for_no_other_request(seq: int | None) -> None:
    connection = opened()
    for before in range(3):
        connection.request(ASK)
        connection.receive(line(ANSWER_63, before))
    repeat = line(said("64", ("CQ", "Y")), seq)
    for number in (3, 4):
        connection.request(ASK)
        assert sent(connection.receive(bad(line(ANSWER_63, number)))) == RESEND
        assert answered(connection.receive(repeat)) == (["64"] if number == 3 else [])
    assert connection.waiting
    assert answered(connection.receive(line(ANSWER_63, seq))) == ["64"]


def test_nor_where_its_ay0_is_ours_in_the_next_round() -> None:
    connection = opened()
    for before in range(9):
        connection.request(ASK)
        connection.receive(line(ANSWER_63, before))
    repeat = line(said("64", ("CQ", "Y")), 0)
    connection.request(ASK)
    connection.receive(bad(line(ANSWER_63, 9)))
    assert answered(connection.receive(repeat)) == ["64"]
    connection.request(ASK)
    assert connection.receive(repeat) == []
    assert answered(connection.receive(line(ANSWER_63, 0))) == ["64"]


def test_without_numbers_the_same_answer_may_come_again() -> None:
    connection = opened(ay=False)
    for _ in range(3):
        connection.request(ASK)
        assert answered(connection.receive(line(ANSWER_63, checked=False))) == ["64"]

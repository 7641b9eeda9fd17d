"""What a door without a panel leaves in the log, and that nobody can fill the log at will."""

import logging
from dataclasses import dataclass

import pytest

from kioskd.daemon.panels import LogPanel
from kioskd.domain.notice import Notice, Shown


@dataclass
class Door:
    """A panel, its log and a clock that stands still until it is moved."""

    caplog: pytest.LogCaptureFixture
    now: float = 100.0

    def __post_init__(self) -> None:
        self.caplog.set_level(logging.INFO, logger="kioskd.panel")
        self.panel = LogPanel("front", lambda: self.now)

    def lines(self, *notices: Notice) -> list[tuple[str, int]]:
        """The lines that these notices make: what each tells, and how many it stands for."""
        self.caplog.clear()
        for notice in notices:
            self.panel.show(Shown(notice))
        return [(r.__dict__["notice"], r.__dict__.get("left_out", 0)) for r in self.caplog.records]


@pytest.fixture
def door(caplog: pytest.LogCaptureFixture) -> Door:
    return Door(caplog)


@pytest.mark.parametrize("notice", [Notice.NOT_A_LIBRARY_CODE, Notice.WAIT])
def test_what_costs_nothing_to_bring_about_is_one_line_a_second(door: Door, notice: Notice) -> None:
    assert door.lines(*[notice] * 1000) == [(notice, 0)]
    door.now += 0.99
    assert door.lines(notice) == []
    door.now += 0.01
    assert door.lines(*[notice] * 5) == [(notice, 1000)]
    door.now += 60
    assert door.lines(notice) == [(notice, 4)]


def test_two_such_notices_in_turn_fill_no_log_either(door: Door) -> None:
    both = (Notice.WAIT, Notice.NOT_A_LIBRARY_CODE)
    assert door.lines(*both * 100) == [(notice, 0) for notice in both]


def test_every_answer_to_a_card_is_a_line(door: Door) -> None:
    answers = [Notice.ENTER_PIN, Notice.WRONG_CARD_OR_PIN] * 3 + [Notice.GRANTED] * 2
    assert door.lines(*answers) == [(notice, 0) for notice in answers]


def test_keys_typed_and_cleared_are_no_line(door: Door) -> None:
    door.panel.show(Shown(Notice.ENTER_PIN))
    for digits in (1, 2, 0) * 100:
        door.panel.show(Shown(Notice.ENTER_PIN, digits=digits))
    door.panel.show(Shown(Notice.IDLE))
    door.panel.show(Shown(Notice.ENTER_PIN))
    assert len(door.caplog.records) == 2

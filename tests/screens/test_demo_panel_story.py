"""What the demo's panel makes of what it hears: whose decision it was, and what its rules were."""

from typing import Any

import pytest

from kioskd.domain.notice import Notice, Shown
from tests.screens.demo_pages import denied, row, scene, story
from tests.screens.stagehand import rules
from ui.panel.demo_model import ROWS_KEPT, Rule, Verdict
from ui.panel.demo_story import Story

ASKED = Shown(Notice.ENTER_PIN)


def entry(reason: str, door: str = "front") -> dict[str, Any]:
    decision = "granted" if reason == "OK" else "denied"
    return row("entry.decided", door=door, decision=decision, reason=reason, decided_by="cache")


def verdict(told: Story) -> Verdict:
    assert told.model.verdict is not None
    return told.model.verdict


def rule(told: Story, name: str) -> Rule:
    return next(each for each in verdict(told).rules if each.name == name)


def test_a_visit_from_scan_to_decision() -> None:
    told = story()
    aino = told.model.visitors[0]
    told.scanned(aino)
    assert told.chosen == aino
    assert told.model.verdict is None
    told.shown(scene(ASKED))
    assert (verdict(told).visitor, verdict(told).granted) == (aino, None)
    told.explained(aino, rules())
    assert all(each.passed is not False for each in verdict(told).rules)
    assert told.happened(entry("OK"))
    assert (verdict(told).granted, verdict(told).reason, verdict(told).visitor) == (
        True,
        "OK",
        aino,
    )
    assert len(verdict(told).rules) == 23
    assert told.chosen == aino


def test_a_denial_at_the_scan_is_the_scanned_persons() -> None:
    told = story()
    bertta = told.model.visitors[1]
    told.scanned(bertta)
    told.happened(entry("CLOSED"))
    assert (verdict(told).visitor, verdict(told).rules) == (bertta, ())
    told.explained(bertta, rules("CLOSED", "closed"))  # which may come after the row
    assert rule(told, "CLOSED") == Rule("CLOSED", passed=False, detail="closed")


def test_a_second_card_during_a_visit_is_forgotten() -> None:
    told = story()
    aino, bertta = told.model.visitors[:2]
    told.scanned(aino)
    told.shown(scene(ASKED))
    told.scanned(bertta)
    told.shown(scene(Shown(Notice.WAIT)))
    told.shown(scene(ASKED))
    assert told.chosen == aino
    told.happened(entry("WRONG_PIN"))
    assert verdict(told).visitor == aino


def test_a_card_that_waits_its_turn_at_no_visit_is_forgotten_too() -> None:
    told = story()
    told.scanned(told.model.visitors[0])
    told.shown(scene(Shown(Notice.WAIT)))
    assert told.chosen is None


def test_the_journal_has_the_last_word_on_the_rule_that_decided() -> None:
    told = story()
    aino = told.model.visitors[0]
    told.scanned(aino)
    told.shown(scene(ASKED))
    told.explained(aino, rules())
    assert rule(told, "WRONG_PIN").passed is True
    told.happened(entry("WRONG_PIN"))
    assert rule(told, "WRONG_PIN") == Rule("WRONG_PIN", passed=False, detail="decided this visit")
    assert [each.name for each in verdict(told).rules if each.passed is False] == ["WRONG_PIN"]


def test_a_decision_on_a_card_that_was_not_scanned_here_is_nobodys() -> None:
    told = story()
    assert told.happened(entry("UNKNOWN_CARD"))
    assert (verdict(told).visitor, verdict(told).rules) == (None, ())


def test_rules_of_an_earlier_visit_are_not_shown_for_a_later_one() -> None:
    told = denied()
    eeva = told.model.visitors[4]
    told.scanned(eeva)
    told.shown(scene(ASKED))
    assert verdict(told).rules == ()


def test_rules_of_somebody_else_come_too_late() -> None:
    told = story()
    aino, bertta = told.model.visitors[:2]
    told.scanned(bertta)
    told.shown(scene(ASKED))
    told.explained(aino, rules())
    assert verdict(told).rules == ()


def test_another_doors_decision_stands_in_the_journal_alone() -> None:
    told = story()
    assert not told.happened(entry("OK", door="yard"))
    assert not told.happened(row("door.opened", door="front"))
    assert told.model.verdict is None
    assert [each.kind for each in told.model.journal[-2:]] == ["entry.decided", "door.opened"]


def test_why_is_of_the_decision_that_is_shown() -> None:
    told = denied()
    told.judged({"reason": "OK", "why": ["Another visit."], "todo": ""})
    assert verdict(told).why == ("There is a block.", "Wait.")


def test_a_daemon_that_goes_and_comes_back_stands_between_the_rows() -> None:
    told = story()
    told.happened(row("door.opened"))
    told.scanned(told.model.visitors[0])
    for connected in (False, False, True, True):
        told.listening(connected=connected)
    assert [each.detail for each in told.model.journal] == [
        "the daemon answers",
        "",
        "the daemon is gone",
        "the daemon answers",
    ]
    assert told.chosen is None  # a daemon that was killed has forgotten the visit


def test_the_journal_is_kept_to_a_length() -> None:
    told = story()
    for number in range(ROWS_KEPT + 50):
        told.happened(row("input.rex", by=str(number)))
    assert len(told.model.journal) == ROWS_KEPT
    assert told.model.journal[-1].by == str(ROWS_KEPT + 49)


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ({"action": "open", "reason": "delivery"}, "open delivery"),
        ({"device": "front-relay", "why": "unplugged"}, "front-relay unplugged"),
        ({"seconds": 5.0, "entry": "0192", "late": True}, "seconds=5.0 late=True"),
        ({"more": {"a": 1}, "lines": [1]}, ""),
        ({"why": "\x1b[2Jgone"}, "[2Jgone"),
    ],
)
def test_details_are_told_without_ids_and_escapes(detail: dict[str, Any], shown: str) -> None:
    told = story()
    told.happened(row("device.lost", detail=detail))
    assert told.model.journal[-1].detail == shown


def test_a_pin_is_not_told_by_a_value_that_is_printed() -> None:
    told = story()
    assert "4711" not in repr(told.model)

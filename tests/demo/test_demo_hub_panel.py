"""The line to the hub on the demo's panel: a key that cuts and mends it, and how it is in words."""

import pytest

from tests.screens.demo_pages import drawn, inks, places, story, words
from tests.screens.stagehand import STATE, STATUS
from ui.panel.demo_keys import controls, device_keys, move_of
from ui.panel.demo_pieces import Tint

UP = {"up": True, "pulled": "2026-11-23T12:03:59.5+02:00"}


@pytest.mark.parametrize(("line", "verb"), [("whole", "cut"), ("cut", "mend")])
def test_one_key_cuts_the_line_and_mends_it(line: str, verb: str) -> None:
    told = story({**STATE, "line": line})
    move = move_of("/", told.model, None)
    assert move is not None
    assert (move.verb, dict(move.args)) == (verb, {})
    assert ("/", f"{verb} line") in controls(told.model)
    assert "/" in places(drawn(told, (80, 24)))


def test_without_a_hub_there_is_no_such_key() -> None:
    told = story()
    assert move_of("/", told.model, None) is None
    assert "/" not in dict(controls(told.model))
    assert "hub" not in words(drawn(told, (140, 40)))


def test_a_hub_takes_no_letter_from_a_device() -> None:
    assert device_keys(story({**STATE, "line": "cut"}).model.stage) == device_keys(
        story().model.stage
    )


def test_the_line_is_told_in_words() -> None:
    told = story()
    told.looked({**STATUS, "line": UP})
    assert "hub up, pulled 12:03:59" in words(drawn(told, (140, 40)))
    told.looked({**STATUS, "line": {**UP, "up": False}})
    lines = drawn(told, (80, 24))
    assert "hub AWAY, pulled 12:03:59" in words(lines)
    assert inks(lines, "hub AWAY") == {Tint.ALARM}
    told.looked({**STATUS, "line": {"up": False, "pulled": None}})
    assert "hub AWAY " in words(drawn(told, (80, 24)))


@pytest.mark.parametrize("line", [[], "up", None, 7, {"up": 1, "pulled": 3}])
def test_junk_breaks_nothing(line: object) -> None:
    told = story({**STATE, "line": line})
    told.looked({**STATUS, "line": line})
    assert drawn(told, (80, 24))

"""The demo's panel as a page: what stands on it, at every size, and what a click on it presses."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.notice import Notice, Shown
from tests.screens.demo_pages import (
    BLOCK,
    NOW,
    SIZES,
    denied,
    drawn,
    inks,
    places,
    scene,
    story,
    texts,
    words,
)
from tests.screens.stagehand import NAMES, PEOPLE, RULE_NAMES, STATE, STATUS
from ui.panel.demo_inks import style
from ui.panel.demo_keys import KEYPAD, controls, device_keys, key_of, move_of
from ui.panel.demo_left import offset_words
from ui.panel.demo_model import LETTERS, Model, Stage
from ui.panel.demo_page import LEAST, page
from ui.panel.demo_pieces import Tint, key_at
from ui.panel.demo_reading import stage_of


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_denial_is_told_with_every_rule_and_its_outcome(size: tuple[int, int]) -> None:
    lines = drawn(denied(), size)
    told = words(lines)
    assert "DENIED SELF_SERVICE_BLOCK" in told
    assert "Eeva, blocked from self-service" in told
    assert all(name in told for name in RULE_NAMES)
    assert told.count("FAILS") == 1
    assert inks(lines, "FAILS") == {Tint.BAD}
    assert "passes" in told
    assert ("does not apply" in told) or (told.count("n/a") == 3)
    assert BLOCK in told or size == (80, 24)
    if size[0] >= 140:
        assert f"FAILS SELF_SERVICE_BLOCK {BLOCK}" in told
        assert "passes CATEGORY_NOT_ALLOWED every category is allowed" in told
        assert told.count("passes ") == 19
        assert "There is a block. " in told


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_journal_tells_time_kind_decision_reason_and_who(size: tuple[int, int]) -> None:
    told = words(drawn(denied(), size))
    assert "JOURNAL live" in told
    assert "12:04:31 entry.decided" in told
    assert "denied SELF_SER" in told
    assert "explain by root" in told


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_door_its_display_its_lamps_and_its_people_stand_on_the_left(
    size: tuple[int, int],
) -> None:
    told = denied()
    told.staged({**STATE, "lamps": {"red": True}, "contact": "open"})
    lines = drawn(told, size)
    left = [text[: text.index("│")] for text in texts(lines) if "│" in text]
    joined = " ".join(" ".join(left).split())
    assert "Esimerkkilän kirjasto" in joined
    assert "Omatoimikirjaston käyttösi on estetty." in joined.replace(" on estetty", " on estetty")
    assert "Lue kirjastokortti" in joined
    assert "●RED" in joined
    assert "○green" in joined
    assert "door OPEN" in joined
    for number, (name, _, _) in enumerate(NAMES):
        beside = re.compile(rf"(^| ){LETTERS[number]} {{1,2}}{name[:3]}")
        assert any(beside.search(text) for text in left)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_strike_is_told_by_word_and_colour(size: tuple[int, int]) -> None:
    for relay, tint, other in (
        ("secured", Tint.SECURED, Tint.RELEASED),
        ("released", Tint.RELEASED, Tint.SECURED),
    ):
        lines = drawn(story({**STATE, "relay": relay}), size)
        found = {piece.ink for line in lines for piece in line}
        assert tint in found
        assert other not in found
        if size[0] < 140:  # there it is drawn in large letters
            assert relay.upper() in words(lines)


def test_the_clock_is_the_daemons_with_its_offset() -> None:
    told = words(drawn(story({**STATE, "offset_seconds": 90_000}), (100, 30)))
    assert told.startswith("Tue 24 Nov 2026 13:04:31 +1 d 1 h")
    assert "klo 13.04" in told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "real time"),
        (-600, "-10 min"),
        (3600, "+1 h"),
        (90_061, "+1 d 1 h 1 min 1 s"),
        (0.2, "real time"),
    ],
)
def test_an_offset_is_said_as_people_say_it(seconds: float, told: str) -> None:
    assert offset_words(seconds) == told


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_key_can_be_clicked(size: tuple[int, int]) -> None:
    told = story()
    found = places(drawn(told, size))
    keys = {key for key, _ in controls(told.model)} | set(device_keys(told.model.stage))
    keys |= {visitor.letter for visitor in told.model.visitors}
    keys |= set(KEYPAD) if size[1] >= 30 else set()
    assert found.keys() == keys
    assert key_at(drawn(told, size), -1, 0) == key_at([], 0, 0) == ""


@pytest.mark.parametrize(
    "size", [*SIZES, *((columns, 40) for columns in range(112, 132, 2))], ids=str
)
def test_nothing_moves_when_the_door_changes(size: tuple[int, int]) -> None:
    """So that a click on a key never meets another one."""
    before = places(drawn(story(), size))
    unplugged = dict.fromkeys(STATE["devices"], "unplugged")
    changed = {**STATE, "devices": unplugged, "contact": "open", "relay": "released"}
    after = places(drawn(story(changed), size))
    assert after == before
    assert inks(drawn(story(changed), size), "×") == {Tint.BAD}


def test_a_daemon_that_is_gone_is_an_alarm() -> None:
    for daemon, told in (("gone", "THE DAEMON IS GONE"), ("starting", "The daemon is starting")):
        lines = drawn(story({**STATE, "daemon": daemon}), (80, 24))
        assert told in words(lines)
        assert inks(lines, told) == {Tint.ALARM}
    silent = story()
    silent.shown(scene(Shown(Notice.WAIT), connected=False))
    assert "THE DAEMON DOES NOT ANSWER" in words(drawn(silent, (80, 24)))


def test_what_is_wrong_with_the_site_is_an_alarm() -> None:
    told = story()
    told.looked(
        {
            **STATUS,
            "lockdown": True,
            "clock": {"trusted": False},
            "cache": {"readable": False},
            "alerts": [{}, {}],
        }
    )
    lines = drawn(told, (140, 40))
    assert "LOCKDOWN clock NOT trusted cards NOT readable alerts: 2 self" in words(lines)
    assert inks(lines, "LOCKDOWN") == {Tint.ALARM}
    assert inks(drawn(story(), (140, 40)), " clock trusted ") == {Tint.TITLE}


def test_the_keys_of_a_small_terminal_are_told_kindly() -> None:
    for size in ((79, 24), (80, 23), (40, 10)):
        lines = page(story().model, NOW, *size)
        assert f"{size[0]} x {size[1]} is a little small: this panel needs 80 x 24." in words(lines)
        assert "Q leaves." in words(lines)


def test_before_anybody_came_the_panel_says_how_to_begin() -> None:
    told = words(drawn(story(), (100, 30)))
    assert "No decision yet: scan a card by its letter." in told
    assert "letters scan cards; digits, * and # are the keypad" in told


def test_what_can_be_tried_beside_it_takes_turns_with_the_hint() -> None:
    command = "kioskd sip2 trace --config /tmp/kioskd-demo-12345678/kioskd.toml"
    told = story({**STATE, "beside": command})
    first, second = (words(page(told.model, NOW, 80, 24, turn)) for turn in (0, 1))
    assert ("letters scan cards" in first, f"try: {command}" in first) == (True, False)
    assert ("letters scan cards" in second, f"try: {command}" in second) == (False, True)
    assert "letters scan cards" in words(page(story().model, NOW, 80, 24, 1))


def test_a_card_that_waits_for_its_pin_is_not_decided() -> None:
    told = story()
    told.scanned(told.model.visitors[0])
    told.shown(scene(Shown(Notice.ENTER_PIN)))
    lines = drawn(told, (100, 30))
    assert "NOT DECIDED YET" in words(lines)
    assert "its rules are not known" in words(lines)
    assert inks(lines, "Aino") >= {Tint.CHOSEN}


def test_devices_have_letters_of_their_own_names_that_nothing_else_has() -> None:
    assert device_keys(stage_of(STATE)) == {
        "S": "front-scanner",
        "K": "front-keypad",
        "R": "front-relay",
        "D": "front-display",
        "I": "front-inputs",
    }
    many = Stage(devices=dict.fromkeys((f"front-scanner{n}" for n in range(40)), True))
    found = device_keys(many)
    assert len(found) == 26 - 8
    assert not set(found) & {key for key, _ in controls(Model(scene(Shown(Notice.IDLE))))}


@pytest.mark.parametrize(
    ("key", "verb", "args"),
    [
        ("a", "scan", {"id": "aino"}),
        ("7", "press", {"keys": "7"}),
        ("#", "press", {"keys": "#"}),
        ("P", "press", {"keys": "4711#"}),
        ("B", "book", {}),
        ("O", "walk", {}),
        ("H", "open", {}),
        ("X", "rex", {}),
        ("T", "button", {}),
        ("S", "unplug", {"device": "front-scanner"}),
        ("+", "shift", {"seconds": 3600}),
        (">", "shift", {"seconds": 86_400}),
        ("-", "shift", {"seconds": -600}),
        ("=", "shift", {"seconds": -90}),
        ("C", "clock-accept", {"reason": "demo"}),
        ("!", "kill", {}),
        ("Q", "quit", {}),
    ],
)
def test_a_key_does_what_the_help_says(key: str, verb: str, args: dict[str, Any]) -> None:
    told = story({**STATE, "offset_seconds": 90})
    move = move_of(key, told.model, told.model.visitors[0])
    assert move is not None
    assert (move.verb, dict(move.args)) == (verb, args)


def test_some_keys_depend_on_how_the_door_stands() -> None:
    devices = {**STATE["devices"], "front-keypad": "unplugged"}
    told = story({**STATE, "contact": "open", "devices": devices})
    close, plug = (move_of(key, told.model, None) for key in "HK")
    assert close is not None
    assert plug is not None
    assert (close.verb, plug.verb) == ("close", "plug")
    assert ("H", "let close") in controls(told.model)


def test_without_a_card_or_a_pin_no_pin_is_typed_and_that_is_told() -> None:
    told = story()
    nobody, without = (move_of("P", told.model, who) for who in (None, told.model.visitors[3]))
    assert nobody is not None
    assert without is not None
    assert (nobody.verb, without.verb) == ("", "")
    assert "scan a card first" in nobody.told
    assert "Daavid" in without.told


@pytest.mark.parametrize("key", ["", "z", "~", "ab", "Z", "§"])
def test_other_keys_do_nothing(key: str) -> None:
    told = story(people=PEOPLE[:3])
    assert move_of(key, told.model, None) is None


@pytest.mark.parametrize(
    ("name", "character", "key"),
    [
        ("enter", "\r", "#"),
        ("backspace", "\x7f", "*"),
        ("space", " ", "P"),
        ("ctrl+q", "\x11", "Q"),
        ("plus", "+", "+"),
        ("upper_k", "K", "K"),
        ("escape", "\x1b", ""),
        ("f1", None, ""),
    ],
)
def test_keys_of_the_terminal_have_their_names_here(
    name: str, character: str | None, key: str
) -> None:
    assert key_of(name, character) == key


def test_every_ink_has_its_colours_on_every_terminal() -> None:
    every = {piece.ink for line in drawn(denied(), (140, 40)) for piece in line} | set(Tint)
    for few in (True, False):
        assert all(style(ink, few=few).bgcolor is not None for ink in every)
        assert all(style(ink, few=few, none=True).color is None for ink in every)
        assert all(style(ink, few=few, none=True).bgcolor is None for ink in every)
    for one, other in ((Tint.GOOD, Tint.BAD), (Tint.RELEASED, Tint.SECURED)):
        assert style(one, few=True) != style(other, few=True)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


def like(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Answers with the right names and anything in them."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, junk))


tables = st.fixed_dictionaries(
    {"offset_seconds": junk},
    optional={
        "devices": st.dictionaries(st.text(max_size=30), junk, max_size=30),
        "display": st.lists(st.text(max_size=30), max_size=6),
        "lamps": junk,
        "relay": junk,
        "contact": junk,
        "daemon": junk,
    },
)
people = st.lists(
    st.fixed_dictionaries({"id": st.text(max_size=5), "title": st.text(max_size=40)}), max_size=40
)
told_rules = st.fixed_dictionaries(
    {"rules": st.lists(like("rule", "passed", "detail"), max_size=30) | junk}
)


@given(
    tables,
    people,
    like("kind", "at", "door", "decision", "reason", "by", "detail"),
    told_rules,
    like("lockdown", "hours", "clock", "cache", "alerts"),
    like("why", "todo", "reason"),
    st.tuples(st.integers(0, 210), st.integers(0, 65)),
)
def test_whatever_is_told_fills_the_page_exactly_with_printable_cells(
    state: Any, who: Any, event: Any, explained: Any, status: Any, why: Any, size: tuple[int, int]
) -> None:
    told = story(state, who)
    if told.model.visitors:
        told.scanned(told.model.visitors[0])
        told.shown(scene(Shown(Notice.ENTER_PIN)))
        told.explained(told.model.visitors[0], explained)
    told.happened({**event, "kind": "entry.decided", "door": "front"})
    told.happened(event)
    told.looked(status)
    told.judged(why)
    lines = drawn(told, size)
    assert [len(text) for text in texts(lines)] == [size[0]] * size[1]
    assert all(text.isprintable() for text in texts(lines))


@given(st.integers(0, 65), st.integers(0, 210))
def test_a_page_has_a_way_out_at_every_size(rows: int, columns: int) -> None:
    told = replace(story().model, message="x" * 300)
    lines = page(told, NOW + timedelta(days=9), columns, rows)
    assert len(lines) == rows
    if columns >= LEAST[0] and rows >= LEAST[1]:
        assert "Q" in places(lines)

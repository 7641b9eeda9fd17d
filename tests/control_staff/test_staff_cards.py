"""What cards are called in answers, and how many of them fit into one."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kioskd import wire
from kioskd.access.lockout import Lockout, LockoutPolicy, charge, current, remaining, standings
from kioskd.control.cards import ID_DIGITS, chosen, page, short_ids
from kioskd.domain.moment import Moment

# Few different bytes, so that many begin alike.
INDICES = st.lists(st.sampled_from([0, 1, 255]), min_size=16, max_size=16).map(bytes)
ENTRY = st.fixed_dictionaries({"id": st.text(max_size=9), "reason": st.text(max_size=300)})


@given(st.sets(INDICES, max_size=30))
def test_ids_tell_all_cards_apart_and_name_each(cards: set[bytes]) -> None:
    ids = short_ids(cards)
    assert ids.keys() == cards
    assert len(set(ids.values())) == len(cards)
    for card, name in ids.items():
        assert len(name) >= ID_DIGITS
        assert chosen(cards, {"id": name}) == card
        assert chosen(cards, {"id": f" {name.upper()}… "}) == card


@given(st.lists(ENTRY, max_size=60), st.integers(0, 4000))
def test_pages_lose_and_repeat_nothing(entries: list[dict[str, str]], room: int) -> None:
    found: list[object] = []
    start: int | None = 0
    while start is not None:
        answer = page(entries, start, room)
        told = answer["entries"]
        size = sum(len(json.dumps(entry, ensure_ascii=False).encode()) for entry in told)
        assert len(told) == 1 or size <= room
        found += told
        start = answer["next"]
        assert told or not entries
    assert found == entries


@given(st.lists(ENTRY, max_size=400))
def test_a_page_fits_into_a_line_of_the_wire(entries: list[dict[str, str]]) -> None:
    answer = {"which": "allow", **page(entries, 0)}
    assert len(wire.line({"id": wire.MAX_ID, "ok": answer})) <= wire.MAX_LINE


def test_a_page_past_the_end_is_empty() -> None:
    assert page([{"id": "a"}], 7) == {"entries": [], "total": 1, "next": None}


@given(st.dictionaries(INDICES, st.integers(0, 30), max_size=12), st.integers(0, 100_000))
def test_standings_are_what_holds_now(failures: dict[bytes, int], later: int) -> None:
    start = Moment(datetime(2026, 11, 23, 16, 0, tzinfo=UTC), 1000.0, "boot")
    now = Moment(start.wall + timedelta(seconds=later), start.boot + later, "boot")
    kept: dict[bytes, Lockout] = {}
    for card, times in failures.items():
        kept[card] = Lockout()
        for _ in range(times):
            kept[card] = charge(kept[card], start, LockoutPolicy())
    found = standings(kept, now)
    assert {s.card for s in found} == {c for c in kept if current(kept[c], now).failures}
    assert all(s.remaining == remaining(kept[s.card], now) for s in found)
    assert [s.remaining for s in found] == sorted((s.remaining for s in found), reverse=True)

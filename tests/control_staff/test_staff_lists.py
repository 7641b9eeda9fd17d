"""Staff keep the lists: who is let in always, who is not for a while, and how that is written."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from kioskd import wire
from kioskd.control.lists import NO_PIN
from kioskd.control.verbs import Refusal
from kioskd.domain.staff import ListEntry, Which
from kioskd.store.state_staff import StaffState
from tests.control_staff.conftest import CARD, OTHER, PEKKA, PIN, Office

DAY = timedelta(days=1)


async def test_a_cleaner_is_let_in_until_the_end_of_the_day_that_was_named(office: Office) -> None:
    told = await office.allow(until="2026-12-31")
    assert (told["shown"], told["until"]) == ("…007", "2027-01-01T00:00+02:00")
    assert office.listed(CARD) == (True, False)
    office.clock.wall += 38 * DAY + timedelta(hours=5, minutes=59)
    assert office.listed(CARD) == (True, False), "31 December, 23:59 at the site"
    office.clock.wall += timedelta(minutes=1)
    assert office.listed(CARD) == (False, False)


async def test_an_entry_outlives_a_restart(office: Office) -> None:
    await office.allow()
    office.restart()
    assert office.listed(CARD) == (True, False)
    shown = (await office.ask("list-show", which="allow"))["entries"]
    assert [(e["shown"], e["reason"], e["by"]) for e in shown] == [("…007", "cleaner", "maija")]


async def test_a_lost_card_is_denied_for_a_fortnight_at_most(office: Office) -> None:
    args = {"which": "deny", "card": CARD, "reason": "lost card"}
    with pytest.raises(Refusal, match="register's business; 2026-12-06 is the last day") as told:
        await office.ask("list-add", until="2026-12-07", **args)
    assert told.value.code == wire.BAD_ARGUMENT
    await office.ask("list-add", until="2026-12-06", **args)
    assert office.listed(CARD) == (False, True)


async def test_a_card_on_the_other_list_is_told_and_not_moved(office: Office) -> None:
    await office.allow()
    with pytest.raises(Refusal, match=r"it is on the allow-list until 2027-01-01.*\(cleaner\)"):
        await office.ask("list-add", which="deny", card=CARD, until="2026-11-30", reason="lost")
    assert office.listed(CARD) == (True, False)
    await office.ask("list-remove", which="allow", card=CARD)
    await office.ask("list-add", which="deny", card=CARD, until="2026-11-30", reason="lost")
    assert office.listed(CARD) == (False, True)


async def test_an_entry_that_is_over_keeps_nobody_from_the_other_list(office: Office) -> None:
    await office.allow(until="2026-11-23T20:00")
    office.clock.wall += DAY
    await office.ask("list-add", which="deny", card=CARD, until="2026-11-30", reason="lost")
    assert office.listed(CARD) == (False, True)
    over = (await office.ask("list-show", which="allow"))["entries"]
    assert [entry["expired"] for entry in over] == [True]


async def test_whoever_cannot_enter_yet_is_told_to_enrol(office: Office) -> None:
    assert (await office.allow())["note"] == NO_PIN
    await office.ask("enrol", card=CARD, pin=PIN)
    again = await office.allow(until="2027-01-31")
    assert (again["note"], again["replaced"]) == ("", True)


async def test_every_act_and_every_look_has_its_person_in_the_journal(office: Office) -> None:
    await office.allow()
    await office.ask("list-show", which="allow")
    await office.ask_as(PEKKA, "list-remove", which="allow", card=CARD, reason="left us")
    assert [(by, action) for by, action, _ in office.acts()] == [
        ("maija", "list-add"),
        ("maija", "list-show"),
        ("pekka", "list-remove"),
    ]
    added, looked, removed = office.rows()[-3:]
    assert added["detail"]["reason"] == "cleaner"
    assert removed["detail"]["reason"] == "left us"
    # The card is the erasable part of its row alone.
    index = office.indices(CARD)[0].hex()
    assert [row["card"] for row in (added, looked, removed)] == [index, None, index]
    assert index[:8] not in "".join(str(row["detail"]) for row in (added, looked, removed))


async def test_a_card_is_removed_by_the_id_that_is_shown(office: Office) -> None:
    await office.allow()
    await office.allow(OTHER)
    entries = (await office.ask("list-show", which="allow"))["entries"]
    mine = next(e["id"] for e in entries if e["shown"] == "…007")
    await office.ask("list-remove", which="allow", id=mine)
    assert (office.listed(CARD), office.listed(OTHER)) == ((False, False), (True, False))
    with pytest.raises(Refusal, match="no such entry") as told:
        await office.ask("list-remove", which="allow", id=mine)
    assert told.value.code == wire.NOT_FOUND


async def test_ids_that_begin_alike_are_told_apart(office: Office) -> None:
    lists = StaffState(office.directory)
    cards = [bytes.fromhex("aabbccdd" + tail * 12) for tail in ("00", "01")]
    for card in cards:
        until = office.clock.wall + DAY
        await lists.put_entry(ListEntry(card, Which.ALLOW, until, "guard", "maija"), ())
    entries = (await office.ask("list-show", which="allow"))["entries"]
    assert sorted(e["id"] for e in entries) == ["aabbccdd00", "aabbccdd01"]
    with pytest.raises(Refusal, match="2 entries begin so; give more digits"):
        await office.ask("list-remove", which="allow", id="aabbccdd")
    assert (await office.ask("list-remove", which="allow", id="AABBCCDD01"))["removed"] == 1


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"until": None}, "until: missing; an entry without an end is not taken"),
        ({"until": "for ever"}, "'for ever' is neither a date nor a time"),
        ({"until": "2026-11-22"}, "2026-11-22 is over; here it is 2026-11-23 18:00"),
        ({"until": "2026-11-23T18:00"}, "is over"),
        ({"until": "2027-11-25"}, "at most 366 days; add the card anew then; 2027-11-23"),
        ({"until": "9999-12-31"}, "the year 9999 cannot be used"),
        ({"until": 7}, "until: give a text"),
        ({"reason": None}, "reason: missing"),
        ({"reason": " "}, "reason: give a text"),
        ({"reason": "x" * 201}, "of 1 to 200 characters"),
        ({"reason": "\x1b[2J"}, "leave out control characters"),
        ({"which": "grey"}, "which: give allow or deny"),
        ({"card": "9789510000000"}, "card: …000 fits no pattern of cards.patron"),
        ({"card": PIN}, "card: … fits no pattern"),
        ({"card": None}, "card: missing"),
        ({"card": 167}, "card: give a text"),
        ({"kard": CARD}, "'kard': unknown argument; known: which, card, until, reason"),
    ],
)
async def test_bad_input_is_told_and_nothing_is_done(
    office: Office, changed: dict[str, object], why: str
) -> None:
    args = {"which": "allow", "card": CARD, "until": "2026-12-31", "reason": "cleaner", **changed}
    with pytest.raises(Refusal) as told:
        await office.ask("list-add", **args)
    assert told.value.code == wire.BAD_ARGUMENT
    assert why in told.value.message
    assert CARD not in told.value.message
    assert (office.listed(CARD), office.acts()) == ((False, False), [])


@pytest.mark.parametrize("named", [{}, {"card": CARD, "id": "aabbccdd"}, {"id": "aabb"}, {"id": 7}])
async def test_what_names_no_one_card_is_refused(office: Office, named: dict[str, object]) -> None:
    with pytest.raises(Refusal) as told:
        await office.ask("list-remove", which="allow", **named)
    assert told.value.code == wire.BAD_ARGUMENT


async def test_who_is_not_on_the_list_cannot_be_taken_off_it(office: Office) -> None:
    with pytest.raises(Refusal, match="not on the deny-list") as told:
        await office.ask("list-remove", which="deny", card=CARD)
    assert told.value.code == wire.NOT_FOUND
    assert office.acts() == []


async def test_without_a_journal_nothing_is_done(office: Office) -> None:
    await office.allow()
    (office.directory / "journal.db").unlink()  # as somebody might
    with pytest.raises(Refusal, match="removed, emptied or replaced while in use") as told:
        await office.ask("list-remove", which="allow", card=CARD)
    assert told.value.code == wire.FAILED
    assert office.listed(CARD) == (True, False)


async def test_an_act_that_fails_after_its_row_has_a_second_row(office: Office) -> None:
    with closing(sqlite3.connect(office.directory / "state.db")) as other:
        refuse = "CREATE TRIGGER refuse BEFORE INSERT ON listed BEGIN SELECT RAISE(FAIL, 'x'); END"
        other.execute(refuse)
        other.commit()
    with pytest.raises(Refusal):
        await office.allow()
    acts = office.acts()
    assert [action for _, action, _ in acts] == ["list-add", "list-add.failed"]
    assert acts[1][2]["act"] == office.rows()[-2]["id"]


async def test_a_long_list_comes_in_pages_that_fit_into_a_line(office: Office) -> None:
    lists, until = StaffState(office.directory), office.clock.wall + DAY
    for number in range(150):
        card = number.to_bytes(16)[::-1]
        await lists.put_entry(ListEntry(card, Which.ALLOW, until, "ä" * 200, "maija"), ())
    entries: list[dict[str, object]] = []
    start: int | None = 0
    while start is not None:
        answer = await office.ask("list-show", which="allow", **{"from": start})
        wire.line({"id": wire.MAX_ID, "ok": answer})
        assert answer["total"] == 150
        entries += answer["entries"]
        start = answer["next"]
    assert len({entry["id"] for entry in entries}) == 150

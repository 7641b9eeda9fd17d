"""Cards with wrong PINs: seen without their numbers, lifted in memory and in the journal."""

import pytest

from kioskd import wire
from kioskd.control.verbs import Refusal
from tests.control_staff.conftest import CARD, OTHER, Office


def _locked(office: Office, number: str) -> float:
    return office.lockouts.locked_for(office.indices(number), office.clock.moment()).total_seconds()


async def test_a_locked_card_is_listed_and_lifted_by_its_number(office: Office) -> None:
    await office.wrong_pin(CARD, 10)
    await office.wrong_pin(OTHER, 2)
    entries = (await office.ask("lockout-list"))["entries"]
    assert [(e["failures"], e["step"], e["remaining_seconds"]) for e in entries] == [
        (10, 2, 300),
        (2, 0, 0),
    ]
    assert await office.ask("lockout-clear", card=CARD) == {"cleared": 1}
    assert _locked(office, CARD) == 0
    left = (await office.ask("lockout-list"))["entries"]
    assert [entry["failures"] for entry in left] == [2]


async def test_what_was_lifted_stays_lifted_after_a_restart(office: Office) -> None:
    await office.wrong_pin(CARD, 5)
    await office.wrong_pin(OTHER, 5)
    office.restart()
    assert _locked(office, CARD) == 60
    await office.ask("lockout-clear", card=CARD)
    office.restart()
    assert (_locked(office, CARD), _locked(office, OTHER)) == (0, 60)


async def test_a_card_that_is_not_here_is_lifted_by_its_id(office: Office) -> None:
    await office.wrong_pin(CARD, 5)
    await office.wrong_pin(OTHER, 1)
    entries = (await office.ask("lockout-list"))["entries"]
    await office.ask("lockout-clear", id=entries[0]["id"])
    assert _locked(office, CARD) == 0
    with pytest.raises(Refusal, match="no such entry") as told:
        await office.ask("lockout-clear", id=entries[0]["id"])
    assert told.value.code == wire.NOT_FOUND


async def test_all_are_lifted_at_once(office: Office) -> None:
    await office.wrong_pin(CARD, 5)
    await office.wrong_pin(OTHER, 1)
    assert await office.ask("lockout-clear", all=True) == {"cleared": 2}
    office.restart()
    assert (await office.ask("lockout-list"))["entries"] == []


async def test_the_journal_says_who_lifted_and_who_looked(office: Office) -> None:
    await office.wrong_pin(CARD, 5)
    await office.ask("lockout-list")
    await office.ask("lockout-clear", card=CARD)
    await office.ask("lockout-clear", all=True)
    assert [action for _, action, _ in office.acts()] == [
        "lockout-list",
        "lockout-clear",
        "lockout-clear-all",
    ]
    assert [row["card"] for row in office.rows()[-3:]] == [
        None,
        office.indices(CARD)[0].hex(),
        None,
    ]


async def test_a_card_without_failures_is_no_fault(office: Office) -> None:
    assert await office.ask("lockout-clear", card=CARD) == {"cleared": 0}


async def test_failures_of_the_day_before_are_not_shown(office: Office) -> None:
    await office.wrong_pin(CARD, 4)
    await office.clock.advance(86_400)
    assert (await office.ask("lockout-list"))["entries"] == []


@pytest.mark.parametrize(
    "args",
    [{}, {"all": False}, {"all": True, "card": CARD}, {"card": CARD, "id": "aabbccdd"}, {"all": 1}],
)
async def test_what_names_no_one_is_refused(office: Office, args: dict[str, object]) -> None:
    await office.wrong_pin(CARD, 5)
    with pytest.raises(Refusal) as told:
        await office.ask("lockout-clear", **args)
    assert told.value.code == wire.BAD_ARGUMENT
    assert _locked(office, CARD) == 60


async def test_a_row_that_is_not_written_lifts_nothing(office: Office) -> None:
    await office.wrong_pin(CARD, 5)
    (office.directory / "journal.db").unlink()
    with pytest.raises(Refusal):
        await office.ask("lockout-clear", card=CARD)
    assert _locked(office, CARD) == 60


async def test_ten_thousand_cards_are_listed_page_by_page(office: Office) -> None:
    now = office.clock.moment()
    for number in range(3000):
        office.lockouts.charge((number.to_bytes(16)[::-1],), now)
    ids: set[str] = set()
    start: int | None = 0
    while start is not None:
        answer = await office.ask("lockout-list", **{"from": start})
        wire.line({"id": wire.MAX_ID, "ok": answer})
        ids |= {entry["id"] for entry in answer["entries"]}
        start = answer["next"]
    assert len(ids) == 3000

"""A register's file reaches the hub: what is new, what changed, what is gone, and in what order."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.errors import InputError
from kioskd.vault.kdf import hash_pin
from kioskd.vault.verifiers import to_text
from sync.hub.database import Database
from sync.hub.imports.history import import_ages, too_old
from sync.hub.imports.report import ImportRequest
from sync.hub.model import ANY_AGE, AgeState
from sync.hub.schema import IMPORT
from tests.hub_imports.world import (
    BAN,
    BCRYPT,
    CHEAP,
    FEED,
    OTHER_BCRYPT,
    START,
    TODAY,
    World,
    block,
    card,
    row,
    rows,
)

WEEK = timedelta(days=7)


async def test_a_full_feed_becomes_persons(world: World) -> None:
    argon = to_text(hash_pin("1234", CHEAP))
    report = await world.load(
        [
            row(1, pin_hash=argon, category="AIK", language="fi", expires="2027-05-31", ref="r-1"),
            row(2, restrictions=[BAN, {"kind": "terms-missing"}], consent=["ESI"]),
            row(3, restrictions=[{"kind": "under-age"}]),
        ]
    )
    assert (report.rows, report.applied, report.bad, report.well) == (3, 3, 0, True)
    one, two, three = [await world.person(n) for n in (1, 2, 3)]
    assert one.verifier is not None
    assert to_text(one.verifier) == argon
    assert (one.category, one.language, one.expires) == ("AIK", "fi", date(2027, 5, 31))
    assert (one.terms, one.ages, one.restrictions) == (True, {ANY_AGE: AgeState.REACHED}, ())
    assert two.restrictions == (Restriction(RestrictionKind.USE_BAN),)
    assert (two.terms, two.consent) == (False, ("ESI",))
    assert three.ages == {ANY_AGE: AgeState.UNDER}
    assert three.restrictions == ()
    stored = await world.columns(1)
    assert stored["ref"] == world.keys.ref(FEED, "r-1")
    assert (stored["restricted"], stored["unwrapped"], stored["rchange"]) == (False, False, 0)
    two_stored = await world.columns(2)
    assert two_stored["restricted"] is True
    assert two_stored["rchange"] == two_stored["change"]


async def test_nothing_readable_is_stored(world: World) -> None:
    await world.load([row(1, pin_hash=BCRYPT, ref="borrower-77", category="SECRETCAT")])
    told = repr(await world.columns(1))
    for secret in (card(1), BCRYPT, "borrower-77", "SECRETCAT"):
        assert secret not in told


async def test_an_unchanged_feed_takes_no_number(world: World) -> None:
    feed = rows(range(30), restrictions=[BAN], pin_hash=BCRYPT)
    await world.load(feed)
    before = await world.changes()
    report = await world.load(feed)
    assert (report.applied, report.unchanged, report.dropped) == (0, 30, 0)
    assert await world.changes() == before


async def test_only_what_changed_is_written(world: World) -> None:
    await world.load(rows(range(10)))
    before = await world.changes()
    report = await world.load([*rows(range(9)), row(9, category="NUO")])
    assert (report.applied, report.unchanged) == (1, 9)
    assert [count for _, count in (await world.changes())[len(before) :]] == [1]


async def test_a_day_that_passes_is_no_change(world: World) -> None:
    """A row that only says what the hub has done by itself moves no number."""
    await world.load([row(1, restrictions=[{"kind": "use-ban", "until": "2026-11-24"}])])
    world.later(WEEK)
    ended = [row(1, restrictions=[{"kind": "use-ban", "until": "2026-11-24"}])]
    before = await world.changes()
    assert (await world.load(ended)).unchanged == 1
    assert await world.changes() == before
    report = await world.load([row(1, restrictions=[])])
    assert (await world.person(1)).restrictions == ()
    assert report.applied == 1  # the ended restriction was still sealed in the row
    before = await world.changes()
    assert (await world.load(ended)).unchanged == 1
    assert await world.changes() == before


async def test_restrictions_and_deletions_come_first_and_drops_last(world: World) -> None:
    many = 2500
    await world.load(rows(range(many)))
    first = (await world.changes())[-1][0]
    feed: list[dict[str, object] | str] = [
        *rows(range(10, many), category="AIK"),
        row(1, restrictions=[{"kind": "lost"}]),
        row(2, deleted=True),
    ]
    report = await world.load(feed)
    assert (report.applied, report.deleted, report.dropped) == (many - 9, 1, 8)
    moved = [(n - first, count) for n, count in await world.changes() if n > first]
    # Two restricted ones, 2,490 others in batches of 1,000, then 8 that were not in the file.
    assert [count for _, count in moved] == [2, 1000, 1000, 490, 8]
    urgent = {(await world.columns(n))["change"] for n in (1, 2)}
    assert urgent == {first + moved[0][0]}
    assert (await world.columns(3))["change"] == first + moved[-1][0]


async def test_what_restricts_moves_the_urgent_stream_and_nothing_else_does(world: World) -> None:
    await world.load([row(1), row(2, restrictions=[BAN]), row(3)])
    was = (await world.columns(3))["rchange"]
    await world.load([row(1, restrictions=[BAN]), row(2), row(3, expires="2027-01-01")])
    assert was == 0
    for number, urgent in ((1, True), (2, True), (3, False)):
        stored = await world.columns(number)
        assert (stored["rchange"] == stored["change"]) is urgent
    assert (await world.columns(3))["rchange"] == 0


async def test_a_delta_changes_its_rows_alone(world: World) -> None:
    await world.load(rows(range(5)))
    report = await world.load(
        [row(1, restrictions=[BAN]), row(2, deleted=True), row(7), row(8, deleted=True), row(3)],
        delta=True,
    )
    assert (report.applied, report.deleted, report.dropped, report.unchanged) == (2, 1, 0, 2)
    assert await world.cards() == {card(n) for n in (0, 1, 3, 4, 7)}


async def test_a_tombstone_keeps_the_number_alone(world: World) -> None:
    await world.load([row(1, pin_hash=BCRYPT, restrictions=[BAN], ref="r"), row(2)])
    await world.load([row(1, deleted=True)], delta=True)
    stored = await world.columns(1)
    assert (stored["deleted"], stored["restricted"], stored["unwrapped"]) == (True, False, False)
    assert (stored["ref"], stored["turns"]) == (None, None)
    assert stored["rchange"] == stored["change"]
    index = world.keys.card_index(card(1))
    sealed = stored["sealed"]
    assert isinstance(sealed, bytes)
    left = world.keys.open_person(FEED, index, sealed)
    assert (left.card, left.verifier, left.restrictions) == (card(1), None, ())


async def test_a_card_that_comes_back_is_a_person_again(world: World) -> None:
    await world.load(rows(range(3)))
    await world.load([row(1, deleted=True)], delta=True)
    report = await world.load(rows(range(3)))
    assert (report.applied, report.unchanged) == (1, 2)
    assert (await world.columns(1))["deleted"] is False
    assert await world.cards() == {card(n) for n in range(3)}


async def test_one_feed_does_not_touch_another(world: World) -> None:
    await world.load(rows(range(4)))
    await world.load(rows(range(2, 6)), feed="toinen")
    assert (await world.load(rows(range(3)))).dropped == 1
    assert set(await world.persons("toinen")) == {card(n) for n in range(2, 6)}
    assert (await world.columns(3, "toinen"))["deleted"] is False


async def test_the_last_row_of_a_card_counts(world: World) -> None:
    report = await world.load([row(1), row(1, restrictions=[BAN]), row(2), row(1, category="X")])
    assert (report.rows, report.duplicates, report.applied) == (4, 2, 2)
    one = await world.person(1)
    assert (one.category, one.restrictions) == ("X", ())


async def test_a_list_replaces_the_blocks_of_a_person(world: World) -> None:
    loan_ban: dict[str, object] = {"kind": "loan-ban"}
    own: dict[str, object] = {"kind": "self-service-block", "branch": "OLD"}
    await world.load([row(1, restrictions=[loan_ban, own]), row(2), row(3)])
    source = (await world.columns(1))["source"]
    report = await world.patch({1: [block(branch="ESI", until=TODAY)], 2: [], 9: [block()]})
    assert (report.patched, report.unchanged, report.unknown_patches) == (1, 1, 1)
    assert {(r.kind, r.branch) for r in (await world.person(1)).restrictions} == {
        (RestrictionKind.LOAN_BAN, None),
        (RestrictionKind.SELF_SERVICE_BLOCK, "OLD"),
        (RestrictionKind.SELF_SERVICE_BLOCK, "ESI"),
    }
    stored = await world.columns(1)
    assert stored["rchange"] == stored["change"]
    assert stored["turns"] == (TODAY + timedelta(days=1)).isoformat()
    assert stored["source"] == source
    assert await world.cards() == {card(n) for n in (1, 2, 3)}
    assert (await world.patch({1: []})).patched == 1
    left = {(r.kind, r.branch) for r in (await world.person(1)).restrictions}
    assert left == {
        (RestrictionKind.LOAN_BAN, None),
        (RestrictionKind.SELF_SERVICE_BLOCK, "OLD"),
    }, "a list takes away what a list brought, never what the register itself says"


async def test_a_new_card_of_a_patron_ends_the_old_one_at_once(world: World) -> None:
    patrons = [row(n, ref=f"b{n}") for n in range(1, 5)]
    await world.load(patrons, form="koha-patrons")
    report = await world.load([row(9, ref="b2")], delta=True, form="koha-patrons")
    assert (report.applied, report.deleted) == (1, 1)
    assert await world.cards() == {card(n) for n in (1, 3, 4, 9)}
    old, new = await world.columns(2), await world.columns(9)
    assert old["deleted"] is True
    assert old["rchange"] == old["change"] == new["change"]


async def test_a_feed_may_give_a_patron_two_cards(world: World) -> None:
    await world.load([row(1, ref="p"), row(2, ref="p")])
    await world.load([row(3, ref="p")], delta=True)
    assert await world.cards() == {card(n) for n in (1, 2, 3)}


async def test_a_new_file_of_persons_keeps_the_blocks_of_the_list(world: World) -> None:
    await world.load(rows(range(3)))
    await world.patch({1: [block()]})
    await world.load([row(0), row(1, category="NEW"), row(2)])
    one = await world.person(1)
    assert one.category == "NEW"
    assert [r.kind for r in one.restrictions] == [RestrictionKind.SELF_SERVICE_BLOCK]
    assert (await world.columns(1))["restricted"] is True


async def test_a_list_of_a_deleted_card_brings_nobody_back(world: World) -> None:
    await world.load(rows(range(3)))
    await world.load([row(1, deleted=True)], delta=True)
    assert (await world.patch({1: [block()]})).unknown_patches == 1
    assert (await world.columns(1))["deleted"] is True


async def test_ended_restrictions_are_not_kept(world: World) -> None:
    ended, last = (
        {"kind": "use-ban", "until": "2026-11-22"},
        {"kind": "lost", "until": "2026-11-23"},
    )
    await world.load([row(1, restrictions=[ended, last])])
    assert [r.kind for r in (await world.person(1)).restrictions] == [RestrictionKind.LOST]
    assert (await world.columns(1))["turns"] == "2026-11-24"


async def test_the_age_of_imports(world: World, database: Database) -> None:
    assert await import_ages(database, world.config, world.now) == {FEED: None, "toinen": None}
    await world.load(rows(range(3)))
    world.later(timedelta(hours=100))
    await world.load([row(1)], delta=True)
    await world.patch({1: []})
    with pytest.raises(InputError):
        await world.load([row(1, email="x")])
    assert (await world.load(["{"])).broken
    ages = await import_ages(database, world.config, world.now)
    assert ages == {FEED: timedelta(hours=100), "toinen": None}
    assert too_old(ages, world.config) == ("toinen",)
    world.later(timedelta(hours=21))
    ages = await import_ages(database, world.config, world.now)
    assert too_old(ages, world.config) == (FEED, "toinen")


async def test_records_of_imports_name_nobody_and_go_after_a_season(world: World) -> None:
    await world.load(['{"card": "20000001", "expires": "soon-20000001"}', row(2)])
    async with world.database.reading() as connection:
        told = repr([tuple(row) for row in await connection.execute(IMPORT.select())])
    assert '"bad":1' in told.replace(" ", "")
    assert card(1) not in told
    world.at = START + timedelta(days=100)
    await world.load([row(2)])
    async with world.database.reading() as connection:
        assert len((await connection.execute(IMPORT.select())).all()) == 1


async def test_a_feed_that_nobody_has_is_refused(world: World) -> None:
    with pytest.raises(InputError, match=r"kolmas: no feed of .*; there are esi, toinen"):
        await world.load(rows(range(3)), feed="kolmas")


async def test_progress_tells_each_stage(world: World) -> None:
    await world.load([*rows(range(20)), row(3, pin_hash=OTHER_BCRYPT)])
    stages = list(dict.fromkeys(one.stage for one in world.seen))
    assert stages == ["reading", "comparing", "writing"]
    last = world.seen[-1]
    assert last.done == last.total == 20
    reading = [one for one in world.seen if one.stage == "reading"]
    assert reading[-1].done == reading[-1].total > 0


async def test_a_request_of_a_list_is_told_by_its_format() -> None:
    assert ImportRequest(FEED, "blocklist-yml").patches
    assert not ImportRequest(FEED, "koha-patrons").patches

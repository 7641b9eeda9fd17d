"""Files that are not what they should be: bad rows, shrinking feeds, columns too many."""

from __future__ import annotations

import pytest

from kioskd.errors import InputError
from sync.feed_rows import BadRow
from sync.hub.imports.report import BROKEN_SHARE, SHOWN_FAULTS, ImportRequest
from sync.hub.imports.rows import PatchRow, Row
from tests.hub_imports.world import BAN, FEED, START, World, block, card, listed, row, rows


def bad(number: int) -> dict[str, object]:
    """A row whose card can be read, and nothing else."""
    return row(number, restrictions=[{"kind": "banned-for-life"}])


async def test_a_bad_row_is_named_by_its_line_and_left_out(world: World) -> None:
    report = await world.load([*rows(range(8)), row(8, expires="soon"), "{", row(9)])
    assert (report.rows, report.bad, report.applied, report.well) == (11, 2, 9, False)
    assert [fault.line for fault in report.faults] == [9, 10]
    assert report.faults[0].why.startswith("expires: wanted")
    assert card(8) not in await world.cards()


async def test_only_the_first_bad_rows_are_shown(world: World) -> None:
    report = await world.load([*rows(range(200)), *("{" for _ in range(50))])
    assert report.bad == 50
    assert len(report.faults) == SHOWN_FAULTS


@pytest.mark.parametrize("delta", [True, False])
async def test_a_card_whose_last_row_is_bad_is_withdrawn(world: World, delta: bool) -> None:
    """It may have been a ban: the milder word before it must not stand, in the hub or the file."""
    await world.load(rows(range(10)))
    report = await world.load([*rows(range(10)), bad(1), row(50), bad(50)], delta=delta)
    assert (report.bad, report.withdrawn, report.dropped, report.kept_back) == (2, 1, 0, 0)
    assert await world.cards() == {card(n) for n in range(10) if n != 1}
    assert (await world.columns(1))["deleted"] is True
    assert await world.columns(50) == {}
    again = await world.load(rows(range(10)))
    assert (again.applied, again.unchanged) == (1, 9)


async def test_a_good_row_after_a_bad_one_counts(world: World) -> None:
    await world.load(rows(range(10)))
    report = await world.load([*rows(range(2, 10)), row(0), bad(1), row(1, restrictions=[BAN])])
    assert (report.withdrawn, report.applied) == (0, 1)
    assert card(1) in await world.cards()


async def test_a_delta_of_one_bad_row_withdraws_its_card(world: World) -> None:
    await world.load(rows(range(10)))
    report = await world.load([bad(1)], delta=True)
    assert (report.broken, report.withdrawn, report.kept_back) == (True, 1, 0)
    assert card(1) not in await world.cards()


async def test_a_delta_that_is_bad_throughout_withdraws_nobody(world: World) -> None:
    await world.load(rows(range(100)))
    report = await world.load([bad(n) for n in range(50)], delta=True)
    assert (report.withdrawn, report.kept_back) == (0, 50)
    assert len(await world.cards()) == 100


async def test_a_file_that_is_a_third_bad_drops_nobody(world: World) -> None:
    await world.load(rows(range(100)))
    feed = [*rows(range(50), category="NEW"), *(bad(n) for n in range(50, 75))]
    report = await world.load(
        [*feed, row(0, deleted=True), row(1, restrictions=[BAN])], confirm=True
    )
    assert (report.broken, report.well, report.fresh) == (True, False, False)
    assert (report.dropped, report.withdrawn, report.kept_back) == (0, 0, 50)
    assert (report.applied, report.deleted) == (49, 1)
    assert len(await world.cards()) == 99
    assert (await world.person(1)).restrictions
    assert "mend the export" in report.advice()[0]


async def test_what_is_just_not_broken_drops(world: World) -> None:
    await world.load(rows(range(100)))
    good = 70
    report = await world.load([*rows(range(good)), *("{" for _ in range(100 - good))], confirm=True)
    assert report.bad == BROKEN_SHARE * report.rows
    assert (report.broken, report.dropped) == (False, 30)


async def test_a_shrinking_feed_applies_blocks_and_asks_before_it_drops(world: World) -> None:
    await world.load(rows(range(100)))
    small = [*rows(range(3, 40)), row(0, restrictions=[BAN]), row(1, deleted=True), row(2)]
    report = await world.load(small)
    assert (report.dropped, report.kept_back, report.well) == (0, 60, False)
    assert (report.applied, report.deleted) == (1, 1)
    assert (await world.person(0)).restrictions
    assert len(await world.cards()) == 99
    assert "60 cards wait" in report.advice()[0]
    assert "--confirm-shrink" in report.advice()[0]
    confirmed = await world.load(small, confirm=True)
    assert (confirmed.dropped, confirmed.kept_back, confirmed.well) == (60, 0, True)
    assert await world.cards() == {card(n) for n in range(40) if n != 1}


async def test_an_empty_file_drops_nobody_by_itself(world: World) -> None:
    await world.load(rows(range(1)))
    report = await world.load([])
    assert (report.dropped, report.kept_back) == (0, 1)
    assert (await world.load([], confirm=True)).dropped == 1
    assert await world.cards() == set()


async def test_half_of_a_feed_may_go(world: World) -> None:
    await world.load(rows(range(10)))
    report = await world.load(rows(range(5)))
    assert (report.dropped, report.kept_back) == (5, 0)


async def test_deletions_in_words_count_towards_a_crowd(world: World) -> None:
    await world.load(rows(range(10)))
    gone = [row(n, deleted=True) for n in range(4)]
    report = await world.load([*gone, *rows(range(6, 10))])
    assert (report.deleted, report.dropped, report.kept_back) == (4, 0, 2)


async def test_unknown_columns_refuse_the_whole_file(world: World) -> None:
    await world.load(rows(range(4)))
    before = await world.changes()
    feed = [row(0, restrictions=[BAN]), *rows(range(1, 3000)), row(7, birth_date="2010-01-01")]
    with pytest.raises(InputError, match=r"birth_date: personal data(.|\n)*nothing was loaded"):
        await world.load(feed)
    assert await world.changes() == before
    assert not (await world.person(0)).restrictions


async def test_a_file_that_is_not_there_is_named_and_lets_go_of_the_lock(world: World) -> None:
    with pytest.raises(InputError, match=r"gone\.jsonl: no such file"):
        await world.run(ImportRequest(FEED), world.parser(world.home / "gone.jsonl"))
    assert await world.leases() == 0
    assert (await world.load(rows(range(3)))).applied == 3


async def test_a_bad_row_of_a_list_leaves_its_person_alone(world: World) -> None:
    await world.load([row(n, restrictions=[{"kind": "self-service-block"}]) for n in range(9)])
    given: list[Row] = [
        PatchRow(1, card(1), ()),
        BadRow(2, "no", card(1)),
        BadRow(3, "no", card(2)),
    ]
    given += [PatchRow(4, card(3), (block(branch="ESI"),))]
    parser = listed(given)
    report = await world.run(ImportRequest(FEED, "blocklist-csv"), lambda _: parser)
    assert (report.withdrawn, report.patched, report.kept_back, report.well) == (0, 1, 0, False)
    assert len(await world.cards()) == 9
    assert all(person.restrictions for person in (await world.persons()).values())


async def test_a_report_names_no_card(world: World) -> None:
    report = await world.load(['{"card": "20000001", "language": "20000001!"}', bad(2)])
    assert card(1) not in repr(report)
    assert card(2) not in repr(report)
    assert world.at == START

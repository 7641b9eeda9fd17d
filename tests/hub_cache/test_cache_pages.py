"""Pages of changes: rows and cursor together, restrictions at once, and the age of the cache."""

import asyncio
from collections.abc import Iterable
from contextlib import closing
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kioskd.daemon.verifier_kinds import site_verifier
from kioskd.domain.credential import Credential, Restriction, RestrictionKind
from kioskd.errors import InputError
from kioskd.store import generations
from kioskd.store.state import StateDatabase
from sync.line_ports import Applied, Held
from tests.hub_cache.place import HUB, NOW, Place, gone, line, restricted, restrictions_of, trailer

BAN = Restriction(RestrictionKind.USE_BAN)
BLOCK = Restriction(RestrictionKind.SELF_SERVICE_BLOCK)


async def test_a_page_changes_adds_and_removes_and_brings_its_cursor(place: Place) -> None:
    await place.load(1, 2, 3)
    applied = await place.apply(line(2, expires="2027-05-31"), line(4), gone(3), gone(9))
    assert applied == Applied(put=2, removed=1)
    assert await place.cache.held() == Held(HUB, "c2", "", 3)
    changed = place.credential(2)
    assert changed is not None
    assert changed.expires == date(2027, 5, 31)
    assert place.known(1, 2, 3, 4) == [1, 2, 4]


async def test_of_a_bad_line_the_card_is_left_out_and_the_rest_counts(place: Place) -> None:
    await place.load(1, 2)
    applied = await place.apply(line(1, expires="never"), line(3), b"nonsense\n")
    assert applied == Applied(put=1, removed=1, bad=2)
    assert place.known(1, 2, 3) == [2, 3]


async def test_a_page_that_continues_another_cache_is_refused(place: Place) -> None:
    page = [line(2)]
    with pytest.raises(InputError, match="no cache that could be changed; take a snapshot"):
        await place.cache.apply(page, trailer(page, "c2"))
    await place.load(1)
    with pytest.raises(InputError, match="does not continue the cache; take a snapshot"):
        await place.cache.apply(page, trailer(page, "c2", generation="hub-2"))
    place.feed(line(1))
    for change in (place.apply(*page), place.cache.touch(trailer())):
        with pytest.raises(InputError, match="take a snapshot"):
            await change
    assert place.known(1, 2) == [1]


async def test_a_restriction_binds_and_lifts_without_touching_the_rest(place: Place) -> None:
    await place.load(1, 2)
    before = place.credential(1)
    said = restricted(1, "use-ban", "self-service-block")
    assert await place.restrict(said, cursor="r1") == Applied(put=1)
    assert restrictions_of(place, 1) == (BAN, BLOCK)
    assert restrictions_of(place, 2) == ()
    assert await place.restrict(restricted(1), cursor="r2") == Applied(put=1)
    assert place.credential(1) == before
    assert await place.cache.held() == Held(HUB, "c1", "r2", 2)


async def test_a_restriction_comes_with_until_branch_and_code(place: Place) -> None:
    await place.load(1)
    ban = {"kind": "use-ban", "until": "2027-01-31", "branch": "ESI", "code": "account-locked"}
    await place.restrict(restricted(1, restrictions=[ban]))
    full = Restriction(RestrictionKind.USE_BAN, date(2027, 1, 31), "ESI", "account-locked")
    assert restrictions_of(place, 1) == (full,)


async def test_a_card_that_is_not_here_is_none_of_ours(place: Place) -> None:
    await place.load(1)
    said = [restricted(7, "use-ban"), restricted(8, deleted=True)]
    assert await place.restrict(*said) == Applied()
    assert place.known(1, 7, 8) == [1]
    assert (await place.cache.held()).restrictions == "r1"


async def test_a_deleted_card_goes_with_the_restrictions_already(place: Place) -> None:
    await place.load(1, 2)
    assert await place.restrict(restricted(1, deleted=True)) == Applied(removed=1)
    assert place.known(1, 2) == [2]
    assert (await place.cache.held()).count == 1


@pytest.mark.parametrize(
    "said",
    [
        restricted(1, "a-kind-of-next-year"),
        restricted(1, restrictions=[{"kind": "use-ban", "hours": "evening"}]),
        restricted(1, restrictions=[{"kind": "use-ban", "branch": "two words"}]),
        restricted(1, *["use-ban"] * 33),
        restricted(1, restrictions="use-ban"),
    ],
)
async def test_a_restriction_that_is_not_understood_takes_the_card_out(
    place: Place, said: bytes
) -> None:
    await place.load(1, 2)
    assert await place.restrict(said) == Applied(removed=1, bad=1)
    assert place.known(1, 2) == [2]


async def test_lines_of_nobody_are_counted(place: Place) -> None:
    await place.load(1)
    said = [b"nonsense\n", b"[]\n", b'{"card": 7}\n', b'{"card": "x"}\n', restricted(1, "fees")]
    assert await place.restrict(*said) == Applied(put=1, bad=4)


async def test_the_same_restrictions_again_write_no_row(place: Place) -> None:
    await place.load(1)
    await place.restrict(restricted(1, "use-ban"), cursor="r1")
    before = generations.read_current(place.directory)
    assert await place.restrict(restricted(1, "use-ban"), cursor="r1") == Applied()
    assert generations.read_current(place.directory) == before
    await place.restrict(restricted(1, "use-ban"), cursor="r2")
    after = generations.read_current(place.directory)
    assert before is not None
    assert after is not None
    assert after.same_rows(before)  # the door need not read it anew
    assert (await place.cache.held()).restrictions == "r2"


async def test_restrictions_of_another_generation_bind_and_their_cursor_is_not_kept(
    place: Place,
) -> None:
    place.feed(line(1))
    await place.restrict(restricted(1, "use-ban"))
    assert restrictions_of(place, 1) == (BAN,)
    assert await place.cache.held() == Held(count=1)


async def test_restrictions_do_not_make_the_credentials_younger(place: Place) -> None:
    await place.load(1)
    synced = place.meta().synced
    place.clock.on(timedelta(days=1))
    await place.restrict(restricted(1, "use-ban"))
    assert place.meta().synced == synced


# PINs of staff


def enrol(place: Place, *numbers: int) -> None:
    place.directory.mkdir(exist_ok=True)
    with closing(StateDatabase(place.directory, _unseal)) as state:
        for number in numbers:
            state.put_enrolled(place.state_index(number), b"sealed")


def enrolled(place: Place, numbers: Iterable[int]) -> list[int]:
    with closing(StateDatabase(place.directory, _unseal)) as state:
        cards = state.enrolled_cards()
    return [number for number in numbers if place.state_index(number) in cards]


def _unseal(index: bytes, sealed: bytes) -> Credential:
    raise AssertionError


async def test_lost_and_deleted_cards_lose_the_pin_that_staff_gave(place: Place) -> None:
    await place.load(1, 2, 3, 4)
    enrol(place, 1, 2, 3, 4, 5, 6)
    await place.restrict(
        restricted(1, "lost"),
        restricted(2, deleted=True),
        restricted(3, "use-ban"),
        restricted(5, "lost"),  # not in the cache
    )
    assert enrolled(place, range(1, 7)) == [3, 4, 6]
    await place.apply(line(3, restrictions=[{"kind": "lost"}]), gone(4))
    assert enrolled(place, range(1, 7)) == [6]


# Age


async def test_an_idle_pull_is_written_down_every_ten_minutes(place: Place) -> None:
    await place.load(1)
    await place.apply(line(1))
    before = generations.read_current(place.directory)
    place.clock.on(timedelta(minutes=9))
    await place.cache.touch(trailer(cursor="c3"))
    assert generations.read_current(place.directory) == before
    assert place.meta().synced.wall == NOW
    place.clock.on(timedelta(minutes=2))
    await place.cache.touch(trailer(cursor="c3"))
    assert place.meta().synced == place.clock.moment()
    assert (await place.cache.held()).credentials == "c3"


async def test_positions_that_moved_over_nothing_are_written_down_as_rarely(place: Place) -> None:
    """Every change at the hub moves them, of whatever branch."""
    await place.load(1)
    await place.apply(line(1))
    before = generations.read_current(place.directory)
    for _ in range(3):
        await place.restrict(cursor="r5")
        await place.apply(cursor="c5")
    assert generations.read_current(place.directory) == before
    place.clock.on(timedelta(minutes=11))
    await place.restrict(cursor="r6")
    await place.apply(cursor="c6")
    assert await place.cache.held() == Held(HUB, "c6", "r6", 1)
    after = generations.read_current(place.directory)
    assert before is not None
    assert after is not None
    assert after.same_rows(before)


async def test_a_door_learns_of_a_touch_without_a_fact_of_it(place: Place) -> None:
    await place.load(1)
    await place.apply(line(1))
    with place.door() as door:
        place.clock.on(timedelta(hours=1))
        await place.cache.touch(trailer())
        assert not await door.cache.refresh()
        assert door.cache.state().synced == place.clock.moment()
        assert door.find(1) is not None
        await place.restrict(restricted(1, "use-ban"))
        assert await door.cache.refresh()


async def test_a_page_with_more_behind_it_makes_nothing_younger(place: Place) -> None:
    await place.load(1)
    synced = place.meta().synced
    await place.apply(line(2), cursor="c2", more=True)
    assert (place.meta().synced, place.meta().credentials_cursor) == (synced, "c2")
    await place.apply(line(3), cursor="c3")
    assert place.meta().synced == place.clock.moment()


async def test_a_clock_that_went_back_does_not_keep_the_cache_young(place: Place) -> None:
    await place.load(1)
    await place.apply(line(1))
    place.clock.wall -= timedelta(days=3)
    place.clock.boot = 5.0
    await place.cache.touch(trailer())
    assert place.meta().synced == place.clock.moment()


# Property: pages in any order of kinds leave what the register said last

_KINDS = st.lists(st.sampled_from(["use-ban", "fees", "lost"]), max_size=2, unique=True)
_STEP: st.SearchStrategy[tuple[str, int, list[str]]] = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 3), _KINDS),
    st.tuples(st.just("restrict"), st.integers(0, 3), _KINDS),
    st.tuples(st.just("delete"), st.integers(0, 3), st.just(list[str]())),
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("kept"))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(_STEP, max_size=6))
def test_the_last_word_on_each_card_stands(
    kept: Place, steps: list[tuple[str, int, list[str]]]
) -> None:
    asyncio.run(_as_said(kept, steps))


async def _as_said(kept: Place, steps: list[tuple[str, int, list[str]]]) -> None:
    kept.cache = type(kept.cache)(kept.config, kept.clock.moment)
    if not (await kept.cache.held()).credentials:
        await kept.load(0, 1, 2, 3)
    await kept.apply(*(line(n) for n in range(4)))
    model: dict[int, list[str]] = {n: [] for n in range(4)}
    for what, number, kinds in steps:
        said = [{"kind": kind} for kind in kinds]
        if what == "put":
            await kept.apply(line(number, restrictions=said))
            model[number] = kinds
        elif what == "delete":
            await kept.apply(gone(number))
            model.pop(number, None)
        else:
            await kept.restrict(restricted(number, *kinds))
            model.update({number: kinds} if number in model else {})
    with kept.door() as door:
        found = {n: door.find(n) for n in range(4)}
    there = {n: [str(r.kind) for r in c.restrictions] for n, c in found.items() if c is not None}
    assert there == model
    assert (await kept.cache.held()).count == len(model)
    assert site_verifier(kept.meta().verifiers) is not None or not model

"""What is owed to the hub leaves in order, and each row is settled for itself."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.errors import RegisterError
from sync.hub_faults import HubFault
from sync.hub_wire import Event, EventResult
from sync.line_ports import OwedActivity
from sync.pusher import GIVEN_UP_MOST, Pusher, of_one_journal
from tests.hub_line.parts import FakeHub, FakeOutbox, down, event


def ids(*numbers: int) -> set[str]:
    return {f"id-{number}" for number in numbers}


def owed(*refs: str) -> list[OwedActivity]:
    return [OwedActivity(ref.encode(), ref, "2026-11-23") for ref in refs]


async def test_events_go_in_their_order_and_are_delivered() -> None:
    hub, outbox = FakeHub(), FakeOutbox(5)
    pushed = await Pusher(hub, outbox).turn()
    assert hub.took == ["id-1", "id-2", "id-3", "id-4", "id-5"]
    assert (outbox.through, pushed.delivered, pushed.more) == (5, 5, False)


async def test_nothing_owed_asks_nobody() -> None:
    hub = FakeHub()
    await Pusher(hub, FakeOutbox()).turn()
    assert hub.calls == []


async def test_a_full_batch_says_that_there_may_be_more() -> None:
    hub, outbox = FakeHub(), FakeOutbox(5)
    pusher = Pusher(hub, outbox, batch=3)
    assert (await pusher.turn()).more
    assert outbox.through == 3
    assert not (await pusher.turn()).more
    assert outbox.through == 5


async def test_what_was_sent_before_a_crash_is_a_duplicate_and_delivered() -> None:
    hub, outbox = FakeHub(took=["id-1", "id-2"]), FakeOutbox(3)
    pushed = await Pusher(hub, outbox).turn()
    assert hub.took == ["id-1", "id-2", "id-3"]
    assert (pushed.delivered, pushed.dead) == (3, 0)


async def test_a_rejected_event_is_dead_with_its_reason_and_the_others_go() -> None:
    hub, outbox = FakeHub(rejects={"id-2": "kind:\nwhat is that"}), FakeOutbox(3)
    pushed = await Pusher(hub, outbox).turn()
    assert outbox.dead == [(2, "kind:?what is that")]
    assert (outbox.through, pushed.delivered, pushed.dead) == (3, 2, 1)


async def test_a_hub_that_is_down_settles_nothing() -> None:
    hub, outbox = FakeHub(refuse=down), FakeOutbox(3)
    with pytest.raises(RegisterError):
        await Pusher(hub, outbox).turn()
    assert outbox.through == 0


RESULTS = [EventResult(f"id-{number}", "accepted") for number in (1, 2, 3)]


@pytest.mark.parametrize(
    "results",
    [
        [],
        RESULTS[:2],
        [*RESULTS, EventResult("id-4", "accepted")],
        [RESULTS[0], RESULTS[0], RESULTS[2]],
        [RESULTS[1], RESULTS[0], RESULTS[2]],
        [EventResult(f"other-{number}", "accepted") for number in (1, 2, 3)],
    ],
)
async def test_an_answer_about_other_rows_settles_none(results: list[EventResult]) -> None:
    class Confused(FakeHub):
        async def events(self, events: Sequence[Event]) -> list[EventResult]:
            return results

    outbox = FakeOutbox(3)
    with pytest.raises(RegisterError, match="other rows"):
        await Pusher(Confused(), outbox).turn()
    assert (outbox.through, outbox.dead) == (0, [])


async def test_a_batch_that_is_refused_is_halved_until_the_guilty_row_stands_alone() -> None:
    hub, outbox = FakeHub(poison=ids(7)), FakeOutbox(1000)
    pushed = await Pusher(hub, outbox).turn()
    assert [seq for seq, _ in outbox.dead] == [7]
    assert (outbox.through, pushed.delivered) == (1000, 999)
    assert len(hub.calls) < 30


async def test_a_hub_that_refuses_everything_does_not_empty_the_outbox() -> None:
    hub, outbox = FakeHub(poison=ids(*range(1, 101))), FakeOutbox(100)
    pusher = Pusher(hub, outbox)
    for _ in range(5):
        with pytest.raises(HubFault, match="versions that fit"):
            await pusher.turn()
    assert len(outbox.dead) == GIVEN_UP_MOST
    hub.poison = set()
    await pusher.turn()
    assert (outbox.through, len(outbox.dead)) == (100, GIVEN_UP_MOST)


async def test_many_guilty_rows_in_a_row_do_not_stop_those_behind_them() -> None:
    hub, outbox = FakeHub(poison=ids(*range(1, 41))), FakeOutbox(100)
    pushed = await Pusher(hub, outbox).turn()
    assert (outbox.through, pushed.dead, pushed.delivered) == (100, 40, 60)
    assert sorted(hub.took) == sorted(ids(*range(41, 101)))


async def test_a_fault_in_mid_halving_keeps_what_was_settled() -> None:
    hub, outbox = FakeHub(poison=ids(8)), FakeOutbox(8)
    pusher, real = Pusher(hub, outbox), hub.events

    async def failing(events: Sequence[Event]) -> list[EventResult]:
        if len(hub.calls) == 2:
            hub.fail("events", down())
        return await real(events)

    hub.events = failing  # type: ignore[method-assign]
    with pytest.raises(RegisterError):
        await pusher.turn()
    assert outbox.through == 4
    await pusher.turn()
    assert (outbox.through, [seq for seq, _ in outbox.dead]) == (8, [8])


async def test_activities_are_told_by_their_places_and_strange_ones_end() -> None:
    hub = FakeHub(rejects={"b@2026-11-23": "unknown ref"})
    outbox = FakeOutbox(0, owed("a", "b", "c"))
    pushed = await Pusher(hub, outbox).turn()
    assert (outbox.owed, pushed.activities, pushed.strange) == ([], 2, 1)


async def test_an_activity_that_breaks_the_batch_is_found() -> None:
    hub = FakeHub(poison={"b@2026-11-23"})
    outbox = FakeOutbox(0, owed("a", "b", "c", "d"))
    pushed = await Pusher(hub, outbox).turn()
    assert (outbox.owed, pushed.activities, pushed.strange) == ([], 3, 1)


def test_numbers_of_two_journals_are_never_in_one_batch() -> None:
    old, new = [event(8), event(9)], [event(1, "k"), event(2, "k")]
    assert of_one_journal([*old, *new]) == old
    assert of_one_journal(new) == new
    assert of_one_journal([]) == []


async def test_the_rows_of_a_new_journal_wait_for_a_turn_of_their_own() -> None:
    hub, outbox = FakeHub(), FakeOutbox()
    outbox.rows = [event(8, "old"), event(9, "old"), event(10, "new")]
    pushed = await Pusher(hub, outbox).turn()
    assert (hub.took, outbox.through, pushed.more) == (["id-8", "id-9"], 9, True)


@given(
    st.integers(1, 60),
    st.sets(st.integers(1, 60)),
    st.sets(st.integers(1, 60)),
    st.sets(st.integers(1, 60)),
    st.integers(1, 20),
)
async def test_whatever_is_guilty_every_row_ends_once(
    count: int, guilty: set[int], unwanted: set[int], known: set[int], batch: int
) -> None:
    hub = FakeHub(
        poison=ids(*guilty),
        rejects=dict.fromkeys(ids(*unwanted), "no"),
        took=sorted(ids(*known)),
    )
    outbox = FakeOutbox(count)
    pusher = Pusher(hub, outbox, batch)
    delivered = dead = 0
    try:
        while await outbox.waiting():
            pushed = await pusher.turn()
            delivered, dead = delivered + pushed.delivered, dead + pushed.dead
    except HubFault:
        # Only where a whole stretch, its last row included, is refused.
        assert len(guilty) > GIVEN_UP_MOST
        return
    here = set(range(1, count + 1))
    gone = here & (guilty | unwanted)
    assert {seq for seq, _ in outbox.dead} == gone
    assert (delivered, dead) == (count - len(gone), len(gone))
    assert ids(*(here - gone)) <= set(hub.took)
    assert len(hub.took) == len(set(hub.took))

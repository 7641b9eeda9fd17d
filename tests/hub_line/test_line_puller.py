"""What a pull brings into the cache, and what it never does."""

import pytest

from drivers.fakes import FakeClock
from kioskd.errors import InputError, RegisterError, StoreError
from sync.hub_faults import CursorGone, HubFault, RequestRefused, StreamDamaged, Why, bad_answer
from sync.line_ports import Held
from sync.puller import FORCED_MOST, FORCED_SECONDS, Puller
from tests.hub_line.parts import FakeCache, FakeHub, down

ROWS = [b"r%d" % number for number in range(1, 8)]
AT_FOUR = Held("g1", "g1:4", "g1:0")


def damaged() -> HubFault:
    return StreamDamaged("the digest is wrong")


def setting(
    held: Held | None = AT_FOUR, rows: int = 4
) -> tuple[FakeHub, FakeCache, FakeClock, Puller]:
    hub, clock = FakeHub(list(ROWS)), FakeClock()
    cache = FakeCache(ROWS[:rows], held)
    return hub, cache, clock, Puller(hub, cache, clock)


async def test_a_pull_brings_what_changed_restrictions_first() -> None:
    hub, cache, _, puller = setting()
    hub.bans = [b"ban"]
    pulled = await puller.turn()
    assert cache.rows == ROWS
    assert cache.bans == [b"ban"]
    assert cache.did == ["restrict", "apply", "touch"]
    assert (pulled.put, pulled.restricted, pulled.pages, pulled.snapshot) == (4, 1, 2, False)
    assert cache.position == Held("g1", "g1:7", "g1:1")


async def test_several_pages_each_with_its_cursor() -> None:
    hub, cache, _, puller = setting()
    hub.page = 1
    await puller.turn()
    assert cache.did == ["apply", "apply", "apply", "touch"]
    assert cache.rows == ROWS


async def test_nothing_new_writes_nothing_but_the_age() -> None:
    _, cache, _, puller = setting(Held("g1", "g1:7", "g1:0"), 7)
    pulled = await puller.turn()
    assert cache.did == ["touch"]
    assert not pulled.changed


async def test_a_position_that_moved_without_lines_is_kept() -> None:
    hub, cache, _, puller = setting(Held("g1", "g1:0", "g1:0"), 1)
    hub.rows = []
    hub.cursor = lambda place: "g1:9"  # type: ignore[method-assign]
    await puller.turn()
    assert cache.position == Held("g1", "g1:9", "g1:9")


async def test_the_first_pull_is_a_snapshot_with_its_trailer_as_the_last_line() -> None:
    hub, cache, _, puller = setting(None, 0)
    pulled = await puller.turn()
    assert hub.calls == ["snapshot", "snapshot-end"]
    assert (pulled.snapshot, pulled.put, pulled.generation) == (True, 7, "g1")
    assert cache.rows == ROWS
    assert cache.sinks[0].state == "finished"


async def test_after_a_snapshot_restrictions_go_on_from_it_and_keep_a_cursor_of_their_own() -> None:
    hub, cache, _, puller = setting(Held("g1", "g1:4", ""))
    hub.bans = [b"ban-%d" % number for number in range(1, 6)]
    await puller.turn()
    assert cache.bans == [b"ban-5"]
    assert cache.position.restrictions == "g1:5"


async def test_a_restrictions_cursor_is_kept_even_when_nothing_came() -> None:
    hub, cache, _, puller = setting(Held("g1", "g1:4", ""))
    hub.bans = [b"ban-%d" % number for number in range(1, 5)]
    await puller.turn()
    assert cache.position.restrictions == "g1:4"


async def test_blocks_do_not_wait_for_a_snapshot() -> None:
    hub, cache, _, puller = setting(Held())
    hub.bans = [b"ban-1", b"ban-2"]
    await puller.turn()
    assert cache.did == ["restrict", "snapshot"]
    assert hub.calls[:2] == ["restrictions", "snapshot"]


async def test_a_cursor_that_is_gone_leads_to_a_snapshot() -> None:
    hub, cache, _, puller = setting()
    hub.generation = "g2"
    hub.bans = [b"ban"]
    pulled = await puller.turn()
    assert cache.did == ["drop_positions", "restrict", "snapshot"]
    assert cache.rows == ROWS
    assert cache.position.generation == "g2"
    assert pulled.forced


async def test_another_generation_on_the_same_cursor_leads_to_a_snapshot() -> None:
    _, cache, _, puller = setting(Held("g0", "g1:4", "g1:0"))
    await puller.turn()
    assert "apply" not in cache.did
    assert cache.position.generation == "g1"


async def test_a_position_that_the_hub_calls_wrong_leads_to_a_snapshot() -> None:
    hub, cache, _, puller = setting()
    hub.fail("credentials", RequestRefused("400"))
    assert (await puller.turn()).snapshot
    assert "drop_positions" in cache.did


async def test_a_damaged_page_is_asked_for_again_and_nothing_of_it_is_kept() -> None:
    hub, cache, _, puller = setting()
    hub.fail("credentials", damaged())
    pulled = await puller.turn()
    assert hub.calls == ["restrictions", "credentials", "credentials"]
    assert (cache.rows, pulled.snapshot) == (ROWS, False)


async def test_a_page_damaged_twice_leads_to_a_snapshot() -> None:
    hub, cache, _, puller = setting()
    hub.fail("credentials", damaged(), damaged())
    pulled = await puller.turn()
    assert pulled.snapshot
    assert "drop_positions" not in cache.did
    assert cache.rows == ROWS


async def test_a_snapshot_damaged_twice_leaves_the_old_cache() -> None:
    hub, cache, _, puller = setting(Held())
    hub.fail("snapshot-end", damaged(), damaged())
    with pytest.raises(StreamDamaged):
        await puller.turn()
    assert [sink.state for sink in cache.sinks] == ["abandoned", "abandoned"]
    assert all(b"sha256" not in sink.data for sink in cache.sinks)
    assert cache.rows == ROWS[:4]


async def test_a_snapshot_that_breaks_off_is_abandoned_and_no_sink_is_made_for_a_silent_hub() -> (
    None
):
    hub, cache, _, puller = setting(None, 0)
    hub.fail("snapshot", down())
    hub.fail("snapshot-end", down())
    for _ in range(2):
        with pytest.raises(RegisterError):
            await puller.turn()
    assert [sink.state for sink in cache.sinks] == ["abandoned"]


@pytest.mark.parametrize("fault", [damaged(), bad_answer("too many")])
async def test_blocks_that_cannot_be_read_do_not_keep_a_snapshot_away(fault: HubFault) -> None:
    hub, cache, _, puller = setting(Held())
    hub.fail("restrictions", fault, fault)
    assert (await puller.turn()).snapshot
    assert cache.rows == ROWS


async def test_a_hub_that_goes_away_before_the_blocks_are_here_is_not_asked_for_more() -> None:
    hub, _, _, puller = setting(Held())
    hub.fail("restrictions", down())
    with pytest.raises(RegisterError):
        await puller.turn()
    assert "snapshot" not in hub.calls


async def test_an_empty_snapshot_over_a_full_cache_is_refused_and_told() -> None:
    hub, cache, _, puller = setting(Held())
    hub.rows = []
    with pytest.raises(InputError, match="nothing would be left"):
        await puller.turn()
    assert cache.sinks[0].state == "abandoned"
    assert cache.rows == ROWS[:4]


async def test_a_network_fault_is_no_reason_for_a_snapshot() -> None:
    hub, cache, _, puller = setting()
    hub.fail("credentials", HubFault(Why.BROKEN_OFF, "cut"))
    with pytest.raises(RegisterError):
        await puller.turn()
    assert "snapshot" not in hub.calls
    assert cache.position == AT_FOUR


async def test_a_full_disk_is_nobody_elses_fault() -> None:
    hub, cache, _, puller = setting()
    cache.fault = StoreError("full")
    with pytest.raises(StoreError):
        await puller.turn()
    assert "snapshot" not in hub.calls


async def test_hubs_that_do_not_know_each_others_cursors_do_not_cost_a_snapshot_a_turn() -> None:
    hub, _, clock, puller = setting()
    for _ in range(FORCED_MOST):
        hub.fail("restrictions", CursorGone("gone"))
        assert (await puller.turn()).snapshot
    hub.fail("restrictions", CursorGone("gone"))
    with pytest.raises(HubFault, match="several hubs"):
        await puller.turn()
    assert hub.calls.count("snapshot") == FORCED_MOST
    await clock.advance(FORCED_SECONDS)
    hub.fail("restrictions", CursorGone("gone"))
    assert (await puller.turn()).snapshot


async def test_a_hub_that_always_has_more_and_never_gets_on_is_left() -> None:
    hub, cache, _, puller = setting()
    hub.cursor = lambda place: "g1:4"  # type: ignore[method-assign]
    hub.page = 1
    with pytest.raises(RegisterError, match="does not get on"):
        await puller.turn()
    assert cache.did[-1] != "touch"

"""A snapshot of the hub: the old cache or the new one, whatever happens on the way."""

import asyncio
import hashlib
import json
from collections.abc import Callable

import pytest

from kioskd.errors import InputError, StoreError
from kioskd.store import generations
from sync.hub_wire import MAX_LINE, Trailer
from sync.line_ports import Applied, Held
from tests.hub_cache.place import HUB, Place, gone, line, stream, trailer


async def test_a_first_snapshot_makes_a_cache_that_a_door_reads(place: Place) -> None:
    assert await place.cache.held() == Held()
    assert await place.load(1, 2, 3) == Applied(put=3)
    assert place.known(1, 2, 3, 4) == [1, 2, 3]
    assert await place.cache.held() == Held(HUB, "c1", "", 3)
    assert place.meta().source == "hub"


async def test_a_snapshot_takes_the_place_of_all_that_was_there(place: Place) -> None:
    await place.load(1, 2, 3)
    await place.load(2, 4, cursor="c9")
    assert place.known(1, 2, 3, 4) == [2, 4]
    assert (await place.cache.held()).credentials == "c9"
    assert len([name for name in place.files() if name.endswith(".db")]) == 1


async def test_the_restrictions_go_on_where_the_hub_is_the_same(place: Place) -> None:
    await place.load(1)
    await place.restrict(cursor="r7")
    await place.load(1, 2, cursor="c5")
    assert await place.cache.held() == Held(HUB, "c5", "r7", 2)
    lines = [line(1)]
    await place.take(stream(lines, trailer(lines, "x1", generation="hub-2")))
    assert await place.cache.held() == Held("hub-2", "x1", "", 1)


async def test_a_line_that_cannot_be_used_leaves_out_its_card_alone(place: Place) -> None:
    lines = [line(1), line(2, expires="never"), b"nonsense\n", line(3), gone(4)]
    assert await place.take(stream(lines)) == Applied(put=2, removed=1, bad=2)
    assert place.known(1, 2, 3) == [1, 3]


async def test_what_a_newer_hub_says_beyond_this_is_not_taken(place: Place) -> None:
    lines = [line(1, nickname="Maija"), line(2)]
    assert await place.take(stream(lines)) == Applied(put=2)
    assert place.known(1, 2) == [1, 2]
    assert all(b"Maija" not in path.read_bytes() for path in place.directory.iterdir())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body[: len(body) // 2],
        lambda body: body[:-2],
        lambda body: b"".join(body.splitlines(keepends=True)[:-1]),
        lambda body: b"".join(body.splitlines(keepends=True)[1:]),
        lambda body: body.replace(b'"r2"', b'"r9"'),
        lambda body: line(9) + body,
        lambda body: body + line(9),
        lambda body: b"",
        lambda body: b"\n",
        lambda body: body.replace(b'"count": 3', b'"count": "3"'),
        lambda body: b'{"card": "' + b"x" * MAX_LINE + b'"}\n' + body,
        lambda body: b"<html><body>Welcome</body></html>\n",
    ],
)
async def test_a_spoilt_snapshot_leaves_the_cache_as_it_was(
    place: Place, spoil: Callable[[bytes], bytes]
) -> None:
    await place.load(1, 2)
    before = place.files(), await place.cache.held()
    body = stream([line(n) for n in (2, 3, 4)])
    with pytest.raises(InputError, match="nothing was loaded"):
        await place.take(spoil(body))
    assert (place.files(), await place.cache.held()) == before
    assert place.known(1, 2, 3, 4) == [1, 2]


async def test_nothing_never_takes_the_place_of_something(place: Place) -> None:
    assert await place.take(stream([])) == Applied()  # a branch that has nobody yet
    await place.load(1)
    with pytest.raises(InputError, match="no credential that could be used, and the cache has 1"):
        await place.take(stream([]))
    assert place.known(1) == [1]


async def test_where_the_bytes_are_cut_does_not_matter(place: Place) -> None:
    assert await place.take(stream([line(n) for n in range(5)]), size=7) == Applied(put=5)


async def test_abandoned_at_any_time_and_twice_nothing_is_left(place: Place) -> None:
    await place.load(1)
    before = place.files()
    sink = await place.cache.snapshot()
    await sink.write(stream([line(2)])[:40])
    await sink.abandon()
    await sink.abandon()
    assert place.files() == before
    assert await place.load(1, 2) == Applied(put=2)


async def test_while_a_feed_is_imported_the_line_waits_its_turn(place: Place) -> None:
    await place.load(1)
    with generations.import_lock(place.directory):
        for change in (place.load(1, 2), place.apply(line(2)), place.restrict(line(1))):
            with pytest.raises(StoreError, match="another feed import is running") as caught:
                await change
            assert caught.value.transient
    assert place.known(1, 2) == [1]


async def test_a_process_that_was_killed_is_told_as_such(place: Place) -> None:
    sink = await place.cache.snapshot()
    sink._child.kill()  # type: ignore[attr-defined]
    await sink._child.wait()  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match=r"ended from outside \(signal 9\)"):  # noqa: PT012
        for _ in range(100):
            await sink.write(line(1) * 1000)
        await sink.finish()
    await sink.abandon()


async def test_the_digest_is_over_the_lines_with_their_line_feeds(place: Place) -> None:
    lines = [line(1), line(2)]
    digest = hashlib.sha256()
    for one in lines:
        digest.update(json.dumps(json.loads(one)).encode() + b"\n")
    said = Trailer("c1", more=False, generation=HUB, count=2, sha256=digest.hexdigest())
    assert await place.take(stream(lines, said)) == Applied(put=2)


async def test_two_snapshots_at_once_do_not_harm_each_other(place: Place) -> None:
    done = await asyncio.gather(place.load(1), place.load(1, 2), return_exceptions=True)
    for one in done:
        assert isinstance(one, Applied | StoreError)
    assert (await place.load(1, 2, 3)).put == 3
    assert place.known(1, 2, 3) == [1, 2, 3]

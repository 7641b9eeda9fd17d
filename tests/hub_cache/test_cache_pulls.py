"""The puller over a real cache: whatever became of the cache, one or two turns make it whole."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from drivers.fakes import FakeClock
from kioskd.errors import StoreDamaged
from kioskd.vault.device_key import read_device_key
from kioskd.vault.keyring import Keyring
from sync.hub_client import Page
from sync.hub_wire import DEFAULT_PAGE, Trailer
from sync.puller import Puller
from tests.hub_cache.place import Place, line, restricted, trailer


@dataclass
class Hub:
    """A hub at which nothing changes after the first snapshot."""

    cards: list[bytes]
    blocks: list[bytes] = field(default_factory=list)
    snapshots: int = 0

    async def restrictions(self, cursor: str = "", limit: int = DEFAULT_PAGE) -> Page:
        lines = [] if cursor else self.blocks
        return Page(lines, trailer(lines, "c1"))

    async def credentials(self, cursor: str, limit: int = DEFAULT_PAGE) -> Page:
        return Page([], trailer((), "c1"))

    async def snapshot(self, write: Callable[[bytes], Awaitable[None]]) -> Trailer:
        self.snapshots += 1
        for one in self.cards:
            await write(one)
        return trailer(self.cards, "c1")


def drop_keys(place: Place) -> None:
    place.keyring().drop_cache_keys()


def drop_index_key(place: Place) -> None:
    key = read_device_key(f"file:{place.home / 'device.key'}")
    Keyring.open(place.directory, key).rekeyed(key)


def by_hand(place: Place) -> None:
    place.feed(line(1), confirm_shrink=True)


def damage_rows(place: Place) -> None:
    (database,) = place.directory.glob("credentials.*.db")
    whole = database.read_bytes()
    database.write_bytes(whole[:8192] + bytes(len(whole) - 8192))


def damage_all(place: Place) -> None:
    (database,) = place.directory.glob("credentials.*.db")
    database.write_bytes(b"?" * 50_000)


def lose_database(place: Place) -> None:
    for path in place.directory.glob("credentials.*.db"):
        path.unlink()


def lose_current(place: Place) -> None:
    (place.directory / "current").unlink()


@pytest.mark.parametrize(
    "harm",
    [
        drop_keys,
        drop_index_key,
        by_hand,
        damage_rows,
        damage_all,
        lose_database,
        lose_current,
    ],
)
async def test_a_harmed_cache_is_whole_again(place: Place, harm: Callable[[Place], None]) -> None:
    hub = Hub([line(n) for n in range(300)], [restricted(n, "use-ban") for n in range(0, 300, 2)])
    puller = Puller(hub, place.cache, FakeClock())
    await puller.turn()
    assert hub.snapshots == 1
    await puller.turn()
    assert hub.snapshots == 1
    harm(place)
    try:
        await puller.turn()
        await puller.turn()  # rows are found damaged only where they are changed
    except StoreDamaged:
        await puller.turn()
    held = await place.cache.held()
    if harm is not damage_rows:  # no pull has touched its rows yet
        assert hub.snapshots == 2
        assert (held.credentials, held.count) == ("c1", 300)
        assert place.known(0, 299) == [0, 299]

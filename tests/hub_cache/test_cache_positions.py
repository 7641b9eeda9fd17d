"""When a cache says that it holds nothing, so that the next pull is a snapshot; and its end."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from kioskd.daemon.line_cache_lock import drop_cache
from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.domain.moment import Moment
from kioskd.errors import InputError, StoreError, VaultError
from kioskd.store import generations
from kioskd.store.cache_delta import Delta
from kioskd.store.cache_staging import Staging
from kioskd.vault.device_key import read_device_key
from kioskd.vault.keyring import Keyring
from sync.line_ports import Held
from tests.hub_cache.place import HUB, Place, line, restricted, restrictions_of

BAN = Restriction(RestrictionKind.USE_BAN)
BLOCK = Restriction(RestrictionKind.SELF_SERVICE_BLOCK)


# Whatever else happens to a cache


async def test_a_feed_by_hand_makes_the_next_pull_a_snapshot(place: Place) -> None:
    await place.load(1)
    await place.restrict(restricted(1, "use-ban"))
    place.feed(line(2), delta=True)
    assert await place.cache.held() == Held(count=2)
    assert place.meta().source == "file"
    await place.load(1)
    place.feed(line(1), line(2))
    assert await place.cache.held() == Held(count=2)


async def test_dropped_positions_keep_the_cache_and_take_a_snapshot(place: Place) -> None:
    await place.cache.drop_positions()  # nothing yet
    await place.load(1)
    await place.restrict(cursor="r1")
    await place.cache.drop_positions()
    assert await place.cache.held() == Held(count=1)
    assert place.known(1) == [1]
    with pytest.raises(InputError, match="take a snapshot"):
        await place.apply(line(2))


async def test_a_cache_of_an_earlier_version_is_read_and_goes_on(place: Place) -> None:
    place.feed(line(1))
    (database,) = place.directory.glob("credentials.*.db")
    with closing(sqlite3.connect(database)) as raw:
        for column in ("source", "hub_generation", "credentials_cursor", "restrictions_cursor"):
            raw.execute(f"ALTER TABLE meta DROP COLUMN {column}")
        raw.commit()
    assert place.known(1) == [1]
    assert await place.cache.held() == Held(count=1)
    await place.restrict(restricted(1, "use-ban"))
    assert restrictions_of(place, 1) == (BAN,)
    assert place.meta().source == "file"


async def test_that_earlier_version_makes_the_next_pull_a_snapshot(place: Place) -> None:
    await place.load(1)
    (database,) = place.directory.glob("credentials.*.db")
    with closing(sqlite3.connect(database)) as raw:
        # As that version writes its row: without the columns that it does not know.
        raw.execute(
            "INSERT OR REPLACE INTO meta (one, generation, index_key, seal_key, synced_wall, "
            "synced_boot, synced_boot_id, credentials, verifiers, site_verifier) "
            "SELECT one, generation, index_key, seal_key, synced_wall, "
            "synced_boot, synced_boot_id, credentials, verifiers, site_verifier FROM meta"
        )
        raw.commit()
    place.cache = type(place.cache)(place.config, place.clock.moment)
    assert await place.cache.held() == Held(count=1)


async def test_a_damaged_cache_asks_for_a_snapshot(place: Place) -> None:
    await place.load(*range(300))
    (database,) = place.directory.glob("credentials.*.db")
    whole = database.read_bytes()
    database.write_bytes(whole[:8192] + bytes(len(whole) - 8192))
    with pytest.raises(StoreError):
        await place.apply(*(line(n) for n in range(300)))
    assert await place.cache.held() == Held()
    await place.load(1)
    assert (await place.cache.held()).credentials == "c1"


async def test_a_current_that_is_nonsense_asks_for_a_snapshot(place: Place) -> None:
    await place.load(1)
    (place.directory / generations.CURRENT).write_text("?")
    assert await place.cache.held() == Held()


async def test_a_new_index_key_asks_for_a_snapshot_and_is_taken_by_it(place: Place) -> None:
    await place.load(1)
    file = place.home / "device.key"
    Keyring.open(place.directory, read_device_key(f"file:{file}")).rekeyed(
        read_device_key(f"file:{file}")
    )
    assert await place.cache.held() == Held(count=1)
    await place.load(1)
    assert (await place.cache.held()).credentials == "c1"
    assert place.known(1) == [1]


async def test_without_the_device_key_nothing_is_told_of_the_cache(place: Place) -> None:
    await place.load(1)
    (place.home / "device.key").unlink()
    for ask in (place.cache.held(), place.apply(line(1)), place.restrict(restricted(1))):
        with pytest.raises(VaultError):
            await ask


# The end of a cache


async def test_a_dropped_cache_opens_for_nobody_and_its_files_go_with_the_last_reader(
    place: Place,
) -> None:
    await place.load(1)
    with place.door() as door:
        (database,) = place.directory.glob("credentials.*.db")
        sealed = database.read_bytes()
        keyring = door.keys.keyring
        assert keyring is not None
        drop_cache(place.directory, keyring)
        assert database.exists()  # the door has it open
        assert await door.cache.refresh()
        assert not door.cache.state().readable
        assert not list(place.directory.glob("credentials.*"))
    assert await place.cache.held() == Held()
    # Somebody who kept a copy has no key to it.
    database.write_bytes(sealed)
    generations.write_current(place.directory, generations.Current(database.name.split(".")[1]))
    assert await place.cache.held() == Held()
    with place.door() as door, pytest.raises(VaultError):
        door.find(1)


async def test_after_a_drop_the_next_snapshot_is_a_cache_as_any(place: Place) -> None:
    await place.load(1)
    drop_cache(place.directory, place.keyring())
    assert not list(place.directory.glob("credentials.*"))
    await place.load(2, 3)
    assert place.known(1, 2, 3) == [2, 3]
    assert not (place.directory / generations.DROPPED).exists()


async def test_a_current_that_got_lost_deletes_no_cache(place: Place) -> None:
    await place.load(1)
    current = generations.read_current(place.directory)
    assert current is not None
    (place.directory / generations.CURRENT).unlink()
    assert generations.sweep(place.directory) == ()
    generations.write_current(place.directory, current)
    assert place.known(1) == [1]


async def test_what_stops_before_the_commit_leaves_rows_and_cursor(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.load(1)

    def refuse(delta: Delta, staging: Staging, synced: Moment | None) -> None:
        def placed(meta: object) -> object:
            raise StoreError("stopped")

        applied(replace(delta, placed=placed), staging, synced)  # type: ignore[arg-type]

    applied = Delta.apply
    monkeypatch.setattr(Delta, "apply", refuse)
    with pytest.raises(StoreError, match="stopped"):
        await place.apply(line(1, expires="2027-01-01"), line(2))
    monkeypatch.undo()
    assert await place.cache.held() == Held(HUB, "c1", "", 1)
    assert place.known(1, 2) == [1]

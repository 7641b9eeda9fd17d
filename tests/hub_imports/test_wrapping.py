"""bcrypt comes under argon2id: once for each PIN, in the background, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from kioskd.errors import VaultError
from kioskd.vault.kdf import compute, hash_pin, hash_pin_bcrypt
from kioskd.vault.verifiers import Argon2idOverBcrypt, Bcrypt, repack, to_text, unpack_verifier
from sync.hub import wrapping
from sync.hub.imports.applying import INLINE
from sync.hub.imports.deciding import bcrypt_of, keeps_wrapped
from sync.hub.imports.staging import Pass
from sync.hub.schema import PATRON
from sync.hub.sealing import HubKeys
from sync.hub.wrapping import WrapProgress, waiting, wrap, wrapped_all
from tests.hub_imports.world import (
    BAN,
    BCRYPT,
    CHEAP,
    OTHER_BCRYPT,
    World,
    block,
    row,
    rows,
)


def takes(verifier: bytes | None, pin: str) -> bool:
    """Whether a wrapped verifier is this PIN's."""
    assert verifier is not None
    unpacked = unpack_verifier(verifier)
    assert isinstance(unpacked, Argon2idOverBcrypt)
    return compute(unpacked, pin.encode()) == unpacked.hash


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No PIN is wrapped while it is imported."""
    monkeypatch.setattr("sync.hub.imports.applying.INLINE", dict.fromkeys(INLINE, 0))


async def test_a_few_new_pins_work_at_once(world: World) -> None:
    report = await world.load(
        [row(1, pin_hash=BCRYPT), row(2, pin_hash=BCRYPT, restrictions=[BAN])]
    )
    assert report.waiting_to_wrap == 0
    assert len(await world.changes()) == 2  # the restricted one, then the other
    for number in (1, 2):
        verifier = (await world.person(number)).verifier
        assert takes(verifier, "1234")
        assert not takes(verifier, "4321")


async def test_of_many_the_rest_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.hub.imports.applying.INLINE", dict.fromkeys(Pass, 3))
    report = await world.load(rows(range(10), pin_hash=BCRYPT))
    assert report.waiting_to_wrap == 7
    assert await waiting(world.database, "toinen") == 0


@pytest.mark.usefixtures("by_hand")
async def test_what_waits_is_wrapped_in_batches(world: World) -> None:
    await world.load(rows(range(150), pin_hash=BCRYPT))
    before, seen = await world.changes(), list[WrapProgress]()
    assert await wrap(world.database, world.keys, CHEAP, seen.append) == 150
    assert await waiting(world.database) == 0
    moved = [count for _, count in (await world.changes())[len(before) :]]
    assert sum(moved) == 150
    assert max(moved) <= wrapping.BATCH
    assert (seen[-1].done, seen[-1].total) == (150, 150)
    for person in (await world.persons()).values():
        assert takes(person.verifier, "1234")
    assert (await world.columns(1))["rchange"] == 0  # nothing urgent about a PIN
    assert await wrap(world.database, world.keys, CHEAP) == 0


@pytest.mark.usefixtures("by_hand")
async def test_it_stops_and_goes_on(world: World) -> None:
    await world.load(rows(range(150), pin_hash=BCRYPT))
    stop = asyncio.Event()
    done = await wrap(world.database, world.keys, CHEAP, lambda _: stop.set(), stop)
    assert 0 < done <= wrapping.BATCH
    assert await waiting(world.database) == 150 - done
    assert await wrap(world.database, world.keys, CHEAP) == 150 - done


@pytest.mark.usefixtures("by_hand")
async def test_two_hubs_at_once(world: World) -> None:
    await world.load(rows(range(300), pin_hash=BCRYPT))
    done = await asyncio.gather(*(wrap(world.database, world.keys, CHEAP) for _ in range(2)))
    while left := await waiting(world.database):  # rows that both had in hand
        assert await wrap(world.database, world.keys, CHEAP) == left
        done.append(left)
    assert sum(done) == 300
    assert all(takes(p.verifier, "1234") for p in (await world.persons()).values())


@pytest.mark.usefixtures("by_hand")
async def test_a_row_that_changed_meanwhile_is_not_written_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new PIN, and a block of a list, come in while the old row is being computed."""
    await world.load(rows(range(3), pin_hash=BCRYPT))
    compute_them = wrapping._compute

    async def slowly(*args: object) -> object:
        found = await compute_them(*args)  # type: ignore[arg-type]
        await world.load([row(0, pin_hash=OTHER_BCRYPT)], delta=True)
        await world.patch({1: [block()]})
        return found

    monkeypatch.setattr(wrapping, "_compute", slowly)
    monkeypatch.setattr(wrapping, "_somewhere", lambda: bytes(16))  # all three in one batch
    assert await wrap(world.database, world.keys, CHEAP) == 1
    monkeypatch.undo()
    assert bcrypt_of((await world.person(0)).verifier) is not None
    assert (await world.person(1)).restrictions
    assert await wrap(world.database, world.keys, CHEAP) == 2
    assert takes((await world.person(0)).verifier, "4321")
    assert takes((await world.person(1)).verifier, "1234")


async def test_an_unchanged_pin_keeps_its_verifier(world: World) -> None:
    await world.load([row(1, pin_hash=BCRYPT), row(2)])
    before = (await world.person(1)).verifier
    report = await world.load([row(1, pin_hash=BCRYPT, category="NEW"), row(2)])
    after = await world.person(1)
    assert (report.applied, report.waiting_to_wrap) == (1, 0)
    assert (after.category, after.verifier) == ("NEW", before)
    assert (await world.columns(1))["unwrapped"] is False


async def test_a_changed_pin_is_wrapped_anew_and_a_dropped_one_is_gone(world: World) -> None:
    await world.load([row(1, pin_hash=BCRYPT), row(2, pin_hash=BCRYPT)])
    await world.load([row(1, pin_hash=OTHER_BCRYPT), row(2)])
    assert takes((await world.person(1)).verifier, "4321")
    assert (await world.person(2)).verifier is None


@pytest.mark.usefixtures("by_hand")
async def test_a_row_with_nothing_to_wrap_stops_waiting(world: World) -> None:
    await world.load([row(1, pin_hash=to_text(hash_pin("1234", CHEAP)))])
    was = (await world.person(1)).verifier
    async with world.database.writing() as connection:
        await connection.execute(update(PATRON).values(unwrapped=True))
    await wrap(world.database, world.keys, CHEAP)
    assert await waiting(world.database) == 0
    assert (await world.person(1)).verifier == was


@pytest.mark.usefixtures("by_hand")
async def test_another_key_is_refused(world: World) -> None:
    await world.load([row(1, pin_hash=BCRYPT)])
    with pytest.raises(VaultError, match="does not open"):
        await wrap(world.database, HubKeys(b"x" * 32), CHEAP)
    async with world.database.reading() as connection:
        assert (await connection.execute(select(PATRON.c.unwrapped))).scalars().all() == [True]


async def test_wrapped_in_their_order() -> None:
    pins = [str(1000 + n) for n in range(7)]
    done = await wrapped_all([hash_pin_bcrypt(pin, cost=4) for pin in pins], CHEAP)
    assert [takes(verifier, pin) for verifier, pin in zip(done, pins, strict=True)] == [True] * 7
    assert await wrapped_all([], CHEAP) == []


async def test_no_memory_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(wrapping, "wrap_bcrypt", full)
    with pytest.raises(VaultError, match="no memory"):
        await wrapped_all([hash_pin_bcrypt("1234", cost=4)], CHEAP)


async def test_which_verifiers_are_the_same_pin() -> None:
    plain = hash_pin_bcrypt("1234", cost=4)
    (wrapped,) = await wrapped_all([plain], CHEAP)
    assert keeps_wrapped(plain, wrapped)
    assert not keeps_wrapped(hash_pin_bcrypt("1234", cost=4), wrapped)
    assert not keeps_wrapped(plain, plain)
    assert not keeps_wrapped(None, wrapped)
    assert not keeps_wrapped(wrapped, None)
    unpacked = unpack_verifier(plain)
    assert isinstance(unpacked, Bcrypt)
    costlier = replace(unpacked, setting=replace(unpacked.setting, cost=5))
    assert not keeps_wrapped(repack(costlier), wrapped)

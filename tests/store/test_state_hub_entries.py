"""Entries that a hub published stand beside those of staff; neither takes the other's away."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kioskd.domain.staff import HUB, ListEntry, Which
from kioskd.store.state import StateDatabase
from kioskd.store.state_staff import StaffState
from tests.store.rig import NOW

CARD, OTHER = b"c" * 16, b"o" * 16


def entry(card: bytes, by: str, days: int) -> ListEntry:
    return ListEntry(card, Which.DENY, NOW + timedelta(days=days), "why", by, "…1", NOW)


@pytest.fixture
def state(tmp_path: Path) -> StaffState:
    StateDatabase(tmp_path, lambda index, sealed: (_ for _ in ()).throw(AssertionError)).close()
    return StaffState(tmp_path)


async def by(state: StaffState) -> list[tuple[bytes, str]]:
    return sorted((found.card, found.by) for found in await state.entries(Which.DENY))


async def test_what_the_hub_takes_back_leaves_what_staff_said(state: StaffState) -> None:
    await state.put_entry(entry(CARD, "anna", 3), ())
    await state.put_entries_of(HUB, {Which.DENY: [entry(CARD, HUB, 10), entry(OTHER, HUB, 10)]})
    assert await by(state) == [(CARD, "anna"), (CARD, HUB), (OTHER, HUB)]
    await state.put_entries_of(HUB, {Which.DENY: []})
    assert await by(state) == [(CARD, "anna")]


async def test_staff_replace_what_staff_said_and_not_the_hub(state: StaffState) -> None:
    await state.put_entries_of(HUB, {Which.DENY: [entry(CARD, HUB, 10)]})
    await state.put_entry(entry(CARD, "anna", 3), ())
    await state.put_entry(entry(CARD, "bertta", 5), ())
    assert await by(state) == [(CARD, "bertta"), (CARD, HUB)]


async def test_either_of_the_two_denies(state: StaffState, tmp_path: Path) -> None:
    await state.put_entry(entry(CARD, "anna", 1), ())
    await state.put_entries_of(HUB, {Which.DENY: [entry(CARD, HUB, 10)]})
    database = StateDatabase(tmp_path, lambda index, sealed: (_ for _ in ()).throw(AssertionError))
    later = datetime(2100, 1, 1, tzinfo=UTC)
    assert database.listed((CARD,), NOW + timedelta(days=5)).denied
    assert not database.listed((CARD,), later).denied
    database.close()

"""A feed that calls a card lost or deleted takes the PIN that staff gave it; list entries stay."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from kioskd.cli.main import main
from kioskd.daemon import import_sealing
from kioskd.errors import InputError
from kioskd.store.state import STATE, StateDatabase
from kioskd.vault.device_key import read_device_key
from kioskd.vault.keyring import Keyring
from tests.cache.conftest import card_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.cache.conftest import Site

LOST = [{"kind": "lost"}]
TODAY = datetime.now(UTC).date()
NOW = datetime.now(UTC)


def enrol(site: Site, *numbers: int) -> None:
    """PINs of staff, and entries of the allow-list beside them."""
    site.directory.mkdir(exist_ok=True)
    keys = site.keys()
    with closing(StateDatabase(site.directory, keys.unseal_state)) as state:
        for number in numbers:
            index = keys.index.keys_of(card_of(number)).state[0]
            state.put_enrolled(index, b"sealed")
            state.put_listed(index, "allow", NOW + timedelta(days=9), "cleaner", "maija")


def enrolled(site: Site, numbers: Iterable[int]) -> list[int]:
    return _kept(site, numbers, "enrolled")


def listed(site: Site, numbers: Iterable[int]) -> list[int]:
    return _kept(site, numbers, "listed")


def _kept(site: Site, numbers: Iterable[int], table: str) -> list[int]:
    index = site.keys().index
    with closing(StateDatabase(site.directory, lambda card, sealed: None)) as state:  # type: ignore[arg-type,return-value]
        cards = state.enrolled_cards()
        found = []
        for number in numbers:
            indices = index.keys_of(card_of(number)).state
            there = not cards.isdisjoint(indices)
            if table == "listed":
                there = state.listed(indices, NOW).allowed
            if there:
                found.append(number)
        return found


def gone(number: int) -> dict[str, object]:
    return {"card": card_of(number), "deleted": True}


@pytest.mark.parametrize("delta", [False, True])
def test_lost_and_deleted_cards_lose_the_pin_of_staff(site: Site, delta: bool) -> None:
    site.load(site.feed(site.rows(5)))
    enrol(site, 1, 2, 3, 8)
    rows = [gone(1), site.row(2, restrictions=LOST), site.row(3), site.row(4)]
    report = site.load(site.feed(rows), delta=delta)
    assert (report.pins_removed, report.state_fault) == (2, "")
    assert enrolled(site, range(10)) == [3, 8], "8 is in no feed: it is staff's alone"
    assert listed(site, range(10)) == [1, 2, 3, 8]


def test_pins_under_an_older_key_go_too(site: Site) -> None:
    site.load(site.feed(site.rows(5)))
    enrol(site, 1)
    key = read_device_key(f"file:{site.key_file}")
    Keyring.open(site.directory, key).rekeyed(key)
    enrol(site, 1)
    assert site.load(site.feed([gone(1)]), delta=True).pins_removed == 2
    assert enrolled(site, [1]) == []


def test_the_last_row_of_a_card_counts(site: Site) -> None:
    site.load(site.feed(site.rows(5)))
    enrol(site, 1, 2)
    rows = [gone(1), site.row(1), site.row(2), gone(2)]
    assert site.load(site.feed(rows), delta=True).pins_removed == 1
    assert enrolled(site, [1, 2]) == [1]


def test_a_card_that_was_lost_until_yesterday_keeps_it(site: Site) -> None:
    enrol(site, 1, 2)
    past, ahead = (str(TODAY + timedelta(days=n)) for n in (-2, 2))
    rows = [
        site.row(1, restrictions=[{"kind": "lost", "until": past}]),
        site.row(2, restrictions=[{"kind": "lost", "until": ahead}]),
    ]
    site.load(site.feed(rows))
    assert enrolled(site, [1, 2]) == [1]


def test_a_dry_run_and_a_refused_feed_take_nothing(site: Site) -> None:
    site.load(site.feed(site.rows(9)))
    enrol(site, 1)
    feed = site.feed([gone(1)])
    assert site.load(feed, delta=True, dry_run=True).pins_removed == 0
    assert site.load(feed, dry_run=True, confirm_shrink=True).pins_removed == 0
    with pytest.raises(InputError, match="confirm-shrink"):
        site.load(feed)
    assert enrolled(site, [1]) == [1]


# Newer Pythons warn of forking beside threads; the worker has none, this process may.
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_feed_that_is_worth_processes_is_no_different(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_sealing, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(import_sealing, "PROCESSES", 1)
    site.load(site.feed(site.rows(3)))
    enrol(site, 2500)
    rows = [*site.rows(2500), gone(2500)]
    assert site.load(site.feed(rows)).pins_removed == 1
    assert enrolled(site, [2500]) == []


def test_a_state_that_cannot_be_read_keeps_no_feed_out_and_is_told(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    site.directory.mkdir()
    site.keys()
    (site.directory / STATE).write_bytes(b"garbage " * 2048)
    arguments = ["feed", "import", str(site.feed(site.rows(3))), "--config", str(site.config_file)]
    assert main([*arguments, "--json"]) == 1
    said = capfd.readouterr()
    assert "restore it from a backup. PINs that staff gave to lost or deleted cards" in said.err
    assert json.loads(said.out)["state_fault"] in said.err
    assert site.known(range(3)) == [0, 1, 2]


def test_people_are_told_how_many(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    enrol(site, 1)
    feed = site.feed([*site.rows(1), gone(1)])
    assert main(["feed", "import", str(feed), "--config", str(site.config_file)]) == 0
    assert "PINs removed            1   lost or deleted cards" in capfd.readouterr().out

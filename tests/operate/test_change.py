"""What a changed configuration asks of a running daemon."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from kioskd.access.schedule import Span
from kioskd.config.diff import differences
from kioskd.config.load import load
from kioskd.config.model import Config, DeviceConfig, Door, StrikeConfig
from kioskd.daemon.change import change

EXAMPLE = Path(__file__).parents[2] / "config" / "example-door.toml"


@pytest.fixture
def site() -> Config:
    """Two doors on one relay board."""
    scanner = DeviceConfig("back-scanner", "serial-scanner", "/dev/b1")
    keypad = DeviceConfig("back-keypad", "serial-keypad", "/dev/b2")
    one = load(EXAMPLE)
    back = Door("back", "back-scanner", StrikeConfig("front-relay", 2), keypad="back-keypad")
    return replace(one, doors=(*one.doors, back), devices=(*one.devices, scanner, keypad))


def with_device(site: Config, name: str, **changes: object) -> Config:
    devices = tuple(
        replace(d, **changes) if d.name == name else d  # type: ignore[arg-type]
        for d in site.devices
    )
    return replace(site, devices=devices)


def with_door(site: Config, name: str, **changes: object) -> Config:
    doors = tuple(
        replace(d, **changes) if d.name == name else d  # type: ignore[arg-type]
        for d in site.doors
    )
    return replace(site, doors=doors)


def test_the_same_file_changes_nothing(site: Config) -> None:
    found = change(site, replace(site))
    assert not found.differences
    assert not found.ending_doors | found.beginning_devices


def test_a_scanner_with_another_port_begins_anew_with_its_door_alone(site: Config) -> None:
    found = change(site, with_device(site, "back-scanner", port="/dev/b9"))
    assert [str(d) for d in found.differences] == ["devices.back-scanner.port: /dev/b1 -> /dev/b9"]
    assert found.ending_devices == found.beginning_devices == {"back-scanner"}
    assert found.ending_doors == found.beginning_doors == {"back"}


def test_a_relay_with_another_port_takes_both_of_its_doors_along(site: Config) -> None:
    found = change(site, with_device(site, "front-relay", port="/dev/r9"))
    assert found.beginning_devices == {"front-relay", "front-lamps"}
    assert found.beginning_doors == {"front", "back"}


def test_a_longer_release_begins_one_door_anew_and_no_device(site: Config) -> None:
    found = change(site, with_door(site, "back", release_seconds=7.0))
    assert not found.beginning_devices
    assert found.beginning_doors == {"back"}


def test_a_lock_that_turns_out_fail_safe_begins_its_relay_anew(site: Config) -> None:
    safe = StrikeConfig("front-relay", 2, "fail-safe")
    found = change(site, with_door(site, "back", strike=safe))
    assert found.beginning_devices == {"front-relay", "front-lamps"}
    assert found.beginning_doors == {"front", "back"}


def test_a_door_that_is_gone_ends_and_does_not_begin(site: Config) -> None:
    found = change(site, replace(site, doors=site.doors[:1]))
    assert "back" in found.ending_doors
    assert "back" not in found.beginning_doors
    assert "doors.back: a table -> nothing" in [str(d) for d in found.differences]


def test_opening_hours_begin_nothing_anew(site: Config) -> None:
    weekly = ((Span.parse("06:00-23:00 self-service"),),) * 7
    found = change(site, replace(site, schedule=replace(site.schedule, weekly=weekly)))
    assert found.differences
    assert not found.beginning_doors | found.beginning_devices
    assert found.config.schedule.weekly == weekly


def test_what_holds_for_every_door_begins_every_door_anew(site: Config) -> None:
    policy = replace(site.policy, deny_after_ms=700)
    found = change(site, replace(site, policy=policy))
    assert not found.beginning_devices
    assert found.beginning_doors == {"front", "back"}


def test_what_waits_for_a_restart_stays_as_it_is_and_is_told(site: Config) -> None:
    moved = replace(site, storage=replace(site.storage, directory=Path("/srv/kioskd")))
    found = change(site, with_door(moved, "front", release_seconds=9.0))
    assert found.held_back == ("storage.directory",)
    assert found.config.storage.directory == site.storage.directory
    assert found.beginning_doors == {"front"}


def test_a_pattern_is_compared_whole_and_shown_cut(site: Config) -> None:
    long = "(?:" + "a" * 300 + ")"
    first, second = re.compile(long + "1"), re.compile(long + "2")
    one = replace(site, cards=replace(site.cards, patron=(first,)))
    other = replace(site, cards=replace(site.cards, patron=(second,)))
    assert change(one, other).beginning_doors == {"front", "back"}
    assert all(len(str(d)) < 250 for d in differences(one, other))

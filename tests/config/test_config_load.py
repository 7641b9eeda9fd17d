"""A configuration is read whole, or every fault in it is named in one run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kioskd.access.schedule import Span
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.domain.hours import HoursState
from kioskd.errors import ConfigError

EXAMPLES = sorted((Path(__file__).parents[2] / "config").glob("example-*.toml"))
Read = Callable[[str], Config]
Find = Callable[[str], list[str]]
Change = Callable[[str, str], str]


def test_a_good_file_is_read_as_it_says(read: Read, good: str) -> None:
    config = read(good)
    assert config.site.name["fi"] == config.site.name["en"] == "Esimerkkilän kirjasto"
    assert config.storage.directory == Path("/var/lib/kioskd")
    assert config.cards.patron[0].fullmatch("167A006007")
    assert config.device("relay").port == "socket://127.0.0.1:4001"
    (door,) = config.doors
    assert (door.name, door.reader, door.keypad) == ("front", "scanner", "pad")
    assert (door.strike.device, door.strike.channel) == ("relay", 1)
    assert all(door.pin_required(state) for state in HoursState)
    always = Span(0, 1440, HoursState.SELF_SERVICE)
    assert config.schedule.weekly == ((always,), (), (), (), (), (), ())
    assert config.path.name == "c.toml"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_load(path: Path) -> None:
    config = load(path)
    assert config.doors
    assert config.warnings == ()


def test_there_are_examples() -> None:
    assert [path.name for path in EXAMPLES] == ["example-door.toml", "example-many-doors.toml"]


def test_a_misspelt_key_is_named_with_file_and_nearest_spelling(
    changed: Change, written: Callable[[str | bytes], Path]
) -> None:
    path = written(changed("[doors.front]", "[doors.front]\nreleas_seconds = 5"))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.faults == (
        f"{path}: doors.front.releas_seconds: unknown key; did you mean release_seconds?",
    )


def test_a_misspelt_required_key_is_one_fault_not_two(faults: Find, changed: Change) -> None:
    assert faults(changed("retention_days", "retention_day")) == [
        "storage.retention_day: unknown key; did you mean retention_days?"
    ]


def test_every_fault_of_a_file_is_named_in_one_run(faults: Find, changed: Change) -> None:
    text = (
        changed('reader = "scanner"', 'reader = "scaner"')
        .replace("retention_days = 14", "retention_days = 0")
        .replace("00:00-24:00 self-service", "0-24 open")
        .replace("'\\d{3}[A-Z]\\d{6}'", "'('")
    )
    text += "[polcy]\n[lockout]\ntries = 'five'\n"
    keys = [line.partition(": ")[0] for line in faults(text)]
    assert keys == [
        "polcy",
        "storage.retention_days",
        "cards.patron",
        "doors.front.reader",
        "schedule.weekly.monday",
        "lockout.tries",
    ]


SECOND_DOOR = """
[devices.scanner2]
driver = "serial-scanner"
port = "/dev/scanner2"
[devices.pad2]
driver = "serial-keypad"
port = "/dev/pad2"
[doors.side]
reader = "scanner2"
keypad = "pad2"
strike = { device = "relay", channel = 2 }
"""


def test_two_doors_have_two_channels_of_one_relay(read: Read, good: str) -> None:
    config = read(good + SECOND_DOOR)
    assert [door.strike.channel for door in config.doors] == [1, 2]


def test_a_pin_of_exactly_four_digits_may_be_asked_for(read: Read, changed: Change) -> None:
    (door,) = read(changed("[doors.front]", "[doors.front]\npin_min = 4\npin_max = 4")).doors
    assert (door.pin_min, door.pin_max) == (4, 4)


def test_two_doors_on_one_channel_are_refused(faults: Find, good: str) -> None:
    (line,) = faults(good + SECOND_DOOR.replace(", channel = 2", ""))
    assert line.startswith("doors.side.strike: channel 1 of")
    assert "doors.front.strike already" in line


def test_two_doors_with_one_keypad_are_refused(faults: Find, good: str) -> None:
    (line,) = faults(good + SECOND_DOOR.replace('keypad = "pad2"', 'keypad = "pad"'))
    assert line == 'doors.side.keypad: "pad" serves doors.front.keypad already'


def test_a_door_that_needs_a_driver_of_a_later_version_is_refused(
    faults: Find, changed: Change
) -> None:
    (line,) = faults(changed('driver = "serial-keypad"', 'driver = "osdp-reader"'))
    assert line.startswith("doors.front.keypad: ")
    assert "osdp-reader, is not built into this version" in line


def test_the_key_itself_written_into_the_file_is_not_repeated(
    faults: Find, changed: Change
) -> None:
    written_key = "n0tAReference-butTheKey"
    (line,) = faults(changed("file:/etc/kioskd/device.key", written_key))
    assert line.startswith("secrets.device_key: ")
    assert written_key not in line


def test_control_characters_of_the_file_do_not_reach_the_terminal(
    faults: Find, changed: Change
) -> None:
    text = changed('driver = "lcus-relay"', '"\\u001b[2J" = 1\ndriver = "\\u001b[31m"')
    text += '[clock]\nsource = "' + "x" * 190 + '"\n'
    for line in faults(text):
        assert line.isprintable()
        assert len(line) < 200

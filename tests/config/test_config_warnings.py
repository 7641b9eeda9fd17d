"""What a file may say although this version does nothing with it."""

import re
from collections.abc import Callable
from datetime import date

import pytest

from kioskd.config.model import Config
from kioskd.domain.hours import HoursState

Read = Callable[[str], Config]
Find = Callable[[str], list[str]]
Change = Callable[[str, str], str]

HARMLESS = [
    ("[devices.eye]\ndriver = 'evdev-scanner'\nmatch = 'x'", "devices.eye: driver evdev-scanner"),
    ("[devices.more]\ndriver = 'lcus-relay'\nport = '/dev/more'", "devices.more: no door uses"),
    ("[desks.lending]\nreader = 'scanner'", "desks.lending: not built"),
    ("[register.koha]\nurl = 'https://koha.example.invalid'", "register.koha: not built"),
    ("[policy]\nonline = 'when-unknown'", "policy.online: no register is asked online"),
    ("[register.hub]\nurl = 'https://h.example'\ntoken = 'file:/t'", "register.hub: nothing uses"),
    ("[policy]\ncapacity = 40", "policy.capacity: no counter"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "says"), HARMLESS)
def test_what_harms_nobody_by_resting_is_a_warning(
    warnings: Find, good: str, lines: str, says: str
) -> None:
    found = warnings(f"{good}\n{lines}\n")
    assert sum(line.startswith(says) for line in found) == 1
    assert len(found) == 2  # the other is the door without a panel


@pytest.mark.parametrize("lines", ["[alerts]\ncommand = []", "[metrics]\nlisten = ''", "[control]"])
def test_what_is_switched_off_is_no_warning(warnings: Find, good: str, lines: str) -> None:
    assert len(warnings(f"{good}\n{lines}\n")) == 1


def test_a_door_that_shows_nothing_is_a_warning(warnings: Find, changed: Change, good: str) -> None:
    nothing = [
        "doors.front: patrons would see nothing: no indicator, panel, display or OSDP reader"
    ]
    assert warnings(good) == nothing
    assert warnings(changed("[doors.front]", "[doors.front]\npanel = false")) == nothing
    assert warnings(changed("[doors.front]", "[doors.front]\npanel = true")) == []
    buzzing = warnings(changed("[doors.front]", "[doors.front]\nbuzzer = true"))
    assert buzzing == ["doors.front.buzzer: not built into this version, ignored", *nothing]


@pytest.mark.parametrize(
    ("door", "device"),
    [
        ("indicator", "driver = 'relay-indicator'\nrelay = 'relay'\nred = 2"),
        ("display", "driver = 'serial-display'\nport = '/dev/display'"),
    ],
)
def test_a_door_with_lamps_or_a_display_shows_something(
    warnings: Find, changed: Change, door: str, device: str
) -> None:
    text = changed("[doors.front]", f"[doors.front]\n{door} = 'face'")
    assert warnings(f"{text}\n[devices.face]\n{device}\n") == []


INPUTS = "[devices.box]\ndriver = 'simulated-inputs'\nport = '/dev/box'\n"


def test_simulated_inputs_are_named_as_what_they_are(warnings: Find, changed: Change) -> None:
    text = changed("[doors.front]", "[doors.front]\npanel = true\nrex = { device = 'box' }")
    (line,) = warnings(text + INPUTS)
    assert line.startswith("devices.box: driver simulated-inputs is for demonstrations and tests")


def test_a_free_entry_that_waits_for_a_card_is_a_warning(warnings: Find, changed: Change) -> None:
    lines = "[doors.front]\npanel = true\nstaffed = 'unlocked'"
    (line,) = warnings(changed("[doors.front]", lines))
    assert line.startswith("doors.front.staffed: the door stays on card and PIN until somebody")
    button = changed("[doors.front]", f"{lines}\nstaff_button = {{ device = 'box' }}")
    assert not any(".staffed" in line for line in warnings(button + INPUTS))


def test_a_storage_directory_too_long_for_the_socket_is_a_warning(
    warnings: Find, changed: Change
) -> None:
    deep = "/" + "d" * 96  # and /control.sock make 110
    text = changed('"/var/lib/kioskd"', f'"{deep}"')
    assert sum("control.socket" in line for line in warnings(text)) == 1
    assert len(warnings(f"{text}\n[control]\nsocket = '/run/c.sock'")) == 1


def test_a_placeholder_left_in_a_port_is_a_warning(warnings: Find, changed: Change) -> None:
    text = changed("/dev/pad", "/dev/serial/by-id/...").replace(
        "/dev/scanner", "/dev/serial/by-id/..."
    )
    assert sum("placeholder" in line for line in warnings(text)) == 2


def test_no_door_at_all_is_a_warning(read: Read, good: str) -> None:
    config = read(re.sub(r"(?s)\[doors\.front\].*(?=\[schedule\]\n)", "", good))
    assert config.doors == ()
    assert any("nobody can be let in" in line for line in config.warnings)


def test_no_hours_at_all_are_a_warning(warnings: Find, changed: Change) -> None:
    found = warnings(changed('monday = ["00:00-24:00 self-service"]', ""))
    assert "schedule: no day has hours: it is always closed" in found


def test_a_card_alone_opens_only_where_somebody_answers_for_it(changed: Change, read: Read) -> None:
    lines = "pin = 'never'\ncard_only_accepted_by = 'A. Virtanen, 2026-11-23'"
    text = changed('keypad = "pad"', lines)
    (door,) = read(text).doors
    assert not door.pin_self_service
    assert not door.pin_staffed


def test_a_card_alone_while_staff_are_there_needs_no_acceptance(
    changed: Change, read: Read
) -> None:
    lines = "[doors.front]\npin = { self-service = 'always', staffed = 'never' }"
    (door,) = read(changed("[doors.front]", lines)).doors
    assert door.pin_required(HoursState.SELF_SERVICE)
    assert not door.pin_required(HoursState.STAFFED)


def test_exceptions_have_their_hours_and_titles(read: Read, good: str) -> None:
    lines = "[[schedule.exceptions]]\ndate = 2026-12-07\ntitle = { fi = 'Inventointi' }\nhours = []"
    (exception,) = read(f"{good}\n{lines}\n").schedule.exceptions
    assert exception.date == date(2026, 12, 7)
    assert exception.title == {"fi": "Inventointi"}
    assert exception.hours == ()

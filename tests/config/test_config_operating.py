"""Who operates the site, what is told of it, and what hangs on a door, as the file says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kioskd.config.model import Config, InputConfig, Maintenance
from kioskd.config.operating import ROLES
from kioskd.control.people import Role

Read = Callable[[str], Config]
Find = Callable[[str], list[str]]
Change = Callable[[str, str], str]

BOX = "[devices.box]\ndriver = 'simulated-inputs'\nport = '/dev/box'\n"
LAMPS = "[devices.lamps]\ndriver = 'relay-indicator'\nrelay = 'relay'\n"
SECOND = """
[devices.scanner2]
driver = "serial-scanner"
port = "/dev/scanner2"
[doors.side]
reader = "scanner2"
pin = "never"
card_only_accepted_by = "A. Virtanen, 2026-11-23"
strike = { device = "relay", channel = 2 }
"""


def test_a_site_that_says_nothing_of_it_has_no_roles_alerts_or_figures(
    read: Read, good: str
) -> None:
    config = read(good)
    assert (config.control.socket, dict(config.control.roles)) == (None, {})
    assert (config.alerts.command, config.metrics.listen) == ((), "")
    assert config.register.maintenance == ()


def test_the_socket_and_the_groups_of_roles_are_read(read: Read, good: str) -> None:
    lines = "[control]\nsocket = '/run/kioskd/control.sock'\n[control.roles]\n"
    lines += "viewer = 'library'\noperator = 'library'\nadministrator = 'Domain Admins'"
    control = read(f"{good}\n{lines}\n").control
    assert control.socket == Path("/run/kioskd/control.sock")
    assert control.roles == {
        "viewer": "library",
        "operator": "library",
        "administrator": "Domain Admins",
    }


def test_the_roles_of_the_file_are_those_of_the_socket() -> None:
    assert set(ROLES) == set(Role)


def test_a_socket_of_107_bytes_is_the_longest(read: Read, good: str) -> None:
    path = "/" + "x" * 106
    assert read(f"{good}\n[control]\nsocket = '{path}'\n").control.socket == Path(path)


@pytest.mark.parametrize(
    "command", [[], ["/usr/local/bin/alert"], ["mail", "-s", "Door alert", "it@library.example"]]
)
def test_the_command_of_alerts_is_a_program_and_its_arguments(
    read: Read, good: str, command: list[str]
) -> None:
    assert read(f"{good}\n[alerts]\ncommand = {command}\n").alerts.command == tuple(command)


@pytest.mark.parametrize("listen", ["", "127.0.0.1:9100", "localhost:9100", "[::1]:9100"])
def test_figures_are_told_on_loopback(read: Read, good: str, listen: str) -> None:
    assert read(f"{good}\n[metrics]\nlisten = '{listen}'\n").metrics.listen == listen


def test_maintenance_windows_are_days_and_minutes(read: Read, good: str) -> None:
    lines = "[[register.maintenance]]\ndays = ['sunday', 'monday']\nfrom = '02:00'\nto = '24:00'\n"
    lines += "[[register.maintenance]]\ndays = ['friday']\nfrom = '23:30'\nto = '01:15'\n"
    assert read(f"{good}\n{lines}").register.maintenance == (
        Maintenance(frozenset({0, 6}), 120, 1440),
        Maintenance(frozenset({4}), 1410, 75),
    )


def test_two_doors_share_an_inputs_device_but_no_line(read: Read, faults: Find, good: str) -> None:
    front = "[doors.front]\ncontact = { device = 'box', line = 1, closed = 'high' }\n"
    front += "rex = { device = 'box', line = 2 }"
    side = "[doors.side]\ncontact = { device = 'box', line = 3 }\n"
    side += "staff_button = { device = 'box', line = 4, pressed = 'high' }"
    text = (good + SECOND + BOX).replace("[doors.front]", front).replace("[doors.side]", side)
    doors = {door.name: door for door in read(text).doors}
    assert doors["front"].contact == InputConfig("box", 1, "high")
    assert doors["front"].rex == InputConfig("box", 2, "low")
    assert doors["side"].contact == InputConfig("box", 3, "low")
    assert doors["side"].staff_button == InputConfig("box", 4, "high")
    assert faults(text.replace("line = 3", "line = 2")) == [
        'doors.side.contact: line 2 of "box" is doors.front.rex already; each needs its own'
    ]


def test_an_indicator_and_a_display_serve_one_door(faults: Find, good: str) -> None:
    text = (good + SECOND + LAMPS + "green = 3\n").replace("[doors.", "[doors.", 2)
    for door in ("front", "side"):
        text = text.replace(f"[doors.{door}]", f"[doors.{door}]\nindicator = 'lamps'")
    assert faults(text) == ['doors.side.indicator: "lamps" serves doors.front.indicator already']


def test_an_indicator_may_stand_before_its_relay(read: Read, good: str) -> None:
    text = LAMPS + "red = 2\ngreen = 3\nwait = 4\ntone = 5\n" + good
    device = read(text).device("lamps")
    assert (device.relay, device.port) == ("relay", "")
    assert (device.red, device.green, device.wait, device.tone) == (2, 3, 4, 5)


def test_no_lamp_hangs_on_the_channel_of_a_strike(faults: Find, good: str) -> None:
    (line,) = faults(good + SECOND + LAMPS + "green = 2\n")
    assert line.startswith('doors.side.strike: channel 2 of "relay" is devices.lamps.green already')


def test_a_relay_for_lamps_alone_is_used(warnings: Find, changed: Change) -> None:
    text = changed("[doors.front]", "[doors.front]\nindicator = 'lamps'")
    text += "[devices.other]\ndriver = 'lcus-relay'\nport = '/dev/other'\n"
    text += LAMPS.replace("'relay'", "'other'") + "red = 1\n"
    assert warnings(text) == []


def test_a_display_says_which_letters_it_has(read: Read, good: str) -> None:
    lines = "[devices.text]\ndriver = 'serial-display'\nport = '/dev/text'\n"
    assert read(good + lines).device("text").characters == "hd44780-a00"
    device = read(f"{good}{lines}characters = 'ascii'\nbaud = 19200\n").device("text")
    assert (device.characters, device.baud) == ("ascii", 19200)


@pytest.mark.parametrize("driver", ["gpio-inputs", "modbus-inputs"])
def test_inputs_of_a_later_version_are_refused_where_a_door_needs_them(
    faults: Find, changed: Change, driver: str
) -> None:
    text = changed("[doors.front]", "[doors.front]\ncontact = { device = 'box' }")
    (line,) = faults(text + BOX.replace("simulated-inputs", driver))
    assert line.startswith("doors.front.contact.device: ")
    assert f"{driver}, is not built into this version" in line

"""What is plugged in, read from drawn machines: a /dev and a /sys in a folder."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.daemon.device_list import device_list
from kioskd.daemon.plugged import find, resolved
from tests.doctor.drawn import Machine

Site = Callable[[str], Config]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "root")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site whose relay hangs on the port that is given."""

    def make(port: str) -> Config:
        path = tmp_path / "c.toml"
        path.write_text(SITE.replace("PORT", port), encoding="utf-8")
        return load(path)

    return make


SITE = r"""
[site]
name = "Somewhere"
branch = "ESI"
[storage]
directory = "/nowhere"
retention_days = 14
[secrets]
device_key = "file:/nowhere.key"
[cards]
patron = ['\d{3}[A-Z]\d{6}']
[devices.scanner-1]
driver = "serial-scanner"
port = "/dev/not-there"
[devices.relay]
driver = "lcus-relay"
port = "PORT"
[doors.front]
reader = "scanner-1"
pin = { self-service = "never", staffed = "never" }
card_only_accepted_by = "somebody, 2026-01-01"
strike = { device = "relay" }
[schedule]
holidays = ""
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
"""


def test_a_usb_device_is_known_by_its_stable_name_and_its_maker(machine: Machine) -> None:
    machine.usb("ttyACM0", "0c2e", "0b61", by_id="usb-Honeywell_1900-if00", maker="Honeywell")
    [port] = find(machine.root)
    assert port.port == "/dev/serial/by-id/usb-Honeywell_1900-if00"
    assert (port.node, port.vendor, port.maker) == ("/dev/ttyACM0", "0c2e", "Honeywell")
    assert (port.driver, "scanner" in port.likely) == ("serial-scanner", True)


def test_without_a_name_by_id_the_one_by_path_is_taken(machine: Machine) -> None:
    machine.usb("ttyUSB0", "1a86", "7523", by_path="pci-0000:00:14.0-usb-0:1:1.0-port0")
    [port] = find(machine.root)
    assert port.port == "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0"
    assert port.driver == "lcus-relay"


def test_ports_that_the_kernel_only_has_names_for_are_left_out(machine: Machine) -> None:
    machine.board("ttyS0", uart=True)
    machine.board("ttyS1", uart=False)
    machine.board("ttyAMA0", uart=True)
    assert [port.node for port in find(machine.root)] == ["/dev/ttyAMA0", "/dev/ttyS0"]


def test_a_serial_adapter_is_not_taken_for_what_hangs_on_it(machine: Machine) -> None:
    machine.usb("ttyUSB0", "0403", "6001", by_id="usb-FTDI-if00")
    [port] = find(machine.root)
    assert (port.driver, port.likely) == ("", "FTDI serial adapter")


def test_who_uses_a_port_is_found_through_whatever_link_was_configured(
    machine: Machine, site: Site
) -> None:
    machine.usb("ttyUSB0", "1a86", "7523", by_id="usb-1a86-if00", by_path="path0")
    for port in ("/dev/ttyUSB0", "/dev/serial/by-id/usb-1a86-if00", "/dev/serial/by-path/path0"):
        listed = device_list(site(port), lambda name: (name == "relay", ""), machine.root)
        assert listed["ports"][0]["used_by"] == [{"name": "relay", "present": True}]
        assert listed["lines"] == []
        assert [d["name"] for d in listed["missing"]] == ["scanner-1"]


def test_what_nobody_uses_comes_with_lines_that_the_loader_takes(
    machine: Machine, site: Site, tmp_path: Path
) -> None:
    machine.usb("ttyACM0", "05f9", "4204", by_id="usb-Datalogic-if00")
    machine.usb("ttyUSB0", "1a86", "7523", by_id="usb-1a86-if00")
    machine.usb("ttyUSB1", "10c4", "ea60", by_id="usb-CP2102-if00")
    listed = device_list(site("/dev/other"), root=machine.root)
    assert len(listed["lines"]) == 3
    pasted = tomllib.loads("\n".join(listed["lines"]))["devices"]
    assert pasted["scanner-2"] == {  # scanner-1 is taken already
        "driver": "serial-scanner",
        "port": "/dev/serial/by-id/usb-Datalogic-if00",
    }
    assert pasted["relay-1"]["driver"] == "lcus-relay"
    assert pasted["device-1"]["port"] == "/dev/serial/by-id/usb-CP2102-if00"
    pasted_to = SITE.replace("PORT", "/dev/other") + "\n".join(listed["lines"])
    (tmp_path / "c.toml").write_text(pasted_to, encoding="utf-8")
    assert len(load(tmp_path / "c.toml").devices) == 5


def test_nothing_plugged_in_says_what_to_check(machine: Machine) -> None:
    listed = device_list(None, root=machine.root)
    assert (listed["ports"], listed["lines"]) == ([], [])
    assert any("power" in hint for hint in listed["hints"])


def test_what_a_device_says_of_itself_reaches_no_terminal_raw(machine: Machine) -> None:
    machine.usb("ttyUSB0", "1a86", "7523", maker="Ev\x1b[2Jil\n", model='"]\n[x]')
    listed = device_list(None, root=machine.root)
    assert "\x1b" not in json.dumps(listed, ensure_ascii=False)
    assert listed["ports"][0]["maker"] == "Ev?[2Jil"
    tomllib.loads("\n".join(listed["lines"]))


def test_a_link_that_leads_in_a_circle_is_not_there(machine: Machine) -> None:
    (machine.root / "dev").mkdir(parents=True)
    (machine.root / "dev/loop").symlink_to("loop")
    assert resolved("/dev/loop", machine.root) is None
    assert resolved("socket://127.0.0.1:1", machine.root) is None

"""The [devices.NAME] and [doors.NAME] tables, and whether they fit together.

Deliberately not here: whether a device is plugged in; a missing one never keeps the daemon from
starting.
"""

import posixpath
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from kioskd.config.later import DOOR_LATER, SHOWING, each
from kioskd.config.leaves import (
    NOT_BUILT,
    PLACEHOLDER,
    code,
    many,
    one_number_of,
    one_of,
    port,
    seconds,
    text,
    whole,
)
from kioskd.config.model import DeviceConfig, Door, StrikeConfig
from kioskd.config.vocabulary import BUILT_IN, PLANNED
from kioskd.config.walk import Leaf, Place, Table, Unfit, did_you_mean, kind, quoted, read

CHANNELS = 16  # the largest relay board of the field
RELEASE = (0.5, 60.0)  # seconds; longer is an unlocked door
_NAME_AND_DATE = re.compile(r".*\w.*,.*\d.*")
_PIN = ("always", "never")
BAUD = one_number_of(1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
_DEVICE_LEAVES: dict[str, Leaf] = {
    "baud": BAUD,
    "terminator": one_of("any", "cr", "lf", "crlf"),
    "idle_timeout_ms": whole(20, 5000),
}


@dataclass(slots=True)
class Devices:
    """The devices of the file by name; `named` includes those that could not be read."""

    named: dict[str, object] = field(default_factory=dict)
    read: dict[str, DeviceConfig] = field(default_factory=dict)
    resting: dict[str, str] = field(default_factory=dict)  # name -> a driver that is not built
    locks: dict[tuple[str, int], str] = field(default_factory=dict)  # channel -> its door's key
    used: dict[str, str] = field(default_factory=dict)  # name -> the key that first used it

    def of_role(self, role: str) -> Leaf:
        """A leaf for the name of a device of that role; each reader and keypad has one door."""

        def leaf(place: Place, value: object) -> str:
            name = self._existing(text(place, value))
            found = self.read.get(name)
            if found is not None and BUILT_IN[found.driver].role != role:
                is_ = BUILT_IN[found.driver].role
                raise Unfit(f"{quoted(name)} is a {is_} ({found.driver}), not a {role}")
            if role != "relay" and name in self.used:
                raise Unfit(f"{quoted(name)} serves {self.used[name]} already")
            self.used.setdefault(name, place.key)
            return name

        return leaf

    def any_role(self, place: Place, value: object) -> str:
        """A leaf for the name of any device."""
        name = text(place, value)
        if name not in self.named:
            raise Unfit(self._no_such(name))
        self.used.setdefault(name, place.key)
        return name

    def lock(self, place: Place, strike: StrikeConfig) -> StrikeConfig:
        """Give a relay channel to one door; Unfit when it has one."""
        first = self.locks.setdefault((strike.device, strike.channel), place.key)
        if first != place.key:
            raise Unfit(
                f"channel {strike.channel} of {quoted(strike.device)} is {first} already; "
                "each door needs its own"
            )
        return strike

    def _existing(self, name: str) -> str:
        if name in self.resting:
            raise Unfit(f"the driver of {quoted(name)}, {self.resting[name]}, is {NOT_BUILT}")
        if name not in self.named:
            raise Unfit(self._no_such(name))
        return name

    def _no_such(self, name: str) -> str:
        way_out = did_you_mean(name, self.named) if self.named else f"add [devices.{name}]"
        return f"there is no device {quoted(name)}; {way_out}"


def devices(place: Place, value: object) -> Devices:
    """[devices]: one table a device; each port is opened by one of them."""
    found = Devices()
    for name, table in each(place, value):
        found.named[name] = table
        device = _device(place.of(name), name, table, found)
        if device is not None:
            found.read[name] = device
    _one_device_a_port(place, found.read.values())
    return found


def doors(place: Place, value: object, devices: Devices) -> tuple[Door, ...]:
    """[doors]: one table a door; each lock has a relay channel of its own."""
    return tuple(_door(place.of(name), name, t, devices) for name, t in each(place, value))


def _device(place: Place, name: str, value: object, found: Devices) -> DeviceConfig | None:
    if not isinstance(value, dict):
        place.fault(f"must be a table, not {kind(value)}")
        return None
    driver = value.get("driver")
    if isinstance(driver, str) and driver in PLANNED:
        found.resting[name] = driver
        return None
    known = BUILT_IN.get(driver) if isinstance(driver, str) else None
    allowed = {k: v for k, v in _DEVICE_LEAVES.items() if known is None or k in known.keys}
    leaves = {"driver": one_of(*BUILT_IN), "port": port, **allowed}
    table = read(place, value, leaves, required=("driver", "port"))
    return table.build(DeviceConfig, name=name) if table.sound("driver") else None


def _door_leaves(devices: Devices) -> dict[str, Leaf]:
    return {
        "reader": devices.of_role("reader"),
        "keypad": devices.of_role("keypad"),
        "strike": _strike(devices),
        "release_seconds": seconds(*RELEASE),
        "long_release_seconds": seconds(*RELEASE),
        "pin": _pin,
        "card_only_accepted_by": _accepted,
        "staffed": one_of("locked", later=("unlocked",)),
        "pin_min": whole(1, 16),
        "pin_max": whole(1, 16),
        "pin_timeout_seconds": seconds(5, 300),
        "held_warn_seconds": seconds(1, 3600),
        "held_seconds": seconds(1, 3600),
        "categories": many(code),
        "minimum_age": whole(0, 99),
        **DOOR_LATER,
    }


def _door(place: Place, name: str, value: object, devices: Devices) -> Door:
    table = read(place, value, _door_leaves(devices), required=("reader", "strike"))
    asked = table.values.get("pin", {})
    door = table.build(
        Door,
        name=name,
        pin_self_service=asked.get("self-service", "always") == "always",
        pin_staffed=asked.get("staffed", "always") == "always",
    )
    _check_pin(table, door)
    _check_order(table, door)
    if isinstance(value, dict) and not any(key in value for key in SHOWING):
        place.warn("patrons would see nothing: no indicator, panel, display or OSDP reader")
    return door


def _strike(devices: Devices) -> Leaf:
    leaves = {
        "device": devices.of_role("relay"),
        "channel": whole(1, CHANNELS),
        "lock": one_of("fail-secure", "fail-safe"),
    }

    def leaf(place: Place, value: object) -> StrikeConfig | None:
        table = read(place, value, leaves, required=("device",))
        return devices.lock(place, table.build(StrikeConfig)) if table.sound(*leaves) else None

    return leaf


def _pin(place: Place, value: object) -> dict[str, str] | None:
    """When a PIN is asked for: one word for both states, or a word for each."""
    if isinstance(value, dict):
        table = read(place, value, dict.fromkeys(("self-service", "staffed"), one_of(*_PIN)))
        return table.values if table.sound("self-service", "staffed") else None
    word: str = one_of(*_PIN)(place, value)
    return {"self-service": word, "staffed": word}


def _accepted(place: Place, value: object) -> str:
    who = text(place, value)
    if not _NAME_AND_DATE.fullmatch(who):
        raise Unfit('must say who accepted a door without PIN, and when: "name, date"')
    return who


def _check_pin(table: Table, door: Door) -> None:
    place = table.place
    if not door.pin_self_service and table.sound("card_only_accepted_by"):
        if door.card_only_accepted_by is None:
            place.of("pin").fault(
                "never in self-service lets in whoever holds the card; if that is meant, add "
                'card_only_accepted_by = "name, date"'
            )
    elif door.card_only_accepted_by and table.sound("pin"):
        place.of("card_only_accepted_by").warn("a PIN is asked for in self-service; has no effect")
    asks = door.pin_self_service or door.pin_staffed
    if asks and door.keypad is None and table.sound("pin", "keypad"):
        place.of("keypad").fault('missing; without one nobody can enter a PIN (pin = "always")')


def _check_order(table: Table, door: Door) -> None:
    for low, high in (
        ("pin_min", "pin_max"),
        ("release_seconds", "long_release_seconds"),
        ("held_warn_seconds", "held_seconds"),
    ):
        least, most = getattr(door, low), getattr(door, high)
        if table.sound(low, high) and least > most:
            table.place.of(high).fault(f"{most:g} is less than {low} ({least:g})")


def _one_device_a_port(place: Place, devices: Collection[DeviceConfig]) -> None:
    first: dict[str, str] = {}
    for device in devices:
        one = _same_port(device.port) if device.port else ""
        if one in first:
            place.of(device.name).of("port").fault(
                f"{quoted(device.port)} is the port of devices.{first[one]} already"
            )
        elif one and not device.port.endswith(PLACEHOLDER):
            first[one] = device.name


def _same_port(port: str) -> str:
    """The one form in which two spellings of a port are compared; links are not followed."""
    if not port.startswith("/"):
        return port.lower()
    return posixpath.normpath("/" + port.lstrip("/"))  # two leading slashes would stay two

"""The [devices.NAME] tables, and which device, channel and line serves whom.

Deliberately not here: whether a device is plugged in; a missing one never keeps the daemon from
starting.
"""

import posixpath
from collections.abc import Collection
from dataclasses import dataclass, field

from kioskd.config.later import each
from kioskd.config.leaves import NOT_BUILT, PLACEHOLDER, one_number_of, one_of, port, text, whole
from kioskd.config.model import DeviceConfig
from kioskd.config.vocabulary import BUILT_IN, PLANNED, SIMULATED
from kioskd.config.walk import Leaf, Place, Table, Unfit, did_you_mean, kind, quoted, read

CHANNELS = 16  # the largest relay board of the field
LINES = 16  # the largest input board of the field
BAUD = one_number_of(1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
LAMPS = ("red", "green", "wait")
_SHARED = frozenset({"relay", "inputs"})  # roles of devices that serve more than one door
_LEAVES: dict[str, Leaf] = {
    "port": port,
    "baud": BAUD,
    "terminator": one_of("any", "cr", "lf", "crlf"),
    "idle_timeout_ms": whole(20, 5000),
    "relay": text,
    **dict.fromkeys((*LAMPS, "tone"), whole(1, CHANNELS)),
    "characters": one_of("hd44780-a00", "hd44780-a02", "ascii"),
}


@dataclass(slots=True)
class Devices:
    """The devices of the file by name; `named` includes those that could not be read."""

    named: dict[str, object] = field(default_factory=dict)
    read: dict[str, DeviceConfig] = field(default_factory=dict)
    resting: dict[str, str] = field(default_factory=dict)  # name -> a driver that is not built
    owned: dict[tuple[str, int], str] = field(default_factory=dict)  # channel or line -> its key
    used: dict[str, str] = field(default_factory=dict)  # name -> the key that first used it

    def of_role(self, role: str) -> Leaf:
        """A leaf for the name of a device of that role; most serve one door only."""

        def leaf(place: Place, value: object) -> str:
            name = self._existing(text(place, value))
            found = self.read.get(name)
            if found is not None and BUILT_IN[found.driver].role != role:
                is_ = _a(BUILT_IN[found.driver].role)
                raise Unfit(f"{quoted(name)} is {is_} ({found.driver}), not {_a(role)}")
            if role not in _SHARED and name in self.used:
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

    def own(self, device: str, what: str) -> Leaf:
        """A leaf for the number of a channel or line of a device; each serves one key."""

        def leaf(place: Place, value: object) -> int:
            number = int(str(value))
            first = self.owned.setdefault((device, number), place.key)
            if first != place.key:
                raise Unfit(
                    f"{what} {number} of {quoted(device)} is {first} already; each needs its own"
                )
            return number

        return leaf

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
    tables: dict[str, Table] = {}
    for name, table in each(place, value):
        found.named[name] = table
        _device(place.of(name), name, table, found, tables)
    _one_device_a_port(place, found.read.values())
    # Once all are known: an indicator may stand before its relay.
    for name, device in found.read.items():
        if BUILT_IN[device.driver].role == "indicator":
            _hang_on_relay(tables[name], found)
    return found


def _device(
    place: Place, name: str, value: object, found: Devices, tables: dict[str, Table]
) -> None:
    if not isinstance(value, dict):
        place.fault(f"must be a table, not {kind(value)}")
        return
    driver = value.get("driver") if isinstance(value.get("driver"), str) else None
    if driver in PLANNED:
        found.resting[name] = driver
        return
    if driver in SIMULATED:
        place.warn(f"driver {driver} is for demonstrations and tests, not for a door in use")
    tables[name] = table = _read(place, value, driver)
    if table.sound("driver"):
        given = {"port": "", **table.values}
        found.read[name] = table.build(DeviceConfig, **{**given, "name": name})


def _read(place: Place, value: object, driver: str | None) -> Table:
    known = BUILT_IN.get(driver or "")
    if known is None:  # any key of any driver may be meant; the driver is the fault
        return read(place, value, {"driver": one_of(*BUILT_IN), **_LEAVES}, required=("driver",))
    leaves = {key: leaf for key, leaf in _LEAVES.items() if key in known.keys | known.needs}
    required = ("driver", *sorted(known.needs))
    return read(place, value, {"driver": one_of(*BUILT_IN), **leaves}, required=required)


def _hang_on_relay(table: Table, found: Devices) -> None:
    """Give the lamps and the tone of an indicator their channels on its relay board."""
    place, given = table.place, table.values
    if not any(lamp in given for lamp in LAMPS) and table.sound(*LAMPS):
        place.fault(f"has no lamp; give it a channel for {', '.join(LAMPS[:-1])} or {LAMPS[-1]}")
    if "relay" not in given:
        return
    relay = place.of("relay").take(found.of_role("relay"), given["relay"])
    for key in (*LAMPS, "tone"):
        if relay is not None and key in given:
            place.of(key).take(found.own(relay, "channel"), given[key])


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


def _a(role: str) -> str:
    article = "an" if role[0] in "aeiou" else "a"
    return f"{article} {role} device" if role == "inputs" else f"{article} {role}"


def _same_port(port: str) -> str:
    """The one form in which two spellings of a port are compared; links are not followed."""
    if not port.startswith("/"):
        return port.lower()
    return posixpath.normpath("/" + port.lstrip("/"))  # two leading slashes would stay two

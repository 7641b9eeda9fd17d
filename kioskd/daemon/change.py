"""What a changed configuration asks of a running daemon: which devices and doors begin anew.

A device begins anew when its own table changed, or what hangs on it; a door when its table
changed, one of its devices begins anew, or something that holds for every door. The others go on
and notice nothing. Some keys wait for a restart: they stay as they are, and it is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from kioskd.config.diff import Difference, differences
from kioskd.config.model import Config, DeviceConfig, Door

# A running daemon holds files, keys, clocks and sockets by these.
AT_RESTART: Final = (
    "storage",
    "secrets",
    "retention",
    "site.timezone",
    "clock",
    "control.socket",
    "metrics",
    "lockout",
    "register.kind",
    "register.credentials",
    "register.events",
    "register.hours",
    "register.hub",
)


@dataclass(frozen=True, slots=True)
class Change:
    """config: what is in force from now on. differences: of the files, held_back among them.

    devices, doors: names that end (gone or changed) and names that begin (new or changed).
    """

    config: Config
    differences: tuple[Difference, ...]
    held_back: tuple[str, ...]
    ending_devices: frozenset[str]
    beginning_devices: frozenset[str]
    ending_doors: frozenset[str]
    beginning_doors: frozenset[str]


def change(before: Config, after: Config) -> Change:
    """From the configuration in force to another one without faults."""
    found = differences(before, after)
    held = tuple(d.key for d in found if _waits(d.key))
    in_force = _held_back(before, after)
    devices = _changed(device_specs(before), device_specs(in_force))
    doors = _changed(door_specs(before), door_specs(in_force))
    return Change(in_force, found, held, *devices, *doors)


def device_specs(config: Config) -> dict[str, object]:
    """Everything that a device is made of, by name; equal where it need not begin anew."""
    own = {device.name: _own_spec(config, device) for device in config.devices}
    # Lamps hang on a relay: when that one begins anew, its switches are others.
    return {device.name: (own[device.name], own.get(device.relay)) for device in config.devices}


def door_specs(config: Config) -> dict[str, object]:
    """The same of doors."""
    devices = device_specs(config)
    everywhere = (config.policy, config.cards, config.site)
    return {
        door.name: (door, everywhere, tuple((name, devices.get(name)) for name in used_by(door)))
        for door in config.doors
    }


def used_by(door: Door) -> tuple[str, ...]:
    """The devices that a door is made of."""
    lines = (door.contact, door.rex, door.staff_button)
    names = [door.reader, door.strike.device, door.keypad, door.indicator, door.display]
    names += [line.device for line in lines if line is not None]
    return tuple(dict.fromkeys(name for name in names if name is not None))


def _own_spec(config: Config, device: DeviceConfig) -> object:
    strikes = frozenset(
        (door.strike.channel, door.strike.lock)
        for door in config.doors
        if door.strike.device == device.name
    )
    lamps = frozenset(lamp for lamp in config.devices if lamp.relay == device.name)
    return (device, strikes, lamps)


def _changed(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[frozenset[str], frozenset[str]]:
    ending = {name for name, spec in before.items() if after.get(name) != spec}
    beginning = {name for name, spec in after.items() if before.get(name) != spec}
    return frozenset(ending), frozenset(beginning)


def _waits(key: str) -> bool:
    return any(key == held or key.startswith(f"{held}.") for held in AT_RESTART)


def _held_back(before: Config, after: Config) -> Config:
    return replace(
        after,
        storage=before.storage,
        secrets=before.secrets,
        retention=before.retention,
        site=replace(after.site, timezone=before.site.timezone),
        clock=before.clock,
        control=replace(after.control, socket=before.control.socket),
        metrics=before.metrics,
        lockout=before.lockout,
        register=replace(
            before.register,
            maintenance=after.register.maintenance,
            sip2=after.register.sip2,  # nothing that runs uses it
        ),
    )

"""Builds devices and access points from the configuration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from drivers.lcus_relay import LcusRelay
from drivers.serial_keypad import SerialKeypad
from drivers.serial_scanner import SerialScanner
from kioskd.access.facts import DoorPolicy
from kioskd.access.lockout import LockoutPolicy
from kioskd.access.schedule import Schedule
from kioskd.config.model import Config, DeviceConfig, Door
from kioskd.daemon.panels import LogPanel
from kioskd.domain.card import CodePatterns
from kioskd.entry.access_point import AccessPoint, Timing
from kioskd.entry.doorway import Doorway
from kioskd.entry.dossier import Dossier
from kioskd.entry.lockouts import Lockouts
from kioskd.entry.notebook import Notebook
from kioskd.entry.verdict import Judge
from kioskd.errors import ConfigError
from kioskd.ports import Checkpoint, Clock, Device, DeviceWatch, Journal, PinVerifier

T = TypeVar("T")
DRIVERS: Mapping[str, type[SerialScanner | SerialKeypad | LcusRelay]] = {
    "serial-scanner": SerialScanner,
    "serial-keypad": SerialKeypad,
    "lcus-relay": LcusRelay,
}


@dataclass(frozen=True, slots=True)
class Shared:
    """What every access point of a site uses."""

    config: Config
    clock: Clock
    schedule: Callable[[], Schedule]
    dossier: Dossier
    lockouts: Lockouts
    verifier: PinVerifier
    journal: Journal
    notebook: Notebook
    checkpoint: Checkpoint


class Devices:
    """Every configured device, by name; a role is asked for by who needs it."""

    def __init__(self, config: Config, clock: Clock, watch: DeviceWatch) -> None:
        self._devices = {d.name: _device(d, clock, watch) for d in config.devices}

    def all(self) -> tuple[Device, ...]:
        """In the order of the file."""
        return tuple(self._devices.values())

    def scanner(self, name: str) -> SerialScanner:
        """The reader of that name."""
        return _as(self._devices[name], SerialScanner)

    def keypad(self, name: str) -> SerialKeypad:
        """The keypad of that name."""
        return _as(self._devices[name], SerialKeypad)

    def relay(self, name: str) -> LcusRelay:
        """The relay of that name."""
        return _as(self._devices[name], LcusRelay)


def _device(
    config: DeviceConfig, clock: Clock, watch: DeviceWatch
) -> SerialScanner | SerialKeypad | LcusRelay:
    return DRIVERS[config.driver](config, clock, watch)


def _as(device: object, kind: type[T]) -> T:
    if not isinstance(device, kind):
        raise ConfigError([f"{device!r} is no {kind.__name__}; run `kioskd check-config`"])
    return device


def door_policy(config: Config, door: Door) -> DoorPolicy:
    """The site's choices for one door, as policy reads them."""
    policy = config.policy
    return DoorPolicy(
        branch=config.site.branch,
        categories=frozenset(door.categories),
        minimum_age=door.minimum_age,
        max_credential_age=timedelta(hours=policy.max_credential_age_hours),
        allow_recent_when_stale=policy.stale == "allow-recent",
        allow_when_clock_untrusted=policy.clock_untrusted == "allow",
        debarred_blocks=policy.debarred_blocks_door,
        fees_block=policy.fees_block_door,
        capacity=policy.capacity,
    )


def lockout_policy(config: Config) -> LockoutPolicy:
    """The site's ladder."""
    steps = tuple(timedelta(minutes=m) for m in config.lockout.steps_minutes)
    return LockoutPolicy(config.lockout.tries, steps)


def timing_of(config: Config) -> Timing:
    """Site-wide times of access points."""
    return Timing(config.policy.deny_after_ms / 1000, config.cards.double_read_ms / 1000)


def doorway_of(shared: Shared, door: Door, devices: Devices) -> Doorway:
    """The door's strike and machine; made once, kept when its access point starts anew."""
    relay = devices.relay(door.strike.device)
    strike = relay.strike(door.strike.channel, door.strike.lock)
    return Doorway(door.name, strike, shared.clock, shared.notebook, has_contact=False)


def access_point(shared: Shared, door: Door, devices: Devices, doorway: Doorway) -> AccessPoint:
    """A fresh access point of a door."""
    config = shared.config
    judge = Judge(
        door.name,
        door_policy(config, door),
        door.pin_required,
        shared.dossier,
        shared.lockouts,
        shared.verifier,
        shared.journal,
        shared.clock,
        shared.checkpoint,
    )
    return AccessPoint(
        door,
        timing_of(config),
        CodePatterns(config.cards.patron, config.cards.item),
        shared.schedule,
        devices.scanner(door.reader),
        devices.keypad(door.keypad) if door.keypad else None,
        LogPanel(door.name, shared.clock.monotonic),
        judge,
        doorway,
        shared.notebook,
        shared.clock,
        shared.checkpoint,
    )

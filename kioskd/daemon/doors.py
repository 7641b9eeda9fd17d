"""Builds a door from its table: its strike, its face, its lines, and what serves people at it.

Deliberately not here: the tasks that run all of it (fleet).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from drivers.relay_indicator import RelayIndicator
from drivers.serial_display import SerialDisplay
from drivers.serial_keypad import SerialKeypad
from drivers.serial_scanner import SerialScanner
from kioskd.access.facts import DoorPolicy
from kioskd.access.lockout import LockoutPolicy
from kioskd.access.schedule import Schedule
from kioskd.config.model import Config, Door
from kioskd.daemon.device_set import DeviceSet
from kioskd.daemon.panels import LogPanel, WirePanel
from kioskd.domain.card import CodePatterns
from kioskd.entry.access_point import AccessPoint, Timing
from kioskd.entry.attendant import Attendant
from kioskd.entry.doorway import DoorTimes, Doorway
from kioskd.entry.dossier import Dossier
from kioskd.entry.faces import DisplayPanel, FanPanel, IndicatorPanel
from kioskd.entry.first_person import FirstPerson
from kioskd.entry.inputs import Lines
from kioskd.entry.lockouts import Lockouts
from kioskd.entry.losses import Losses
from kioskd.entry.notebook import Notebook
from kioskd.entry.staff_door import StaffDoor
from kioskd.entry.standing import Standing
from kioskd.entry.unlock import ScheduledUnlock
from kioskd.entry.verdict import Judge
from kioskd.health.ticks import Ticks
from kioskd.ports import Broadcast, CardActivity, Checkpoint, Clock, Journal, PinVerifier
from kioskd.words import Place


@dataclass(frozen=True, slots=True)
class Shared:
    """What every door of a site uses. first: whether staff are in; ticks: whether tasks go on.

    many_unknown: told a door at which cards are tried; writes: whether the journal takes rows.
    activity: where a register is to be told of cards that were used.
    """

    config: Config
    clock: Clock
    schedule: Callable[[], Schedule]
    dossier: Dossier
    lockouts: Lockouts
    verifier: PinVerifier
    journal: Journal
    notebook: Notebook
    broadcast: Broadcast
    first: FirstPerson
    ticks: Ticks
    losses: Losses
    many_unknown: Callable[[str], None]
    writes: Callable[[], bool]
    checkpoint: Checkpoint
    activity: CardActivity | None = None


@dataclass(frozen=True, slots=True)
class BuiltDoor:
    """A door's parts. faces: what shows things and has a task of its own.

    access_point: made anew whenever it is to be served; attendant: begun anew.
    """

    door: Door
    doorway: Doorway
    attendant: Attendant
    staff: StaffDoor
    faces: tuple[IndicatorPanel | DisplayPanel, ...]
    access_point: Callable[[], AccessPoint]


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


def build_door(shared: Shared, door: Door, devices: DeviceSet) -> BuiltDoor:
    """A door and everything at it; its devices are there already."""
    policy = door_policy(shared.config, door)
    doorway = _doorway(shared, door, devices)
    standing = Standing(
        lambda: shared.dossier.place(policy),
        shared.schedule,
        doorway.strike_there,
        lambda: devices.there(door.keypad),
        door.pin_required,
        shared.writes,
    )
    unlock = _unlock(shared, door, doorway, policy)
    attendant = Attendant(
        doorway,
        shared.clock,
        lines=_lines(door, devices),
        unlock=unlock,
        tick=shared.ticks.ticker(f"attendant {door.name}"),
    )
    staff = StaffDoor(doorway, unlock, standing.fault, attendant.task, shared.clock)
    faces = tuple(_faces(shared, door, devices))
    log = LogPanel(door.name, shared.clock.monotonic)
    panel = FanPanel([log, WirePanel(door.name, shared.broadcast), *faces])

    def access_point() -> AccessPoint:
        return _access_point(shared, door, devices, doorway, panel, policy, standing)

    return BuiltDoor(door, doorway, attendant, staff, faces, access_point)


def _doorway(shared: Shared, door: Door, devices: DeviceSet) -> Doorway:
    doorway = Doorway(
        door.name,
        devices.strike(door.strike),
        shared.clock,
        shared.notebook,
        has_contact=door.contact is not None,
        times=DoorTimes.of(door),
        strike_there=lambda: devices.there(door.strike.device),
    )
    shared.losses.on_loss(door.strike.device, door.name, doorway.strike_lost)
    if door.contact is not None:
        shared.losses.on_loss(door.contact.device, door.name, doorway.contact_lost)
    return doorway


def _unlock(
    shared: Shared, door: Door, doorway: Doorway, policy: DoorPolicy
) -> ScheduledUnlock | None:
    if door.staffed != "unlocked":
        return None
    return ScheduledUnlock(
        doorway,
        lambda: shared.dossier.place(policy),
        shared.schedule,
        shared.first,
        shared.journal,
        shared.clock,
    )


def _lines(door: Door, devices: DeviceSet) -> Lines:
    return Lines(
        devices.line(door.contact), devices.line(door.rex), devices.line(door.staff_button)
    )


def _faces(shared: Shared, door: Door, devices: DeviceSet) -> "list[IndicatorPanel | DisplayPanel]":
    site = shared.config.site
    faces: list[IndicatorPanel | DisplayPanel] = []
    if door.indicator is not None:
        lamps = devices.of(door.indicator, RelayIndicator)
        faces.append(IndicatorPanel(door.name, lamps, shared.clock))
    if door.display is not None:
        display = devices.of(door.display, SerialDisplay)
        place = Place(ZoneInfo(site.timezone), site.help_phone, door.minimum_age, site.name)
        faces.append(DisplayPanel(door.name, display, place, site.languages, shared.clock))
    return faces


def _access_point(
    shared: Shared,
    door: Door,
    devices: DeviceSet,
    doorway: Doorway,
    panel: FanPanel,
    policy: DoorPolicy,
    standing: Standing,
) -> AccessPoint:
    config, clock = shared.config, shared.clock
    judge = Judge(
        door.name,
        policy,
        door.pin_required,
        shared.dossier,
        shared.lockouts,
        shared.verifier,
        shared.journal,
        clock,
        shared.checkpoint,
        shared.activity,
    )
    return AccessPoint(
        door,
        timing_of(config),
        CodePatterns(config.cards.patron, config.cards.item),
        shared.schedule,
        devices.of(door.reader, SerialScanner),
        devices.of(door.keypad, SerialKeypad) if door.keypad else None,
        panel,
        judge,
        doorway,
        shared.many_unknown,
        clock,
        shared.checkpoint,
        tick=shared.ticks.ticker(f"door {door.name}"),
        standing=standing.shown,
        keypad_there=lambda: devices.there(door.keypad),
        first=shared.first,
    )

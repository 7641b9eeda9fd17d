"""Gathers what the doctor judges: from files, from the machine, and from a running daemon.

Works beside a daemon and without one, with a configuration that has faults, and for somebody who
may look at little: what this user may not see is an `Unseen` that says who may. Changes nothing.
Deliberately not here: any judgement (kioskd.health.checks).
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from kioskd import __version__
from kioskd.access.schedule import hours_of
from kioskd.clock.system import SystemClock
from kioskd.clock.trust import SystemEvidence, WallClockTrust
from kioskd.config.calendar import schedule_of
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.config.strikes import legible
from kioskd.daemon import asked, kept, machine, plugged
from kioskd.daemon.asked import Told
from kioskd.daemon.privileges import drop_to_owner
from kioskd.errors import ConfigError, KioskError, StoreError
from kioskd.health.examined import (
    ClockLook,
    DeviceLook,
    Examination,
    FileLook,
    FilesLook,
    HoursLook,
    KeyLook,
    Unseen,
)

_AS_OWNER: Final = "run it as root or as the daemon's user: sudo kioskd doctor"
T = TypeVar("T")


def examine(path: Path, *, root: Path = machine.ROOT, is_default: bool = False) -> Examination:
    """Everything that can be looked at for the configuration at `path`. Never raises a KioskError.

    As root it becomes the owner of the storage directory first, for good.
    """
    try:
        config = load(path)
    except ConfigError as wrong:
        return _without_config(path, wrong, root)
    try:
        drop_to_owner(config.storage.directory)
    except StoreError as error:
        return Examination(str(path), __version__, faults=(str(error),), warnings=config.warnings)
    return _examined(config, asked.ask_running(config, is_default=is_default), root)


def _without_config(path: Path, wrong: ConfigError, root: Path) -> Examination:
    storage = legible(path).storage
    with suppress(StoreError):
        drop_to_owner(storage or path.parent)
    return Examination(
        str(path),
        __version__,
        faults=wrong.faults,
        versions=machine.versions(),
        machine=machine.memory(root),
        disk=machine.disk_look(storage, root) if storage else None,
        journal=_looked(lambda: kept.journal_look(storage)) if storage else None,
    )


def _examined(config: Config, told: Told, root: Path) -> Examination:
    directory = config.storage.directory
    return Examination(
        str(config.path),
        __version__,
        warnings=config.warnings,
        versions=machine.versions(),
        register=config.register.kind,
        clock=_looked(lambda: _clock(config, told)),
        devices=_devices(config, told, root),
        files=_looked(lambda: _files(config, told)),
        key=_looked(lambda: _key(config, root)),
        machine=machine.memory(root),
        disk=machine.disk_look(directory, root),
        cache=_looked(lambda: kept.cache_look(config, told)),
        coverage=_looked(lambda: kept.coverage_look(config)),
        journal=_looked(lambda: kept.journal_look(directory, told)),
        daemon=told.look,
        hours=_looked(lambda: _hours(config)),
    )


def _looked(work: Callable[[], T]) -> T | Unseen:
    try:
        return work()
    except PermissionError as error:
        return Unseen(f"{error.filename}: not allowed to look", _AS_OWNER)
    except (KioskError, OSError) as error:
        return Unseen(str(error), _AS_OWNER if os.geteuid() else "see what it names")


def _clock(config: Config, told: Told) -> ClockLook:
    clock, zone = SystemClock(), ZoneInfo(config.site.timezone)
    now, newest, evidence = (
        clock.moment(),
        kept.newest_trusted(config.storage.directory),
        SystemEvidence(),
    )
    mark = kept.accepted_clock(config.storage.directory)
    judged = WallClockTrust(config.clock.source, newest, evidence, mark).judge(now)
    trusted, why = told.clock(judged.trusted, judged.why)
    return ClockLook(
        now.wall.astimezone(zone),
        trusted,
        why,
        config.clock.source,
        evidence.synchronised(),
        evidence.rtc(),
        newest,
    )


def _devices(config: Config, told: Told, root: Path) -> tuple[DeviceLook, ...]:
    found = plugged.find(root)
    try:
        owner = config.storage.directory.stat()
    except OSError:
        owner = None
    looks = []
    for device in config.devices:
        node = plugged.resolved(device.port, root)
        stable = next((p.by_id for p in found if p.node == device.port and p.by_id), "")
        present, why = told.device(device.name)
        looks.append(
            DeviceLook(
                device.name,
                device.driver,
                device.port,
                there=plugged.is_remote(device.port) or node is not None,
                usable=machine.may_use(node, owner) if node and owner else None,
                node=str(node or ""),
                group=machine.group_name(node.stat().st_gid) if node else "",
                present=present,
                why=why,
                stable=stable,
            )
        )
    return tuple(looks)


def _files(config: Config, told: Told) -> FilesLook | Unseen:
    storage = machine.file_look(config.storage.directory)
    file = machine.file_look(config.path)
    if storage is None or file is None:
        hidden = config.storage.directory if storage is None else config.path
        return Unseen(f"{hidden}: not allowed to look", _AS_OWNER)
    socket: FileLook | None = machine.file_look(told.path) if told.path else None
    return FilesLook(
        user=storage.owner or "the daemon's user",
        storage=storage,
        config=file,
        socket=socket if socket and socket.there else None,
        missing_groups=tuple(machine.missing_groups(config.control.roles.values())),
    )


def _key(config: Config, root: Path) -> KeyLook | Unseen:
    reference = config.secrets.device_key
    scheme, _, name = reference.partition(":")
    if scheme != "file":
        return KeyLook(reference, None, machine.has_tpm(root))
    file = machine.file_look(Path(name))
    if file is None:
        return Unseen(f"{name}: not allowed to look", _AS_OWNER)
    return KeyLook(reference, file, machine.has_tpm(root), kept.why_key(config, file))


def _hours(config: Config) -> HoursLook:
    zone = ZoneInfo(config.site.timezone)
    now = SystemClock().moment().wall
    schedule = schedule_of(config, extra=hours_of(kept.exceptions(config.storage.directory)))
    opens = schedule.next_opening(now)
    return HoursLook(
        schedule.state_at(now).value,
        now.astimezone(zone),
        opens.astimezone(zone) if opens else None,
    )

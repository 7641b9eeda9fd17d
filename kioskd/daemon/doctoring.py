"""Gathers what the doctor judges: from files, from the machine, and from a running daemon.

Works beside a daemon and without one, with a configuration that has faults, and for somebody who
may look at little: what this user may not see is an `Unseen` that says who may. Changes nothing.
Deliberately not here: any judgement (kioskd.health.checks).
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

from kioskd import __version__
from kioskd.access.schedule import hours_of
from kioskd.clock.system import SystemClock
from kioskd.clock.trust import SystemEvidence, WallClockTrust
from kioskd.config.calendar import schedule_of
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.config.strikes import legible
from kioskd.daemon import asked, kept, machine, plugged, published
from kioskd.daemon.asked import Told
from kioskd.daemon.ils_look import ils_look
from kioskd.daemon.line_look import hub_look
from kioskd.daemon.privileges import drop_to_owner
from kioskd.daemon.sight import lies_open, may_look
from kioskd.errors import ConfigError, KioskError, StoreError
from kioskd.health.examined import (
    CacheLook,
    ClockLook,
    DeviceLook,
    Examination,
    FileLook,
    FilesLook,
    HoursLook,
    KeyLook,
    Unseen,
)
from kioskd.store.journal_start import JOURNAL
from kioskd.store.state import STATE

if TYPE_CHECKING:
    from kioskd.daemon.ils_talk import Patron

_INSTALLED: Final = "install Python and kioskd where the daemon's user may read them"
_AS_OWNER: Final = "run it as root or as the daemon's user: sudo kioskd doctor"
T = TypeVar("T")


def examine(
    path: Path,
    *,
    root: Path = machine.ROOT,
    is_default: bool = False,
    patron: "Patron | None" = None,
) -> Examination:
    """Everything that can be looked at for the configuration at `path`. Never raises a KioskError.

    What the machine denies one look (a file, or a module once it is another user) ends no other.
    patron: a test card, which the library system is asked about.
    As root it becomes the owner of the storage directory first, for good.
    """
    try:
        config = load(path)
    except ConfigError as wrong:
        return _without_config(path, wrong, root, is_default=is_default)
    versions = _versions()  # read from where the storage's owner might not get to
    try:
        drop_to_owner(config.storage.directory)
    except StoreError as error:
        return Examination(str(path), __version__, faults=(str(error),), warnings=config.warnings)
    told = asked.ask_running(config, is_default=is_default)
    seen = replace(_examined(config, told, root), versions=versions)
    return replace(seen, ils=_looked(lambda: ils_look(config, patron)))


def _without_config(path: Path, wrong: ConfigError, root: Path, *, is_default: bool) -> Examination:
    storage = legible(path).storage
    unread, versions = _unread(path), _versions()
    with suppress(StoreError):
        drop_to_owner(storage or path.parent)
    told = asked.ask_despite_faults(path, storage, is_default=is_default)
    return Examination(
        str(path),
        __version__,
        faults=() if unread else wrong.faults,
        unread=unread,
        versions=versions,
        devices=_told_devices(told) if told else (),
        machine=_looked(lambda: machine.memory(root)),
        disk=_looked(lambda: machine.disk_look(storage, root)) if storage else None,
        cache=told.cache() if told else None,
        journal=_looked(lambda: kept.journal_look(storage, told)) if storage else None,
        daemon=told.look if told else None,
    )


def _versions() -> Mapping[str, str]:
    try:
        return machine.versions()
    except (ImportError, OSError) as error:
        return {"libraries": f"not known ({error})"}


def _unread(path: Path) -> Unseen | None:
    if not os.path.lexists(path) or os.access(path, os.R_OK):
        return None
    todo = f"as root: chmod 644 {path} (it holds no secret); or run the doctor as root"
    return Unseen(f"{path}: not readable for this account", todo)


def _told_devices(told: Told) -> tuple[DeviceLook, ...]:
    looks = []
    for name, driver in told.devices().items():
        present, why = told.device(name)
        looks.append(DeviceLook(name, driver, "", there=True, present=present, why=why))
    return tuple(looks)


def _examined(config: Config, told: Told, root: Path) -> Examination:
    directory = config.storage.directory
    key = _looked(lambda: _key(config, root))
    cache = _looked(lambda: kept.cache_look(config, told))
    return Examination(
        str(config.path),
        __version__,
        warnings=config.warnings,
        hub=_seen(_looked(lambda: hub_look(config, told)), None),
        clock=_looked(lambda: _clock(config, told)),
        devices=_seen(_looked(lambda: _devices(config, told, root)), ()),
        files=_looked(lambda: _files(config, told)),
        key=key,
        machine=_looked(lambda: machine.memory(root)),
        disk=_looked(lambda: machine.disk_look(directory, root)),
        cache=_keyed(cache, key),
        coverage=_looked(lambda: kept.coverage_look(config)),
        journal=_looked(lambda: kept.journal_look(directory, told)),
        daemon=told.look,
        hours=_looked(lambda: _hours(config, told)),
    )


def _keyed(
    cache: CacheLook | Unseen | None, key: KeyLook | Unseen | None
) -> CacheLook | Unseen | None:
    """A cache that cannot be read for want of its key is not to be imported anew."""
    if not isinstance(cache, CacheLook) or not isinstance(key, KeyLook):
        return cache
    missing = key.keyring and key.file is not None and not key.file.there
    return replace(cache, keyless=not cache.readable and (missing or bool(key.why)))


def _looked(work: Callable[[], T]) -> T | Unseen:
    try:
        return work()
    except PermissionError as error:
        return Unseen(f"{error.filename}: not allowed to look", _AS_OWNER)
    except (KioskError, OSError) as error:
        return Unseen(str(error), _AS_OWNER if os.geteuid() else "see what it names")
    except (ImportError, LookupError) as error:
        if not _is_out_of_reach(error):
            raise
        return Unseen(f"could not be looked at: {error}", _INSTALLED)


def _seen(found: T | Unseen, otherwise: T) -> T:
    """For a part that has no word for unseen; that the account sees little, others tell."""
    return otherwise if isinstance(found, Unseen) else found


def _is_out_of_reach(error: Exception) -> bool:
    """Whether it failed for a module that this account, no longer root, may not read.

    Encodings and time zones are such modules too: they are loaded when they are first needed.
    """
    return isinstance(error, ImportError) or not os.access(os.__file__, os.R_OK)


def _clock(config: Config, told: Told) -> ClockLook:
    clock, zone, directory = SystemClock(), ZoneInfo(config.site.timezone), config.storage.directory
    now, evidence = clock.moment(), SystemEvidence()
    if not told.judges_clock and config.clock.source == "auto" and not evidence.synchronised():
        may_look(directory, JOURNAL, STATE)  # what is there decides whether it can be believed
    newest, mark = kept.newest_trusted(directory), kept.accepted_clock(directory)
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
    hidden = kept.hidden_key(config, file)
    return KeyLook(
        reference,
        file,
        machine.has_tpm(root),
        "" if hidden else kept.why_key(config, file),
        Unseen(f"{hidden}: not allowed to look", _AS_OWNER) if hidden else None,
        kept.has_keyring(config.storage.directory),
    )


def _hours(config: Config, told: Told) -> HoursLook:
    zone, directory = ZoneInfo(config.site.timezone), config.storage.directory
    now = SystemClock().moment().wall
    told_hours = told.hours(now.astimezone(zone))
    if told_hours is not None and not lies_open(directory, STATE):
        return told_hours
    may_look(directory, STATE)
    in_force = published.kept(directory, config.site.branch).over(config)
    schedule = schedule_of(in_force, extra=hours_of(kept.exceptions(directory)))
    opens = schedule.next_opening(now)
    return HoursLook(
        schedule.state_at(now).value,
        now.astimezone(zone),
        opens.astimezone(zone) if opens else None,
    )

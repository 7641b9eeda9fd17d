"""What was looked at, as frozen values: a command gathers them, the checks judge them.

A part that could not be looked at is an `Unseen`, which says why and who may look. Deliberately
not here: anything that looks, and any opinion.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kioskd.domain.line import LineView
from kioskd.health.ils_seen import IlsLook


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why something could not be looked at, and what to do about that."""

    why: str
    todo: str


@dataclass(frozen=True, slots=True)
class FileLook:
    """A file, directory, socket or device as its metadata tell. mode: permission bits alone."""

    path: str
    there: bool = True
    owner: str = ""
    group: str = ""
    mode: int = 0


@dataclass(frozen=True, slots=True)
class ClockLook:
    """newest: time of the newest row that was written while the clock was trusted."""

    now: datetime
    trusted: bool
    why: str
    source: str
    synchronised: bool
    rtc: bool
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeviceLook:
    """A configured device.

    port: as configured, empty for what hangs on another device. node: where the port leads.
    usable: by the daemon's user; None when that could not be found out. present: as the running
    daemon says; None without one. stable: a by-id path for a port that may change its name.
    """

    name: str
    driver: str
    port: str
    there: bool
    usable: bool | None = None
    node: str = ""
    group: str = ""
    present: bool | None = None
    why: str = ""
    stable: str = ""


@dataclass(frozen=True, slots=True)
class FilesLook:
    """Files that others could read or change. user: the one that the daemon runs as.

    missing_groups: named in [control.roles] and not there.
    """

    user: str
    storage: FileLook
    config: FileLook
    socket: FileLook | None
    missing_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyLook:
    """The device key. reference: as configured; file: None for a credential of the unit.

    why: why it does not open the keyring; empty when it does, and when that was not tried.
    untried: why that was not tried, and who may; None when nothing hindered it. keyring: there is
    one, which no other key opens.
    """

    reference: str
    file: FileLook | None
    tpm: bool
    why: str = ""
    untried: Unseen | None = None
    keyring: bool = False


@dataclass(frozen=True, slots=True)
class MachineLook:
    """swaps: what swapping goes to; core_pattern: where the kernel sends memory of a crash."""

    swaps: tuple[str, ...]
    core_pattern: str


@dataclass(frozen=True, slots=True)
class DiskLook:
    """The file system of the storage directory; bytes."""

    free: int
    total: int
    kind: str
    read_only: bool
    reserve: bool


@dataclass(frozen=True, slots=True)
class CacheLook:
    """The credentials in use. age: None when no clock can tell, or before the first feed.

    keyless: they are not to blame for being unreadable, the device key is.
    """

    imported: bool
    readable: bool = True
    why: str = ""
    credentials: int = 0
    without_pin: int = 0
    generation: str = ""
    age: timedelta | None = None
    good_for: timedelta = timedelta(hours=120)
    keyless: bool = False


@dataclass(frozen=True, slots=True)
class CoverageLook:
    """reasons: by door, how many entries of the last `days` days were decided for which reason.

    enrolled: cards with a verifier of staff; None when they could not be counted.
    """

    days: int
    exported: int
    enrolled: int | None
    reasons: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class JournalLook:
    """seen: the highest seq that state.db remembers. size: bytes with the write-ahead log.

    rows, size: None where only the daemon was asked. takes_rows: as its file and medium let it.
    """

    there: bool
    why: str = ""
    seq: int = 0
    rows: int | None = 0
    size: int | None = 0
    anchor: int = 0
    seen: int = 0
    takes_rows: bool = True


@dataclass(frozen=True, slots=True)
class DaemonLook:
    """held: the storage directory's lock is. why: why it could not be asked, though it may run.

    hung: it took the question and did not answer. foreign: it speaks another protocol. forbidden:
    this account may not ask it. late: tasks that hang. alerts: those that are on. faults: found
    when it started.
    """

    held: bool
    answers: bool
    why: str = ""
    socket: str = ""
    version: str = ""
    hung: bool = False
    foreign: bool = False
    forbidden: bool = False
    late: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    line: LineView | None = None


@dataclass(frozen=True, slots=True)
class HoursLook:
    """state: now; opens: the next time at which anybody is let in, while closed."""

    state: str
    now: datetime
    opens: datetime | None


@dataclass(frozen=True, slots=True)
class HubLook:
    """The hub of the configuration: its address, and the address that this device has towards it.

    own: empty when the name has no address or no way leads there; why then says so. token: why it
    cannot be read, empty when it can. line: as the running daemon has it.
    """

    url: str
    own: str = ""
    why: str = ""
    proxy: str = ""
    token: str = ""
    line: LineView | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that was looked at. None: there is nothing of the kind to look at.

    faults, warnings: of the configuration. unread: why this account cannot read it. versions: by
    name.
    """

    config: str
    version: str
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unread: Unseen | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    hub: HubLook | None = None
    ils: IlsLook | Unseen | None = None
    clock: ClockLook | Unseen | None = None
    devices: tuple[DeviceLook, ...] = ()
    files: FilesLook | Unseen | None = None
    key: KeyLook | Unseen | None = None
    machine: MachineLook | Unseen | None = None
    disk: DiskLook | Unseen | None = None
    cache: CacheLook | Unseen | None = None
    coverage: CoverageLook | Unseen | None = None
    journal: JournalLook | Unseen | None = None
    daemon: DaemonLook | None = None
    hours: HoursLook | Unseen | None = None

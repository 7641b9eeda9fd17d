"""The configuration as frozen values. Names are the file's own; durations carry their unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from re import Pattern

from kioskd.access.schedule import Span
from kioskd.domain.hours import HoursState

Texts = dict[str, str]  # language -> text; a plain string in the file stands for every language


@dataclass(frozen=True, slots=True)
class Site:
    name: Texts
    branch: str
    timezone: str = "Europe/Helsinki"
    languages: tuple[str, ...] = ("fi", "sv", "en")
    help_phone: str = ""


@dataclass(frozen=True, slots=True)
class Storage:
    directory: Path
    retention_days: int


@dataclass(frozen=True, slots=True)
class Secrets:
    device_key: str  # "file:/path" or "credential:name"


@dataclass(frozen=True, slots=True)
class Cards:
    patron: tuple[Pattern[str], ...]
    item: tuple[Pattern[str], ...] = ()
    double_read_ms: int = 1000


@dataclass(frozen=True, slots=True)
class ClockConfig:
    source: str = "auto"  # auto | rtc | assume


@dataclass(frozen=True, slots=True)
class Control:
    """The socket: None for $RUNTIME_DIRECTORY or the storage directory. roles: role -> group."""

    socket: Path | None = None
    roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A weekly window in which the register may be silent. Minutes from local midnight.

    days: 0 is Monday. A window whose end is not after its start runs past midnight.
    """

    days: frozenset[int]
    start_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True)
class Alerts:
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metrics:
    listen: str = ""  # "host:port" on loopback; empty = off


@dataclass(frozen=True, slots=True)
class HubAccess:
    """Where the hub is, and where this device's token is ("file:/path" or "credential:name").

    config_key: base64url of the key that the hub signs published configurations with; empty: the
    first one seen is kept. pull_seconds: between two looks when the hub gives no hint.
    """

    url: str
    token: str
    ca_file: Path | None = None
    proxy: str = ""
    config_key: str = ""
    pull_seconds: int = 30


@dataclass(frozen=True, slots=True)
class SipAccess:
    """[register.sip2]: where the library system is, who this device is there, how it speaks.

    secret, terminal_secret: "file:/path" or "credential:name", empty for none. insecure_plaintext:
    why SIP2 without TLS is accepted off loopback. institution: AO. location: AP, empty: the site's
    branch. login_location: CP. answer_seconds: for one try of one request. What is None is as the
    dialect has it (sync.sip2.dialect says what each means); door_flags, lending_flags: names of
    flags of patron_status.
    """

    host: str
    dialect: str
    port: int = 6001
    tls: bool = True
    insecure_plaintext: str = ""
    ca_file: Path | None = None
    user: str = ""
    secret: str = ""
    terminal_secret: str = ""
    institution: str = ""
    location: str = ""
    login_location: str = ""
    language: str = "fi"
    answer_seconds: float = 3.0
    retries: int = 3
    encoding: str | None = None
    fallback: str | None = None
    delimiter: str | None = None
    error_detection: bool | None = None
    checksum: str | None = None
    zone: str | None = None
    send_99: bool | None = None
    send_35: bool | None = None
    keep_alive_seconds: int | None = None
    echoes_card: bool | None = None
    replays: bool | None = None
    access_field: str | None = None
    access_values: tuple[str, ...] | None = None
    expiry_field: str | None = None
    door_flags: tuple[str, ...] | None = None
    lending_flags: tuple[str, ...] | None = None
    screen_messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Register:
    """credentials: file or hub. events, hours: none or hub."""

    kind: str = "file"
    learned_days: int = 90
    maintenance: tuple[Maintenance, ...] = ()
    credentials: str = "file"
    events: str = "none"
    hours: str = "none"
    hub: HubAccess | None = None
    sip2: SipAccess | None = None

    @property
    def uses_hub(self) -> bool:
        """Whether any part is served by a hub."""
        return "hub" in (self.credentials, self.events, self.hours)


@dataclass(frozen=True, slots=True)
class DriverKind:
    """What a driver is for, and which keys its [devices.NAME] must and may have beside driver."""

    role: str  # reader | keypad | relay | indicator | display | inputs
    keys: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset({"port"})


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """One [devices.NAME] table. Keys that a driver does not know are faults."""

    name: str
    driver: str
    port: str  # empty for a relay-indicator
    baud: int = 9600
    terminator: str = "any"  # any | cr | lf | crlf; serial-scanner only
    idle_timeout_ms: int = 200  # an unfinished frame is thrown away after this; serial-scanner only
    relay: str = ""  # relay-indicator only: the relay board that its lamps hang on; it has no port
    red: int = 0  # relay-indicator only: channels, 0 = there is none
    green: int = 0
    wait: int = 0
    tone: int = 0
    characters: str = "hd44780-a00"  # serial-display only: which letters its controller has


@dataclass(frozen=True, slots=True)
class StrikeConfig:
    device: str
    channel: int = 1
    lock: str = "fail-secure"  # fail-secure | fail-safe (then secured = energised)


@dataclass(frozen=True, slots=True)
class InputConfig:
    """A line of an inputs device. active: the level that means closed, or pressed."""

    device: str
    line: int = 1
    active: str = "low"  # low | high; written `closed` for a contact, `pressed` for a button


@dataclass(frozen=True, slots=True)
class Door:
    name: str
    reader: str
    strike: StrikeConfig
    keypad: str | None = None
    indicator: str | None = None
    display: str | None = None
    panel: bool = False
    contact: InputConfig | None = None
    rex: InputConfig | None = None
    staff_button: InputConfig | None = None
    release_seconds: float = 5.0
    long_release_seconds: float = 15.0
    pin_self_service: bool = True
    pin_staffed: bool = True
    card_only_accepted_by: str | None = None
    staffed: str = "locked"  # locked | unlocked
    pin_min: int = 4
    pin_max: int = 12
    pin_timeout_seconds: float = 30.0
    held_warn_seconds: float = 30.0
    held_seconds: float = 60.0
    categories: tuple[str, ...] = ()
    minimum_age: int = 15

    def pin_required(self, hours: HoursState) -> bool:
        """Whether a PIN is asked for in this state; always outside opening hours."""
        if hours is HoursState.CLOSED:
            return True
        return self.pin_staffed if hours is HoursState.STAFFED else self.pin_self_service


@dataclass(frozen=True, slots=True)
class ScheduleException:
    date: date
    hours: tuple[Span, ...]
    title: Texts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    """weekly: Monday first, seven rows; a day that the file does not name is empty (closed)."""

    weekly: tuple[tuple[Span, ...], ...]
    exceptions: tuple[ScheduleException, ...] = ()
    holidays: str = "FI"
    holiday_hours: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Retention:
    undelivered_days: int = 45
    unknown_card_hours: int = 24
    row_days: int = 365
    staff_action_months: int = 12
    incident_hold_max_days: int = 90


@dataclass(frozen=True, slots=True)
class LockoutConfig:
    tries: int = 5
    steps_minutes: tuple[int, ...] = (1, 5, 15, 60)


@dataclass(frozen=True, slots=True)
class Policy:
    max_credential_age_hours: int = 120
    stale: str = "deny"  # deny | allow-recent
    clock_untrusted: str = "deny"  # deny | allow
    deny_after_ms: int = 500
    debarred_blocks_door: bool = False
    fees_block_door: bool = False
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration without faults. `path` is where it was read from."""

    path: Path
    site: Site
    storage: Storage
    secrets: Secrets
    cards: Cards
    schedule: ScheduleConfig
    devices: tuple[DeviceConfig, ...]
    doors: tuple[Door, ...]
    clock: ClockConfig = ClockConfig()
    control: Control = field(default_factory=Control)
    alerts: Alerts = Alerts()
    metrics: Metrics = Metrics()
    register: Register = Register()
    retention: Retention = Retention()
    lockout: LockoutConfig = LockoutConfig()
    policy: Policy = Policy()
    warnings: tuple[str, ...] = ()

    def device(self, name: str) -> DeviceConfig:
        """The device of that name; the loader has made sure that it exists."""
        return next(d for d in self.devices if d.name == name)

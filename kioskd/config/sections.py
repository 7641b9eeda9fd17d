"""The tables of the file that stand by themselves: site, storage, secrets, cards and the like.

Deliberately not here: devices (devices.py) and doors (doors.py), opening hours (hours.py), who may
operate the site (operating.py), the register (register.py), what this version does not have
(later.py).
"""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from kioskd.config.leaves import (
    LANGUAGES,
    code,
    directory,
    flag,
    many,
    one_of,
    optional_text,
    seconds,
    secret,
    text,
    texts,
    whole,
)
from kioskd.config.model import (
    Cards,
    ClockConfig,
    LockoutConfig,
    Policy,
    Retention,
    Secrets,
    Site,
    Storage,
)
from kioskd.config.patterns import pattern
from kioskd.config.walk import Place, Unfit, nearest, quoted, read


def zone(place: Place, value: object) -> str:
    """The name of a time zone that this machine knows."""
    name = text(place, value)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unfit(f"{quoted(name)} is not a time zone; {_zone_meant(name)}") from None
    return name


def site(place: Place, value: object) -> Site:
    """[site]: who and where."""
    leaves = {
        "name": texts,
        "branch": code,
        "timezone": zone,
        "languages": many(one_of(*LANGUAGES), least=1),
        "help_phone": optional_text,
    }
    table = read(place, value, leaves, required=("name", "branch"))
    built = table.build(Site)
    if table.sound("languages") and len(set(built.languages)) < len(built.languages):
        place.of("languages").fault("names a language twice; each once, the first is shown first")
    return built


def storage(place: Place, value: object) -> Storage:
    """[storage]: how long persons are kept is an explicit choice, so it has no default."""
    leaves = {"directory": directory, "retention_days": whole(1, 365)}
    return read(place, value, leaves, required=leaves).build(Storage)


def secrets(place: Place, value: object) -> Secrets:
    """[secrets]: where the device key is."""
    return read(place, value, {"device_key": secret}, required=("device_key",)).build(Secrets)


def cards(place: Place, value: object) -> Cards:
    """[cards]: what a patron card and an item barcode look like."""
    leaves = {
        "patron": many(pattern, least=1),
        "item": many(pattern),
        "double_read_ms": whole(0, 10_000),
    }
    return read(place, value, leaves, required=("patron",)).build(Cards)


def clock(place: Place, value: object) -> ClockConfig:
    """[clock]: what vouches for the wall clock."""
    return read(place, value, {"source": one_of("auto", "rtc", "assume")}).build(ClockConfig)


def retention(place: Place, value: object) -> Retention:
    """[retention]: upper limits are those of the privacy statement (incident holds: 90 days)."""
    leaves = {
        "undelivered_days": whole(1, 365),
        "unknown_card_hours": whole(1, 720),
        "row_days": whole(1, 3650),
        "staff_action_months": whole(1, 120),
        "incident_hold_max_days": whole(1, 90),
    }
    return read(place, value, leaves).build(Retention)


def lockout(place: Place, value: object) -> LockoutConfig:
    """[lockout]: the ladder of a card with wrong PINs."""
    leaves = {"tries": whole(1, 20), "steps_minutes": many(whole(1, 1440), least=1)}
    table = read(place, value, leaves)
    built = table.build(LockoutConfig)
    steps = list(built.steps_minutes)
    if table.sound("steps_minutes") and steps != sorted(set(steps)):
        place.of("steps_minutes").fault("must ascend, like [1, 5, 15, 60]")
    return built


def policy(place: Place, value: object) -> Policy:
    """[policy]: what the site may decide about decisions."""
    leaves = {
        "online": one_of("never", "when-unknown", later=("confirm",)),
        "online_deadline_seconds": seconds(0.1, 10.0),
        "max_credential_age_hours": whole(1, 8760),
        "stale": one_of("deny", "allow-recent"),
        "clock_untrusted": one_of("deny", "allow"),
        "deny_after_ms": whole(100, 5000),  # below 100 ms the KDF of a small device would show
        "debarred_blocks_door": flag,
        "fees_block_door": flag,
        "capacity": whole(1, 100_000),
    }
    table = read(place, value, leaves)
    if table.values.get("online") == "when-unknown":
        place.of("online").warn('no register is asked online in this version; same as "never"')
    if "capacity" in table.values:
        place.of("capacity").warn("no counter is built into this version; never reached")
    return table.build(Policy)


def _zone_meant(name: str) -> str:
    meant = nearest(name, available_timezones())  # reads hundreds of files, for a fault only
    return f"did you mean {meant}?" if meant else "they are named like Europe/Helsinki"

"""Checks of what lies on the disk: permissions, key, memory, space, cache, coverage, journal."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final, TypeVar

from kioskd.domain.decision import Reason
from kioskd.health.examined import (
    CacheLook,
    CoverageLook,
    DiskLook,
    Examination,
    FileLook,
    FilesLook,
    JournalLook,
    KeyLook,
    MachineLook,
    Unseen,
)
from kioskd.health.findings import Finding, bad, look, ok

PRIVATE_DIRECTORY: Final = 0o700
_OTHERS = 0o077
_OTHERS_WRITE = 0o022
_WORLD = 0o007
FEED_OLD: Final = timedelta(hours=24)  # POLICY: restrictions are wanted daily
LOW_PERCENT: Final = 5
LOW_BYTES: Final = 100_000_000
_GONE_AT_RESTART = frozenset({"tmpfs", "ramfs"})
_NOT_HELD: frozenset[str] = frozenset(
    {Reason.UNKNOWN_CARD, Reason.PIN_NOT_SET, Reason.NOT_KNOWN_OFFLINE}
)
# Told before the card is looked at, or not decided by it: they say nothing of verifiers.
_TELLS_NOTHING: frozenset[str] = frozenset(
    {
        Reason.LOCKDOWN,
        Reason.CLOCK_UNTRUSTED,
        Reason.CLOSED,
        Reason.LOCKED_OUT,
        Reason.PIN_TIMEOUT,
        Reason.CANCELLED,
        Reason.CACHE_UNREADABLE,
        Reason.STORE_FAILED,
    }
)
T = TypeVar("T")
Judged = Iterator[Finding]


def _over(
    check: str, part: Callable[[Examination], T | Unseen | None], judge: Callable[[T], Judged]
) -> Callable[[Examination], Judged]:
    """A check of one part; what could not be looked at is said as that."""

    def run(seen: Examination) -> Judged:
        found = part(seen)
        if isinstance(found, Unseen):
            yield look(check, found.why, found.todo)
        elif found is not None:
            yield from judge(found)

    return run


def permissions(found: FilesLook) -> Judged:
    """That what is secret is the daemon's alone, and that nobody changes what it reads."""
    faults = [*_storage(found), *_config(found.config), *_socket(found)]
    if found.user == "root":
        faults.append(
            look(
                "permissions",
                "the daemon runs as root: a fault in it has every right",
                "give it a user of its own and the storage directory to that user",
            )
        )
    yield from faults or [ok("permissions", f"{found.storage.path} is {found.user}'s alone")]


def _storage(found: FilesLook) -> Judged:
    storage = found.storage
    if not storage.there:
        yield bad("permissions", f"{storage.path}: not there", "start the daemon once")
    elif storage.mode & _OTHERS:
        yield bad(
            "permissions",
            f"{storage.path}: mode {storage.mode:04o}, others may look into it",
            f"chmod {PRIVATE_DIRECTORY:o} {storage.path}",
        )


def _config(config: FileLook) -> Judged:
    if config.there and config.mode & _OTHERS_WRITE:
        yield bad(
            "permissions",
            f"{config.path}: mode {config.mode:04o}, others may change what the door does",
            f"chmod go-w {config.path}",
        )


def _socket(found: FilesLook) -> Judged:
    socket = found.socket
    if socket is not None and socket.mode & _WORLD:
        yield bad(
            "socket",
            f"{socket.path}: mode {socket.mode:04o}, everybody may knock",
            f"chmod 660 {socket.path}, and restart the daemon",
        )
    for group in found.missing_groups:
        yield look(
            "socket",
            f"[control.roles] names group {group}, which is not there: nobody has its role",
            f"groupadd {group}, then usermod -aG {group} PERSON",
        )


def key(found: KeyLook) -> Judged:
    """Which tier of safety the device key has, said plainly; no tier for one that opens nothing."""
    scheme = found.reference.partition(":")[0]
    if scheme == "credential":
        yield _credential(tpm=found.tpm)
        return
    file = found.file
    if file is None or not file.there:
        yield _missing_key(found)
    elif file.mode & _OTHERS:
        # Named alone: the daemon refuses such a file whatever is in it.
        yield bad(
            "key",
            f"{file.path}: mode {file.mode:04o}, others than {file.owner} may use it",
            f"chmod 600 {file.path}",
        )
    elif found.why:
        yield bad("key", found.why, "put the right key back; it is in the backup of this device")
    else:
        tier = "tier 3: a file on the same card; it covers backups only, not a stolen card"
        yield ok("key", tier)
        if found.untried is not None:
            yield look("key", found.untried.why, found.untried.todo)


def _missing_key(found: KeyLook) -> Finding:
    path = found.file.path if found.file else found.reference
    if found.untried is not None:
        return bad("key", f"{path}: no device key there", found.untried.todo)
    if found.keyring:
        todo = "put it back from its copy; a new key would open nothing of what is kept here"
        return bad("key", f"{path}: the device key is gone", todo)
    return bad("key", f"{path}: no device key there", f"kioskd keygen --out {path}")


def _credential(*, tpm: bool) -> Finding:
    if tpm:
        return ok(
            "key",
            "tier 1 if it was sealed to the TPM2 of this device (systemd-creds --with-key=tpm2): "
            "a stolen card is worth nothing",
        )
    return ok(
        "key",
        "tier 3: a systemd credential without a TPM2; it covers backups only, not a stolen card",
    )


def machine(found: MachineLook) -> Judged:
    """That memory with keys in it does not come to the card."""
    disks = [swap for swap in found.swaps if not swap.rpartition("/")[2].startswith("zram")]
    if disks:
        yield look(
            "swap",
            f"on ({', '.join(disks)}): keys in memory may be written there",
            "swapoff -a, and take it out of /etc/fstab or disable dphys-swapfile",
        )
    else:
        yield ok("swap", "compressed memory only" if found.swaps else "off")
    pattern = found.core_pattern
    # The kernel feeds a program whatever the limit is; systemd-coredump looks at the limit itself.
    if pattern.startswith("|") and "systemd-coredump" not in pattern:
        yield look(
            "core dumps",
            f"a crash is handed to {pattern[1:].split()[0] if pattern[1:].split() else '?'}, "
            "whatever the limit",
            "sysctl -w kernel.core_pattern=core",
        )
    else:
        yield ok("core dumps", "off: the daemon's limit is 0")


def disk(found: DiskLook) -> Judged:
    """Room, and that what is written stays."""
    free = f"{_bytes(found.free)} of {_bytes(found.total)} free"
    low = found.free < LOW_BYTES or found.free * 100 < found.total * LOW_PERCENT
    if found.read_only:
        todo = "see `dmesg`; a dying card turns read-only: replace it"
        yield bad("disk", f"read-only ({found.kind}): the journal takes no row; {free}", todo)
    elif low:
        yield bad("disk", free, "free some space; with none left nobody is let in")
    else:
        yield ok("disk", f"{free} ({found.kind})")
    if found.kind in _GONE_AT_RESTART or found.kind == "overlay":
        sure = "is" if found.kind in _GONE_AT_RESTART else "may be"
        yield look(
            "disk",
            f"{found.kind}: what is written here {sure} gone after a restart, the journal too",
            "put storage.directory on a real disk",
        )
    if not found.reserve:
        yield look(
            "disk",
            "no reserve file: on a full disk nothing could even be deleted",
            "free some space; the daemon takes the reserve with its next retention run",
        )


def cache(found: CacheLook) -> Judged:
    """Whether there are credentials to decide by, and how old they are."""
    if not found.imported:
        yield bad("feed", "never imported: every card is unknown", "kioskd feed import FILE")
        return
    if not found.readable:
        why = found.why or "cannot be read"
        if found.keyless:
            yield bad("feed", f"{why}: the device key is not the right one", "see key; no import")
            return
        yield bad("feed", why, "correct the cause, then run a full `kioskd feed import`")
        return
    held = f"{found.credentials:,} credentials, generation {found.generation}"
    if found.age is None:
        yield bad("feed", f"{held}; its age cannot be told", "set the clock, then import a feed")
    elif found.age > found.good_for:
        yield bad(
            "feed",
            f"{held}, {_age(found.age)} old and good for {_age(found.good_for)}: it denies",
            "import a newer feed",
        )
    elif found.age > FEED_OLD:
        yield look("feed", f"{held}, {_age(found.age)} old", "import a newer feed")
    else:
        yield ok("feed", f"{held}, {_age(found.age)} old")
    if found.without_pin:
        yield look(
            "feed",
            f"{found.without_pin:,} credentials have no PIN: not let in where one is asked for",
            "see whether the register's export names PINs",
        )


def coverage(found: CoverageLook) -> Judged:
    """For whom this device can decide by itself, as far as its journal shows."""
    staff = "" if found.enrolled is None else f", {found.enrolled:,} enrolled by staff"
    yield ok("coverage", f"{found.exported:,} exported{staff}")
    for door, reasons in sorted(found.reasons.items()):
        yield _covered(f"coverage {door}", found.days, reasons)


def _covered(check: str, days: int, reasons: Mapping[str, int]) -> Finding:
    told = {r: n for r, n in reasons.items() if r not in _TELLS_NOTHING}
    entries = sum(told.values())
    if not entries:
        return ok(check, f"nothing yet: nobody came in the last {days} days")
    missing = {reason: told[reason] for reason in sorted(_NOT_HELD) if told.get(reason)}
    held = entries - sum(missing.values())
    text = f"{_percent(held, entries)} of {entries:,} entries in {days} days had a verifier here"
    if missing:
        text += " (" + ", ".join(f"{name} {count:,}" for name, count in missing.items()) + ")"
    if held * 2 < entries:
        todo = "see that the feed is complete and has PINs: kioskd feed import --dry-run FILE"
        return look(check, text, todo)
    return ok(check, text)


def _percent(part: int, whole: int) -> str:
    # 99.96 % is not everybody.
    shown = part * 1000 // whole / 10
    return f"{shown:.1f} %".replace(".0 %", " %")


def journal(found: JournalLook) -> Judged:
    """That it opens, and reaches as far as was last seen."""
    if not found.there:
        yield look("journal", "none yet", "start the daemon: it begins one")
    elif found.why:
        yield bad("journal", found.why, "run `kioskd journal verify`; keep a copy of the file")
    elif found.seq < found.seen:
        yield bad(
            "journal",
            f"ends at seq {found.seq:,}, and was seen at {found.seen:,}: rows are missing",
            "run `kioskd journal verify`; see who put an older copy back",
        )
    elif not found.takes_rows:
        what = f"{_reach(found)}; its file or its medium takes no more"
        yield bad("journal", what, "see disk and permissions: without a row nobody is let in")
    else:
        yield ok("journal", _reach(found))


def _reach(found: JournalLook) -> str:
    rows = "" if found.rows is None else f"{found.rows:,} rows "
    anchor = f", anchored at seq {found.anchor:,}" if found.anchor else ""
    size = "" if found.size is None else f", {_bytes(found.size)}"
    return f"{rows}to seq {found.seq:,}{anchor}{size}"


def _age(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{age.days} days" if hours >= 72 else f"{hours:.1f} h"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


STORAGE_CHECKS: Final[tuple[Callable[[Examination], Judged], ...]] = (
    _over("permissions", lambda seen: seen.files, permissions),
    _over("key", lambda seen: seen.key, key),
    _over("swap", lambda seen: seen.machine, machine),
    _over("disk", lambda seen: seen.disk, disk),
    _over("feed", lambda seen: seen.cache, cache),
    _over("coverage", lambda seen: seen.coverage, coverage),
    _over("journal", lambda seen: seen.journal, journal),
)

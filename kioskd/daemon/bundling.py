"""What support needs to see, in one file that holds no person: texts, redacted, in a tar archive.

    manifest.json        what is inside, and what was left out and why
    configuration.json   the configuration without comments; secrets as references, no names
    doctor.json, devices.json, status.json, journal.jsonl, files.json, versions.json

Deliberately not here: logs (journalctl has them, and they may hold what other programs said), the
databases, keys, rows' persons, and who did what. Nothing is sent anywhere.
"""

import io
import json
import os
import tarfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from kioskd.config.file import MAX_BYTES
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.config.strikes import legible
from kioskd.daemon import machine
from kioskd.daemon.asked import ask_despite_faults, ask_running
from kioskd.daemon.device_list import device_list
from kioskd.daemon.doctoring import examine
from kioskd.daemon.sight import may_look
from kioskd.domain.attempt import PastRow
from kioskd.errors import ConfigError, InputError, KioskError, StoreError
from kioskd.health.checks import judge
from kioskd.health.findings import as_json
from kioskd.health.redactor import Redactor
from kioskd.store.journal_glance import JournalGlance
from kioskd.store.journal_start import JOURNAL

ROWS: Final = 500
NEVER: Final = (
    "credentials, state and journal databases, and every key",
    "cards, items and who did what: of the journal's rows, and everywhere else",
    "free texts of staff (reasons, titles, labels), and comments of the configuration",
    "logs: see `journalctl -u kioskd`",
)
# What details of rows may tell; free texts of staff are not among it.
_DETAILS: Final = frozenset(
    {
        "action",
        "alert",
        "cache_age_s",
        "channel",
        "clock",
        "code",
        "count",
        "credentials",
        "device",
        "driver",
        "entry",
        "generation",
        "held_back",
        "seconds",
        "subject",
        "version",
        "why",
    }
)
_TEXTS_OF_STAFF: Final = "staff.action"


@dataclass(slots=True)
class Bundle:
    """Files by name, as texts that are redacted already; what was left out, and why."""

    files: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=lambda: list(NEVER))


def collect(path: Path, *, is_default: bool = False, root: Path = machine.ROOT) -> Bundle:
    """Everything for the configuration at `path`. As root it becomes the storage's owner."""
    text = _read(path)
    config = _loaded(path)
    redactor = _redactor(config)
    bundle = Bundle()
    seen = examine(path, root=root, is_default=is_default)

    def add(name: str, work: Callable[[], str]) -> None:
        try:
            bundle.files[name] = work()
        except (KioskError, OSError) as error:
            bundle.left_out.append(redactor.text(f"{name}: {_why(error)}"))

    def add_json(name: str, work: Callable[[], Any]) -> None:
        add(name, lambda: _json(redactor.value(work())))

    add_json("configuration.json", lambda: _configuration(text))
    add_json("doctor.json", lambda: as_json(judge(seen)))
    add_json("versions.json", lambda: {"kioskd": seen.version, **seen.versions})
    add_json("devices.json", lambda: device_list(config, root=root))
    storage = config.storage.directory if config else legible(path).storage
    add_json("status.json", lambda: _status(config, path, storage, is_default=is_default))
    if storage is None:
        bundle.left_out.append("journal.jsonl, files.json: the storage directory is not known")
        return bundle
    add_json("files.json", lambda: _sizes(storage))
    add("journal.jsonl", lambda: _rows(storage, redactor))
    return bundle


def _why(error: KioskError | OSError) -> str:
    match error:
        case PermissionError():
            return f"{error.filename}: not allowed to look; run it as root"
        case OSError():
            return f"{error.filename}: {error.strerror}"
    return str(error)


@contextmanager
def begun(out: Path) -> Iterator[BinaryIO]:
    """A new file for the archive, 0600, of the account that asks: begun before root is given up.

    Nothing is left of it where the block fails. InputError where it cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(out, flags, 0o600)
    except FileExistsError:
        raise InputError(f"{out}: exists already; give another name") from None
    except OSError as error:
        raise InputError(f"{out}: {error.strerror}; give another name") from error
    with os.fdopen(descriptor, "wb") as file:
        try:
            yield file
        except BaseException:
            with suppress(OSError):  # its directory may be root's
                out.unlink()
            raise


def write(bundle: Bundle, file: BinaryIO) -> tuple[str, ...]:
    """Write the archive into an open file; the names in it. StoreError."""
    contents = {"files": sorted(bundle.files), "left_out": bundle.left_out}
    files = {"manifest.json": _json(contents), **bundle.files}
    try:
        file.write(_archive(files))
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(f"the archive could not be written: {error.strerror}") from error
    return tuple(files)


def _archive(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            raw = text.encode("utf-8", "replace")
            entry = tarfile.TarInfo(f"kioskd-support/{name}")
            entry.size, entry.mode = len(raw), 0o600
            archive.addfile(entry, io.BytesIO(raw))
    return packed.getvalue()


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return ""


def _loaded(path: Path) -> Config | None:
    try:
        return load(path)
    except ConfigError:
        return None


def _redactor(config: Config | None) -> Redactor:
    if config is None:
        return Redactor(())
    patterns = (*config.cards.patron, *config.cards.item)
    return Redactor(patterns, (config.site.help_phone,))


def _configuration(text: str) -> Any:
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError):
        raise InputError("it cannot be read as TOML; doctor.json names the fault") from None
    # A command's arguments may hold an address or a token; its program's name is enough.
    alerts = tables.get("alerts")
    if isinstance(alerts, dict) and isinstance(alerts.get("command"), list):
        command: list[Any] = alerts["command"]
        alerts["command"] = [*command[:1], f"and {max(0, len(command) - 1)} arguments"]
    return tables


def _status(config: Config | None, path: Path, storage: Path | None, *, is_default: bool) -> Any:
    told = (
        ask_running(config, is_default=is_default)
        if config
        else ask_despite_faults(path, storage, is_default=is_default)
    )
    if told is None:
        raise InputError("the configuration does not say where the daemon is")
    if not told.look.answers:
        raise InputError(told.look.why or "no daemon answers")
    return {"status": told.status, "health": told.health}


def _sizes(directory: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted(directory.iterdir()):
        look, size = machine.file_look(path), path.lstat().st_size
        mode = f"{look.mode:04o}" if look else ""
        found.append({"name": path.name, "size": size, "mode": mode})
    return found


def _rows(directory: Path, redactor: Redactor) -> str:
    may_look(directory, JOURNAL)
    with closing(JournalGlance(directory)) as glance:
        rows = glance.newest(ROWS)
    if not rows:
        raise StoreError("no row yet")
    told = (redactor.value(_row(row)) for row in rows)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in told)


def _row(row: PastRow) -> dict[str, Any]:
    """A row without card, item, commitment, hash and who did it."""
    detail = {key: value for key, value in row.detail.items() if key in _DETAILS}
    if row.kind == _TEXTS_OF_STAFF:
        detail.pop("why", None)
    return {
        "seq": row.seq,
        "id": row.id,
        "at": row.at,
        "kind": row.kind,
        "door": row.door,
        "decision": row.decision,
        "reason": row.reason,
        "decided_by": row.decided_by,
        "detail": detail,
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n"

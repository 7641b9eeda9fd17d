"""What support needs to see, in one file that holds no person: texts, redacted, in a tar archive.

    manifest.json        what is inside, and what was left out and why
    configuration.json   the configuration without comments; secrets as references, no names
    doctor.json, devices.json, status.json, journal.jsonl, files.json, versions.json

Deliberately not here: logs (journalctl has them, and they may hold what other programs said), the
databases, keys, rows' persons, and who did what. Nothing is sent anywhere.
"""

import io
import json
import tarfile
import tomllib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kioskd.config.load import MAX_BYTES, load
from kioskd.config.model import Config
from kioskd.config.strikes import legible
from kioskd.daemon import machine
from kioskd.daemon.asked import ask_running
from kioskd.daemon.device_list import device_list
from kioskd.daemon.doctoring import examine
from kioskd.domain.attempt import PastRow
from kioskd.errors import ConfigError, InputError, KioskError, StoreError
from kioskd.health.checks import judge
from kioskd.health.findings import as_json
from kioskd.health.redactor import Redactor
from kioskd.store.journal_glance import JournalGlance
from kioskd.vault.files import write_new

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

    def add(name: str, work: Callable[[], Any]) -> None:
        try:
            bundle.files[name] = _json(redactor.value(work()))
        except (KioskError, OSError) as error:
            bundle.left_out.append(redactor.text(f"{name}: {error}"))

    add("configuration.json", lambda: _configuration(text))
    add("doctor.json", lambda: as_json(judge(seen)))
    add("versions.json", lambda: {"kioskd": seen.version, **seen.versions})
    add("devices.json", lambda: device_list(config, root=root))
    add("status.json", lambda: _status(config, is_default=is_default))
    storage = config.storage.directory if config else legible(path).storage
    if storage is None:
        bundle.left_out.append("journal.jsonl, files.json: the storage directory is not known")
        return bundle
    add("files.json", lambda: _sizes(storage))
    try:
        bundle.files["journal.jsonl"] = _rows(storage, redactor)
    except (KioskError, OSError) as error:
        bundle.left_out.append(redactor.text(f"journal.jsonl: {error}"))
    return bundle


def write(bundle: Bundle, out: Path) -> tuple[str, ...]:
    """Write the archive, 0600; the names in it. InputError when the file is there already."""
    contents = {"files": sorted(bundle.files), "left_out": bundle.left_out}
    files = {"manifest.json": _json(contents), **bundle.files}
    try:
        write_new(out, _archive(files))
    except FileExistsError:
        raise InputError(f"{out}: exists already; give another name") from None
    except OSError as error:
        raise InputError(f"{out}: {error.strerror}; give another name") from error
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


def _status(config: Config | None, *, is_default: bool) -> Any:
    if config is None:
        raise InputError("the configuration has faults")
    told = ask_running(config, is_default=is_default)
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

"""The hub's configuration file as tables, and secrets that it names but does not hold.

Deliberately not here: what the keys mean (config, config_leaves).
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kioskd.config.file import tables_of

_MOST_SECRET: Final = 4096  # bytes of a database's URL
_CREDENTIAL: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")


def read_tables(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. ConfigError `FILE: text`; it repeats nothing of the file."""
    return tables_of(path, _unreadable)


def others_may_read(path: Path) -> bool:
    """Whether more than the file's owner and group may read it; False when nobody can tell."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def secret_text(reference: str, environ: Mapping[str, str]) -> str:
    """The text that `file:/path` or `credential:name` names. ValueError says where it is not."""
    way, _, where = reference.partition(":")
    path = Path(where) if way == "file" else _credential(where, environ)
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_SECRET + 1)
    except OSError as wrong:
        raise ValueError(f"{path}: cannot be read: {wrong.strerror}") from None
    if len(raw) > _MOST_SECRET:
        raise ValueError(f"{path}: is longer than {_MOST_SECRET} bytes; one line belongs in it")
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not text") from None


def _credential(name: str, environ: Mapping[str, str]) -> Path:
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not _CREDENTIAL.fullmatch(name):
        raise ValueError("a credential is a plain name without slashes")
    if not directory:
        raise ValueError(
            f"credential {name}: $CREDENTIALS_DIRECTORY is not set; it is there only under the "
            f"unit (LoadCredential={name}:...). Elsewhere use file:/path"
        )
    return Path(directory) / name


def _unreadable(path: Path) -> str:
    account = "root" if os.geteuid() == 0 else "this account"
    return f"{account} may not read it; run the command as the account that the hub runs as"

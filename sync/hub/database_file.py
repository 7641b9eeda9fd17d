"""The file of a hub on SQLite: looked at before it is opened, and never made by opening it.

An empty database in the place of one that is gone would be taken for a hub that knows nobody.

Deliberately not here: what is in it (database).
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kioskd.errors import InputError
from sync.hub.accounts import account, owner_of


def check_file(path: Path) -> None:
    """InputError: there is no such file, or this account may not open it."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{path}: is not there; restore it, or run `kioskd-hub init` for a new hub"
        ) from None
    except OSError:
        raise _denied(path) from None
    # Not by opening: closing a file ends the locks that SQLite holds on it in this process.
    if not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
        raise _denied(path)


def without_making(dialect: object, record: object, places: list[Any], options: Any) -> None:
    """A listener of `do_connect`: SQLite opens what is there, or fails."""
    places[0] = f"file:{quote(str(places[0]))}?mode=rw"
    options["uri"] = True


def _denied(path: Path) -> InputError:
    return InputError(
        f"{path}: the account {account()} may not read and write it; it belongs to {owner_of(path)}"
    )

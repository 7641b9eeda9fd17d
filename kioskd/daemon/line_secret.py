"""The token of this device at its hub: read where it is used, never logged.

file:/path            a file of the daemon's user alone
credential:NAME       $CREDENTIALS_DIRECTORY/NAME, where the unit loads it
"""

import os
from pathlib import Path
from typing import Final

from kioskd.errors import VaultError
from kioskd.vault import files
from sync.hub_wire import TOKEN

_MOST: Final = 1000  # bytes


def token_of(reference: str) -> str:
    """The token. VaultError says where it was looked for, and nothing of what was there."""
    path = _path_of(reference)
    try:
        text = files.read_plain(path, _MOST).decode("ascii").strip()
    except FileNotFoundError:
        raise VaultError(
            f"{path}: no token of the hub there; `kioskd setup --join CODE` fetches one"
        ) from None
    except files.NotPlain:
        raise VaultError(f"{path}: is not a plain file; put the hub's token into one") from None
    except OSError as error:
        raise VaultError(
            f"{path}: the hub's token cannot be read: {error.strerror}; it must belong to the user "
            "that kioskd runs as"
        ) from None
    except UnicodeDecodeError:
        text = ""
    if TOKEN.fullmatch(text) is None:
        raise VaultError(f"{path}: is not a token of a hub; it begins with kd1.")
    return text


def _path_of(reference: str) -> Path:
    way, _, where = reference.partition(":")
    if way == "file":
        return Path(where)
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise VaultError(
            f"{reference}: no $CREDENTIALS_DIRECTORY here; the unit loads it for the daemon alone"
        )
    return Path(directory) / where

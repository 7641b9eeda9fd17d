"""What this account may look at in the storage directory, whatever the directory's mode.

A staff account that may list the names there may still not read the files: what it cannot read is
no fault of the site. Deliberately not here: looking.
"""

import errno
import os
from pathlib import Path

_LIST = os.R_OK | os.X_OK


def may_look(directory: Path, *names: str) -> None:
    """PermissionError where this account may not read the directory, or one of those files in it.

    Its owner and root may always: what they cannot read is a fault, and is said as one.
    """
    hidden = _hidden(directory, names)
    if hidden is not None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(hidden))


def lies_open(directory: Path, *names: str) -> bool:
    """Whether this account may read the directory, and those of the files that are there."""
    return _hidden(directory, names) is None


def is_guest(path: Path) -> bool:
    """Whether a file or directory belongs to another account, and this is not root."""
    try:
        return os.geteuid() not in (0, path.stat().st_uid)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _hidden(directory: Path, names: tuple[str, ...]) -> Path | None:
    if not is_guest(directory):
        return None
    if not os.access(directory, _LIST):
        return directory
    paths = (directory / name for name in names)
    return next((p for p in paths if os.path.lexists(p) and not os.access(p, os.R_OK)), None)

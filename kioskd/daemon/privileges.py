"""A command run as root becomes the user that the storage directory belongs to.

What it creates then belongs to the daemon, and a fault in it has no more power than the daemon.
No command, root or not, leaves its memory behind in a core dump.
Deliberately not here: gaining anything.
"""

import os
import pwd
import resource
from pathlib import Path

from kioskd.errors import StoreError


def no_core_dumps() -> None:
    """Keep this process and its children from writing memory, keys in it, to a file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def drop_to_owner(directory: Path) -> None:
    """As root, become the owner of the storage directory, for good. StoreError when impossible.

    Nothing changes for other users, for a directory of root's own, and before there is one.
    Called before the command opens a file other than its configuration.
    """
    if os.geteuid() != 0:
        return
    try:
        owner = directory.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{directory}: {error.strerror}") from error
    if owner.st_uid != 0:
        become(owner.st_uid, owner.st_gid)


def may_look_into(directory: Path) -> bool:
    """Whether the storage directory is there. StoreError where this account may not look into it.

    For commands, after drop_to_owner: what it may be asked for then is somebody else's.
    """
    try:
        found = directory.is_dir()
    except OSError as error:
        raise _not_ours(directory, error.strerror or str(error)) from error
    if found and not os.access(directory, os.R_OK | os.X_OK):
        raise _not_ours(directory, "Permission denied")
    return found


def _not_ours(directory: Path, why: str) -> StoreError:
    return StoreError(
        f"{directory}: this account may not look into it ({why}); run the command as root, or as "
        "the user that it belongs to",
        transient=False,
    )


def become(user: int, group: int) -> None:
    """Give up root: groups first, because without root they could not be changed any more."""
    try:
        try:
            os.initgroups(pwd.getpwuid(user).pw_name, group)
        except KeyError:
            os.setgroups([group])
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
    except OSError as error:
        raise StoreError(f"cannot become user {user}: {error.strerror}") from error

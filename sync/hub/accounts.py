"""Accounts of this machine by name, for messages; and becoming one of them.

Deliberately not here: which one a command becomes (cli.common).
"""

import contextlib
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from kioskd.errors import StoreError


def account() -> str:
    """Who this process is."""
    return name_of(os.geteuid())


def name_of(user: int) -> str:
    """The name of an account; its number where it has none."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"number {user}"


def owner_of(path: Path) -> str:
    """Whom a file belongs to; `its owner` where nobody may look."""
    try:
        return name_of(path.stat().st_uid)
    except OSError:
        return "its owner"


def become(user: int, group: int) -> None:
    """Be this account from here on, with its home: libraries look there for files of their own.

    StoreError: this account may not.
    """
    try:
        entry = pwd.getpwuid(user)
    except KeyError:
        entry = None
    try:
        if entry is None:
            os.setgroups([group])
        else:
            os.initgroups(entry.pw_name, group)
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
    except OSError as error:
        raise StoreError(f"cannot become {name_of(user)}: {error.strerror}") from error
    os.environ["HOME"] = entry.pw_dir if entry else "/nonexistent"
    os.environ["USER"] = os.environ["LOGNAME"] = entry.pw_name if entry else str(user)


@contextlib.contextmanager
def acting_as(user: int, group: int) -> Iterator[None]:
    """For a while, as root: what is made in between belongs to that account."""
    before = os.geteuid(), os.getegid()
    os.setegid(group)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(before[0])
        os.setegid(before[1])

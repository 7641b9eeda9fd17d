"""Who is at the other end of a socket: the account as the kernel vouches for it, and its roles.

SO_PEERCRED and SO_PEERGROUPS say who connected, as they were at that moment. Root and the
daemon's own account are administrators; every other role comes from a group of control.roles.
Deliberately not here: what a role may do (people).
"""

import errno
import grp
import logging
import pwd
import socket
import struct
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, Generic, TypeVar

from kioskd.control.people import Person, Role

log = logging.getLogger("kioskd.control")

NOBODY: Final = 65534  # also how the kernel shows every account that a user namespace does not map
NAMES_SECONDS: Final = 30.0  # names and groups looked up are believed for this long
_SO_PEERGROUPS: Final = 59  # asm-generic/socket.h; Python has no name for it
_CREDENTIALS: Final = struct.Struct("iII")  # struct ucred: pid, uid, gid
_GID: Final = struct.Struct("I")
_MOST_GROUPS: Final = 65_536  # NGROUPS_MAX
_PYTHONS_MOST: Final = 1024  # bytes that socket.getsockopt can return: 256 groups
_MOST_NAMES: Final = 1024  # remembered
_NO_LOGIN: Final = 2**32 - 1  # what /proc/PID/loginuid says for none

Asked = TypeVar("Asked")
Found = TypeVar("Found")
GidOf = Callable[[str], int | None]
NameOf = Callable[[int], str | None]


def gid_of(group: str) -> int | None:
    """The number of a group; None when there is none of that name."""
    try:
        return grp.getgrnam(group).gr_gid
    except (KeyError, OSError, ValueError):
        return None


def name_of(uid: int) -> str | None:
    """The name of an account; None when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OSError, OverflowError):
        return None


class Peers:
    """Recognises who connects. Blocks while names are looked up, so it is called in a thread.

    With accounts in a directory server a look-up may take seconds, and 200 clients would ask for
    the same names: what was found is believed for half a minute.

    roles: role -> group name, as configured now. own_uid: the daemon's account.
    """

    def __init__(
        self,
        roles: Callable[[], Mapping[str, str]],
        own_uid: int,
        *,
        gid_of: GidOf = gid_of,
        name_of: NameOf = name_of,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._roles = roles
        self._own_uid = own_uid
        self._gid_of = _Remembered(gid_of, monotonic)
        self._name_of = _Remembered(name_of, monotonic)
        self._hinted = False

    def person_of(self, peer: socket.socket) -> Person:
        """Who connected. Somebody without a role when the kernel does not say."""
        try:
            process, uid, gids = credentials(peer)
        except OSError:
            return Person("nobody", frozenset(), "connect anew")
        return self.person(uid, gids, login_of(process))

    def person(self, uid: int, gids: Collection[int], login: int | None = None) -> Person:
        """The account with its roles. login: who it logged in as before it became this one."""
        name = self._name_of(uid) or f"uid {uid}"
        if uid == NOBODY:
            return Person(name, frozenset(), self._unmapped(), uid)
        if uid in (0, self._own_uid):
            return Person(self._as(name, uid, login), frozenset({Role.ADMINISTRATOR}))
        roles = frozenset(
            Role(role) for role, group in self._roles().items() if self._gid_of(group) in gids
        )
        return Person(name, roles, "" if roles else self._way_in(), uid, frozenset(gids))

    def renewed(self, person: Person) -> Person:
        """The same person with the roles of now. Never blocks.

        A group that was not looked up yet gives nothing until it was, as `gids` does.
        """
        if person.account is None or person.account == NOBODY:
            return person
        groups = self._roles().items()
        roles = frozenset(
            Role(role) for role, group in groups if self._gid_of.known(group) in person.gids
        )
        if roles == person.roles:
            return person
        return replace(person, roles=roles, hint="" if roles else self._way_in())

    def gids(self) -> frozenset[int]:
        """The groups that give a role, as far as they exist."""
        found = (self._gid_of(group) for group in self._roles().values())
        return frozenset(gid for gid in found if gid is not None and gid != NOBODY)

    def _as(self, name: str, uid: int, login: int | None) -> str:
        if login is None or login in (0, uid):
            return name
        return f"{self._name_of(login) or f'uid {login}'} as {name}"

    def _way_in(self) -> str:
        named = ", ".join(f"{group} ({role})" for role, group in self._roles().items())
        if not named:
            return "control.roles of the configuration names no group yet"
        return f"a role comes with one of the groups {named}; join one and log in anew"

    def _unmapped(self) -> str:
        hint = "uid 65534 has no role; the daemon's unit must keep PrivateUsers=no"
        if not self._hinted:
            self._hinted = True
            log.warning("control.unmapped_user", extra={"why": hint})
        return hint


class _Remembered(Generic[Asked, Found]):
    """A look-up whose results are kept for a while."""

    def __init__(self, find: Callable[[Asked], Found], monotonic: Callable[[], float]) -> None:
        self._find = find
        self._monotonic = monotonic
        self._known: dict[Asked, tuple[float, Found]] = {}

    def __call__(self, asked: Asked) -> Found:
        now = self._monotonic()
        known = self._known.get(asked)
        if known is not None and now - known[0] < NAMES_SECONDS:
            return known[1]
        if len(self._known) >= _MOST_NAMES:
            self._known.clear()
        found = self._find(asked)
        self._known[asked] = (now, found)
        return found

    def known(self, asked: Asked) -> Found | None:
        """What was found last, however old; None where nobody asked yet."""
        known = self._known.get(asked)
        return known[1] if known is not None else None


def credentials(peer: socket.socket) -> tuple[int, int, frozenset[int]]:
    """Process, account and groups of who connected, of that moment. OSError."""
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process, uid, gid = _CREDENTIALS.unpack(raw)
    gids = {gid, *_groups(peer)} - {NOBODY}
    return process, uid, frozenset(gids)


def _groups(peer: socket.socket) -> tuple[int, ...]:
    try:
        raw = peer.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _PYTHONS_MOST)
    except OSError as error:
        if error.errno != errno.ERANGE:
            raise
        raw = _many_groups(peer)
    return tuple(gid for (gid,) in _GID.iter_unpack(raw))


def _many_groups(peer: socket.socket) -> bytes:
    # More groups than Python's getsockopt has room for: rare, so ctypes is loaded only here.
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(_MOST_GROUPS * _GID.size)
    size = ctypes.c_uint(len(buffer))
    asked = (peer.fileno(), socket.SOL_SOCKET, _SO_PEERGROUPS, buffer, ctypes.byref(size))
    if libc.getsockopt(*asked):
        raise OSError(ctypes.get_errno(), "SO_PEERGROUPS")
    return buffer.raw[: size.value]


def login_of(process: int) -> int | None:
    """Who logged in before they became what the process runs as; None when nobody says.

    Only for a name in the journal: the process may have ended, and its number have been reused.
    """
    try:
        told = int(Path(f"/proc/{process}/loginuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return None if told == _NO_LOGIN else told

"""A password of this device at its library system: read where it is used, never logged.

file:/path            a file of the daemon's user alone, one line
credential:NAME       $CREDENTIALS_DIRECTORY/NAME, where the unit loads it

What is wrong with it is told with the way out. Deliberately not here: what it is used for.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Final

from kioskd.daemon.machine import user_name
from kioskd.errors import VaultError
from kioskd.vault.files import NotPlain

_MOST: Final = 255  # characters of a field [SIP2]
_MOST_BYTES: Final = 2_000
_BEYOND_OWNER: Final = stat.S_IRWXG | stat.S_IRWXO
_ONE_LINE: Final = f"write the password into it, as its one line, of at most {_MOST} characters"
_AS_ROOT: Final = "as root"


class SecretFault(VaultError):
    """A secret that cannot be used. what; todo: the way out; bad: not only for who looks here."""

    def __init__(self, what: str, todo: str, *, bad: bool = True) -> None:
        super().__init__(f"{what}; {todo}")
        self.what, self.todo, self.bad = what, todo, bad


def secret_of(reference: str, owner: str = "kioskd") -> str:
    """The password; empty for no reference. owner: the account that is to have the file.

    SecretFault says where it was looked for, and nothing of what is there.
    """
    if not reference:
        return ""
    path, is_file = _path_of(reference)
    found, raw = _read(path, owner if is_file else "")
    if is_file and found.st_mode & _BEYOND_OWNER:
        what = f"{path}: others than its owner may use the library system's password"
        raise SecretFault(
            f"{what} (mode {stat.S_IMODE(found.st_mode):04o})",
            f"{_AS_ROOT}: {_chown(path, owner, found)}chmod 600 {path}",
        )
    text = _line_in(raw)
    if not text:
        what = "is not one line with a password" if raw.strip() else "is empty"
        raise SecretFault(f"{path}: {what}", _ONE_LINE)
    return text


def _chown(path: Path, owner: str, found: os.stat_result) -> str:
    return "" if user_name(found.st_uid) == owner else f"chown {owner} {path} && "


def _line_in(raw: bytes) -> str:
    """The one line of a file; empty where it is something else."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    line = text.removesuffix("\n").removesuffix("\r")
    return line if line.isprintable() and len(line) <= _MOST else ""


def _read(path: Path, owner: str) -> tuple[os.stat_result, bytes]:
    """Metadata and bytes of the one file that was opened. owner: empty where it is not ours."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise NotPlain(f"{path}: not a plain file")
            return found, os.read(descriptor, _MOST_BYTES)
        finally:
            os.close(descriptor)
    except NotPlain:
        fault = SecretFault(f"{path}: is not a plain file", "name a plain file, of one line")
    except OSError as error:
        fault = _unread(path, owner, error)
    raise fault


def _unread(path: Path, owner: str, error: OSError) -> SecretFault:
    what = f"{path}: the library system's password cannot be read: {error.strerror}"
    if not owner:
        return SecretFault(what, "see LoadCredential= of the unit")
    if error.errno == errno.ENOENT:
        made = f"install -m 600 -o {owner} /dev/null {path}"
        return SecretFault(what, f"{_AS_ROOT}: {made}, then write the password into it")
    if error.errno == errno.EACCES and user_name(os.geteuid()) != owner:
        return SecretFault(what, f"look as who may read it: as root, or as {owner}", bad=False)
    if error.errno == errno.EACCES:
        todo = f"chown {owner} {path} && chmod 600 {path}; {owner} must get into its folders too"
        return SecretFault(what, f"{_AS_ROOT}: {todo}")
    return SecretFault(what, f"it must be a plain file of {owner}, with mode 600")


def _path_of(reference: str) -> tuple[Path, bool]:
    """Where it is, and whether its mode is ours to judge."""
    way, _, where = reference.partition(":")
    if way == "file":
        return Path(where), True
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise SecretFault(
            f"{reference}: no $CREDENTIALS_DIRECTORY here; the unit loads it for the daemon alone",
            "to use it from a shell: systemd-run --pty --wait -p User=kioskd "
            f"-p LoadCredential={where}:FILE kioskd ..., with the FILE that the unit loads "
            "(LoadCredentialEncrypted= where the unit has that)",
            bad=False,
        )
    # Credentials of a unit carry an access list that shows as group bits; systemd guards them.
    return Path(directory) / where, False

"""Everything that can go wrong between a client and the daemon, each with its way out.

Deliberately not here: sockets. What is here judges lines and errors that others met.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from kioskd import __version__, wire
from kioskd.errors import KioskError

# Codes of an AskError besides those of kioskd.wire.
ABSENT: Final = "absent"  # no socket there
REFUSED: Final = "refused"  # a socket that nobody answers on any more
FORBIDDEN: Final = "forbidden"  # this account may not open it
SILENT: Final = "silent"  # no answer in time
GONE: Final = "gone"  # the daemon hung up
OTHER_VERSION: Final = "other-version"  # another protocol, or no kioskd at all

TIMEOUT: Final = 5.0  # seconds for a whole answer
_START: Final = "start it: systemctl start kioskd"


class AskError(KioskError):
    """Why there is no answer. code: one of this module or of kioskd.wire."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def request(number: int, verb: str, args: Mapping[str, Any]) -> bytes:
    """A question as a line. AskError when it is too long for one."""
    try:
        return wire.line({"id": number, "verb": verb, "args": args})
    except wire.WireError as error:
        raise AskError(wire.BAD_REQUEST, f"{verb}: {error}") from None


def greeted(path: Path, text: bytes) -> str:
    """The version of the daemon behind its first line. AskError for another protocol."""
    try:
        hello = wire.hello_of(text)
    except wire.WireError:
        raise stranger(path, "no greeting") from None
    if hello.protocol != wire.PROTOCOL:
        raise AskError(
            OTHER_VERSION,
            f"{path}: the daemon ({hello.version}) speaks protocol {hello.protocol}, this program "
            f"({__version__}) protocol {wire.PROTOCOL}; restart the older one "
            "(systemctl restart kioskd, or start the screen anew)",
        )
    return hello.version


def message(path: Path, text: bytes) -> dict[str, Any]:
    """A daemon's line. AskError when it is none."""
    try:
        return wire.message_of(text)
    except wire.WireError as error:
        raise stranger(path, str(error)) from None


def answer(told: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer says. AskError when it says no."""
    ok = told.get("ok")
    if isinstance(ok, dict):
        return ok
    raise refusal(told)


def refusal(told: Mapping[str, Any]) -> AskError:
    """The daemon's no, in its own words."""
    error = told.get("error")
    said: Mapping[str, Any] = error if isinstance(error, dict) else {}
    text = str(said.get("message", "the daemon gave no answer of this version"))
    code = str(said.get("code", wire.FAILED))
    return AskError(code, "".join(c if c.isprintable() or c == "\n" else "?" for c in text))


def stranger(path: Path, why: str) -> AskError:
    """Something answers there, but no kioskd."""
    return AskError(
        OTHER_VERSION, f"{path}: what answers there is no kioskd ({why}); check control.socket"
    )


def gone(path: Path) -> AskError:
    """The daemon hung up where an answer was due."""
    return AskError(
        GONE,
        f"{path}: the daemon hung up before it answered: it stopped or restarts; "
        "see whether it was done (kioskd status), then ask again",
    )


def mapped(path: Path, error: OSError, seconds: float) -> AskError:
    """What an error of the socket means. seconds: how long was waited."""
    match error:
        case TimeoutError() | BlockingIOError():
            return AskError(
                SILENT,
                f"{path}: the daemon did not answer within {seconds:g} s; "
                "look at its log (journalctl -u kioskd), then ask again",
            )
        case FileNotFoundError() | NotADirectoryError():
            return AskError(ABSENT, f"{path}: no such socket: no daemon runs here; {_START}")
        case ConnectionRefusedError():
            return AskError(REFUSED, f"{path}: no daemon answers there any more; {_START}")
        case PermissionError():
            return AskError(FORBIDDEN, _forbidden(path))
        case BrokenPipeError() | ConnectionResetError():
            return gone(path)
    why = error.strerror or str(error)
    return AskError(ABSENT, f"{path}: cannot be asked: {why}; check control.socket")


def _forbidden(path: Path) -> str:
    told = f"{path}: this account may not use it; it is for the groups named in control.roles"
    with suppress(OSError, KeyError):
        import grp

        told += f" and for {grp.getgrgid(path.stat().st_gid).gr_name}"
    return f"{told}; join one and log in anew"

"""TLS to a library system, and why no connection to it came about, in plain words.

The certificate is always verified, and for the name that was configured. OpenSSL's own texts are
not repeated: they say where in its source it was, and not what to look at.

Deliberately not here: a way to switch the checks off. Plain SIP2 is a setting of its own.
"""

import asyncio
import errno
import os
import socket
import ssl
import stat
from pathlib import Path
from typing import Final

from sync.sip2.faults import NotAsked

# OpenSSL's X509_V_ERR_*, which ssl.SSLCertVerificationError carries.
_NOT_YET: Final = 9
_EXPIRED: Final = 10
_UNKNOWN_ISSUER: Final = frozenset({2, 7, 18, 19, 20, 21})
_OTHER_NAME: Final = frozenset({62, 64})  # of a host, of an address
_NO_ROUTE: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
)
_MOST_BYTES: Final = 1_048_576  # of a file of authorities; all that a system knows have 230,000
_NO_TLS: Final = (
    "no TLS of version 1.2 or newer came about; look at the port, and at tls in [register.sip2]"
)


async def trust(ca_file: Path | None) -> ssl.SSLContext:
    """A client's side of TLS: this file of authorities, or the system's. NotAsked.

    Read anew each time, off the loop: it takes tens of milliseconds. A file that could keep whoever
    reads it waiting, a pipe or a device, is not read.
    """
    return await asyncio.to_thread(_trust, ca_file)


def words(error: Exception) -> str:
    """Why no connection came about, and what to look at."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error.verify_code)
    # asyncio raises ConnectionAbortedError for a handshake that takes too long.
    if isinstance(error, ssl.SSLError | ConnectionAbortedError):
        return _NO_TLS
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return "the name server does not answer; look at it, and at the network of this device"
    if isinstance(error, socket.gaierror | ValueError):
        return "its name is not found; look at the name server and at host in [register.sip2]"
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ECONNREFUSED:
        return "nothing listens there, or a firewall refuses"
    if number in _NO_ROUTE:
        return "no way there; is the network of this device up?"
    return _silence(error)


def _silence(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer; look at host and port, and at firewalls between"
    if isinstance(error, ConnectionResetError):
        return "the connection was closed at once; is TLS meant there, and may this device connect?"
    return "no connection came about; look at host and port"


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    # Made by hand: the default one writes session keys where an environment says so.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cadata=_authorities(ca_file))
    except (ssl.SSLError, ValueError):
        raise _unusable(ca_file, "cannot be read as certificates in PEM") from None
    return context


def _authorities(file: Path) -> str:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
            raw = _read(descriptor) if plain else b""
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror}") from None
    if not plain:
        raise _unusable(file, "is not a plain file")
    if len(raw) > _MOST_BYTES:
        raise _unusable(file, "is larger than 1 MiB; are these certificates in PEM?")
    # Comments between certificates may be in any encoding; ssl takes ASCII alone.
    return raw.decode("latin-1").encode("ascii", "replace").decode("ascii")


def _read(descriptor: int) -> bytes:
    raw = b""
    while more := os.read(descriptor, _MOST_BYTES + 1 - len(raw)):
        raw += more
    return raw


def _unusable(file: Path, what: str) -> NotAsked:
    return NotAsked(f"{file}: {what} ([register.sip2] ca_file)")


def _certificate(code: int) -> str:
    if code == _EXPIRED:
        return "its certificate has expired; renew it there (or is this clock ahead?)"
    if code == _NOT_YET:
        return "its certificate is not valid yet; is the clock of this device behind?"
    if code in _OTHER_NAME:
        return "its certificate is of another name; correct host, or somebody stands between"
    if code in _UNKNOWN_ISSUER:
        return "its certificate is of an authority that is not known here; set ca_file"
    return "its certificate cannot be verified"

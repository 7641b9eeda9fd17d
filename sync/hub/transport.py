"""Where the hub listens, and its certificate: checked once, before anybody is served.

InputError names the file and what is wrong with it. A certificate that ends soon is a warning.

Deliberately not here: the socket (front), and getting certificates.
"""

import ipaddress
import ssl
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from kioskd.errors import InputError
from sync.hub.model import HubConfig

SOON: Final = timedelta(days=14)
_LOCAL: Final = "localhost"


@dataclass(frozen=True, slots=True)
class Transport:
    """tls: None is plain http, on loopback. warnings: lines for the log."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    warnings: Sequence[str] = ()

    def address(self, port: int) -> str:
        """What is shown: scheme, host and the port that is really listened on."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.tls is None else 'https'}://{host}:{port}"


def transport_of(config: HubConfig, now: datetime) -> Transport:
    """How this configuration is served. InputError: plain http to others, or a bad certificate."""
    host, port = place_of(config.listen)
    if config.tls_cert is None or config.tls_key is None:
        if config.tls_cert or config.tls_key:
            raise InputError("hub.tls_cert and hub.tls_key belong together; give both")
        if not is_loopback(host):
            raise InputError(
                f"hub.listen: {config.listen}: plain http is for loopback only; give tls_cert and "
                "tls_key, or listen on 127.0.0.1 behind a proxy that has them"
            )
        return Transport(host, port)
    warnings = [*_ends(config.tls_cert, now), *_open_to_others(config.tls_key)]
    return Transport(host, port, _context(config.tls_cert, config.tls_key), warnings)


def place_of(listen: str) -> tuple[str, int]:
    """Host and port of "host:port" or "[::1]:port". InputError when it is none."""
    host, colon, port = listen.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    sound = colon and bare and port.isascii() and port.isdigit() and int(port) < 65536
    if not sound or (":" in bare and not host.startswith("[")):
        raise InputError(f"hub.listen: {listen!r}: wanted host:port, such as 127.0.0.1:8080")
    return bare, int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == _LOCAL


def _context(cert: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except ssl.SSLError as error:
        raise InputError(f"{key}: {_why(error, cert)}") from error
    except OSError as error:
        raise InputError(f"{key}: {error.strerror or error}") from error
    return context


def _no_password() -> str:
    # Without this, OpenSSL asks on the terminal, and a service hangs.
    return ""


def _why(error: ssl.SSLError, cert: Path) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"is not the key of {cert}"
    return "is no unencrypted private key in PEM"


def _ends(cert: Path, now: datetime) -> list[str]:
    certificate = _certificate(cert)
    if certificate.not_valid_before_utc > now:
        raise InputError(f"{cert}: is not good before {certificate.not_valid_before_utc:%Y-%m-%d}")
    ends = certificate.not_valid_after_utc
    if ends <= now:
        raise InputError(f"{cert}: ended on {ends:%Y-%m-%d}; put a new certificate there")
    if ends - now < SOON:
        return [f"{cert}: ends on {ends:%Y-%m-%d}; put a new one there and restart"]
    return []


def _certificate(cert: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(cert.read_bytes())
    except OSError as error:
        raise InputError(f"{cert}: {error.strerror or error}") from error
    except ValueError:
        raise InputError(f"{cert}: is no certificate in PEM") from None


def _open_to_others(key: Path) -> list[str]:
    try:
        mode = key.stat().st_mode
    except OSError as error:
        raise InputError(f"{key}: {error.strerror or error}") from error
    if mode & stat.S_IROTH:
        return [f"{key}: every account may read it; chmod o-rwx"]
    return []

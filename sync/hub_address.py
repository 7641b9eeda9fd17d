"""Where a hub is and what a device shows it: checked once, before anything is sent.

Deliberately not here: reading the configuration and its secrets, and connections.
"""

import ipaddress
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from kioskd.errors import InputError
from sync.hub_wire import TOKEN

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A hub as the configuration names it. InputError when it cannot be used.

    token: kd1.<device>.<secret>; empty before the device has joined. ca_file: PEM of the only
    authorities that are believed; None is those of the system. proxy: http:// or https://.
    """

    url: str
    token: str = field(default="", repr=False)
    ca_file: Path | None = None
    proxy: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        parts = _parts("url", self.url)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise InputError("[register.hub] url: wanted: only https://, a host and a path")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise InputError("[register.hub] url: plain http is for loopback only; use https")
        if self.proxy:
            _parts("proxy", self.proxy)
            if parts.scheme == "http":
                raise InputError(
                    "[register.hub] proxy: not with plain http; it would see the token"
                )
        if self.token and TOKEN.fullmatch(self.token) is None:
            raise InputError(
                "[register.hub] token: not a device's token; "
                "`kioskd-hub device add` and `kioskd setup --join` give one"
            )

    @property
    def base(self) -> str:
        """The address without a slash at its end."""
        return self.url.rstrip("/")

    @property
    def host(self) -> str:
        """Host and port, as messages name it."""
        return _named(urlsplit(self.url))

    @property
    def proxy_host(self) -> str:
        """Host and port of the proxy, without what it is shown; empty without one."""
        return _named(urlsplit(self.proxy)) if self.proxy else ""

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.url.startswith("https:")

    def trust(self) -> ssl.SSLContext:
        """What certificates are checked with. Reads files: off the loop. InputError."""
        # Made by hand: the default one writes session keys where an environment says so.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.ca_file is None:
            context.load_default_certs()
            return context
        try:
            context.load_verify_locations(self.ca_file)
        except OSError:  # ssl.SSLError is one
            raise InputError(
                f"{self.ca_file}: cannot be read as certificates in PEM ([register.hub] ca_file)"
            ) from None
        return context


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parts(key: str, address: str) -> SplitResult:
    fault = InputError(f"[register.hub] {key}: wanted: https://host or https://host:port")
    try:
        parts = urlsplit(address)
        usable = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise fault from None
    if not usable or not address.isascii() or not address.isprintable() or " " in address:
        raise fault
    return parts


def _named(parts: SplitResult) -> str:
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    port = parts.port
    return shown if port in (None, _PORTS[parts.scheme]) else f"{shown}:{port}"

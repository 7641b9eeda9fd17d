"""How a doctor looks at the hub: its address from here, the token, what the daemon says.

Deliberately not here: asking the hub anything: the daemon does, all the time.
"""

import socket
from urllib.parse import urlsplit

from kioskd.config.model import Config
from kioskd.daemon.asked import Told
from kioskd.daemon.line_secret import token_of
from kioskd.errors import KioskError
from kioskd.health.examined import HubLook


def hub_look(config: Config, told: Told) -> HubLook | None:
    """The hub as it looks from here; None where the site has none."""
    access = config.register.hub
    if access is None or not config.register.uses_hub:
        return None
    own, why = _own_address(access.proxy or access.url)
    return HubLook(access.url, own, why, access.proxy, _token_fault(access.token), told.look.line)


def _token_fault(reference: str) -> str:
    try:
        token_of(reference)
    except KioskError as error:
        return str(error)
    return ""


def _own_address(url: str) -> tuple[str, str]:
    """The address that packets to there leave from; nothing is sent for it but the name's query."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_DGRAM)
        family, kind, _, _, address = found[0]
        with socket.socket(family, kind) as way:
            way.connect(address)
            return str(way.getsockname()[0]), ""
    except OSError as error:
        return "", error.strerror or str(error)

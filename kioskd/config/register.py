"""The table [register]: which parts of the register a site has, and the hub that serves them.

`kind` is shorthand for the parts; a part that is named by itself counts. Parts that this version
does not have are refused, not ignored: a site would rely on them.

Deliberately not here: [register.sip2] (sip2.py), whether the hub answers (`kioskd doctor`), and its
token (a secret is read where it is used).
"""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

from kioskd.config.later import REGISTER_LATER
from kioskd.config.leaves import directory, one_of, secret, text, whole
from kioskd.config.model import HubAccess, Register
from kioskd.config.operating import maintenance
from kioskd.config.sip2 import sip2
from kioskd.config.sip2_checks import is_loopback
from kioskd.config.walk import Place, Table, Unfit, quoted, read

PARTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "file": {"credentials": "file", "events": "none", "hours": "none"},
        "hub": {"credentials": "hub", "events": "hub", "hours": "hub"},
    }
)


def register(place: Place, value: object) -> Register:
    """[register]: files or a hub."""
    leaves = {
        "kind": one_of("file", "hub", later=("koha", "sip2")),
        "learned_days": whole(1, 3650),
        "maintenance": maintenance,
        "credentials": one_of("file", "hub", later=("none",)),
        "events": one_of("none", "hub"),
        "hours": one_of("none", "hub", later=("koha",)),
        **REGISTER_LATER,
        "hub": hub,
        "sip2": sip2,
    }
    table = read(place, value, leaves)
    parts = {**PARTS[table.values.get("kind") or "file"], **_named(table)}
    built = table.build(Register, **parts)
    if built.uses_hub and built.hub is None and table.sound("hub"):
        place.of("hub").fault("missing; a hub needs [register.hub] with url and token")
    if built.hub is not None and not built.uses_hub:
        place.of("hub").warn('nothing uses it; set kind = "hub"')
    return built


def _named(table: Table) -> dict[str, str]:
    parts = {part: table.values.get(part) for part in ("credentials", "events", "hours")}
    return {part: kind for part, kind in parts.items() if kind is not None}


def hub(place: Place, value: object) -> HubAccess:
    """[register.hub]: where it is and who this device is there."""
    leaves = {
        "url": url,
        "token": secret,
        "ca_file": directory,  # an absolute path
        "proxy": proxy,
        "config_key": text,
        "pull_seconds": whole(5, 3600),
    }
    return read(place, value, leaves, required=("url", "token")).build(HubAccess)


def url(place: Place, value: object) -> str:
    """https, or http on loopback; nothing behind the path's end, and no account in it."""
    parts = _address(place, value)
    if parts.scheme != "https" and not (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    ):
        raise Unfit("must be https://...; http is for a hub on this machine alone")
    return parts.geturl().rstrip("/")


def proxy(place: Place, value: object) -> str:
    """An HTTP proxy without an account; empty is none."""
    if value == "":
        return ""
    parts = _address(place, value)
    if parts.scheme != "http" or parts.path not in ("", "/"):
        raise Unfit('must be like "http://proxy.example.invalid:3128", or empty')
    return parts.geturl().rstrip("/")


def _address(place: Place, value: object) -> SplitResult:
    written = text(place, value)
    try:
        parts = urlsplit(written)
        fits = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits or not written.isascii() or any(c in written for c in ' "<>\\'):
        raise Unfit(f"{quoted(written)} is no address; write https://hub.example.invalid")
    if parts.username is not None or parts.password is not None:
        raise Unfit("must not name a user or a password; the token goes into `token`")
    if parts.query or parts.fragment:
        raise Unfit("ends before ? and #")
    return parts

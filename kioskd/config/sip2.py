"""The table [register.sip2]: where the library system is, who this device is there, how it speaks.

A key that is left out is as the dialect has it. Where a file could let in whom it should keep
out, it is refused: a dialect that does not know what means "may enter", a field without the values
that say yes, a PIN that would cross a network readably without anybody having said so.

Deliberately not here: what keys say of one another (sip2_checks.py), what a dialect is
(sip2_vendors.py) and how it speaks (sync.sip2.dialects), whether anything answers (`kioskd
doctor`), and the secrets (read where they are used).
"""

import ipaddress
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kioskd.config import sip2_vendors
from kioskd.config.leaves import (
    LANGUAGES,
    directory,
    flag,
    many,
    one_of,
    seconds,
    secret,
    text,
    whole,
)
from kioskd.config.model import Config, SipAccess
from kioskd.config.sip2_checks import compare
from kioskd.config.walk import Leaf, Place, Unfit, did_you_mean, quoted, read

# The same as in sync.sip2.charset, which a configuration may not import.
SINGLE_BYTE: Final = ("latin-1", "cp850", "cp437", "cp1252")
ENCODINGS: Final = ("utf-8", *SINGLE_BYTE)

# Fields of an answer 64 that mean something else; AF and AG are text for people, never parsed.
_TAKEN: Final = frozenset({"AA", "AC", "AD", "AE", "AF", "AG", "AO", "AY", "AZ", "BL", "CQ"})
_SPELT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "utf8": "utf-8",
        "latin1": "latin-1",
        "iso-8859-1": "latin-1",
        "iso8859-1": "latin-1",
        "windows-1252": "cp1252",
        **{f"{way}{page}": f"cp{page}" for page in (437, 850, 1252) for way in ("ibm", "cp-", "")},
    }
)
_WAYS: Final = ("file:", "credential:")
_LEAST_REASON: Final = 10  # characters; "test" or "ok" is no reason
_LEAST_KEEP_ALIVE: Final = 5  # seconds
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?!-)[A-Z0-9_-]{1,63}(?:\.(?!-)[A-Z0-9_-]{1,63})*", re.I | re.A
)
_NUMBERS: Final = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)", re.I | re.A)  # a resolver's numbers
_FIELD: Final = re.compile(r"[A-Z0-9]{2}")


def sip2(place: Place, value: object) -> SipAccess:
    """[register.sip2]: one library system."""
    table = read(place, value, LEAVES, required=("host", "dialect"))
    place.warn("`kioskd doctor` and `kioskd sip2 trace` use it; doors and desks do not yet")
    compare(table)
    return table.build(SipAccess)


def check_sip2(root: Place, config: Config) -> None:
    """What [register.sip2] and [site] must agree on; either may have had faults of its own."""
    access = config.register.sip2
    branch = getattr(config.site, "branch", None)  # None when it is at fault itself
    if access is None or not branch or not access.institution:
        return
    vendor = sip2_vendors.VENDORS.get(access.dialect)  # None as well
    if vendor is not None and vendor.by_institution and access.institution != branch:
        root.of("register").of("sip2").of("institution").warn(
            f"is not site.branch ({branch}); where it is no branch of the library system, "
            "everybody is let in"
        )


def host(place: Place, value: object) -> str:
    """A name or an address, by itself."""
    written = text(place, value)
    if is_host(written):
        return written
    before, _, after = written.rpartition(":")
    if is_host(before) and after.isdecimal():
        raise Unfit(f"has a port in it; write host = {quoted(before)} and port = {after[:5]}")
    if "://" in written:
        raise Unfit('has a scheme in it; write the name alone, like "sip.example.invalid"')
    if "[" in written:
        raise Unfit('has brackets in it; write an address alone, like "::1", and its port as port')
    raise Unfit('is no name or address; write it like "sip.example.invalid" or "192.0.2.7"')


def is_host(written: str) -> bool:
    """Whether this is an IP address or could be a name; nothing that only a resolver calls one."""
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return bool(_NAME.fullmatch(written)) and not _NUMBERS.fullmatch(written)
    return "%" not in written


def reason(place: Place, value: object) -> str:
    """Why something is accepted, in a few words."""
    written = text(place, value)
    if len(written.strip()) < _LEAST_REASON:
        raise Unfit(f"must say why, and who accepts it, in {_LEAST_REASON} characters or more")
    return written


def dialect(place: Place, value: object) -> str:
    """The name of a row of VENDORS."""
    name: str = one_of(*sip2_vendors.VENDORS)(place, value)
    return name


def where_secret(place: Place, value: object) -> str:
    """Where a secret is; who wrote the secret itself there is told what to do with it."""
    if value == "" or (isinstance(value, str) and value.startswith(_WAYS)):
        return secret(place, value)
    raise Unfit(
        "is where the secret is, not the secret: write it into a file of its own and name it, "
        "file:/etc/kioskd/sip2.secret"
    )


def charset(*known: str) -> Leaf:
    """One of some encodings, under any usual spelling."""

    def leaf(place: Place, value: object) -> str:
        word = text(place, value)
        plain = word.lower().replace("_", "-")
        name = _SPELT.get(plain, plain)
        if name not in known:
            raise Unfit(f"{quoted(word)} cannot be used here; {did_you_mean(name, known)}")
        return name

    return leaf


def delimiter(place: Place, value: object) -> str:
    """The sign that ends a field."""
    sign = text(place, value)
    if len(sign) != 1 or not sign.isascii() or sign.isalnum():
        raise Unfit('must be one sign like "|"; no letter, digit or blank')
    return sign


def keep_alive(place: Place, value: object) -> int:
    """Seconds of silence; 0 for none."""
    taken: int = whole(0, 3600)(place, value)
    if 0 < taken < _LEAST_KEEP_ALIVE:
        raise Unfit(f"{taken} is too short; {_LEAST_KEEP_ALIVE} to 3600, or 0 for none")
    return taken


def field(place: Place, value: object) -> str:
    """The two characters of a field that the specification leaves free."""
    name = text(place, value)
    if not _FIELD.fullmatch(name):
        raise Unfit(f'{quoted(name)} is no field; two of A-Z and 0-9, like "PA"')
    if name in _TAKEN:
        raise Unfit(f"{name} has another meaning in SIP2; use a field of the library system's own")
    return name


_FLAGS: Final = many(one_of(*sip2_vendors.STATUS_FLAGS))
LEAVES: Final[Mapping[str, Leaf]] = MappingProxyType(
    {
        "host": host,
        "port": whole(1, 65535),
        "tls": flag,
        "insecure_plaintext": reason,
        "ca_file": directory,  # an absolute path
        "dialect": dialect,
        "user": text,
        "secret": where_secret,
        "terminal_secret": where_secret,
        "institution": text,
        "location": text,
        "login_location": text,
        "language": one_of(*LANGUAGES),
        "answer_seconds": seconds(0.2, 30.0),
        "retries": whole(0, 9),
        "encoding": charset(*ENCODINGS),
        "fallback": charset(*SINGLE_BYTE),
        "delimiter": delimiter,
        "error_detection": flag,
        "checksum": one_of("strict", "warn", "off"),
        "zone": one_of("blanks", "zeros", "utc"),
        "send_99": flag,
        "send_35": flag,
        "keep_alive_seconds": keep_alive,
        "echoes_card": flag,
        "replays": flag,
        "access_field": field,
        "access_values": many(text, least=1),
        "expiry_field": field,
        "door_flags": _FLAGS,
        "lending_flags": _FLAGS,
        "screen_messages": many(text),
    }
)

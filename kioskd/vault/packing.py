"""A credential as compact bytes, before it is sealed.

    version u8 = 1, flags u16, then what the flags name, in this order (big endian):
    verifier         length u8, packed verifier (kioskd.vault.verifiers)
    restrictions     count u8, each: kind u8 (| 0x20 code, | 0x40 until, | 0x80 branch), until u24,
                     branch text, code text
    expires          u24
    eligible from    u24
    consent branches count u8, each a text
    category, language, ref   text

A day is its proleptic Gregorian ordinal: registers write 9999-12-31 for "never". A text is its
length in bytes u8 and UTF-8.

Deliberately not here: sealing, and whether the packed verifier inside is a good one.
"""

from datetime import date
from typing import Final

from kioskd.domain.credential import Credential, Restriction, RestrictionKind, Source
from kioskd.vault.verifiers import pack_verifier, unpack_verifier

__all__ = ["pack", "pack_verifier", "unpack", "unpack_verifier"]

VERSION: Final = 1
_VERSION_BYTE = bytes((VERSION,))
_HEAD_BYTES = 3

_VERIFIER = 1 << 0
_RESTRICTIONS = 1 << 1
_EXPIRES = 1 << 2
_ELIGIBLE_FROM = 1 << 3
_CONSENT = 1 << 4
_CONSENT_BRANCHES = 1 << 5
_CATEGORY = 1 << 6
_LANGUAGE = 1 << 7
_REF = 1 << 8
_SOURCE_SHIFT = 9
_KNOWN_FLAGS = (1 << 11) - 1

_CODE, _UNTIL, _BRANCH = 0x20, 0x40, 0x80
_KIND_BITS = 0x1F

# Codes on disk: append, never renumber.
_KINDS = (
    RestrictionKind.SELF_SERVICE_BLOCK,
    RestrictionKind.USE_BAN,
    RestrictionKind.LOAN_BAN,
    RestrictionKind.DEBARRED,
    RestrictionKind.LOST,
    RestrictionKind.FEES,
    RestrictionKind.TERMS_MISSING,
    RestrictionKind.UNDER_AGE,
    RestrictionKind.NO_OFFLINE_LOAN,
    RestrictionKind.CATEGORY_NOT_ALLOWED,
)
_KIND_CODES = {kind: code for code, kind in enumerate(_KINDS)}
_SOURCES = (Source.EXPORTED, Source.LEARNED, Source.ENROLLED)
_SOURCE_FLAGS = {source: code << _SOURCE_SHIFT for code, source in enumerate(_SOURCES)}


def pack(credential: Credential) -> bytes:
    """A credential as bytes. ValueError when a text or list is longer than 255."""
    try:
        return _pack(credential)
    except OverflowError:
        raise ValueError("a text, list or verifier of a credential is longer than 255") from None


def unpack(data: bytes) -> Credential:
    """The credential in bytes that `pack` made. ValueError for anything else."""
    try:
        return _unpack(data)
    except IndexError:
        raise ValueError("packed credential is cut off") from None


def _pack(c: Credential) -> bytes:
    flags = _SOURCE_FLAGS[c.source]
    parts: list[bytes] = [b""]
    if c.verifier is not None:
        flags |= _VERIFIER
        parts += (len(c.verifier).to_bytes(1, "big"), c.verifier)
    if c.restrictions:
        flags |= _RESTRICTIONS
        parts.append(_pack_restrictions(c.restrictions))
    if c.expires is not None:
        flags |= _EXPIRES
        parts.append(c.expires.toordinal().to_bytes(3, "big"))
    if c.eligible_from is not None:
        flags |= _ELIGIBLE_FROM
        parts.append(c.eligible_from.toordinal().to_bytes(3, "big"))
    if c.consent is not False:
        flags |= _pack_consent(c.consent, parts)
    flags |= _pack_texts(c, parts)
    parts[0] = _VERSION_BYTE + flags.to_bytes(2, "big")
    return b"".join(parts)


def _pack_restrictions(restrictions: tuple[Restriction, ...]) -> bytes:
    out = bytearray(len(restrictions).to_bytes(1, "big"))
    for r in restrictions:
        head = _KIND_CODES[r.kind]
        until = branch = code = b""
        if r.until is not None:
            head |= _UNTIL
            until = r.until.toordinal().to_bytes(3, "big")
        if r.branch is not None:
            head |= _BRANCH
            branch = _text(r.branch)
        if r.code is not None:
            head |= _CODE
            code = _text(r.code)
        out.append(head)
        out += until + branch + code
    return bytes(out)


def _pack_consent(consent: bool | tuple[str, ...], parts: list[bytes]) -> int:
    if isinstance(consent, bool):
        return _CONSENT
    parts.append(len(consent).to_bytes(1, "big"))
    parts.extend(_text(branch) for branch in consent)
    return _CONSENT_BRANCHES


def _pack_texts(c: Credential, parts: list[bytes]) -> int:
    flags = 0
    if c.category is not None:
        flags |= _CATEGORY
        parts.append(_text(c.category))
    if c.language is not None:
        flags |= _LANGUAGE
        parts.append(_text(c.language))
    if c.ref is not None:
        flags |= _REF
        parts.append(_text(c.ref))
    return flags


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(1, "big") + data


# `_pack` and `_unpack` are long because a call for each field would double the time of an import
# of a million rows. Reading runs past the end without a check of its own: slices come back
# short, and the cursor is compared with the length once, at the end.


def _unpack(data: bytes) -> Credential:
    flags = _flags(data)
    at = _HEAD_BYTES
    verifier: bytes | None = None
    if flags & _VERIFIER:
        end = at + 1 + data[at]
        verifier, at = data[at + 1 : end], end
    restrictions: tuple[Restriction, ...] = ()
    if flags & _RESTRICTIONS:
        restrictions, at = _unpack_restrictions(data, at)
    expires: date | None = None
    if flags & _EXPIRES:
        expires, at = _day(data, at), at + 3
    eligible_from: date | None = None
    if flags & _ELIGIBLE_FROM:
        eligible_from, at = _day(data, at), at + 3
    consent: bool | tuple[str, ...] = bool(flags & _CONSENT)
    if flags & _CONSENT_BRANCHES:
        consent, at = _unpack_branches(data, at)
    category, at = _unpack_text(data, at) if flags & _CATEGORY else (None, at)
    language, at = _unpack_text(data, at) if flags & _LANGUAGE else (None, at)
    ref, at = _unpack_text(data, at) if flags & _REF else (None, at)
    if at != len(data):
        raise ValueError("packed credential is cut off, or has bytes after its end")
    source = _SOURCES[flags >> _SOURCE_SHIFT]
    return Credential(
        verifier, restrictions, expires, eligible_from, consent, category, language, ref, source
    )


def _flags(data: bytes) -> int:
    if data[0] != VERSION:
        raise ValueError(f"packed credential of version {data[0]}; this reads {VERSION}")
    flags = data[1] << 8 | data[2]
    if flags >> _SOURCE_SHIFT & 3 == len(_SOURCES):
        raise ValueError("packed credential is of no known source")
    if flags & ~_KNOWN_FLAGS or (flags & _CONSENT and flags & _CONSENT_BRANCHES):
        raise ValueError("packed credential has flags that mean nothing")
    return flags


def _unpack_restrictions(data: bytes, at: int) -> tuple[tuple[Restriction, ...], int]:
    found = []
    count, at = data[at], at + 1
    for _ in range(count):
        head, at = data[at], at + 1
        kind = _kind(head & _KIND_BITS)
        until: date | None = None
        if head & _UNTIL:
            until, at = _day(data, at), at + 3
        branch, at = _unpack_text(data, at) if head & _BRANCH else (None, at)
        code, at = _unpack_text(data, at) if head & _CODE else (None, at)
        found.append(Restriction(kind, until, branch, code))
    return tuple(found), at


def _unpack_branches(data: bytes, at: int) -> tuple[tuple[str, ...], int]:
    found = []
    count, at = data[at], at + 1
    for _ in range(count):
        branch, at = _unpack_text(data, at)
        found.append(branch)
    return tuple(found), at


def _kind(code: int) -> RestrictionKind:
    if code >= len(_KINDS):
        raise ValueError("packed credential has a restriction of no known kind")
    return _KINDS[code]


def _day(data: bytes, at: int) -> date:
    try:
        return date.fromordinal(int.from_bytes(data[at : at + 3], "big"))
    except (ValueError, OverflowError):
        raise ValueError("packed credential has a date that is no day, or is cut off") from None


def _unpack_text(data: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + data[at]
    try:
        return data[at + 1 : end].decode(), end
    except UnicodeDecodeError:
        raise ValueError("packed credential has a text that is not UTF-8") from None

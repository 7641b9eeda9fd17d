"""What a library system's answers tell about it, as the values that a doctor judges. Pure.

Deliberately not here: a value that could say who a patron is; of such only the length is kept.
"""

from dataclasses import replace
from typing import Final

from kioskd.health.ils_seen import Entrance, PatronSeen, Speech, StatusSeen
from sync.sip2 import explaining
from sync.sip2.dialect import Access, Dialect
from sync.sip2.faults import Malformed
from sync.sip2.layouts import NAMES
from sync.sip2.masking import is_field, is_whole, shown
from sync.sip2.messages import Check, Message, parse

_RIGHTS: Final = {
    "checkout_ok": "checkouts",
    "checkin_ok": "returns",
    "acs_renewal_policy": "renewals",
}
_OFFLINE: Final = {"offline_ok": "what happened off-line"}
_SLIPPED: Final = "fields that slipped into the fixed part"
_OTHERS: Final = "what is no field"


def entrance_of(dialect: Dialect) -> Entrance:
    """What tells who may enter."""
    flags = tuple(explaining.flag_words(name) for name in sorted(dialect.door))
    return Entrance(dialect.access.field, flags, dialect.needs_institution)


def speech_of(dialect: Dialect) -> Speech:
    """How messages are to be, before any came."""
    charset = dialect.charset
    return Speech(charset.encoding, charset.fallback, dialect.checksum, dialect.error_detection)


def heard(speech: Speech, line: bytes, dialect: Dialect) -> Speech:
    """The same with one more answer, as bytes."""
    try:
        check = parse(line, dialect.charset, dialect.delimiter).check
    except Malformed as wrong:
        check = Check.GOOD if wrong.checksum_valid else Check.WRONG
    looks = explaining.encoding_of(line)
    return replace(
        speech,
        encodings=speech.encodings | {looks} if looks else speech.encodings,
        answers=speech.answers + 1,
        good=speech.good + (check is Check.GOOD),
        by_characters=speech.by_characters + (check is Check.CODE_POINTS),
        wrong=speech.wrong + (check is Check.WRONG),
    )


def status_of(message: Message) -> StatusSeen:
    """A 98."""
    says = message.fixed
    known = explaining.supported(message)
    offered = {**_RIGHTS, **(_OFFLINE if says["offline_ok"] == "Y" else {})}
    return StatusSeen(
        online=says["online_status"] == "Y",
        may=tuple(what for name, what in offered.items() if says[name] == "Y"),
        may_not=tuple(what for name, what in _RIGHTS.items() if says[name] != "Y"),
        timeout=explaining.timeout_words(says["timeout_period"]),
        retries=_digits(says["retries_allowed"]),
        institution=message.first("AO"),
        missing=None if known is None else _missing(known),
    )


def patron_of(message: Message, dialect: Dialect) -> PatronSeen:
    """A 64."""
    field = dialect.access.field
    value = message.first(field) if field else None
    whole = is_whole(message, dialect.delimiter)
    flags = explaining.flags_set(message.fixed["patron_status"]) if whole else ()
    return PatronSeen(
        known=_letter(message.first("BL")),
        right=_letter(message.first("CQ")),
        access=None if value is None else _told(field, value, field),
        enters=value is not None and says_yes(value, dialect.access),
        arrived=arrived(message, dialect),
        flags=tuple(explaining.flag_words(name) for name in flags),
    )


def says_yes(value: str, access: Access) -> bool:
    """Whether a value of the access field lets somebody in."""
    if not value.strip() or value in access.denied:
        return False
    return access.allowed is None or value in access.allowed


def arrived(message: Message, dialect: Dialect) -> tuple[str, ...]:
    """Each field in words, as far as it may be told; a repeated one once, with its count."""
    if not is_whole(message, dialect.delimiter):
        return (_SLIPPED,)
    told: dict[str, list[str]] = {}
    for name, value in message.fields:
        told.setdefault(name if is_field(name) else "", []).append(value)
    return tuple(_field(name, values, dialect.access.field) for name, values in told.items())


def _field(name: str, values: list[str], access: str) -> str:
    if not name:
        return f"{_OTHERS} ({len(values)})"
    called = f"{name} ({explaining.FIELD_NAMES.get(name, explaining.NOT_IN_SPEC)})"
    if len(values) > 1:
        return f"{called} {len(values)} times"
    return f"{called} {_told(name, values[0], access) or 'empty'}"


def _told(name: str, value: str, access: str) -> str:
    said = shown(name, value, access=access)
    return f"{len(value)} characters" if said is None else said


def _missing(known: frozenset[str]) -> tuple[str, ...]:
    return tuple(f"{code} {NAMES[code]}" for code in explaining.NEEDED if code not in known)


def _letter(value: str | None) -> str | None:
    """Y, N and the like; anything longer is no answer of a server to that."""
    return value if value is None or len(value) <= 1 else "nonsense"


def _digits(value: str) -> str:
    return str(int(value)) if value.isascii() and value.isdigit() else "any number of"

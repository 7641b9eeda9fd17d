"""What a library system's answers tell about it, as the values that a doctor judges. Pure.

What is made of a patron's answer is the core's own verdict and no opinion of this module.
Deliberately not here: a value that could say who a patron is; of such only the length is kept.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from kioskd.domain.ils import Hindrance
from kioskd.errors import RegisterError
from kioskd.health.ils_seen import Entrance, How, PatronSeen, Speech, StatusSeen
from sync.sip2 import answers, explaining
from sync.sip2.answers import Said
from sync.sip2.dialect import Dialect
from sync.sip2.faults import Malformed
from sync.sip2.layouts import ANSWERS, NAMES
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
_ANSWERS: Final = frozenset(ANSWERS.values())
_AGAIN: Final = "96"
# A fault of the connection is words and no more; these say which kind of it was.
_HOW: Final = {
    "closed the connection": How.CLOSED,
    "did not understand": How.MISHEARD,
    "did not repeat": How.BROKEN,
    "wrong checksum": How.BROKEN,
    "cannot be read": How.BROKEN,
    "cannot be told": How.UNSAYABLE,
}


def entrance_of(dialect: Dialect) -> Entrance:
    """Who may enter."""
    allowed = dialect.access.allowed
    return Entrance(
        dialect.access.field,
        tuple(explaining.flag_words(name, dialect) for name in sorted(dialect.door)),
        dialect.needs_institution,
        None if allowed is None else tuple(sorted(allowed)),
        tuple(sorted(dialect.access.denied)),
        dialect.access.numeric,
        dialect.expiry_field,
    )


def how_of(fault: str) -> How:
    """In what way a step failed, by the words of its fault."""
    return next((how for words, how in _HOW.items() if words in fault), How.OTHERWISE)


def speech_of(dialect: Dialect) -> Speech:
    """How messages are to be, before any came."""
    charset = dialect.charset
    return Speech(charset.encoding, charset.fallback, dialect.checksum, dialect.error_detection)


def heard(speech: Speech, line: bytes, dialect: Dialect) -> Speech:
    """The same with one more line of the other side, as bytes."""
    seq: int | None
    try:
        message = parse(line, dialect.charset, dialect.delimiter)
        code, seq, check = message.code, message.seq, message.check
    except Malformed as wrong:
        code, seq, check = wrong.code, wrong.seq, _check_of(wrong)
    if code == _AGAIN:
        return speech
    if code not in _ANSWERS:
        return replace(speech, foreign=speech.foreign + 1)
    looks = explaining.encoding_of(line)
    return replace(
        speech,
        encodings=speech.encodings | {looks} if looks else speech.encodings,
        answers=speech.answers + 1,
        good=speech.good + (check is Check.GOOD),
        by_characters=speech.by_characters + (check is Check.CODE_POINTS),
        wrong=speech.wrong + (check is Check.WRONG),
        unnumbered=speech.unnumbered + (seq is None),
    )


def _check_of(wrong: Malformed) -> Check:
    if wrong.checksum_valid is None:
        return Check.ABSENT
    return Check.GOOD if wrong.checksum_valid else Check.WRONG


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
        institution=_institution(message),
        missing=None if known is None else _missing(known),
    )


def _institution(message: Message) -> str | None:
    said = message.first("AO")
    return said if said is None else _told("AO", said, "")


def patron_of(asked: Message, answer: Message, dialect: Dialect) -> PatronSeen:
    """A 64 to a 63, and what this device makes of it."""
    field = dialect.access.field
    value = answer.first(field) if field else None
    whole = is_whole(answer, dialect.delimiter)
    never = (*asked.every("AA"), *asked.every("AD"))
    flags = explaining.flags_set(answer.fixed["patron_status"]) if whole else ()
    seen = PatronSeen(
        known=_letter(answer.every("BL")),
        right=_letter(answer.every("CQ")),
        access=None if value is None else _told(field, value, field, never),
        arrived=arrived(answer, dialect, never),
        flags=tuple(explaining.flag_words(name, dialect) for name in flags),
    )
    try:
        verdict = answers.verdict(asked, answer, dialect)
    except RegisterError as fault:
        return replace(seen, fault=str(fault))
    if not verdict.door and not verdict.lending:
        return replace(seen, standing=verdict.standing)
    return replace(
        seen,
        standing=verdict.standing,
        door=_hindered(answers.door(asked, answer, dialect), dialect),
        lending=tuple(word for _, word in answers.lending(answer, dialect)),
        unsaid=Hindrance.ACCESS_NOT_SAID in verdict.door,
    )


def _hindered(said: tuple[Said, ...], dialect: Dialect) -> tuple[str, ...]:
    """Each hindrance with what the library system calls it: `CARD_UNUSABLE (card_lost)`."""
    field = dialect.access.field
    told = []
    for hindrance, word in said:
        name, is_value, value = word.partition("=")
        if field and name == field and is_value:
            word = f"{field} is {_told(field, value, field)}"
        told.append(f"{hindrance.value} ({word})")
    return tuple(dict.fromkeys(told))


def arrived(message: Message, dialect: Dialect, never: Collection[str] = ()) -> tuple[str, ...]:
    """Each field in words, as far as it may be told; a repeated one once, with its count.

    never: what no server may make us tell.
    """
    if not is_whole(message, dialect.delimiter):
        return (_SLIPPED,)
    told: dict[str, list[str]] = {}
    for name, value in message.fields:
        told.setdefault(name if is_field(name) else "", []).append(value)
    return tuple(_field(name, values, dialect, never) for name, values in told.items())


def _field(name: str, values: list[str], dialect: Dialect, never: Collection[str]) -> str:
    if not name:
        return f"{_OTHERS} ({len(values)})"
    called = f"{name} ({explaining.field_name(name, dialect)})"
    if len(values) > 1:
        return f"{called} {len(values)} times"
    return f"{called} {_told(name, values[0], dialect.access.field, never) or 'empty'}"


def _told(name: str, value: str, access: str, never: Collection[str] = ()) -> str:
    said = shown(name, value, access=access, never=never)
    return f"{len(value)} characters" if said is None else said


def _missing(known: frozenset[str]) -> tuple[str, ...]:
    return tuple(f"{code} {NAMES[code]}" for code in explaining.NEEDED if code not in known)


def _letter(values: tuple[str, ...]) -> str | None:
    """Y, N and the like, Y only if all are; what is longer is no answer of a server to that."""
    value = next((one for one in values if one != "Y"), "Y" if values else None)
    return value if value is None or len(value) <= 1 else "nonsense"


def _digits(value: str) -> str:
    return str(int(value)) if value.isascii() and value.isdigit() else "any number of"

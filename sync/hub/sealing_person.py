"""A person as compact bytes, before they are sealed: MessagePack, an array without names.

    [version, card, verifier, restrictions, expires, ages, consent, terms, category, language,
     locked, institution]

A day is its proleptic Gregorian ordinal, 0 where there is none. Of an age limit 0 is not reached,
-1 is reached, anything else is the day. A later version appends; what was there keeps its place.

Deliberately not here: keys and sealing.
"""

from datetime import date
from typing import Final

import msgspec

from kioskd.domain.credential import Restriction, RestrictionKind
from sync.hub.model import AgeState, Person

VERSION: Final = 1
_REACHED: Final = -1
_UNDER: Final = 0


class _Restriction(msgspec.Struct, array_like=True, gc=False):
    kind: RestrictionKind
    until: int
    branch: str | None
    code: str | None


class _Person(msgspec.Struct, array_like=True, gc=False):
    version: int
    card: str
    verifier: bytes | None
    restrictions: list[_Restriction]
    expires: int
    ages: dict[int, int]
    consent: bool | list[str]
    terms: bool | None
    category: str | None
    language: str | None
    locked: bool
    institution: bool


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Person).decode


def pack_person(person: Person) -> bytes:
    """A person as bytes."""
    return _encode(
        _Person(
            VERSION,
            person.card,
            person.verifier,
            [_restriction(r) for r in person.restrictions],
            _number(person.expires),
            {limit: _age_number(state) for limit, state in person.ages.items()},
            person.consent if isinstance(person.consent, bool) else list(person.consent),
            person.terms,
            person.category,
            person.language,
            person.locked,
            person.institution,
        )
    )


def unpack_person(data: bytes) -> Person:
    """The person in bytes that `pack_person` made. ValueError for anything else."""
    try:
        p = _decode(data)
    except msgspec.MsgspecError:
        raise ValueError("not a packed person") from None
    if p.version != VERSION:
        raise ValueError(f"a packed person of version {p.version}")
    return Person(
        p.card,
        p.verifier,
        tuple(map(_restriction_of, p.restrictions)) if p.restrictions else (),
        date.fromordinal(p.expires) if p.expires else None,
        {limit: _age_of(number) for limit, number in p.ages.items()},
        p.consent if isinstance(p.consent, bool) else tuple(p.consent),
        p.terms,
        p.category,
        p.language,
        p.locked,
        p.institution,
    )


def _restriction(r: Restriction) -> _Restriction:
    return _Restriction(r.kind, _number(r.until), r.branch, r.code)


def _restriction_of(r: _Restriction) -> Restriction:
    until = date.fromordinal(r.until) if r.until else None
    return Restriction(r.kind, until, r.branch, r.code)


def _number(day: date | None) -> int:
    return 0 if day is None else day.toordinal()


def _age_number(state: AgeState | date) -> int:
    if isinstance(state, date):
        return state.toordinal()
    return _REACHED if state is AgeState.REACHED else _UNDER


def _age_of(number: int) -> AgeState | date:
    if number == _REACHED:
        return AgeState.REACHED
    return AgeState.UNDER if number == _UNDER else date.fromordinal(number)

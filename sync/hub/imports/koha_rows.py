"""One line of a Koha export becomes one person: what the register's columns mean to a door.

    banned (SSBAN)              self-service block, everywhere, without an end
    blocks (of the plugin)      self-service block at that branch until that day
    lost                        lost
    debarred, debarments        debarred until the last of them; 9999 is without an end
    a debarment of USE_BANS     use ban until its day
    fees                        fees: more is owed than noissuescharge
    locked                      Person.locked, so for as long as the register says it
    pin_expires                 from that day on there is no verifier
    born                        an answer for each age limit, and forgotten

A block that ended before today is left out. Whether a contact is wrong (gonenoaddress) is not even
exported: it never denies.

Deliberately not here: lines and files (koha), and what a branch's devices may know (rights).
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Final

import msgspec

from kioskd.domain.card import CodeKind, CodePatterns, canonical
from kioskd.domain.codes import is_code
from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.vault.verifiers import pack_verifier
from sync.feed_rows import MAX_BRANCHES, BadField
from sync.hub.imports.rows import ParserRules
from sync.hub.model import Person

USE_BANS: Final = frozenset({"USE_BAN", "KAYTTOKIELTO", "KÄYTTÖKIELTO"})  # restriction types
NO_PERSON: Final = frozenset({"I", "X"})  # category types: organisational, statistical
MAX_REF: Final = 20  # digits of a borrower number

OTHER_HASH: Final = "PIN hash that is not bcrypt: no PIN until the patron sets a new one"
PIN_EXPIRED: Final = "PIN expired in the register: no PIN until the patron sets a new one"
ENDLESS_USE_BAN: Final = "use ban without an end: the library act knows only short, local ones"
ODD_CATEGORY: Final = "category code with a blank or longer than 32: left out"

_FOREVER = 9999  # the year that Koha writes for "no end"
_BORN = range(1850, 2200)
_NO_DAY = "0000-00-00"  # what MySQL before its strict mode kept for "no date"
_PATRON: Final = (CodeKind.PATRON, CodeKind.PATRON_OR_ITEM)


class Debarment(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A live row of borrower_debarments, its comment left behind."""

    type: str
    until: str | None

    def __repr__(self) -> str:
        return "Debarment()"


class BranchBlock(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A live row of borrower_ss_blocks, its notes left behind."""

    branch: str
    until: str

    def __repr__(self) -> str:
        return "BranchBlock()"


class PatronLine(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A patron as config/koha/patrons-*.sql prints one. Every key must be there.

    A key that is missing would be a ban that is missing.
    """

    card: str
    ref: str
    hash: str | None
    pin_expires: str | None
    born: str | None
    expires: str | None
    category: str | None
    category_type: str | None
    lang: str | None
    lost: bool | int
    locked: bool | int
    fees: bool | int
    debarred: str | None
    debarments: list[Debarment]
    banned: bool | int
    terms: bool | int | None
    consent: bool | list[str]
    blocks: list[BranchBlock]

    def __repr__(self) -> str:
        return "PatronLine()"


KEYS: Final = PatronLine.__struct_fields__


def card_of(patterns: CodePatterns, value: object) -> str:
    """The canonical card number; empty when it is none of a patron."""
    card = canonical(value) if isinstance(value, str) else ""
    return card if patterns.classify(card) in _PATRON else ""


def identity_of(value: object) -> str:
    """A borrower number. BadField."""
    good = isinstance(value, str) and value.isascii() and value.isdigit()
    if not (good and len(str(value)) <= MAX_REF):
        raise BadField("ref: wanted: a borrower number")
    return str(value)


def person_of(line: PatronLine, card: str, rules: ParserRules, warnings: Counter[str]) -> Person:
    """The person of a line; what staff should know goes to `warnings`. BadField."""
    return Person(
        card=card,
        verifier=_verifier(line, rules.today, warnings),
        restrictions=_restrictions(line, rules.today, warnings),
        expires=_until("expires", line.expires),
        ages=rules.age_states(_born(line.born)),
        consent=_consent(line.consent),
        terms=None if line.terms is None else bool(line.terms),
        category=_category(line.category, warnings),
        language=_language(line.lang),
        locked=bool(line.locked),
        institution=line.category_type in NO_PERSON,
    )


def _verifier(line: PatronLine, today: date, warnings: Counter[str]) -> bytes | None:
    if not line.hash:
        return None
    expires = _day("pin_expires", line.pin_expires)
    if expires is not None and expires <= today:
        warnings[PIN_EXPIRED] += 1
        return None
    try:
        if line.hash.startswith("$2"):
            return pack_verifier(line.hash)
    except ValueError:
        pass
    warnings[OTHER_HASH] += 1
    return None


def _restrictions(line: PatronLine, today: date, warnings: Counter[str]) -> tuple[Restriction, ...]:
    found = [
        Restriction(kind)
        for kind, holds in (
            (RestrictionKind.LOST, line.lost),
            (RestrictionKind.SELF_SERVICE_BLOCK, line.banned),
            (RestrictionKind.FEES, line.fees),
        )
        if holds
    ]
    found += _debarred(line)
    found += _blocks(line.blocks)
    live = longest(r for r in found if r.until is None or r.until >= today)
    if Restriction(RestrictionKind.USE_BAN) in live:
        warnings[ENDLESS_USE_BAN] += 1
    return live


def _debarred(line: PatronLine) -> list[Restriction]:
    found = []
    if line.debarred and line.debarred != _NO_DAY:
        found.append(Restriction(RestrictionKind.DEBARRED, _until("debarred", line.debarred)))
    for one in line.debarments:
        use_ban = one.type.strip().upper() in USE_BANS
        kind = RestrictionKind.USE_BAN if use_ban else RestrictionKind.DEBARRED
        found.append(Restriction(kind, _until("debarments", one.until)))
    return found


def _blocks(blocks: list[BranchBlock]) -> list[Restriction]:
    if len(blocks) > MAX_BRANCHES * 4:
        raise BadField(f"blocks: more than {MAX_BRANCHES * 4}")
    if not all(is_code(block.branch) for block in blocks):
        raise BadField("blocks: wanted: branch codes without blanks")
    kind = RestrictionKind.SELF_SERVICE_BLOCK
    return [Restriction(kind, _until("blocks", b.until), b.branch) for b in blocks]


def longest(restrictions: Iterable[Restriction]) -> tuple[Restriction, ...]:
    """Of each kind and branch the one that ends last, always in the same order."""
    kept: dict[tuple[str, str], Restriction] = {}
    for one in restrictions:
        key = one.kind, one.branch or ""
        other = kept.get(key)
        if other is None or _ends(one) > _ends(other):
            kept[key] = one
    return tuple(kept[key] for key in sorted(kept))


def _ends(restriction: Restriction) -> date:
    return restriction.until or date.max


def _born(text: str | None) -> date | None:
    if text == _NO_DAY:
        return None
    day = _day("born", text)
    if day is not None and day.year not in _BORN:
        raise BadField("born: not a day on which anybody was born")
    return day


def _until(key: str, text: str | None) -> date | None:
    """The last day of something; None for no end."""
    day = _day(key, text)
    return None if day is None or day.year >= _FOREVER else day


def _day(key: str, text: str | None) -> date | None:
    if not text:
        return None
    try:
        if len(text) == len(_NO_DAY):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise BadField(f"{key}: wanted: a date such as 2027-05-31")


def _consent(given: bool | list[str]) -> bool | tuple[str, ...]:
    if isinstance(given, bool):
        return given
    if len(given) > MAX_BRANCHES:
        raise BadField(f"consent: more than {MAX_BRANCHES} branches")
    if not all(map(is_code, given)):
        raise BadField("consent: wanted: true, false or branch codes without blanks")
    return tuple(sorted(set(given))) or False


def _category(code: str | None, warnings: Counter[str]) -> str | None:
    if not code:
        return None
    if not is_code(code):
        warnings[ODD_CATEGORY] += 1
        return None
    return code


def _language(lang: str | None) -> str | None:
    """`fi-FI` is fi; `default` and whatever else says nothing."""
    first = (lang or "").replace("_", "-").split("-")[0].lower()
    return first if first.isascii() and first.isalpha() and 2 <= len(first) <= 3 else None

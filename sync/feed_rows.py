"""One line of a feed becomes one row: a card and its credential, or what is wrong with the line.

What the two formats share is here: the columns, the bounds of each value, and what a device keeps
of a date. A message names line, column and fault; it never repeats a value, because the value may
be a card number, a hash or somebody's name.

Deliberately not here: lines and files (sync.feed_file), keys, sealing and anything that is stored.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

import msgspec

from kioskd.domain.card import CodeKind, CodePatterns, canonical
from kioskd.domain.codes import BLANKS, is_code
from kioskd.domain.credential import Credential, Restriction, RestrictionKind

MAX_RESTRICTIONS: Final = 32
MAX_BRANCHES: Final = 64
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?")
# Opaque by contract; what has the form of a Finnish personal identity code is not a reference.
_REF = re.compile(r"(?!\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]$)[0-9A-Za-z._:~+/=-]{1,64}")
_PATRON_CARD: Final = (CodeKind.PATRON, CodeKind.PATRON_OR_ITEM)


class FeedRow(NamedTuple):
    """A card and what the register says of it; credential None: the register removed the card."""

    line: int
    card: str
    credential: Credential | None

    def __repr__(self) -> str:
        return f"FeedRow(line={self.line})"


class BadRow(NamedTuple):
    """A line that is left out, and why. `why` never repeats a value of the line.

    card: whose line it is, where that can be read; whoever loads the feed leaves that card out.
    """

    line: int
    why: str
    card: str = ""

    def __repr__(self) -> str:
        return f"BadRow(line={self.line}, why={self.why!r})"


class BadField(ValueError):
    """A value that cannot be taken; the text names column and fault."""


class RestrictionFields(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A restriction as the feed's JSON objects write it."""

    kind: RestrictionKind
    until: date | None = None
    branch: str | None = None
    code: str | None = None


class RowFields(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The columns of a feed, by their names in the file."""

    card: str
    pin_hash: str | None = None
    restrictions: list[RestrictionFields] | None = None
    expires: date | None = None
    eligible_from: date | None = None
    consent: bool | list[str] | None = None
    category: str | None = None
    language: str | None = None
    ref: str | None = None
    deleted: bool | None = None


COLUMNS: Final = RowFields.__struct_fields__


@dataclass(frozen=True, slots=True)
class RowRules:
    """What the site says about rows.

    pack: makes a stored verifier of a `pin_hash`, ValueError when it cannot.
    today: the site's local day. near: how long a credential may be used; an `eligible_from`
    beyond that would tell the birth date and becomes `under-age`. cards_key: where the site's
    configuration has the patterns, for messages.
    """

    patterns: CodePatterns
    pack: Callable[[str], bytes]
    today: date
    near: timedelta = timedelta(days=5)
    cards_key: str = "[cards]"

    def row(self, line: int, fields: RowFields) -> FeedRow | BadRow:
        """The row of these fields; a bad one names the first that cannot be taken."""
        card = self.card_of(fields.card)
        if not card:
            return BadRow(line, f"card: fits none of the patron patterns of {self.cards_key}")
        try:
            return FeedRow(line, card, None if fields.deleted else self._credential(fields))
        except BadField as fault:
            return BadRow(line, str(fault), card)

    def card_of(self, value: object) -> str:
        """The canonical card number that a line gives; empty when it is none of a patron."""
        card = canonical(value) if isinstance(value, str) else ""
        return card if self.patterns.classify(card) in _PATRON_CARD else ""

    def _credential(self, fields: RowFields) -> Credential:
        restrictions = _restrictions(fields.restrictions) if fields.restrictions else ()
        eligible_from = fields.eligible_from
        if eligible_from is not None:
            eligible_from, restrictions = self._age(eligible_from, restrictions)
        return Credential(
            verifier=self._verifier(fields.pin_hash) if fields.pin_hash else None,
            restrictions=restrictions,
            expires=fields.expires,
            eligible_from=eligible_from,
            consent=_consent(fields.consent) if fields.consent else False,
            category=_code("category", fields.category),
            language=_matching("language", fields.language, _LANGUAGE),
            ref=_matching("ref", fields.ref, _REF),
        )

    def _verifier(self, text: str) -> bytes:
        try:
            return self.pack(text.strip())
        except ValueError:
            raise BadField(
                "pin_hash: not an argon2id or bcrypt hash that this version takes"
            ) from None

    def _age(
        self, day: date, restrictions: tuple[Restriction, ...]
    ) -> tuple[date | None, tuple[Restriction, ...]]:
        if day <= self.today:
            return None, restrictions
        if day - self.today <= self.near:
            return day, restrictions
        under_age = Restriction(RestrictionKind.UNDER_AGE)
        return None, restrictions if under_age in restrictions else (*restrictions, under_age)


def _restrictions(fields: list[RestrictionFields]) -> tuple[Restriction, ...]:
    if len(fields) > MAX_RESTRICTIONS:
        raise BadField(f"restrictions: more than {MAX_RESTRICTIONS}")
    return tuple(map(restriction_of, fields))


def restriction_of(fields: RestrictionFields) -> Restriction:
    """The restriction of these fields. BadField when branch or code cannot be taken."""
    branch = _code("restrictions", fields.branch)
    return Restriction(fields.kind, fields.until, branch, _code("restrictions", fields.code))


def _consent(given: bool | list[str]) -> bool | tuple[str, ...]:
    if isinstance(given, bool):
        return given
    if len(given) > MAX_BRANCHES:
        raise BadField(f"consent: more than {MAX_BRANCHES} branches")
    branches = tuple(branch.strip(BLANKS) for branch in given)
    if not all(map(is_code, branches)):
        raise BadField("consent: " + WANTED["consent"])
    return branches


def _code(column: str, text: str | None) -> str | None:
    if not text:
        return None
    code = text.strip(BLANKS)
    if not is_code(code):
        raise BadField(f"{column}: {WANTED[column]}")
    return code


def _matching(column: str, text: str | None, pattern: re.Pattern[str]) -> str | None:
    if not text:
        return None
    found = text.strip(BLANKS)
    if pattern.fullmatch(found) is None:
        raise BadField(f"{column}: {WANTED[column]}")
    return found


WANTED: Final = {
    "card": "wanted: the card number as text",
    "pin_hash": "wanted: an argon2id or bcrypt hash as text, or nothing",
    "restrictions": "wanted: known kinds ("
    + ", ".join(RestrictionKind)
    + "), until as 2027-05-31, branch and code without blanks",
    "expires": "wanted: a date such as 2027-05-31",
    "eligible_from": "wanted: a date such as 2027-05-31",
    "consent": "wanted: true, false or branch codes without blanks",
    "category": "wanted: a code of at most 32 characters, without blanks",
    "language": "wanted: a language code such as fi",
    "ref": "wanted: an opaque reference of at most 64 letters and digits, no identity code",
    "deleted": "wanted: true or false",
}

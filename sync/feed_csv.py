"""CSV lines of a feed: RFC 4180, comma, a header in any order.

Each line is parsed on its own. No column of a feed can hold a line break, and a stray quote then
spoils one row instead of swallowing the rows up to the next quote.

Deliberately not here: what a value may hold (sync.feed_rows).
"""

import csv
import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final

from kioskd.domain.credential import RestrictionKind
from kioskd.errors import InputError
from sync.feed_rows import (
    COLUMNS,
    WANTED,
    BadField,
    BadRow,
    FeedRow,
    RestrictionFields,
    RowFields,
    RowRules,
)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TRUE: Final = frozenset({"true", "1", "yes"})
_FALSE: Final = frozenset({"false", "0", "no", ""})


def read_header(name: str, raw: bytes) -> tuple[str, ...]:
    """What stands in a header line, whatever that is; InputError when it is no CSV."""
    try:
        cells = tuple(cell.strip() for cell in _cells(raw))
    except (csv.Error, UnicodeDecodeError):
        raise InputError(f"{name}: the first line is not a CSV header in UTF-8") from None
    if len(cells) == 1 and re.search(r"[;\t|]", cells[0]):
        raise InputError(f"{name}: columns are to be separated by commas; export it as RFC 4180")
    return cells


class CsvRows:
    """Parses the lines below a CSV header whose columns are all known."""

    def __init__(self, rules: RowRules, header: Sequence[str]) -> None:
        self.unknown: dict[str, int] = {cell: 1 for cell in header if cell not in COLUMNS}
        self._rules = rules
        self._header = tuple(header)

    def parse(self, line: int, raw: bytes) -> FeedRow | BadRow | None:
        """The row of a line, None for a blank one."""
        try:
            cells = _cells(raw)
        except (csv.Error, UnicodeDecodeError):
            return BadRow(line, "not a line of CSV in UTF-8; look for a stray quote")
        if not cells:
            return None
        try:
            return self._rules.row(line, self._fields(cells))
        except BadField as fault:
            return BadRow(line, str(fault), self._card(cells))

    def look(self, line: int, raw: bytes) -> None:
        """Nothing: the header has named every column."""

    def _card(self, cells: Sequence[str]) -> str:
        at = self._header.index("card")
        return self._rules.card_of(cells[at]) if at < len(cells) else ""

    def _fields(self, cells: Sequence[str]) -> RowFields:
        if len(cells) != len(self._header):
            raise BadField(
                f"{len(cells)} cells under a header of {len(self._header)}; "
                "quote what has a comma in it, as argon2id hashes have"
            )
        given = dict(zip(self._header, map(str.strip, cells), strict=True))
        get = given.get
        return RowFields(
            card=get("card", ""),
            pin_hash=get("pin_hash"),
            restrictions=_restrictions(get("restrictions")),
            expires=_date("expires", get("expires")),
            eligible_from=_date("eligible_from", get("eligible_from")),
            consent=_consent(get("consent", "")),
            category=get("category"),
            language=get("language"),
            ref=get("ref"),
            deleted=_flag("deleted", get("deleted", "")),
        )


def _cells(raw: bytes) -> list[str]:
    text = raw.decode("utf-8").rstrip("\r\n")
    return next(csv.reader((text,), strict=True), []) if text else []


@lru_cache(maxsize=4096)
def _parsed_date(text: str) -> date | None:
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _date(column: str, text: str | None) -> date | None:
    if not text:
        return None
    day = _parsed_date(text)
    if day is None:
        raise BadField(f"{column}: {WANTED[column]}")
    return day


def _flag(column: str, text: str) -> bool:
    if text in _FALSE:
        return False
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise BadField(f"{column}: {WANTED[column]}")


def _consent(text: str) -> bool | list[str]:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    return [branch.strip() for branch in text.split(";")]


def _restrictions(text: str | None) -> list[RestrictionFields] | None:
    if not text:
        return None
    return [_restriction(one.strip()) for one in text.split(";") if one.strip()]


def _restriction(text: str) -> RestrictionFields:
    """`kind[@branch][:until]`, as `use-ban@ESI:2026-12-31`; a code has no place here.

    Every sign that could set a code off may stand in the code of a branch.
    """
    rest, _, until = text.partition(":")
    kind, at, branch = rest.partition("@")
    if kind not in frozenset(RestrictionKind) or (at and not branch.strip()):
        raise BadField("restrictions: " + WANTED["restrictions"])
    return RestrictionFields(
        RestrictionKind(kind), _date("restrictions", until.strip()), branch or None
    )

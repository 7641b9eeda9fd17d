"""`--format blocklist-csv`: a header, then a line a patron, as Koha-Suomi's job writes them.

    borrowernumber,cardnumber,HasSelfServicePermission,BranchSpecificBlocks
    17,167A006007,1,[ESI:POR]

Each line is parsed on its own, so that a stray quote spoils one row. A column beyond these refuses
the file: the job puts in any column of borrowers that it is asked for.

Deliberately not here: what permission and branches mean (blocklist).
"""

import csv
from collections.abc import Iterator, Sequence
from typing import Final

from sync.feed_rows import BadRow
from sync.hub.imports.blocklist import KNOWN, ListRules, branches_of, role_of
from sync.hub.imports.rows import ParserRules, Row
from sync.hub.imports.source import Source, SourceParser, refuse_keys

FORMAT: Final = "blocklist-csv"


class CsvBlocklist(SourceParser):
    """A Parser of the list as CSV."""

    def __init__(self, source: Source, rules: ParserRules) -> None:
        super().__init__(source)
        self._rules = ListRules(rules)

    def rows(self) -> Iterator[Row]:
        """A row for each line below the header. InputError."""
        lines = self._source.lines()
        roles = self._header(next(lines, (1, b""))[1])
        for number, raw in lines:
            row = self._row(number, raw, roles)
            if row is not None:
                yield row

    def _header(self, raw: bytes | None) -> Sequence[str]:
        cells = _cells(raw) if raw is not None else None
        if not cells:
            raise self._refused("has no CSV header in UTF-8")
        found = {cell.strip(): role_of(cell) for cell in cells}
        if "permission" not in found.values():
            raise self._refused(
                "its first line does not name HasSelfServicePermission; "
                "columns are separated by commas, and the header stays on"
            )
        unknown = {cell: 1 for cell, role in found.items() if role is None}
        refuse_keys(self._source.name, unknown, KNOWN)
        roles = [role or "" for role in found.values()]
        if len(found) < len(cells) or any(roles.count(r) > 1 for r in roles if r):
            raise self._refused("a column is there twice; leave one out")
        if "card" not in roles:
            raise self._refused(
                "has borrower numbers alone; let the job write the cards too: --column cardnumber"
            )
        return roles

    def _row(self, number: int, raw: bytes | None, roles: Sequence[str]) -> Row | None:
        if raw is None:
            return BadRow(number, "longer than 64 KiB")
        if not raw.endswith(b"\n"):
            return BadRow(number, "has no end of line; was the list cut off?")
        cells = _cells(raw)
        if cells is None:
            return BadRow(number, "not a line of CSV in UTF-8; look for a stray quote")
        if not cells:
            return None
        given = dict(zip(roles, cells, strict=False))
        card = given.get("card", "")
        if len(cells) != len(roles):
            why = f"{len(cells)} cells under a header of {len(roles)}"
            return BadRow(number, why, self._rules.card_of(card))
        blocks = branches_of(given.get("branches", ""))
        return self._rules.row(number, card, given["permission"], blocks)


def _cells(raw: bytes) -> list[str] | None:
    """The cells of a line, none of a blank one; None for what is no CSV."""
    try:
        text = raw.decode("utf-8").rstrip("\r\n")
        return next(csv.reader((text,), strict=True), []) if text.strip() else []
    except (csv.Error, UnicodeDecodeError):
        return None

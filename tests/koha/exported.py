"""Exports and lists as a test writes them, and what the parsers make of them."""

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from sync.feed_rows import BadRow
from sync.hub.imports.koha import FORMAT
from sync.hub.imports.koha_formats import koha_parser
from sync.hub.imports.rows import ParserRules, PatchRow, PersonRow, Row
from sync.hub.imports.source import Source
from sync.hub.model import KohaConfig, Person

TODAY: Final = date(2026, 11, 23)
RULES: Final = ParserRules((r"\d{3}[A-Z]\d{6}",), (13, 15), TODAY, 5)
BCRYPT: Final = "$2a$08$abcdefghijklmnopqrstuuKc0yXHwPr8AKXLsCGfSg0dpXxLU1b1K"
HEADER: Final[dict[str, object]] = {
    "koha_patrons": 1,
    "kind": "full",
    "exported": "2026-11-23T01:00:00Z",
    "ban_attribute": "SSBAN",
    "terms_attribute": "SST&C",
    "consent_attribute": "",
    "branch_blocks": None,
    "self_service_plugin": False,
}
PATRON: Final[dict[str, object]] = {
    "card": "167A000001",
    "ref": "1",
    "hash": BCRYPT,
    "pin_expires": None,
    "born": "1980-01-01",
    "expires": None,
    "category": "HENKILÖ",
    "category_type": "A",
    "lang": "default",
    "lost": False,
    "locked": False,
    "fees": False,
    "debarred": None,
    "debarments": [],
    "banned": False,
    "terms": 1,
    "consent": [],
    "blocks": [],
}


@dataclass
class Outcome:
    """What a parser gave and counted."""

    rows: list[Row]
    warnings: dict[str, int]

    def person(self, card: str = "167A000001") -> Person:
        """The person of a card."""
        (found,) = (r.person for r in self.rows if isinstance(r, PersonRow) and r.card == card)
        assert found is not None
        return found

    def patches(self) -> dict[str, PatchRow]:
        """Rows of a block list by card."""
        return {row.card: row for row in self.rows if isinstance(row, PatchRow)}

    def bad(self) -> list[BadRow]:
        """Rows that were left out."""
        return [row for row in self.rows if isinstance(row, BadRow)]


@dataclass
class Read:
    """Reads a text as a file of a format."""

    home: Path
    rules: ParserRules = field(default=RULES)
    config: KohaConfig = field(default_factory=KohaConfig)

    def __call__(self, text: str | bytes, form: str = FORMAT, *, full: bool = True) -> Outcome:
        path = self.home / "file"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with koha_parser(form, Source.open(path), self.rules, self.config, full=full) as parser:
            rows = list(parser.rows())
            assert parser.position == parser.size
            return Outcome(rows, dict(parser.warnings))


def patron(number: int = 1, **columns: object) -> dict[str, object]:
    """A patron's object in which nothing stands against anybody."""
    return {**PATRON, "card": f"167A{number:06}", "ref": str(number), **columns}


def export(*patrons: object, header: object = HEADER, count: int | None = None) -> str:
    """An export of these, whole."""
    end = {"end": "koha-patrons", "patrons": len(patrons) if count is None else count}
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (header, *patrons, end))

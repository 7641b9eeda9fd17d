"""A feed file as an import of the hub: the same files that a device takes.

What a feed says of a right that is judged per branch goes where rights look for it: under age and
the day of coming of age become the answer for any age limit, missing terms become `terms`. A right
that the feed restricts at one branch stays a restriction of that branch.

A day on which somebody comes of age tells a birth date, so it is kept only when it is near, also
where it is written as the end of an `under-age`.

Deliberately not here: lines and columns (sync.feed_file), and what becomes of the rows (applying).
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Self

from kioskd.domain.card import CodePatterns
from kioskd.domain.credential import Credential, Restriction, RestrictionKind
from kioskd.vault.verifiers import pack_verifier
from sync.feed_file import FeedFile, parse_chunk, refuse_unknown
from sync.feed_rows import BadRow, FeedRow, RowRules
from sync.hub.imports.rows import ParserRules, PersonRow, Row
from sync.hub.model import ANY_AGE, AgeState, Person

_DAY: Final = timedelta(days=1)


class FeedParser:
    """imports.rows.Parser of a feed file. Close it, or use it as a context."""

    def __init__(self, file: FeedFile, rules: ParserRules) -> None:
        self.warnings: dict[str, int] = {}
        self._file = file
        self._rules = rules

    @classmethod
    def open(cls, path: Path, rules: ParserRules) -> Self:
        """A file, or standard input for `-`. InputError names the file and the way out."""
        return cls(FeedFile.open(path), rules)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.__exit__(None, None, None)

    @property
    def size(self) -> int:
        """Bytes of the file; 0: not known."""
        return self._file.size

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._file.position

    def rows(self) -> Iterator[Row]:
        """Every row in order. InputError after the last line names columns that must not be."""
        near = timedelta(days=self._rules.near_days)
        patterns = CodePatterns(tuple(map(re.compile, self._rules.card_patterns)))
        parser = self._file.format.parser(
            RowRules(patterns, pack_verifier, self._rules.today, near, "hub.cards")
        )
        for chunk in self._file.chunks():
            for row in parse_chunk(parser, chunk):
                yield row if isinstance(row, BadRow) else self._person_row(row)
        refuse_unknown(self._file.name, parser.unknown)

    def _person_row(self, row: FeedRow) -> PersonRow:
        credential = row.credential
        if credential is None:
            return PersonRow(row.line, row.card, row.card, None)
        person = person_of(row.card, credential, self._rules.today, self._rules.near_days)
        return PersonRow(row.line, row.card, credential.ref or row.card, person)


def person_of(card: str, credential: Credential, today: date, near_days: int) -> Person:
    """The person that a feed's credential speaks of."""
    ages = _Ages(today, near_days)
    kept = tuple(map(ages.blurred, filter(ages.is_kept, credential.restrictions)))
    return Person(
        card=card,
        verifier=credential.verifier,
        restrictions=tuple(r for r in kept if not _is_terms(r)),
        expires=credential.expires,
        ages={ANY_AGE: ages.state(credential)},
        consent=credential.consent,
        terms=not any(map(_is_terms, kept)),
        category=credential.category,
        language=credential.language,
    )


def _is_terms(r: Restriction) -> bool:
    return r.kind is RestrictionKind.TERMS_MISSING and r.until is None and r.branch is None


class _Ages:
    """What under-age restrictions say, and what of them may be kept."""

    def __init__(self, today: date, near_days: int) -> None:
        self._today = today
        self._near = timedelta(days=near_days)

    def is_kept(self, r: Restriction) -> bool:
        """Whether it stays a restriction: under age everywhere becomes an age instead."""
        return r.kind is not RestrictionKind.UNDER_AGE or r.branch is not None

    def blurred(self, r: Restriction) -> Restriction:
        """It, without an end that tells a birth date."""
        if r.kind is not RestrictionKind.UNDER_AGE or r.until is None:
            return r
        return r if r.until - self._today < self._near else replace(r, until=None)

    def state(self, credential: Credential) -> AgeState | date:
        """The answer for any age limit: the strictest of what the feed says."""
        days = [credential.eligible_from] if credential.eligible_from else []
        for r in credential.restrictions:
            if r.kind is RestrictionKind.UNDER_AGE and r.branch is None:
                if r.until is None or r.until >= date.max:
                    return AgeState.UNDER
                days.append(r.until + _DAY)
        last = max(days, default=self._today)
        if last <= self._today:
            return AgeState.REACHED
        return last if last - self._today <= self._near else AgeState.UNDER

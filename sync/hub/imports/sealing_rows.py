"""Rows of a parser become rows of the staging: sealed, digested, told urgent from others. Pure CPU.

The digest is keyed and covers what was imported, the register's own PIN hash included: a row that
is as it was last time has the digest that the hub holds, and is left alone. It is taken before
restrictions that are over are left out, so that a day which passes changes no digest by itself.

Deliberately not here: files and databases.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from kioskd.domain.credential import Restriction
from sync.feed_rows import BadRow
from sync.hub.imports.report import Tally
from sync.hub.imports.rows import PatchRow, PersonRow, Row
from sync.hub.imports.staging import RowKind, StagedRow
from sync.hub.model import Person
from sync.hub.rights import may_be_restricted, turned
from sync.hub.sealing import HubKeys
from sync.hub.sealing_person import pack_person

BLOCK_LIST: Final = "block-list"  # code of a block that came from a list of blocks


@dataclass(frozen=True, slots=True)
class RowSealer:
    """today: the hub's local day; a restriction that ended before it is not kept."""

    keys: HubKeys
    feed: str
    today: date

    def staged(self, rows: Iterable[Row], tally: Tally) -> list[StagedRow]:
        """The rows that name a card; all are counted."""
        found = []
        for row in rows:
            tally.rows += 1
            if isinstance(row, BadRow):
                tally.note_bad(row.line, row.why)
                if not row.card:
                    continue
            found.append(self._staged(row))
        return found

    def _staged(self, row: Row) -> StagedRow:
        index = self.keys.card_index(row.card)
        if isinstance(row, BadRow):
            return StagedRow(index, RowKind.BAD)
        if isinstance(row, PatchRow):
            return self._patch(index, row)
        if row.person is None:
            return StagedRow(index, RowKind.DELETED, urgent=True)
        return self._person(index, row, row.person)

    def _person(self, index: bytes, row: PersonRow, person: Person) -> StagedRow:
        packed = pack_person(person)
        ref = self.keys.ref(self.feed, row.identity)
        kept = turned(person, self.today) if person.restrictions or person.ages else person
        return StagedRow(
            index,
            RowKind.PERSON,
            may_be_restricted(kept),
            self.keys.source_digest(ref.encode() + packed),
            ref,
            self.keys.seal_person(self.feed, index, kept),
        )

    def _patch(self, index: bytes, row: PatchRow) -> StagedRow:
        blocks = tuple(map(_from_list, row.blocks))
        only = turned(Person(row.card, restrictions=blocks), self.today)
        sealed = self.keys.seal_person(self.feed, index, only)
        return StagedRow(index, RowKind.PATCH, bool(only.restrictions), sealed=sealed)


def _from_list(block: Restriction) -> Restriction:
    return replace(block, code=BLOCK_LIST)

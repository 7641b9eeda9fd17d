"""Rows become lines: opened, reduced to what the branch may know, counted and digested.

Work of milliseconds for a block: it belongs in a thread, one block of a stream at a time.

Deliberately not here: reading rows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Protocol

import msgspec

from sync.feed_rows import RowFields
from sync.hub.model import Branch
from sync.hub.pull_rows import Stored
from sync.hub.rights import fields, restrictions_alone
from sync.hub.sealing import HubKeys
from sync.hub_wire import RestrictionLine, Trailer

_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Viewer:
    """For whom rows are rendered: a branch, on one of its local days."""

    keys: HubKeys
    branch: Branch
    today: date
    near_days: int


class LineOf(Protocol):
    """Makes the line of a row; None leaves the row out."""

    def __call__(self, viewer: Viewer, row: Stored) -> msgspec.Struct | None: ...


def credential(viewer: Viewer, row: Stored) -> RowFields:
    """A feed object, or the tombstone of a card."""
    person = viewer.keys.open_person(row.feed, row.card, row.sealed)
    if row.deleted:
        return RowFields(card=person.card, deleted=True)
    return fields(person, row.ref or "", viewer.branch, viewer.today, viewer.near_days)


def restriction(viewer: Viewer, row: Stored) -> RestrictionLine:
    """All restrictions of a card, none where they were lifted."""
    person = viewer.keys.open_person(row.feed, row.card, row.sealed)
    if row.deleted:
        return RestrictionLine(card=person.card, deleted=True)
    return RestrictionLine(
        person.card, restrictions_alone(person, viewer.branch, viewer.today, viewer.near_days)
    )


def present_restriction(viewer: Viewer, row: Stored) -> RestrictionLine | None:
    """The restrictions of a card that has some."""
    line = restriction(viewer, row)
    return line if line.restrictions else None


@dataclass(slots=True)
class Lines:
    """The lines of one stream, as they are made."""

    viewer: Viewer
    line_of: LineOf
    count: int = 0
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def render(self, rows: Sequence[Stored]) -> bytes:
        """The lines of a block. Blocks. VaultError when a row does not open."""
        made = [self.line_of(self.viewer, row) for row in rows]
        lines = [_encode(line) for line in made if line is not None]
        if not lines:
            return b""
        data = b"\n".join(lines) + b"\n"
        self.count += len(lines)
        self._digest.update(data)
        return data

    def trailer(self, cursor: str, generation: str, *, more: bool) -> bytes:
        """The last line."""
        digest = self._digest.hexdigest()
        return _encode(Trailer(cursor, more, generation, self.count, digest)) + b"\n"

"""The last attempt at a door, as the journal tells it: without the person and without staff."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class PastRow:
    """A row of the journal. at: RFC 3339 in UTC; kind, decision, reason: as they were written."""

    seq: int
    id: str
    at: str
    kind: str
    door: str | None = None
    decision: str | None = None
    reason: str | None = None
    decided_by: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last decided entry of a door, and what followed there until the next one."""

    entry: PastRow
    after: tuple[PastRow, ...] = ()

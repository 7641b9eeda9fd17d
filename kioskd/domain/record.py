"""What is written into the journal: facts in the past tense."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from kioskd.domain.decision import DecidedBy, Decision

NO_DETAIL: Mapping[str, object] = MappingProxyType({})


class Kind(StrEnum):
    """Kinds of rows that this version writes."""

    ENTRY_DECIDED = "entry.decided"
    DOOR_NOT_OPENED = "door.not_opened"
    DOOR_OPENED = "door.opened"
    DOOR_CLOSED = "door.closed"
    DOOR_HELD = "door.held"
    DOOR_FORCED = "door.forced"
    DOOR_TAILGATING = "door.tailgating"
    STRIKE_RELEASED = "strike.released"
    STRIKE_SECURED = "strike.secured"
    DEVICE_LOST = "device.lost"
    DEVICE_BACK = "device.back"
    INPUT_REX = "input.rex"
    STAFF_ACTION = "staff.action"
    SCHEDULE_CHANGED = "schedule.changed"
    CONFIG_CHANGED = "config.changed"
    SYNC_DONE = "sync.done"
    SYNC_FAILED = "sync.failed"
    ALERT_RAISED = "alert.raised"
    ALERT_CLEARED = "alert.cleared"
    CLOCK_UNTRUSTED = "clock.untrusted"
    CLOCK_CORRECTED = "clock.corrected"
    JOURNAL_STARTED = "journal.started"
    DAEMON_STARTED = "daemon.started"
    DAEMON_STOPPED = "daemon.stopped"


@dataclass(frozen=True, slots=True)
class Owed:
    """That a card was used on a local day, for the register: sealed, and tied to no row.

    key: the same for the same patron and day. sealed: the register's reference of the patron.
    """

    key: bytes
    sealed: bytes
    day: str

    def __repr__(self) -> str:
        return "Owed()"


@dataclass(frozen=True, slots=True)
class Record:
    """One row to be. `id` is fixed when the fact happens; `card` is an index, never a number.

    known: whether the card was known; persons of unknown cards are kept for hours, not days.
    trusted: whether the clock was trusted when `at` was read. activity: kept beside the row, in
    its transaction, and no part of it.
    """

    id: str
    at: datetime
    kind: Kind
    door: str | None = None
    decision: Decision | None = None
    decided_by: DecidedBy | None = None
    by: str | None = None
    detail: Mapping[str, object] = field(default_factory=lambda: NO_DETAIL)
    card: bytes | None = None
    known: bool = True
    trusted: bool = True
    activity: Owed | None = None

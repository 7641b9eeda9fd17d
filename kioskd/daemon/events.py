"""Rows of the journal as events for screens that listen. None of them has a card in it.

`events` is for all staff, technicians too: what happened at which door, never why somebody was
turned away. `rows` is for those who may look at persons' rows.
"""

from typing import Any, Final

from kioskd.domain.moment import stamp
from kioskd.domain.record import Record
from kioskd.ports import Broadcast

EVENTS: Final = "events"
ROWS: Final = "rows"


def publish(broadcast: Broadcast, record: Record) -> None:
    """Tell both topics of a row that is on the medium."""
    event = event_of(record)
    broadcast.publish(EVENTS, event)
    broadcast.publish(ROWS, {**event, **_more(record)})


def event_of(record: Record) -> dict[str, Any]:
    """What everybody with a role may know of it."""
    decision = record.decision
    return {
        "id": record.id,
        "at": stamp(record.at),
        "kind": record.kind.value,
        "door": record.door,
        "decision": None if decision is None else "granted" if decision.granted else "denied",
    }


def _more(record: Record) -> dict[str, Any]:
    return {
        "reason": record.decision.reason.value if record.decision else None,
        "decided_by": record.decided_by.value if record.decided_by else None,
        "by": record.by,
        "detail": dict(record.detail),
    }

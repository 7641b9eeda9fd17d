"""What an event of a device may say, and which counts it raises. Pure.

An event leaves its device without a person, and the hub does not take that on trust: a key that
could name somebody, a value with the form of an identity code, a text by staff that is no code,
each refuses that event alone. What becomes of kinds and reasons that only a newer device knows:
they are taken; a reason that is not known here is counted as OTHER, so that no device can fill
the counts with words of its own.

A device whose clock is wrong loses nothing. An event of a day that cannot be right (more than 400
days ago, more than one ahead) is filed and counted under the time at which it came; its body
keeps what the device said.

Deliberately not here: the table (events).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from kioskd.domain.decision import Reason
from kioskd.domain.record import Kind
from sync.hub_wire import Event

OLDEST: Final = timedelta(days=400)
AHEAD: Final = timedelta(days=1)
MAX_BODY: Final = 8 * 1024  # bytes of one event
MAX_DETAILS: Final = 32
MAX_TEXT: Final = 200  # characters of a text in detail
MAX_SEQ: Final = 2**63 - 1
OTHER: Final = "OTHER"  # denied for a reason that this version does not know

_ID: Final = re.compile(r"[0-9A-Za-z_.:-]{1,64}")
_KIND: Final = re.compile(r"[a-z_.]{1,40}")
_PLACE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_REASON: Final = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_KEY: Final = re.compile(r"[a-z][a-z0-9_.]{0,39}")
_CODE: Final = re.compile(r"[A-Za-z0-9_.:+-]{0,64}")
# Alone, not within a longer word: an id or a hash in hex is full of such.
_IDENTITY_CODE: Final = re.compile(r"(?<![0-9A-Za-z])\d{6}[-+A-FU-Y]\d{3}[0-9A-Y](?![0-9A-Za-z])")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# fmt: off
_NAMES_SOMEBODY: Final = frozenset(
    (
        "by", "card", "cards", "item", "items", "name", "names", "who", "whom", "person",
        "patron", "borrower", "user", "staff", "staff_id", "pin", "pin_hash", "ref", "shown",
        "label", "phone", "email", "address", "birth_date", "born", "ssn", "hetu", "barcode",
        "uid",
    )
)
# fmt: on
_BY_STAFF: Final = "staff."  # kinds that staff cause; what they type may name people
_TYPED: Final = frozenset(("reason", "note", "text", "title", "comment"))  # likewise, of any kind
_COUNTED: Final = {
    "item.checked_out": "checkout",
    "item.checked_in": "checkin",
    "item.renewed": "renewal",
}
_KNOWN: Final = frozenset(reason.value for reason in Reason)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class Filed:
    """An event that may be kept. at: under which it is filed; misdated: not what it says itself."""

    event: Event
    at: datetime
    body: str
    misdated: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Count:
    """A cell of the counts: local day and hour, and what happened."""

    day: str
    hour: int
    what: str


def filed(event: Event, received: datetime) -> Filed | str:
    """The event as it is kept, or why it is not; a reason repeats no value."""
    fault = _fault(event)
    if fault:
        return fault
    body = _ENCODER.encode(event)
    if len(body) > MAX_BODY:
        return f"event: more than {MAX_BODY} bytes"
    at = _at(event, received)
    return Filed(event, at or received, body.decode("utf-8"), misdated=at is None)


def count_of(filed_: Filed, zone: ZoneInfo) -> Count | None:
    """Which count it raises; None: it is of a kind that is not counted."""
    what = _what(filed_.event)
    if not what:
        return None
    local = filed_.at.astimezone(zone)
    return Count(local.date().isoformat(), local.hour, what)


def _what(event: Event) -> str:
    if event.kind != Kind.ENTRY_DECIDED:
        return _COUNTED.get(event.kind, "")
    if event.decision == "granted":
        return "login"
    if event.decision == "denied":
        return f"denied:{event.reason if event.reason in _KNOWN else OTHER}"
    return ""


def _at(event: Event, received: datetime) -> datetime | None:
    """When it happened; None when the device's clock cannot have been right."""
    try:
        at = event.at.astimezone(UTC)
    except OverflowError:
        return None
    return at if received - OLDEST <= at <= received + AHEAD else None


def _fault(event: Event) -> str:
    places = (event.door, event.desk)
    return (
        ("" if _ID.fullmatch(event.id) else "id: no id of a row")
        or ("" if _ID.fullmatch(event.journal) else "journal: no id of a journal")
        or ("" if 0 < event.seq <= MAX_SEQ else "seq: no number of a row")
        or ("" if event.at.tzinfo else "at: it has no offset from UTC")
        or ("" if _KIND.fullmatch(event.kind) else "kind: wanted: 1 to 40 of a-z, _ and .")
        or ("" if all(p is None or _PLACE.fullmatch(p) for p in places) else "door: no name")
        or _reason_fault(event)
        or _detail_fault(event)
    )


def _reason_fault(event: Event) -> str:
    if event.reason is not None and _REASON.fullmatch(event.reason) is None:
        return "reason: wanted: a code of A-Z, 0-9 and _"
    if event.kind == Kind.ENTRY_DECIDED and event.decision is None:
        return "decision: missing"
    return ""


def _detail_fault(event: Event) -> str:
    if len(event.detail) > MAX_DETAILS:
        return f"detail: more than {MAX_DETAILS} keys"
    by_staff = event.kind.startswith(_BY_STAFF)
    faults = (_pair_fault(key, value, by_staff) for key, value in event.detail.items())
    return next((fault for fault in faults if fault), "")


def _pair_fault(key: str, value: object, by_staff: bool) -> str:
    if _KEY.fullmatch(key) is None:
        return "detail: a key that is none"
    if not _NAMES_SOMEBODY.isdisjoint((key, *key.split("."))):
        return f"detail: {key} could name somebody"
    if not isinstance(value, str):
        return ""
    if len(value) > MAX_TEXT or _CONTROL.search(value):
        return f"detail: {key} is no line of at most {MAX_TEXT} characters"
    if (by_staff or key in _TYPED) and _CODE.fullmatch(value) is None:
        return f"detail: {key} is a text by staff, which could name somebody"
    if _IDENTITY_CODE.search(value):
        return f"detail: {key} has the form of an identity code"
    return ""

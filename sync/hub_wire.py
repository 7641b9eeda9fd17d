"""What goes over the line between a device and its hub: the bodies of the hub's HTTP API.

Both sides read and write these structs, and the OpenAPI document is made of them, so that none of
the three can say something else. Names are those of the JSON. Unknown keys are refused by the hub
(it serves several versions of devices, but never one that sends more about anybody than it knows)
and ignored by a device (a hub may be newer).

A feed object (one credential a line) is sync.feed_rows.RowFields. A stream of lines ends with a
Trailer; a body without it, or whose count or digest differs, is discarded whole.

Deliberately not here: who may send what (sync.hub), and transport (sync.hub_client).
"""

import re
from datetime import date, datetime
from typing import Final, Literal

import msgspec

from sync.feed_rows import RestrictionFields, RowFields

NDJSON: Final = "application/x-ndjson"
PROBLEM: Final = "application/problem+json"
MAX_LINE: Final = 64 * 1024  # bytes of one line of a stream, its line feed included
MAX_EVENTS: Final = 1000  # in one POST /v1/events, and in one POST /v1/activity
MAX_BODY: Final = 4 * 1024 * 1024  # bytes of a request, uncompressed
MAX_PAGE: Final = 10_000  # lines of one page of a stream with a cursor
DEFAULT_PAGE: Final = 2_000
KEEPALIVE_SECONDS: Final = 15.0  # a comment on GET /v1/changes at least this often
DEVICE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
TOKEN: Final = re.compile(r"kd1\.([A-Za-z0-9][A-Za-z0-9_-]{0,63})\.([A-Za-z0-9_-]{43})")


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of what the hub says: a device ignores keys that it does not know."""


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what a device says: the hub refuses keys that it does not know."""


class RestrictionLine(msgspec.Struct, omit_defaults=True, gc=False):
    """A line of GET /v1/restrictions: all restrictions of a card at this branch as they are now.

    An empty list lifts what there was. deleted: the register removed the card.
    """

    card: str
    restrictions: list[RestrictionFields] = []
    deleted: bool = False


class Trailer(msgspec.Struct, frozen=True):
    """The last line of a stream.

    cursor: what to ask with next, valid once these lines are committed. more: ask again at once.
    generation: what the credentials belong to; another one than before means: take a snapshot.
    count: lines before this one. sha256: hex, over those lines with their line feeds.
    """

    cursor: str
    more: bool
    generation: str
    count: int
    sha256: str


class Event(Asked, frozen=True):
    """A journal row as it leaves a device: without a person, be it patron or staff.

    id: of the row (UUIDv7), fixed when it happened. journal, seq: where it stands. at: RFC 3339.
    detail: small; keys that name nobody.
    """

    id: str
    journal: str
    seq: int
    at: datetime
    kind: str
    door: str | None = None
    desk: str | None = None
    decision: Literal["granted", "denied"] | None = None
    reason: str | None = None
    decided_by: Literal["cache", "register", "list"] | None = None
    detail: dict[str, str | int | float | bool | None] = {}


class EventResult(Answer, frozen=True, omit_defaults=True):
    """What became of one event. reason: of a rejection; it repeats no value."""

    id: str
    status: Literal["accepted", "duplicate", "rejected"]
    reason: str | None = None


class EventResults(Answer, frozen=True):
    """The answer of POST /v1/events and POST /v1/activity, in the order of the request.

    An activity has no id of its own: its id here is its place in the request, counted from 0.
    """

    results: list[EventResult]


class Activity(Asked, frozen=True):
    """A card was used on this day. ref: the hub's opaque reference of the patron."""

    ref: str
    date: date


class Verify(Asked, frozen=True):
    """Is this the PIN of this card? Neither is ever logged."""

    card: str
    pin: str

    def __repr__(self) -> str:
        return "Verify()"


class Verdict(Answer, frozen=True, omit_defaults=True):
    """denied: the PIN is right, and the register says no. credential: with ok and denied."""

    verdict: Literal["ok", "wrong", "unknown", "denied"]
    credential: RowFields | None = None


class Anchor(Asked, frozen=True):
    """Where a device's journal stands: its id, last number and hash."""

    journal: str
    seq: int
    hash: str


class CacheSays(Asked, frozen=True):
    """What a device holds. synced: of its last complete pull."""

    credentials: int
    synced: datetime | None = None
    generation: str = ""


class DoorSays(Asked, frozen=True):
    """A door as it stands; fault: a code, empty without one."""

    name: str
    state: str
    fault: str = ""


class Heartbeat(Asked, frozen=True):
    """How a device is. done: commands carried out. config_text: its file, when the hub wants it.

    at: the device's wall clock. waiting: events not yet delivered; dead: rejected for good.
    alerts: names of those that are raised. config_version: of the published part in force.
    """

    at: datetime
    version: str
    anchor: Anchor | None = None
    cache: CacheSays | None = None
    doors: list[DoorSays] = []
    alerts: list[str] = []
    waiting: int = 0
    dead: int = 0
    config_version: int = 0
    config_digest: str = ""
    config_text: str | None = None
    done: list[str] = []


class Command(Answer, frozen=True):
    """What a device is to do; told again until it is done."""

    id: str
    kind: Literal["drop-cache", "sync-now"]


class HeartbeatAnswer(Answer, frozen=True):
    """time: the hub's clock. want_config: send config_text with the next one."""

    time: datetime
    commands: list[Command] = []
    config_version: int = 0
    want_config: bool = False


class SignedConfig(Answer, frozen=True):
    """The published part of a branch's configuration. version 0: nothing was published.

    payload: JSON text of a PublishedConfig. signature: base64url of Ed25519 over its UTF-8 bytes.
    key: base64url of the public key; a device keeps the first that it saw.
    """

    version: int
    payload: str
    signature: str
    key: str


class PublishedCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """A card of a list, until the end of a local day. Travels in TLS, sealed where it lies."""

    card: str
    until: date
    reason: str

    def __repr__(self) -> str:
        return "PublishedCard()"


class PublishedConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `kioskd-hub config publish` gave a branch. schedule: as [schedule] of the device's file.

    None: not published, the device's own file rules. texts: text id -> language -> text.
    """

    version: int
    branch: str
    published: datetime
    schedule: dict[str, object] | None = None
    help_phone: str | None = None
    texts: dict[str, dict[str, str]] = {}
    allow: list[PublishedCard] | None = None
    deny: list[PublishedCard] | None = None


class Join(Asked, frozen=True):
    """A one-time code in exchange for a token."""

    code: str

    def __repr__(self) -> str:
        return "Join()"


class Joined(Answer, frozen=True):
    """The new device. config: TOML text of kioskd.toml, empty when the hub knows none.

    key: base64url of the public key that published configurations are signed with.
    """

    token: str
    config: str
    name: str
    branch: str
    key: str

    def __repr__(self) -> str:
        return "Joined()"


class Problem(Answer, frozen=True):
    """RFC 9457. field: of the request that is at fault."""

    title: str
    status: int
    type: str = "about:blank"
    detail: str = ""
    field: str = ""

"""What the line to a hub needs from the device, as small Protocols.

Implemented by kioskd.daemon (cache and outbox over the stores) and by fakes in tests. None raises
anything but a KioskError.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sync.hub_wire import Event, Trailer


@dataclass(frozen=True, slots=True)
class Held:
    """What the cache was last told. Empty cursors and generation: take a snapshot.

    generation: the hub's, of the Trailer; not the file's.
    """

    generation: str = ""
    credentials: str = ""
    restrictions: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch did. bad: lines that could not be used; their cards are left out."""

    put: int = 0
    removed: int = 0
    bad: int = 0


class SnapshotSink(Protocol):
    """Takes the raw lines of a snapshot; nothing is in use before `finish` returns.

    finish: InputError when count or digest differ, or when nothing would be left of a cache that
    has credentials. abandon: forget all of it; safe at any time and twice.
    """

    async def write(self, data: bytes) -> None: ...
    async def finish(self) -> Applied: ...
    async def abandon(self) -> None: ...


class LineCache(Protocol):
    """The credential cache as the puller changes it. Each call is one durable transaction.

    apply, restrict: lines of /v1/credentials and /v1/restrictions, verified, without the trailer;
    its cursor is committed with them. touch: a pull found nothing new; the age of the cache starts
    anew. drop_positions: the next pull is a snapshot; what is in the cache stays until then.
    """

    async def held(self) -> Held: ...
    async def apply(self, lines: Sequence[bytes], trailer: Trailer) -> Applied: ...
    async def restrict(self, lines: Sequence[bytes], trailer: Trailer) -> Applied: ...
    async def touch(self, trailer: Trailer) -> None: ...
    async def snapshot(self) -> SnapshotSink: ...
    async def drop_positions(self) -> None: ...


@dataclass(frozen=True, slots=True)
class OwedActivity:
    """A day on which a card was used, not yet told. key: of the row here, opaque."""

    key: bytes
    ref: str
    date: str


class Outbox(Protocol):
    """What is owed to the hub. Rows leave in the order of their numbers.

    events: the oldest undelivered, at most `most`. delivered: everything up to this number was
    accepted, or is dead for a reason: (number, reason). told: these activities are with the hub.
    """

    async def events(self, most: int) -> Sequence[Event]: ...
    async def delivered(self, through: int, dead: Sequence[tuple[int, str]]) -> None: ...
    async def activities(self, most: int) -> Sequence[OwedActivity]: ...
    async def told(self, keys: Sequence[bytes]) -> None: ...
    async def waiting(self) -> int: ...

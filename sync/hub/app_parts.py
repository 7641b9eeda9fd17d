"""What the HTTP application needs from the rooms behind it, as small Protocols.

Each raises KioskErrors at worst; sync.hub.problems says what a device is told then.

Deliberately not here: the rooms themselves (pulls, devices, events, ...), and their wiring (serve).
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from sync.hub.bounds import Malformed
from sync.hub.database import Database
from sync.hub.devices import Device, Newcomer
from sync.hub.model import Branch, HubConfig
from sync.hub_wire import (
    Activity,
    Event,
    EventResult,
    Heartbeat,
    HeartbeatAnswer,
    SignedConfig,
    Verdict,
)


class Tokens(Protocol):
    """Whose token it is; None: unknown or revoked. join: a code for a token, once."""

    async def by_token(self, token: str) -> Device | None: ...
    async def join(self, code: str) -> Newcomer: ...


class PullStreams(Protocol):
    """Streams of lines in chunks of any size. Gone before the first byte, or never."""

    async def restrictions(
        self, branch: Branch, cursor: str | None, limit: int
    ) -> AsyncIterator[bytes]: ...
    async def credentials(
        self, branch: Branch, cursor: str | None, limit: int
    ) -> AsyncIterator[bytes]: ...
    async def snapshot(self, branch: Branch) -> AsyncIterator[bytes]: ...
    async def position(self, branch: Branch) -> str: ...


class EventsIn(Protocol):
    """One result for each entry, in their order."""

    async def take(
        self, device: Device, items: Sequence[Event | Malformed]
    ) -> list[EventResult]: ...


class ActivitiesIn(Protocol):
    """One result for each entry, in their order; ids are places, from 0."""

    async def take(self, device: Device, items: Sequence[Activity]) -> list[EventResult]: ...


class PinChecks(Protocol):
    """Is this the PIN of this card? TooOften before anything is looked up."""

    async def verify(self, device: Device, branch: Branch, card: str, pin: str) -> Verdict: ...


class HeartbeatsIn(Protocol):
    """Keeps how a device is; says what it is to do."""

    async def take(self, device: Device, said: Heartbeat) -> HeartbeatAnswer: ...


class PublishedConfigs(Protocol):
    """What was published for a branch; version 0: nothing."""

    async def current(self, branch: str) -> SignedConfig: ...


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """All that an application is made of.

    key: base64url of the public key of published configurations. certificate_ends: of its TLS.
    """

    config: HubConfig
    database: Database
    tokens: Tokens
    pulls: PullStreams
    events: EventsIn
    activities: ActivitiesIn
    verifying: PinChecks
    heartbeats: HeartbeatsIn
    publishing: PublishedConfigs
    key: str
    now: Callable[[], datetime] = field(default=_now)
    certificate_ends: datetime | None = None

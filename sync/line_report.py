"""What the line to a hub tells the device, and what it asks of it beside cache and outbox.

Implemented by kioskd.daemon and by fakes in tests.

Deliberately not here: the line itself, and what becomes of a report (alerts, journal, doctor).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sync.hub_wire import Command, Heartbeat, PublishedConfig, SignedConfig
from sync.signed_config import KnownConfig


class Part(StrEnum):
    """Which part of the line; the word is for logs."""

    PULL = "pull"
    PUSH = "push"
    HEARTBEAT = "heartbeat"
    CONFIG = "config"
    COMMAND = "command"
    HINTS = "hints"


@dataclass(frozen=True, slots=True)
class Pulled:
    """One complete pull. restricted: lines of restrictions; put, removed, bad: of both streams.

    generation: the hub's. forced: why a snapshot was taken although there were positions.
    """

    snapshot: bool = False
    pages: int = 0
    put: int = 0
    removed: int = 0
    bad: int = 0
    restricted: int = 0
    seconds: float = 0.0
    generation: str = ""
    forced: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything came."""
        return self.snapshot or bool(self.put or self.removed or self.bad or self.restricted)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What one push settled. dead: rejected for good, kept at the device. more: ask again at once.

    activities: told; strange: those among them that the hub did not want, which end here.
    """

    delivered: int = 0
    dead: int = 0
    activities: int = 0
    strange: int = 0
    more: bool = False


class Report(Protocol):
    """Told as things happen, in the loop. Never raises, never blocks.

    failed: `times` counts failures of this part in a row; say the first loudly. line: whether the
    hub is to be had, which changes after two failures of five and after two calls that went.
    hints: whether changes are told at once; without them the line polls. token: False once, when
    the hub no longer knows this device, True once when it does again. certificate, skew: when they
    changed; skew is this clock minus the hub's, in seconds.
    """

    def synced(self, pulled: Pulled) -> None: ...
    def pushed(self, pushed: Pushed) -> None: ...
    def failed(self, part: Part, why: str, times: int) -> None: ...
    def line(self, *, up: bool, why: str) -> None: ...
    def hints(self, *, live: bool, why: str) -> None: ...
    def token(self, *, accepted: bool, why: str) -> None: ...
    def certificate(self, days: int) -> None: ...
    def skew(self, seconds: float) -> None: ...


class DeviceSide(Protocol):
    """What a heartbeat says, and what it brings. None raises anything but a KioskError.

    state: all but `at`, `done` and `config_text`, which the line fills in. config_text: of the
    device's file, without secrets. known: what the device holds of published configurations.
    take_config: keep it durably and put it in force; keep the key of the first one.
    carry_out: returns when it is done; it may come again after a restart. drop-cache: nothing pulls
    meanwhile, nor until sync-now came, which a device that restarts has to remember.
    """

    async def state(self) -> Heartbeat: ...
    async def config_text(self) -> str: ...
    async def known(self) -> KnownConfig: ...
    async def take_config(self, published: PublishedConfig, signed: SignedConfig) -> None: ...
    async def carry_out(self, command: Command) -> None: ...

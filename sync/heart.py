"""The heartbeat: how the device is goes out, what the hub wants of it comes back.

    wants = await heart.beat()

Commands are carried out once each, and told as done with the next beat until the hub has heard it.
A newer configuration is fetched, verified (sync.signed_config) and put in force; one that cannot
be taken is tried again after RETRY_SECONDS, and the last good one stays.

Deliberately not here: when to beat (sync.line), and what a command does.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, Protocol

from msgspec.structs import replace

from kioskd.errors import KioskError
from kioskd.ports import Clock
from sync.hub_wire import Command, Heartbeat, HeartbeatAnswer, SignedConfig
from sync.line_report import DeviceSide, Part
from sync.signed_config import open_signed

RETRY_SECONDS: Final = 600.0  # until a configuration that was refused is fetched again
_REMEMBERED: Final = 200  # commands carried out in this run
MAX_COMMANDS: Final = 50  # of one answer


class BeatsTo(Protocol):
    """The hub as a heart calls it; sync.hub_client."""

    async def heartbeat(self, beat: Heartbeat) -> HeartbeatAnswer: ...
    async def config(self) -> SignedConfig: ...


Failed = Callable[[Part, KioskError], None]


class Heart:
    """Beats once a call. Never two beats at once.

    carry_out: does a command. failed: told of a command or configuration that did not go; the beat
    goes on without it.
    """

    def __init__(
        self,
        hub: BeatsTo,
        device: DeviceSide,
        clock: Clock,
        *,
        carry_out: Callable[[Command], Awaitable[None]],
        failed: Failed,
    ) -> None:
        self._hub = hub
        self._device = device
        self._clock = clock
        self._command = carry_out
        self._failed = failed
        self._done: dict[str, bool] = {}  # id -> whether the hub was told
        self._want_text = False
        self._config_at = 0.0
        self._config_refused = 0
        self.skew = 0.0

    async def beat(self) -> None:
        """One heartbeat and all that follows of it. HubFault when the hub did not hear it."""
        state = await self._device.state()
        untold = [done for done, told in self._done.items() if not told][:_REMEMBERED]
        text = await self._device.config_text() if self._want_text else None
        sent = self._clock.monotonic()
        at = self._clock.moment().wall
        beat = replace(state, at=at, done=untold, config_text=text)
        answer = await self._hub.heartbeat(beat)
        self.skew = _skew(answer.time, at, self._clock.monotonic() - sent)
        self._want_text = answer.want_config
        self._done.update(dict.fromkeys(untold, True))
        for command in answer.commands[:MAX_COMMANDS]:
            await self._carry_out(command)
        self._forget()
        if answer.config_version not in (0, state.config_version):
            await self._configure(answer.config_version)

    async def _carry_out(self, command: Command) -> None:
        if command.id in self._done:
            self._done[command.id] = False  # it did not hear that this is done
            return
        try:
            await self._command(command)
        except KioskError as error:
            self._failed(Part.COMMAND, error)
        else:
            self._done[command.id] = False

    def _forget(self) -> None:
        for known in list(self._done)[:-_REMEMBERED]:
            del self._done[known]

    async def _configure(self, version: int) -> None:
        waited = self._clock.monotonic() - self._config_at
        if version == self._config_refused and waited < RETRY_SECONDS:
            return
        self._config_at, self._config_refused = self._clock.monotonic(), version
        try:
            signed = await self._hub.config()
            published = open_signed(signed, await self._device.known())
            await self._device.take_config(published, signed)
        except KioskError as error:
            self._failed(Part.CONFIG, error)
        else:
            self._config_refused = 0


def _skew(hub: datetime, sent: datetime, took: float) -> float:
    """Seconds by which this clock is ahead of the hub's, which answered half way."""
    return (sent - hub).total_seconds() + took / 2

"""lcus-relay: an LCUS relay board (CH340, 9600 8N1) on a serial line or socket://.

The board never answers, so "present" means that the secure frame of every strike was taken by
the port after it was last opened. On-frames come from `release` alone, one for each call.

Deliberately not here: pulses and their end (the entry), and securing without a running daemon
(drivers.lcus_boot).
"""

from collections.abc import Iterable

from drivers.codecs.lcus import CHANNELS, frame
from drivers.lcus_boot import secure_frame
from drivers.polarity import LOCKS, energised
from drivers.serial_link import SerialLink
from kioskd.config.model import DeviceConfig
from kioskd.errors import ConfigError
from kioskd.ports import Clock, DeviceWatch


class LcusRelay(SerialLink):
    """A Device that gives a Strike for each channel. Hand the strikes out before `run`."""

    def __init__(self, config: DeviceConfig, clock: Clock, watch: DeviceWatch) -> None:
        super().__init__(config, clock, watch)
        self._strikes: dict[int, LcusStrike] = {}

    def strike(self, channel: int, lock: str) -> "LcusStrike":
        """The Strike on a channel. ConfigError: no such channel or lock, or one used twice."""
        if channel not in CHANNELS:
            raise ConfigError([f"{self.name}: channel {channel}: use 1 to {CHANNELS[-1]}"])
        if lock not in LOCKS:
            raise ConfigError([f"{self.name}: lock {lock!r}: use one of {', '.join(LOCKS)}"])
        if channel in self._strikes:
            raise ConfigError([f"{self.name}: channel {channel} is used twice; give each its own"])
        strike = self._strikes[channel] = LcusStrike(self, channel, lock)
        return strike

    def _opened(self) -> Iterable[bytes]:
        return [strike.secure_frame for strike in self._strikes.values()]

    def _received(self, data: bytes, at: float) -> None:
        """The board has nothing to say."""


class LcusStrike:
    """One lock on one channel; a Strike."""

    def __init__(self, relay: LcusRelay, channel: int, lock: str) -> None:
        self._relay = relay
        self._release_frame = frame(channel, energised=energised(lock, released=True))
        self.secure_frame = secure_frame(channel, lock)

    async def release(self) -> None:
        """Send the frame that releases the lock, once. DeviceError when it did not get out."""
        await self._relay.send(self._release_frame)

    async def secure(self) -> None:
        """Send the frame that secures the lock. DeviceError when it did not get out."""
        await self._relay.send(self.secure_frame)

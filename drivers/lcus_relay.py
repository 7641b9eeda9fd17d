"""lcus-relay: an LCUS relay board (CH340, 9600 8N1) on a serial line or socket://.

The board never answers, so "present" means that the secure frame of every strike was taken by
the port after it was last opened. A strike's on-frames come from `release` alone, one for each
call.

A channel is a strike's or a switch's, never both. Switches are lamps and buzzers beside locks:
their frames go out at once or not at all, after those of the strikes, so that no lock ever waits
for a lamp; at 9600 baud a lamp's frame is 4 ms on the wire. Lamps are turned off when the board is
let go; strikes are secured before that, by who released them.

Deliberately not here: pulses and their end (the entry, drivers.relay_indicator), and securing
without a running daemon (drivers.lcus_boot).
"""

from collections.abc import Iterable

from drivers.codecs.lcus import CHANNELS, frame
from drivers.lcus_boot import secure_frame
from drivers.polarity import LOCKS, energised
from drivers.serial_link import SerialLink
from drivers.serial_open import explained
from kioskd.config.model import DeviceConfig
from kioskd.errors import ConfigError, DeviceError
from kioskd.ports import Clock, DeviceWatch


class LcusRelay(SerialLink):
    """A Device that gives a Strike or a Switch for each channel. Hand them out before `run`."""

    def __init__(self, config: DeviceConfig, clock: Clock, watch: DeviceWatch) -> None:
        super().__init__(config, clock, watch)
        self._strikes: dict[int, LcusStrike] = {}
        self._switches: dict[int, LcusSwitch] = {}

    def strike(self, channel: int, lock: str) -> "LcusStrike":
        """The Strike on a channel. ConfigError: no such channel or lock, or one used twice."""
        if lock not in LOCKS:
            raise ConfigError([f"{self.name}: lock {lock!r}: use one of {', '.join(LOCKS)}"])
        self._take(channel)
        strike = self._strikes[channel] = LcusStrike(self, channel, lock)
        return strike

    def switch(self, channel: int) -> "LcusSwitch":
        """The Switch on a channel. ConfigError: no such channel, or one used twice."""
        self._take(channel)
        switch = self._switches[channel] = LcusSwitch(self, channel)
        return switch

    def send_now(self, data: bytes) -> None:
        """Write a switch's frame if nothing is in its way; DeviceError when it did not get out."""
        port = self._port
        if port is None:
            raise DeviceError(f"{self.name}: not connected; plug it in, or see why it was lost")
        if self._writing.locked():
            raise DeviceError(f"{self.name}: busy with a lock; lamps come after it")
        try:
            written = port.write(data)
        except BlockingIOError:
            raise DeviceError(f"{self.name}: takes no bytes; check its cable and power") from None
        except OSError as error:
            lost = explained(self._path, error)
            self._lose(port, str(lost))
            raise lost from error
        if written < len(data):  # the board has half a frame: begin anew, strikes first
            port.abandon()
            self._lose(port, f"{self._path}: took half a frame; check its cable and power")
            raise DeviceError(f"{self.name}: took half a frame; check its cable and power")

    def _take(self, channel: int) -> None:
        if channel not in CHANNELS:
            raise ConfigError([f"{self.name}: channel {channel}: use 1 to {CHANNELS[-1]}"])
        if channel in self._strikes or channel in self._switches:
            raise ConfigError([f"{self.name}: channel {channel} is used twice; give each its own"])

    def _opened(self) -> Iterable[bytes]:
        strikes = [strike.secure_frame for strike in self._strikes.values()]
        return strikes + [switch.off_frame for switch in self._switches.values()]

    def _last_words(self) -> bytes:
        return b"".join(switch.off_frame for switch in self._switches.values())

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


class LcusSwitch:
    """One lamp or buzzer on one channel; a Switch. Off whenever the board was opened."""

    def __init__(self, relay: LcusRelay, channel: int) -> None:
        self._relay = relay
        self._on_frame = frame(channel, energised=True)
        self.off_frame = frame(channel, energised=False)

    async def turn(self, *, on: bool) -> None:
        """Send the frame now, or fail at once. DeviceError when it did not get out."""
        self._relay.send_now(self._on_frame if on else self.off_frame)

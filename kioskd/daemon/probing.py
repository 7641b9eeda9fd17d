"""What a reader or keypad sends, masked: to who listens to `probe:DEVICE`, or without a daemon.

The bytes are masked before they leave the task that read them; nothing of them is kept or logged,
and while nobody listens nothing is looked at. The door goes on meanwhile: a tap reads along.
Deliberately not here: the masking itself (drivers.codecs.masked_scans).
"""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from drivers.codecs.masked_scans import (
    PAUSE_SECONDS,
    MaskedScans,
    SeenScan,
    masked_keys,
)
from drivers.serial_keypad import SerialKeypad
from drivers.serial_link import SerialLink
from drivers.serial_scanner import SerialScanner
from kioskd.clock.system import SystemClock
from kioskd.config.model import Config, DeviceConfig
from kioskd.daemon.boot import DirectoryLock
from kioskd.domain.card import CodePatterns
from kioskd.errors import InputError
from kioskd.ports import Broadcast, Clock

TOPIC: Final = "probe"
EACH_SECOND: Final = 20  # events; a person scans once a second, a flood shows as what is left out
_PIECE: Final = 64  # bytes; a scan has about 12
_ENDS: Final = re.compile(rb"[\r\n]+")
DRIVERS: Final[Mapping[str, type[SerialScanner | SerialKeypad]]] = {
    "serial-scanner": SerialScanner,
    "serial-keypad": SerialKeypad,
}
Publish = Callable[[Mapping[str, object]], None]


class Listening(Broadcast, Protocol):
    """Where masked events go, and whether anybody is there."""

    def listeners(self, topic: str) -> int: ...


def topics(config: Config) -> list[str]:
    """The topics of a site's readers and keypads."""
    return [f"{TOPIC}:{d.name}" for d in config.devices if d.driver in DRIVERS]


def tap(config: Config, device: DeviceConfig, link: object, to: Listening, clock: Clock) -> None:
    """Have a reader or keypad of the daemon tell who listens; other devices are left alone."""
    if device.driver not in DRIVERS or not isinstance(link, SerialLink):
        return
    topic = f"{TOPIC}:{device.name}"
    link.tapped = _mask(
        config,
        device,
        lambda event: to.publish(topic, event),
        clock,
        lambda: to.listeners(topic) > 0,
    )


class Tap(ABC):
    """Masks what one device sends. Called in the loop; `wanted` is asked first."""

    def __init__(self, publish: Publish, clock: Clock, wanted: Callable[[], bool]) -> None:
        self._publish = publish
        self._clock = clock
        self._wanted = wanted
        self._since = float("-inf")
        self._told = 0
        self._left_out = 0

    def __call__(self, data: bytes, at: float) -> None:
        """Bytes came at this monotonic time."""
        if self._wanted():
            self._came(data, at)
        else:
            self._forget()

    @abstractmethod
    def _came(self, data: bytes, at: float) -> None:
        """Bytes came while somebody listens."""

    @abstractmethod
    def _forget(self) -> None:
        """Nobody listens: what came before counts no more."""

    def _enough(self, at: float) -> bool:
        if at - self._since >= 1.0:
            self._since, self._told = at, 0
        return self._told >= EACH_SECOND

    def _tell(self, event: Mapping[str, object], at: float) -> None:
        if self._enough(at):
            self._left_out += 1
            return
        self._told += 1
        left_out, self._left_out = self._left_out, 0
        self._publish({**event, "left_out": left_out})


class ScannerTap(Tap):
    """Of a reader."""

    def __init__(
        self, patterns: CodePatterns, publish: Publish, clock: Clock, wanted: Callable[[], bool]
    ) -> None:
        super().__init__(publish, clock, wanted)
        self._scans = MaskedScans(patterns)
        self._last = 0.0
        self._ending: asyncio.Task[None] | None = None

    def _came(self, data: bytes, at: float) -> None:
        self._last = at
        # A piece at a time: once enough was told for this second, nothing more is worked out.
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            if self._enough(at):
                self._scans.forget()
                self._left_out += len(_ENDS.findall(piece))
                continue
            for seen in self._scans.feed(piece, at):
                self._tell(scan_event(seen), at)
        if self._scans.holds and (self._ending is None or self._ending.done()):
            self._ending = asyncio.get_running_loop().create_task(self._end(), name="probe")

    def _forget(self) -> None:
        self._scans.forget()

    async def _end(self) -> None:
        """Tell of a code that nothing but silence ends."""
        while self._clock.monotonic() < self._last + PAUSE_SECONDS:
            await self._clock.sleep_until(self._last + PAUSE_SECONDS)
        now = self._clock.monotonic()
        for seen in self._scans.pause(now):
            self._tell(scan_event(seen), now)


class KeypadTap(Tap):
    """Of a keypad: what kind of key, and never which digit nor how fast."""

    def _forget(self) -> None:
        """Each key is told at once; there is nothing to forget."""

    def _came(self, data: bytes, at: float) -> None:
        pressed, bad = masked_keys(data)
        if pressed or bad:
            self._tell({"kind": "keys", "keys": pressed, "bad": bad}, at)


def scan_event(seen: SeenScan) -> dict[str, Any]:
    """A masked code as the topic carries it; times in milliseconds."""
    between = seen.took / (seen.length - 1) if seen.length > 1 else 0.0
    return {
        "kind": "scan",
        "what": seen.what,
        "length": seen.length,
        "shape": seen.shape,
        "last": seen.last,
        "end": seen.end,
        "bad": seen.bad,
        "between_ms": round(between * 1000, 2),
        "longest_pause_ms": round(seen.pause * 1000, 1),
    }


def device_of(config: Config, name: str) -> DeviceConfig:
    """The reader or keypad of that name. InputError: what can be probed instead."""
    known = [d.name for d in config.devices if d.driver in DRIVERS]
    for device in config.devices:
        if device.name == name:
            if name in known:
                return device
            raise InputError(f"device {name!r}: a {device.driver} sends nothing to probe")
    can = ", ".join(known) or "none"
    raise InputError(f"device {name!r}: not configured; readers and keypads: {can}")


async def probe_alone(config: Config, name: str, publish: Publish) -> None:
    """Open the device and tell what it sends, until cancelled. For when no daemon runs.

    InputError: there is no such device, or a daemon holds it.
    """
    device = device_of(config, name)
    if DirectoryLock.held(config.storage.directory):
        raise InputError(
            f"device {name!r}: the daemon has it and its socket does not answer; "
            "see `kioskd doctor`, or stop the daemon"
        )
    clock = SystemClock()
    link = DRIVERS[device.driver](device, clock, _Told(publish))
    link.tapped = _mask(config, device, publish, clock, lambda: True)
    running = asyncio.create_task(link.run(), name=f"device {name}")
    try:
        if await link.tried():
            publish({"kind": "there"})
        await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class _Told:
    """ports.DeviceWatch for one who looks on."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    def lost(self, device: str, why: str) -> None:
        """It is not there, or no more."""
        self._publish({"kind": "lost", "why": why})

    def back(self, device: str) -> None:
        """It is there again."""
        self._publish({"kind": "there"})

    def dropped(self, device: str) -> None:
        """Its link ended; `lost` says what is to be said."""


def _mask(
    config: Config,
    device: DeviceConfig,
    publish: Publish,
    clock: Clock,
    wanted: Callable[[], bool],
) -> Tap:
    if device.driver == "serial-keypad":
        return KeypadTap(publish, clock, wanted)
    patterns = CodePatterns(config.cards.patron, config.cards.item)
    return ScannerTap(patterns, publish, clock, wanted)

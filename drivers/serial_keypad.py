"""serial-keypad: one byte a key, on a serial line, USB-CDC or socket://.

Deliberately not here: sounds and lights; a key must look and sound like any other.
"""

from collections.abc import AsyncIterator, Iterable

from drivers.codecs.key_bytes import keys
from drivers.inbox import Inbox
from drivers.serial_link import SerialLink
from kioskd.config.model import DeviceConfig
from kioskd.domain.reading import KeyPress
from kioskd.ports import Clock, DeviceWatch


class SerialKeypad(SerialLink):
    """A Keypad and Device."""

    def __init__(self, config: DeviceConfig, clock: Clock, watch: DeviceWatch) -> None:
        super().__init__(config, clock, watch)
        self._presses: Inbox[KeyPress] = Inbox()

    def keys(self) -> AsyncIterator[KeyPress]:
        """Keys as they are pressed; for one listener."""
        return self._presses

    def _opened(self) -> Iterable[bytes]:
        return ()

    def _received(self, data: bytes, at: float) -> None:
        for key in keys(data):
            self._presses.put(KeyPress(self.name, key, at))

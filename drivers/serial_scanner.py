"""serial-scanner: a barcode scanner on a serial line, USB-CDC or socket://.

What the scanner sent before the port was opened is thrown away: nobody was listening, and the
patron has gone. Deliberately not here: which scans are cards.
"""

from collections.abc import AsyncIterator, Iterable

from drivers.codecs.scan_frames import ScanFrames
from drivers.inbox import Inbox
from drivers.serial_link import SerialLink
from kioskd.config.model import DeviceConfig
from kioskd.domain.reading import Scan
from kioskd.ports import Clock, DeviceWatch


class SerialScanner(SerialLink):
    """A CardReader and Device."""

    def __init__(self, config: DeviceConfig, clock: Clock, watch: DeviceWatch) -> None:
        super().__init__(config, clock, watch)
        self._frames = ScanFrames(config.terminator, config.idle_timeout_ms / 1000)
        self._scans: Inbox[Scan] = Inbox()

    def scans(self) -> AsyncIterator[Scan]:
        """Whole frames as they come; for one listener."""
        return self._scans

    def _opened(self) -> Iterable[bytes]:
        self._frames.reset()
        return ()

    def _received(self, data: bytes, at: float) -> None:
        for text in self._frames.feed(data, at):
            self._scans.put(Scan(self.name, text, at))

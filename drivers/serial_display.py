"""serial-display: a text display of 4 rows of 20 on a serial line, USB-CDC or socket://.

Displays with the Matrix Orbital commands (LK204-25, LK204-24-USB; 19200 baud unless set) and
backpacks that take the same (drivers.codecs.display_frames). `characters` says which letters
its controller has: hd44780-a00, hd44780-a02 or ascii; a display that shows ä as another sign
has the other ROM.

What it shows is unknown after it was away, so it is cleared before it counts as present, and the
next `write` paints all of it. Between two writes only what changed is sent. It is cleared again
when it is let go.

Deliberately not here: a display's own keys, which are not read, and when to write again.
"""

from collections.abc import Iterable, Sequence

from drivers.codecs.display_frames import CHARACTERS, CLEAR, COLUMNS, ROWS, DisplayFrames
from drivers.serial_link import SerialLink
from kioskd.config.model import DeviceConfig
from kioskd.errors import ConfigError
from kioskd.ports import Clock, DeviceWatch


class SerialDisplay(SerialLink):
    """A Display and Device. ConfigError for characters that no display has."""

    def __init__(self, config: DeviceConfig, clock: Clock, watch: DeviceWatch) -> None:
        super().__init__(config, clock, watch)
        if config.characters not in CHARACTERS:
            known = ", ".join(CHARACTERS)
            raise ConfigError([f"{config.name}: characters {config.characters!r}: use {known}"])
        self._frames = DisplayFrames(config.characters)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return COLUMNS, ROWS

    async def write(self, lines: Sequence[str]) -> None:
        """Show these rows and blanks below them; longer ones are cut. DeviceError: not sent."""
        cells = self._frames.cells(lines)
        change = self._frames.change_to(cells)
        if change or not self.present:
            await self.send(change)
        self._frames.changed_to(cells)

    def _opened(self) -> Iterable[bytes]:
        return [self._frames.opening()]

    def _last_words(self) -> bytes:
        return CLEAR

    def _received(self, data: bytes, at: float) -> None:
        """Keys of the display, and its answers to nothing that was asked."""

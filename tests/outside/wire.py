"""The other end of a serial port: a pseudo-terminal behind a symlink."""

import os
import pty
import time
import tty
from pathlib import Path

ON = bytes.fromhex("A00101A2")
OFF = bytes.fromhex("A00100A1")
PATIENCE_SECONDS = 20.0  # only ever spent by a test that fails


class Wire:
    """One device: a pseudo-terminal behind a symlink, and every byte that came to it."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.got = b""
        self._ends: tuple[int, int] | None = None

    def plug(self) -> None:
        """A new pseudo-terminal behind the same path."""
        master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        os.fchmod(slave, 0o666)  # the daemon may run as another user
        aside = self.link.with_suffix(".new")
        aside.symlink_to(os.ttyname(slave))
        aside.replace(self.link)
        self._ends = master, slave

    def unplug(self) -> None:
        """Pull the cable: both ends and the path are gone."""
        self.listen()
        self.link.unlink(missing_ok=True)
        for end in self._ends or ():
            os.close(end)
        self._ends = None

    def send(self, data: bytes) -> None:
        """All of it, however slowly it is read."""
        assert self._ends is not None
        end = time.monotonic() + PATIENCE_SECONDS
        while data:
            try:
                data = data[os.write(self._ends[0], data) :]
            except BlockingIOError:
                assert time.monotonic() < end, "nobody reads this device"
                time.sleep(0.002)

    def listen(self) -> bytes:
        """All that came since it was made."""
        while self._ends is not None:
            try:
                self.got += os.read(self._ends[0], 4096)
            except BlockingIOError:
                break
        return self.got

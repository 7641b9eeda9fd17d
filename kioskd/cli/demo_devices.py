"""The demo's door: a scanner, a keypad and a relay behind three pseudo-terminals.

What the relay gets is kept with the time at which it came, so that a pulse can be measured.
Deliberately not here: what is scanned and typed (kioskd.cli.demo_script).
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from drivers.simulated import SimulatedPty

FRAME_BYTES: Final = 4  # of an LCUS board: A0, channel, state, checksum
ON: Final = bytes.fromhex("a00101a2")
OFF: Final = bytes.fromhex("a00100a1")


@dataclass(frozen=True, slots=True)
class Frame:
    """Four bytes that the relay got, and when (monotonic seconds)."""

    at: float
    data: bytes

    def __str__(self) -> str:
        return self.data.hex(" ").upper()


class SimulatedDoor:
    """The devices of one door in a directory; `scanner`, `keypad` and `relay` are their ports."""

    def __init__(self, directory: Path) -> None:
        self.scanner = SimulatedPty(directory / "scanner")
        self.keypad = SimulatedPty(directory / "keypad")
        self.relay = SimulatedPty(directory / "relay")
        self.frames: list[Frame] = []
        self._part = b""
        self._plugged = ExitStack()

    def __enter__(self) -> Self:
        for device in (self.scanner, self.keypad, self.relay):
            self._plugged.enter_context(device)
        return self

    def __exit__(self, *_: object) -> None:
        self._plugged.close()

    def scan(self, code: str) -> None:
        """A code is held before the scanner."""
        self.scanner.send(code.encode() + b"\r")

    def press(self, keys: str) -> None:
        """Keys are pressed."""
        self.keypad.send(keys.encode())

    def unplug_relay(self) -> None:
        """The relay's cable is pulled."""
        self.listen()
        self._part = b""
        self.relay.unplug()

    def listen(self) -> None:
        """Take what the relay got since the last call. Nothing while it is unplugged."""
        if not Path(self.relay.port).is_symlink():
            return
        self._part += self.relay.received()
        whole = len(self._part) - len(self._part) % FRAME_BYTES
        for start in range(0, whole, FRAME_BYTES):
            self.frames.append(Frame(time.monotonic(), self._part[start : start + FRAME_BYTES]))
        self._part = self._part[whole:]

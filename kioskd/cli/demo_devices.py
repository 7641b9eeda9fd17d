"""The demo's door: what hangs on its five cables, behind pseudo-terminals.

The relay board carries the strike, three lamps and the buzzer. What the strike gets is kept with
the time at which it came, so that a pulse can be measured. Deliberately not here: what is scanned
and typed (kioskd.cli.demo_moves, kioskd.cli.demo_server).
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from drivers.codecs.input_bytes import ASK
from drivers.simulated import SimulatedPty
from kioskd.cli.demo_display import DemoDisplay

FRAME_BYTES: Final = 4  # of an LCUS board: A0, channel, state, checksum
ON: Final = bytes.fromhex("a00101a2")  # of the strike, on channel 1
OFF: Final = bytes.fromhex("a00100a1")
STRIKE: Final = 1
LAMPS: Final = {2: "red", 3: "green", 4: "wait"}
BUZZER: Final = 5
DARK: Final = "off"
CONTACT, REX, BUTTON = 1, 2, 3  # lines; each is low when the door is closed, a button pressed
SCANNER, KEYPAD, RELAY = "front-scanner", "front-keypad", "front-relay"
DISPLAY, LINES = "front-display", "front-lines"
DEVICES: Final = (SCANNER, KEYPAD, RELAY, DISPLAY, LINES)


@dataclass(frozen=True, slots=True)
class Frame:
    """Four bytes that the strike's channel got, and when (monotonic seconds)."""

    at: float
    data: bytes

    def __str__(self) -> str:
        return self.data.hex(" ").upper()


class SimulatedDoor:
    """The devices of one door; each is a port in a directory, by its name.

    frames: all that the strike got. lit: each lamp that was switched on after it was off, in
    order; texts: all that the display has shown.
    """

    def __init__(self, directory: Path) -> None:
        self._ports = {name: SimulatedPty(directory / name) for name in DEVICES}
        self._plugged: set[str] = set()
        self.frames: list[Frame] = []
        self.lit: list[str] = []
        self.texts: list[str] = []
        self._outputs: dict[int, bool] = {}
        self._part = b""
        self._display = DemoDisplay()
        self._levels = {CONTACT: False, REX: True, BUTTON: True}
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        for name, port in self._ports.items():
            self._closing.enter_context(port)
            self._plugged.add(name)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def plugged(self, name: str) -> bool:
        """Whether a device's cable is in."""
        return name in self._plugged

    def unplug(self, name: str) -> None:
        """A device's cable is pulled: what it drove falls off, what it showed goes dark."""
        if name not in self._plugged:
            return
        self.listen()
        self._plugged.remove(name)
        self._ports[name].unplug()
        self._without_power(name)

    def plug(self, name: str) -> None:
        """The cable is put back."""
        if name not in self._plugged:
            self._ports[name].plug()
            self._plugged.add(name)

    def scan(self, code: str) -> None:
        """A code is held before the scanner."""
        self._send(SCANNER, code.encode() + b"\r")

    def press(self, keys: str) -> None:
        """Keys are pressed."""
        self._send(KEYPAD, keys.encode())

    def open(self) -> None:
        """The door is opened."""
        self.line(CONTACT, high=True)

    def close(self) -> None:
        """The door is closed."""
        self.line(CONTACT, high=False)

    def line(self, number: int, *, high: bool) -> None:
        """A line has this level from now on; what settles for 30 ms counts."""
        self._levels[number] = high
        self._send(LINES, self._level(number))

    @property
    def is_open(self) -> bool:
        """Whether the door stands open."""
        return self._levels[CONTACT]

    @property
    def released(self) -> bool:
        """Whether the strike is energised."""
        return self._outputs.get(STRIKE, False)

    @property
    def lamps(self) -> dict[str, bool]:
        """Which lamps burn."""
        return {lamp: self._outputs.get(channel, False) for channel, lamp in LAMPS.items()}

    @property
    def lamp(self) -> str:
        """The one that burns."""
        return next((lamp for lamp, burns in self.lamps.items() if burns), DARK)

    @property
    def rows(self) -> tuple[str, ...]:
        """What the display shows."""
        return self._display.rows

    @property
    def text(self) -> str:
        """The same as one line of words."""
        return self._display.text

    def listen(self) -> None:
        """Take what the devices got since the last call."""
        if RELAY in self._plugged:
            self._take_frames(self._ports[RELAY].received())
        if LINES in self._plugged and ASK in self._ports[LINES].received():
            self._send(LINES, b"".join(self._level(number) for number in self._levels))
        if DISPLAY in self._plugged and (data := self._ports[DISPLAY].received()):
            self._display.feed(data)
            self.texts.append(self.text)

    def _send(self, name: str, data: bytes) -> None:
        if name in self._plugged:
            self._ports[name].send(data)

    def _level(self, number: int) -> bytes:
        first = "A" if self._levels[number] else "a"
        return bytes((ord(first) + number - 1,))

    def _take_frames(self, data: bytes) -> None:
        self._part += data
        whole = len(self._part) - len(self._part) % FRAME_BYTES
        for start in range(0, whole, FRAME_BYTES):
            self._take_frame(self._part[start : start + FRAME_BYTES])
        self._part = self._part[whole:]

    def _take_frame(self, frame: bytes) -> None:
        channel, on = frame[1], bool(frame[2])
        if channel == STRIKE:
            self.frames.append(Frame(time.monotonic(), frame))
        elif on and channel in LAMPS and not self._outputs.get(channel, False):
            self.lit.append(LAMPS[channel])
        self._outputs[channel] = on

    def _without_power(self, name: str) -> None:
        if name == RELAY:
            self._outputs.clear()
            self._part = b""
        elif name == DISPLAY:
            self._display = DemoDisplay()

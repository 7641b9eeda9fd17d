"""What devices yield: a scan, a key. Cleaned and bounded by the driver, not yet judged."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scan:
    """One whole frame of a reader. read_at: monotonic seconds when its last byte came."""

    device: str
    text: str
    read_at: float


@dataclass(frozen=True, slots=True)
class KeyPress:
    """One key: "0" to "9", "#" (enters) or "*" (clears). pressed_at: monotonic seconds."""

    device: str
    key: str
    pressed_at: float


@dataclass(frozen=True, slots=True)
class InputChange:
    """A line of an input device. active: as wired (door closed, button pressed); at: monotonic.

    first: the state in which the line was found, not something that just happened.
    """

    device: str
    line: int
    active: bool
    at: float
    first: bool = False

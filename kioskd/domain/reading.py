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

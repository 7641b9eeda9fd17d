"""LCUS-1 relay boards (CH340, 9600 8N1): `A0 channel state sum`. Write-only. Sans-io.

The sum is the low byte of the three bytes before it: on `A0 01 01 A2`, off `A0 01 00 A1`.
`LcusFrames` is the board's side, for simulators and tests; it starts again at every A0.

Deliberately not here: which state releases a door (drivers.polarity).
"""

START = 0xA0
CHANNELS = range(1, 17)  # boards with 1 to 16 relays share the frame
_SIZE = 4  # bytes


def frame(channel: int, *, energised: bool) -> bytes:
    """The frame that sets one relay. ValueError for a channel that no board has."""
    if channel not in CHANNELS:
        raise ValueError(f"channel {channel}: LCUS boards have channels 1 to {CHANNELS[-1]}")
    head = bytes((START, channel, int(energised)))
    return head + bytes((sum(head) & 0xFF,))


class LcusFrames:
    """What a board makes of the bytes it gets; holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._part = b""

    def feed(self, data: bytes) -> list[tuple[int, bool]]:
        """The (channel, energised) settings that these bytes complete; never raises."""
        self._part += data
        settings = []
        while (start := self._part.find(START)) >= 0 and len(self._part) - start >= _SIZE:
            found = self._part[start : start + _SIZE]
            good = _is_good(found)
            if good:
                settings.append((found[1], bool(found[2])))
            self._part = self._part[start + (_SIZE if good else 1) :]
        self._part = self._part[start:] if start >= 0 else b""
        return settings


def _is_good(found: bytes) -> bool:
    return found[1] in CHANNELS and found[2] in (0, 1) and found[3] == sum(found[:3]) & 0xFF

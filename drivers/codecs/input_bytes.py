"""Lines of an inputs device that tells each level in one byte, and what of it counts. Sans-io.

"A" to "P": line 1 to 16 is high; "a" to "p": it is low; "?" from us asks for all of them. Every
byte stands alone; all else is dropped.

Deliberately not here: which level means closed, and timers; whoever uses Debounce keeps the time.
"""

from dataclasses import dataclass, field

LINES = range(1, 17)
ASK = b"?"
SETTLE_SECONDS = 0.03  # contacts bounce for some milliseconds
_HIGH = {ord("A") + n - 1: n for n in LINES}
_LOW = {ord("a") + n - 1: n for n in LINES}


def levels(data: bytes) -> list[tuple[int, bool]]:
    """(line, high) for each byte that tells one, in order."""
    return [
        (_HIGH[byte], True) if byte in _HIGH else (_LOW[byte], False)
        for byte in data
        if byte in _HIGH or byte in _LOW
    ]


@dataclass(frozen=True, slots=True)
class Settled:
    """A level that has stood long enough. at: when it was first seen; first: none before it."""

    line: int
    high: bool
    at: float
    first: bool


@dataclass(slots=True)
class Debounce:
    """What each line settled on, and what it may be settling on. Times are monotonic seconds."""

    _known: dict[int, bool] = field(default_factory=dict)
    _seen: dict[int, tuple[bool, float]] = field(default_factory=dict)

    def saw(self, line: int, high: bool, at: float) -> None:
        """A level was told. One that goes back to what it was is a bounce."""
        if self._known.get(line) is high:
            self._seen.pop(line, None)
        elif line not in self._seen or self._seen[line][0] is not high:
            self._seen[line] = (high, at)

    @property
    def next_due(self) -> float:
        """When a line settles unless it moves again; infinity while none does."""
        return min((at for _, at in self._seen.values()), default=float("inf")) + SETTLE_SECONDS

    def level(self, line: int) -> bool | None:
        """Whether a line is high, as it settled last; None while that is not known."""
        return self._known.get(line)

    def settle(self, now: float) -> list[Settled]:
        """The lines that have settled by now, the earliest first."""
        ready = [
            (at, n, high) for n, (high, at) in self._seen.items() if at + SETTLE_SECONDS <= now
        ]
        found = []
        for at, line, high in sorted(ready):
            del self._seen[line]
            found.append(Settled(line, high, at, first=line not in self._known))
            self._known[line] = high
        return found

    def forget(self) -> None:
        """The device went away: the next level of each line is its first."""
        self._known.clear()
        self._seen.clear()

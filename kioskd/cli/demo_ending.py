"""Signals that end a demo, taken note of at once and acted on between two moves.

An exception in the middle of starting a process would leave that process behind.
"""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Final, Self

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Ending:
    """Holds the signals for the length of a block. told: called with the first of them."""

    def __init__(self) -> None:
        self.ended = False
        self.told: Callable[[], object] | None = None

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._take) for number in _ENDING}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """KeyboardInterrupt once a signal has come."""
        if self.ended:
            raise KeyboardInterrupt

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.ended, told, self.told = True, self.told, None
        if told is not None:
            told()

"""Chance that can be had again: the same seed gives the same choices, on every machine."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Drawn from SHA-256 over seed and number of the draw."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._draws = 0

    def share(self) -> float:
        """A number from 0 to 1, 1 excluded."""
        self._draws += 1
        digest = hashlib.sha256(f"{self.seed} {self._draws}".encode()).digest()
        return int.from_bytes(digest[:6], "big") / (1 << 48)

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[int(self.share() * len(choices))]

    def between(self, low: float, high: float) -> float:
        """A number in this range, as often between 1 and 2 as between 10 and 20."""
        return float(low * (high / low) ** self.share())

"""Which cards have failed PINs: in memory for the answer, in the journal for the next boot."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta

from kioskd.access.lockout import (
    NEVER_FAILED,
    Lockout,
    LockoutPolicy,
    after_boot,
    charge,
    remaining,
)
from kioskd.domain.moment import Moment

MAX_CARDS = 10_000  # the oldest is dropped; known and unknown cards alike


class Lockouts:
    """Every remembered failure, by card index."""

    def __init__(self, policy: LockoutPolicy, known: Mapping[bytes, Lockout] | None = None) -> None:
        self._policy = policy
        self._cards: OrderedDict[bytes, Lockout] = OrderedDict(known or {})

    def carry_over(self, now: Moment, *, trusted: bool) -> None:
        """Take what an earlier boot left into this one."""
        for card, lockout in self._cards.items():
            self._cards[card] = after_boot(lockout, now, self._policy, trusted=trusted)

    def locked_for(self, indices: tuple[bytes, ...], now: Moment) -> timedelta:
        """How long the card stays locked; the longest of its indices."""
        return max(
            (remaining(self._cards[i], now) for i in indices if i in self._cards),
            default=timedelta(0),
        )

    def charge(self, indices: tuple[bytes, ...], now: Moment) -> Lockout:
        """Count an attempt as failed, before it is known; to be written down at once."""
        found = [self._cards.pop(i) for i in indices if i in self._cards]
        worst = max(found, key=lambda lockout: lockout.failures, default=NEVER_FAILED)
        charged = charge(worst, now, self._policy)
        self._cards[indices[0]] = charged
        while len(self._cards) > MAX_CARDS:
            self._cards.popitem(last=False)
        return charged

    def clear(self, indices: tuple[bytes, ...]) -> None:
        """The PIN was right: forget the card's failures."""
        for index in indices:
            self._cards.pop(index, None)

    def clear_all(self) -> None:
        """Forget everybody's failures."""
        self._cards.clear()

    def snapshot(self) -> Mapping[bytes, Lockout]:
        """What is remembered now; ten thousand cards are looked through in a thread."""
        return dict(self._cards)

"""How guessing is slowed: a ladder of waits for one card, a bucket for who tries many.

The ladder is that of a door (kioskd.access.lockout): every fifth wrong PIN of a card goes one
step, the last step repeats, all is forgotten after a day without a wrong one. The hub keeps two
columns for it: how many, and when they are forgotten; the rest follows from these.

Deliberately not here: the table, and what is checked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kioskd.errors import KioskError

TRIES: Final = 5  # wrong PINs that go one step
STEPS: Final = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60))
FORGET_AFTER: Final = timedelta(hours=24)


class TooOften(KioskError):
    """Not now. retry_after: whole seconds, at least 1."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = max(1, int(-(-retry_after // 1)))


@dataclass(frozen=True, slots=True)
class Failures:
    """Wrong PINs of one card. forgotten: when they count no more; None: there are none."""

    count: int = 0
    forgotten: datetime | None = None


NONE: Final = Failures()


def charged(failures: Failures, now: datetime) -> Failures:
    """One wrong PIN more."""
    return Failures(current(failures, now).count + 1, now + FORGET_AFTER)


def current(failures: Failures, now: datetime) -> Failures:
    """What still counts."""
    over = failures.forgotten is None or failures.forgotten <= now
    return NONE if over else failures


def locked_for(failures: Failures, now: datetime) -> timedelta:
    """How long no PIN of this card is checked; zero when one is. Never longer than its step."""
    found = current(failures, now)
    if found.forgotten is None or found.count == 0 or found.count % TRIES:
        return timedelta(0)
    step = STEPS[min(found.count // TRIES, len(STEPS)) - 1]
    left = found.forgotten - FORGET_AFTER + step - now
    return max(timedelta(0), min(left, step))


@dataclass(frozen=True, slots=True)
class Pace:
    """Wrong tries that are answered at once: `most` of them, and one more each `every`."""

    most: int
    every: timedelta


JOINING: Final = Pace(10, timedelta(seconds=6))  # wrong codes at one hub
GUESSING: Final = Pace(30, timedelta(seconds=2))  # wrong PINs from one device, of any cards


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many of them are left, as of a time."""

    left: float
    at: datetime


def full(pace: Pace, now: datetime) -> Bucket:
    """A bucket that nobody has taken from."""
    return Bucket(float(pace.most), now)


def taken(bucket: Bucket, pace: Pace, now: datetime) -> Bucket:
    """The bucket after one wrong try."""
    return Bucket(max(0.0, _left(bucket, pace, now) - 1.0), now)


def wait_of(bucket: Bucket, pace: Pace, now: datetime) -> timedelta:
    """How long until the next try is answered; zero: at once."""
    return max(timedelta(0), pace.every * (1.0 - _left(bucket, pace, now)))


def _left(bucket: Bucket, pace: Pace, now: datetime) -> float:
    passed = max(timedelta(0), now - bucket.at)
    return min(float(pace.most), bucket.left + passed / pace.every)

"""Lockout of one card as a value. Every fifth wrong PIN goes one step up the ladder.

A failed attempt is charged before the PIN is verified and cleared when it was right, so that
cutting the power in between buys no guess. The remaining time runs on boot time within one
boot; after another boot it runs on wall time, and where the clock is not trusted then the full
step starts again. A value that was damaged on its way through a file may be wrong, never endless
and never an exception.

Deliberately not here: which table holds the values, and how many are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kioskd.domain.moment import Moment

FORGET_AFTER = timedelta(hours=24)  # steps fall back after a day without a wrong PIN
_LONGEST = timedelta(days=366)  # no ladder has such a step: what is longer was damaged


@dataclass(frozen=True, slots=True)
class LockoutPolicy:
    """`tries` wrong PINs go one step; the last step repeats."""

    tries: int = 5
    steps: tuple[timedelta, ...] = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60))


@dataclass(frozen=True, slots=True)
class Lockout:
    """Failures of one card since its last right PIN.

    until_boot counts on the boot `boot_id`; until_wall serves after another boot.
    """

    failures: int = 0
    step: int = 0
    last_failure: datetime | None = None
    boot_id: str = ""
    until_boot: float = 0.0
    until_wall: datetime | None = None


NEVER_FAILED = Lockout()


def charge(lockout: Lockout, now: Moment, policy: LockoutPolicy) -> Lockout:
    """Count one wrong PIN; lock when it is the fifth (or whichever `tries` says)."""
    failures = current(lockout, now).failures + 1
    charged = replace(current(lockout, now), failures=failures, last_failure=now.wall)
    if failures % policy.tries:
        return charged
    charged = replace(charged, step=min(max(charged.step, 0) + 1, len(policy.steps)))
    return _locked(charged, _step_of(charged, policy), now)


def current(lockout: Lockout, now: Moment) -> Lockout:
    """The value as of now: forgotten after a day without a wrong PIN, unless still locked."""
    if lockout.last_failure is None or now.wall - lockout.last_failure < FORGET_AFTER:
        return lockout
    return lockout if remaining(lockout, now) else NEVER_FAILED


def remaining(lockout: Lockout, now: Moment) -> timedelta:
    """How long the card stays locked; zero when it is not."""
    if lockout.until_wall is None:
        return timedelta(0)
    if lockout.boot_id == now.boot_id:
        left = max(0.0, lockout.until_boot - now.boot)  # 0.0 where either is not a number
        return timedelta(seconds=min(left, _LONGEST.total_seconds()))
    return min(max(timedelta(0), lockout.until_wall - now.wall), _LONGEST)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is held against one card now. remaining: how long it stays locked, zero if it is not."""

    card: bytes
    failures: int
    step: int
    remaining: timedelta


def standings(lockouts: Mapping[bytes, Lockout], now: Moment) -> tuple[Standing, ...]:
    """Every card with failures that still count, the longest locked first."""
    found = []
    for card, kept in lockouts.items():
        lockout = current(kept, now)
        if lockout.failures:
            left = remaining(lockout, now)
            found.append(Standing(card, lockout.failures, lockout.step, left))
    found.sort(key=lambda standing: (standing.remaining, standing.failures), reverse=True)
    return tuple(found)


def after_boot(lockout: Lockout, now: Moment, policy: LockoutPolicy, *, trusted: bool) -> Lockout:
    """The value as carried into another start, never longer than a step of the ladder.

    An untrusted clock of another boot cannot shorten a step. A trusted one takes a failure of
    the future as one of now, so that it is forgotten in its time.
    """
    if trusted and lockout.last_failure is not None:
        lockout = replace(lockout, last_failure=min(lockout.last_failure, now.wall))
    if lockout.until_wall is None:
        return lockout
    left = remaining(lockout, now)
    if lockout.boot_id == now.boot_id:
        longest = max(policy.steps)
        return lockout if left <= longest else _locked(lockout, longest, now)
    step = _step_of(lockout, policy)
    return _locked(lockout, min(left, step) if trusted else step, now)


def _step_of(lockout: Lockout, policy: LockoutPolicy) -> timedelta:
    return policy.steps[min(max(lockout.step, 1), len(policy.steps)) - 1]


def _locked(lockout: Lockout, time: timedelta, now: Moment) -> Lockout:
    return replace(
        lockout,
        boot_id=now.boot_id,
        until_boot=now.boot + time.total_seconds(),
        until_wall=now.wall + time,
    )

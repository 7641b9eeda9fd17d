"""Lockout of one card as a value. Every fifth wrong PIN goes one step up the ladder.

A failed attempt is charged before the PIN is verified and cleared when it was right, so that
cutting the power in between buys no guess. The remaining time runs on boot time within one
boot; after another boot it runs on wall time, and where the clock is not trusted then the full
step starts again.

Deliberately not here: which table holds the values, and how many are kept.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kioskd.domain.moment import Moment

FORGET_AFTER = timedelta(hours=24)  # steps fall back after a day without a wrong PIN


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
    step = min(charged.step + 1, len(policy.steps))
    return _locked(replace(charged, step=step), policy.steps[step - 1], now)


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
        return max(timedelta(0), timedelta(seconds=lockout.until_boot - now.boot))
    return max(timedelta(0), lockout.until_wall - now.wall)


def after_boot(lockout: Lockout, now: Moment, policy: LockoutPolicy, *, trusted: bool) -> Lockout:
    """The value as carried into another boot. An untrusted clock cannot shorten a step."""
    if lockout.until_wall is None or lockout.boot_id == now.boot_id:
        return lockout
    step = policy.steps[min(lockout.step, len(policy.steps)) - 1]
    if trusted:
        return _locked(lockout, min(remaining(lockout, now), step), now)
    return _locked(lockout, step, now)


def _locked(lockout: Lockout, time: timedelta, now: Moment) -> Lockout:
    return replace(
        lockout,
        boot_id=now.boot_id,
        until_boot=now.boot + time.total_seconds(),
        until_wall=now.wall + time,
    )

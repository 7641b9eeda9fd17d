"""Whether the wall clock may be believed. A value in, a judgement out.

Three tests: it does not stand before what was already recorded; it keeps pace with the boot
clock; something vouches for it. A clock that is *synchronised* may correct a bad time, whatever
the source: one wrong row must not close the door for ever.

What deletes by age asks for more: a clock that is trusted and yet far ahead of all that was
recorded (a battery clock in 2037) would delete everything at once.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BEHIND = timedelta(seconds=60)  # how far before the newest trusted row is still the same time
DIVERGED = 120.0  # seconds between wall and boot clock without synchronisation
FAR_AHEAD = timedelta(days=30)  # a device that was off no longer than this is believed at once
WATCHED = timedelta(days=7)  # for so long somebody may notice a wrong clock; then it is the time
_WAY_OUT = "set the clock or give the device a time server ([clock] in the configuration)"


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """What is known of the wall clock.

    newest: time of the newest row written while the clock was trusted. drift: seconds by which
    wall and boot clock have moved apart since they were last seen together, None when unknown.
    synchronised: by NTP since boot. rtc: a battery-backed clock is there.
    source: auto | rtc | assume.
    """

    now: datetime
    newest: datetime | None
    drift: float | None
    synchronised: bool
    rtc: bool
    source: str = "auto"


@dataclass(frozen=True, slots=True)
class ClockVerdict:
    """Trusted or not and why; `corrected` when a synchronised clock overrules the last row."""

    trusted: bool
    why: str = ""
    corrected: bool = False


def judge(facts: ClockFacts) -> ClockVerdict:
    """The verdict on the wall clock."""
    if facts.newest is not None and facts.newest - facts.now > BEHIND:
        if facts.synchronised:
            return ClockVerdict(True, corrected=True)
        at = f"{facts.newest.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return _untrusted(f"the clock is behind the last recorded event ({at})")
    if facts.source == "assume" or facts.synchronised:
        return ClockVerdict(True)
    if facts.drift is not None and abs(facts.drift) > DIVERGED:
        return _untrusted("the clock was moved and no time server confirms it")
    if not facts.rtc:
        return _untrusted("no battery clock and no time server since the start")
    return ClockVerdict(True)


def _untrusted(why: str) -> ClockVerdict:
    return ClockVerdict(False, f"{why}; {_WAY_OUT}")


@dataclass(frozen=True, slots=True)
class ClockPast:
    """What clocks said so far. seen: the newest time that was taken as the time, None before any.

    ahead: the time at which a clock was first found far ahead of that; None while none is.
    """

    seen: datetime | None = None
    ahead: datetime | None = None


def followed(past: ClockPast, now: datetime, *, synchronised: bool) -> ClockPast:
    """The past with a trusted clock's `now` in it; `ahead` is set while nothing may be deleted.

    Without a time server a clock that is far ahead is watched for a week of its own time. It is
    kept with the data, so that a restart neither ends the week nor begins it anew.
    """
    if synchronised or past.seen is None or now - past.seen <= FAR_AHEAD:
        return ClockPast(now)
    since = past.ahead
    if since is None or not timedelta(0) <= now - since <= FAR_AHEAD:
        return ClockPast(past.seen, now)
    return ClockPast(now) if now - since >= WATCHED else past

"""Whether the wall clock may be believed. A value in, a judgement out.

Three tests: it does not stand before what was already recorded; it keeps pace with the boot
clock; something vouches for it. A clock that is *synchronised* may correct a bad time: one wrong
row must not close the door for ever.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

BEHIND = timedelta(seconds=60)  # how far before the newest trusted row is still the same time
DIVERGED = 120.0  # seconds between wall and boot clock without synchronisation


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
    vouched = facts.synchronised and facts.source != "assume"
    behind = facts.newest is not None and facts.now < facts.newest - BEHIND
    if behind and not vouched:
        return ClockVerdict(False, "the clock is behind the last recorded event")
    if facts.source == "assume" or vouched:
        return ClockVerdict(True, corrected=behind)
    if facts.drift is not None and abs(facts.drift) > DIVERGED:
        return ClockVerdict(False, "the clock was moved and no time server confirms it")
    if not facts.rtc:
        return ClockVerdict(False, "no battery clock and no time server since the start")
    return ClockVerdict(True)

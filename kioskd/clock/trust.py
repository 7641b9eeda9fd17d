"""Judges the wall clock from what the machine can say for it.

Evidence is read at most once a second; the journal's newest row arrives through `recorded`.
"""

import ctypes
from datetime import datetime
from pathlib import Path
from typing import Protocol

from kioskd.access.clock_trust import DIVERGED, ClockFacts, ClockVerdict, judge
from kioskd.domain.moment import Moment
from kioskd.ports import ClockJudgement

_STA_UNSYNC = 0x0040  # <sys/timex.h>
_TIME_ERROR = 5
_TIMEX_BYTES = 208  # sizeof(struct timex) on 64-bit Linux; larger is harmless
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
_RTC = Path("/sys/class/rtc/rtc0")
_FRESH_SECONDS = 1.0


class Evidence(Protocol):
    """What the machine says of its clock."""

    def synchronised(self) -> bool: ...
    def rtc(self) -> bool: ...


class SystemEvidence:
    """The kernel's NTP status, systemd-timesyncd's mark, a hardware clock."""

    def synchronised(self) -> bool:
        """Whether a time server has set the clock since boot."""
        return _TIMESYNCD.exists() or _kernel_synchronised()

    def rtc(self) -> bool:
        """Whether a battery-backed clock is there."""
        return _RTC.exists()


def _kernel_synchronised() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes = 0: only asks
    state = libc.adjtimex(timex)
    # struct timex: modes (int), then offset, freq, maxerror, esterror (long), status (int)
    status = int.from_bytes(timex.raw[40:44], "little")
    return 0 <= state != _TIME_ERROR and not status & _STA_UNSYNC


class WallClockTrust:
    """ports.ClockTrust: remembers the newest trusted row and when both clocks last agreed.

    accepted: the reading that an operator vouched for last; it counts within its own boot, while
    the clock keeps pace with it.
    """

    def __init__(
        self,
        source: str,
        newest: datetime | None,
        evidence: Evidence,
        accepted: Moment | None = None,
    ) -> None:
        self._source = source
        self._newest = newest
        self._evidence = evidence
        self._accepted = accepted
        self._together: Moment | None = None
        self._vouched = (False, False)
        self._read_at = float("-inf")
        self.verdict = ClockVerdict(trusted=False, why="not judged yet")

    def judge(self, now: Moment) -> ClockJudgement:
        """The verdict of this moment."""
        synchronised, rtc = self._fresh_evidence(now)
        rtc = rtc or self._vouched_by_operator(now)
        facts = ClockFacts(
            now.wall, self._newest, _drift(self._together, now), synchronised, rtc, self._source
        )
        self.verdict = judge(facts)
        if self.verdict.trusted:
            self._agree(now, anew=synchronised)
        return ClockJudgement(self.verdict.trusted, self.verdict.why)

    def accept(self, now: Moment) -> None:
        """An operator vouches for the clock as it is now, as a battery clock would: until the next
        boot. What was recorded before, and how the clock was moved, count no more.
        """
        self._newest = now.wall
        self._accepted = now
        self._together = now

    def recorded(self, at: datetime) -> None:
        """A row of this time was written while the clock was trusted."""
        self._newest = at

    @property
    def newest(self) -> datetime | None:
        """The time of the newest trusted row."""
        return self._newest

    @property
    def synchronised(self) -> bool:
        """Whether a time server vouched for the clock when it was judged last."""
        return self._vouched[0]

    def _fresh_evidence(self, now: Moment) -> tuple[bool, bool]:
        if not 0 <= now.boot - self._read_at < _FRESH_SECONDS:
            self._vouched = (self._evidence.synchronised(), self._evidence.rtc())
            self._read_at = now.boot
        return self._vouched

    def _vouched_by_operator(self, now: Moment) -> bool:
        drift = _drift(self._accepted, now)
        return drift is not None and abs(drift) <= DIVERGED

    def _agree(self, now: Moment, *, anew: bool) -> None:
        # Without a time server the first agreement stays the measure: a clock that is moved
        # by small steps adds them up.
        if anew or self._together is None or self._together.boot_id != now.boot_id:
            self._together = now


def _drift(seen: Moment | None, now: Moment) -> float | None:
    """Seconds by which wall and boot clock have moved apart since they were seen together."""
    if seen is None or seen.boot_id != now.boot_id:
        return None
    return (now.wall - seen.wall).total_seconds() - (now.boot - seen.boot)

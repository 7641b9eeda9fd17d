"""Panels of the daemon itself: a line in the log, an event for screens that listen."""

import logging
from collections.abc import Callable

from kioskd.domain.notice import Notice, Shown
from kioskd.ports import Broadcast
from kioskd.wire import shown_event

log = logging.getLogger("kioskd.panel")
# What anybody brings about as fast as a reader reads, and the journal does not hold back.
_CHEAP = frozenset({Notice.NOT_A_LIBRARY_CODE, Notice.WAIT})
_CHEAP_EVERY = 1.0  # seconds between two lines of the same such notice


class LogPanel:
    """ports.Panel that logs notices; keys typed and idle screens are not worth a line.

    monotonic: seconds. A line that follows others which were left out counts them as `left_out`.
    """

    def __init__(self, door: str, monotonic: Callable[[], float]) -> None:
        self._door = door
        self._monotonic = monotonic
        self._before = Notice.IDLE
        self._logged_at: dict[Notice, float] = {}
        self._left_out: dict[Notice, int] = {}

    def show(self, shown: Shown) -> None:
        """Log what somebody at the door would read; how the door stands is nobody's answer."""
        if shown.standing:
            self._stands(shown)
            return
        before, self._before = self._before, shown.notice
        cleared = shown.notice is before is Notice.ENTER_PIN
        if shown.notice is Notice.IDLE or shown.digits or cleared or self._too_soon(shown.notice):
            return
        extra: dict[str, object] = {"door": self._door, "notice": shown.notice.value}
        if shown.code:
            extra["code"] = shown.code
        if left_out := self._left_out.pop(shown.notice, 0):
            extra["left_out"] = left_out
        log.info("notice", extra=extra)

    def _stands(self, shown: Shown) -> None:
        self._before = Notice.IDLE
        extra = {"door": self._door, "notice": shown.notice.value}
        log.info("standing", extra={**extra, "code": shown.code} if shown.code else extra)

    def _too_soon(self, notice: Notice) -> bool:
        if notice not in _CHEAP:
            return False
        now = self._monotonic()
        if now - self._logged_at.get(notice, float("-inf")) < _CHEAP_EVERY:
            self._left_out[notice] = self._left_out.get(notice, 0) + 1
            return True
        self._logged_at[notice] = now
        return False


class WirePanel:
    """ports.Panel that tells the screens which listen to `panel:DOOR`."""

    def __init__(self, door: str, broadcast: Broadcast) -> None:
        self._topic = f"panel:{door}"
        self._broadcast = broadcast

    def show(self, shown: Shown) -> None:
        """Tell them; nobody has to listen."""
        self._broadcast.publish(self._topic, shown_event(shown))

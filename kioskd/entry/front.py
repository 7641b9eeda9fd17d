"""What a door shows, and for how long: an answer gives way to how the door stands.

Deliberately not here: words, lamps and screens (panels), and what there is to answer.
"""

import logging
from collections.abc import Callable

from kioskd.domain.notice import Notice, Shown
from kioskd.entry.shown import HOLD_SECONDS
from kioskd.ports import Clock, Panel

log = logging.getLogger("kioskd.entry")
PROGRAM_FAULT_CODE = "51"


def open_to_cards() -> Shown:
    """How a door stands that is never closed."""
    return Shown(Notice.IDLE, standing=True)


class Front:
    """The panel of one door. standing: what to show while nobody is served."""

    def __init__(
        self, door: str, panel: Panel, standing: Callable[[], Shown], clock: Clock
    ) -> None:
        self._door = door
        self._panel = panel
        self._standing = standing
        self._clock = clock
        self._last: Shown | None = None
        self._suspected: Shown | None = None
        self._until = float("-inf")
        self._failing = False

    def show(self, shown: Shown, at_least: float = 0.0) -> None:
        """Show an answer, for its time or `at_least` so many seconds."""
        if shown.notice is Notice.IDLE:
            self.stand()
            return
        hold = max(HOLD_SECONDS[shown.notice], at_least)
        self._until = self._clock.monotonic() + hold
        self._put(shown)

    def stand(self) -> None:
        """Show how the door stands now; a fault, once it has lasted until the next call."""
        self._until = float("-inf")
        shown = self._stands()
        if shown.notice is Notice.FAULT and shown != self._suspected:
            # A device that is back within a beat, or not yet there at a start, is no news.
            self._suspected = shown
            return
        self._suspected = shown
        if shown != self._last:
            self._put(shown)

    def beat(self, prompt: Shown | None) -> None:
        """Let an answer give way whose time is over.

        prompt: what a person who is being served is asked for; None while nobody is.
        """
        if self._clock.monotonic() < self._until:
            return
        if prompt is None:
            self.stand()
        elif prompt != self._last:
            self.show(prompt)

    def fault(self) -> None:
        """Tell of a fault of our own."""
        self.show(Shown(Notice.FAULT, code=PROGRAM_FAULT_CODE))

    def _stands(self) -> Shown:
        try:
            shown = self._standing()
        except Exception as error:
            # Asked twice a second: told loudly once, until it works again.
            level = logging.DEBUG if self._failing else logging.ERROR
            log.log(level, "standing.failed", exc_info=error, extra={"door": self._door})
            self._failing = True
            return Shown(Notice.FAULT, code=PROGRAM_FAULT_CODE, standing=True)
        self._failing = False
        return shown

    def _put(self, shown: Shown) -> None:
        self._last = shown
        try:
            self._panel.show(shown)
        except Exception:
            # What cannot be shown must not keep anybody in or out.
            log.exception("panel.failed", extra={"door": self._door})

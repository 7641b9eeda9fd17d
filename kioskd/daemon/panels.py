"""A panel for doors that have none: what would be shown goes to the log."""

import logging

from kioskd.domain.notice import Notice, Shown

log = logging.getLogger("kioskd.panel")


class LogPanel:
    """ports.Panel that logs notices; keys typed and idle screens are not worth a line."""

    def __init__(self, door: str) -> None:
        self._door = door

    def show(self, shown: Shown) -> None:
        """Log what somebody at the door would read."""
        if shown.notice is Notice.IDLE or shown.digits:
            return
        extra = {"door": self._door, "notice": shown.notice.value}
        if shown.code:
            extra["code"] = shown.code
        log.info("notice", extra=extra)

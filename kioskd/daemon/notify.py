"""Tells systemd how the daemon is: sd_notify(3), without its library.

What could not be sent because the receiver was busy goes with the next message; a sign of life
does not, because it says what was true at its own moment.

Deliberately not here: when which is said.
"""

import logging
import os
import socket
import time
from collections.abc import Mapping, MutableMapping
from typing import Final

log = logging.getLogger("kioskd.notify")
SOCKET: Final = "NOTIFY_SOCKET"
_MOST_STATUS = 200  # characters; `systemctl status` shows one line
_ALIVE: Final = "WATCHDOG"


class Notify:
    """Messages to the address in $NOTIFY_SOCKET; without one nothing is sent. Never raises."""

    def __init__(self, address: str | None) -> None:
        self._address = _sent_to(address) if address else None
        self._owed: dict[str, str] = {}
        self._failing = False
        self._status = ""

    @classmethod
    def taken_from(cls, environment: MutableMapping[str, str]) -> "Notify":
        """For this process alone: the address is taken out, so that no child speaks for us."""
        return cls(environment.pop(SOCKET, None))

    @property
    def heard(self) -> bool:
        """Whether anybody asked to be told."""
        return self._address is not None

    def ready(self, status: str) -> None:
        """The daemon serves, for the first time or again after `reloading`."""
        for old in ("RELOADING", "MONOTONIC_USEC"):
            self._owed.pop(old, None)
        self._status = _one_line(status)
        self._say({"READY": "1", "STATUS": self._status})

    def status(self, text: str) -> None:
        """What `systemctl status` shows of it; said again only when it has changed."""
        if _one_line(text) != self._status:
            self._status = _one_line(text)
            self._say({"STATUS": self._status})

    def alive(self) -> None:
        """Feed the watchdog."""
        self._say({_ALIVE: "1"})

    def reloading(self) -> None:
        """A new configuration is being read; `ready` follows."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._say({"RELOADING": "1", "MONOTONIC_USEC": str(now)})

    def stopping(self) -> None:
        """It was told to stop."""
        self._say({"STOPPING": "1"})

    def _say(self, fields: Mapping[str, str]) -> None:
        if self._address is None:
            return
        message = {**self._owed, **fields}
        sent = self._sent("\n".join(f"{key}={value}" for key, value in message.items()))
        self._owed = {} if sent else {k: v for k, v in message.items() if k != _ALIVE}

    def _sent(self, message: str) -> bool:
        assert self._address is not None  # noqa: S101 - asked by _say
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        try:
            with socket.socket(socket.AF_UNIX, kind) as speaker:
                speaker.sendto(message.encode(), self._address)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "not an address"
            level = logging.DEBUG if self._failing else logging.WARNING
            log.log(level, "notify.failed", extra={"why": f"{SOCKET}: {why}"})
            self._failing = True
            return False
        self._failing = False
        return True


def watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """Within how many seconds the watchdog of this process must be fed; None without one."""
    whose = environment.get("WATCHDOG_PID")
    if whose and whose != str(os.getpid()):
        return None
    given = environment.get("WATCHDOG_USEC", "")
    if not (given.isascii() and given.isdigit() and 0 < len(given) <= 20 and int(given)):
        return None
    return int(given) / 1_000_000


def _sent_to(address: str) -> bytes:
    # A name that begins with @ stands in no directory (unix(7), abstract).
    raw = os.fsencode(address)
    return b"\0" + raw[1:] if raw.startswith(b"@") else raw


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:_MOST_STATUS]

"""Answers of a daemon that may be slow, or of another version.

Deliberately not here: how it is reached (asking), and what answers mean.
"""

import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from kioskd import __version__
from kioskd.client import OTHER_VERSION, AskError

SLOW_SECONDS: Final = 5.0  # then a person wonders; what devices have part in may take longer


class Answered(dict[str, Any]):
    """An answer in which a missing name is an AskError. verb: of what; version: the daemon's."""

    def __init__(self, told: Mapping[str, Any], verb: str, version: str) -> None:
        super().__init__({name: _within(value, verb, version) for name, value in told.items()})
        self._verb = verb
        self._version = version

    def __missing__(self, name: str) -> Any:
        raise AskError(
            OTHER_VERSION,
            f"{self._verb}: the daemon ({self._version}) answers otherwise than this program "
            f"({__version__}) knows, without {name!r}; restart the older one "
            "(systemctl restart kioskd)",
        )


def answered(told: Mapping[str, Any], verb: str, version: str) -> dict[str, Any]:
    """What a daemon of some version says to a verb."""
    return Answered(told, verb, "".join(c if c.isprintable() else "?" for c in version))


@contextmanager
def told_if_slow(verb: str) -> Iterator[None]:
    """Say on standard error that the answer is waited for still, once it takes long."""
    line = f"{verb}: the daemon has not answered yet; waiting\n"
    timer = threading.Timer(SLOW_SECONDS, lambda: _say(line))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _say(line: str) -> None:
    sys.stderr.write(line)
    sys.stderr.flush()


def _within(value: Any, verb: str, version: str) -> Any:
    if isinstance(value, dict):
        return Answered(value, verb, version)
    if isinstance(value, list):
        return [_within(each, verb, version) for each in value]
    return value

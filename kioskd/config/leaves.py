"""Leaves: one function for each sort of value that a key of the file may have.

Each raises Unfit with what is wrong and the way out. Where a value may be a secret, the
message does not repeat it.
"""

import re
from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path
from typing import Any

from kioskd.access.schedule import Span
from kioskd.config.walk import Leaf, Place, Unfit, did_you_mean, kind, quoted, read
from kioskd.domain.codes import WANTED_CODE, is_code

LANGUAGES = ("fi", "sv", "en")  # those that kioskd.words has texts for
MAX_TEXT = 200  # characters; the longest site name in use is under 60
PLACEHOLDER = "/..."  # what documentation ends a path with
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_CREDENTIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SOCKET = re.compile(r"socket://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})", re.ASCII)
_LISTEN = re.compile(r"(127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})", re.ASCII)
_LONG = 10**15
NOT_BUILT = "not built into this version"


def text(place: Place, value: object) -> str:
    """One line of text, not empty."""
    if not isinstance(value, str):
        raise Unfit(f"must be text, not {kind(value)}")
    if not value.strip() or len(value) > MAX_TEXT or not value.isprintable():
        raise Unfit(f"must be one line of 1 to {MAX_TEXT} characters")
    return value


def code(place: Place, value: object) -> str:
    """A branch or a patron category, by the code that feeds have for it."""
    written = text(place, value)
    if not is_code(written):
        raise Unfit(f"{quoted(written)} is not a code; use {WANTED_CODE}")
    return written


def optional_text(place: Place, value: object) -> str:
    """One line of text or none: an empty string says that there is nothing to say."""
    return "" if value == "" else text(place, value)


def flag(place: Place, value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise Unfit(f"must be true or false, not {kind(value)}")
    return value


def whole(low: int, high: int) -> Leaf:
    """A whole number from low to high, both included."""

    def leaf(place: Place, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Unfit(f"must be a whole number from {low} to {high}, not {kind(value)}")
        if not low <= value <= high:
            raise Unfit(f"{_bounded(value)} is out of range; {low} to {high}")
        return value

    return leaf


def seconds(low: float, high: float) -> Leaf:
    """A number of seconds from low to high, both included."""

    def leaf(place: Place, value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Unfit(f"must be a number from {low:g} to {high:g}, not {kind(value)}")
        if not low <= value <= high:  # nan is in no range
            raise Unfit(f"{_bounded(value)} is out of range; {low:g} to {high:g}")
        return float(value)

    return leaf


def one_of(*known: str, later: Collection[str] = ()) -> Leaf:
    """One of some words; those in `later` are known but not built into this version."""

    def leaf(place: Place, value: object) -> str:
        word = text(place, value)
        if word in later:
            raise Unfit(f"{quoted(word)} is {NOT_BUILT}; {_use(known)}")
        if word not in known:
            raise Unfit(f"{quoted(word)} is not known; {did_you_mean(word, known)}")
        return word

    return leaf


def one_number_of(*known: int) -> Leaf:
    """One of some whole numbers."""

    def leaf(place: Place, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value not in known:
            raise Unfit(f"must be one of {', '.join(map(str, known))}")
        return value

    return leaf


def many(leaf: Leaf, *, least: int = 0) -> Leaf:
    """A list of such values; each item that is wrong is a fault of its own."""

    def listed(place: Place, value: object) -> tuple[Any, ...] | None:
        if not isinstance(value, list):
            raise Unfit(f"must be a list, not {kind(value)}")
        if len(value) < least:
            raise Unfit(f"must have at least {least} in it")
        taken = [place.take(leaf, item) for item in value]
        return None if None in taken else tuple(taken)

    return listed


def texts(place: Place, value: object) -> dict[str, str] | None:
    """One text for every language, or a table of a text for each."""
    if isinstance(value, str):
        return dict.fromkeys(LANGUAGES, text(place, value))
    if not isinstance(value, dict) or not value:
        raise Unfit('must be text or a table like { fi = "...", sv = "..." }')
    table = read(place, value, dict.fromkeys(LANGUAGES, text))
    return table.values or None


def span(place: Place, value: object) -> Span:
    """Opening hours as written, `07:00-10:00 self-service`."""
    if not isinstance(value, str):
        raise Unfit(f'must be hours like "07:00-10:00 self-service", not {kind(value)}')
    if not value.isprintable() or len(value) > MAX_TEXT:
        raise Unfit(f'{quoted(value)} is not a span; "07:00-10:00 self-service" is')
    return Span.parse(value)


def day(place: Place, value: object) -> date:
    """A TOML date without a time."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Unfit("must be a date like 2026-12-06, without quotes or time")
    return value


def directory(place: Place, value: object) -> Path:
    """An absolute path."""
    path = Path(text(place, value))
    if not path.is_absolute():
        raise Unfit(f"{quoted(str(path))} must be an absolute path, like /var/lib/kioskd")
    return path


def secret(place: Place, value: object) -> str:
    """Where a secret is: file:/path or credential:name. Never the secret itself."""
    way, _, where = value.partition(":") if isinstance(value, str) else ("", "", "")
    if way == "file" and where.startswith("/") and where.isprintable():
        return f"file:{where}"
    if way == "credential" and _CREDENTIAL.fullmatch(where):
        return f"credential:{where}"
    raise Unfit('must be "file:/path/to/the/key" or "credential:NAME"')


def port(place: Place, value: object) -> str:
    """A serial port: a device path or socket://host:port."""
    where = text(place, value)
    address = _SOCKET.fullmatch(where)
    if where.endswith(PLACEHOLDER):
        place.warn("is a placeholder; put the path of the device there")
    if where.startswith("/") or (address and 0 < int(address[2]) <= 65535):
        return where
    raise Unfit(f"{quoted(where)} must be a path like /dev/serial/by-id/... or socket://host:port")


def loopback(place: Place, value: object) -> str:
    """An address on loopback to listen on; an empty text is none."""
    address = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if value == "" or (address and 0 < int(address[2]) <= 65535):
        return str(value)
    raise Unfit('must be on loopback, like "127.0.0.1:9100", or empty')


def time_of_day(place: Place, value: object) -> str:
    """A wall time, 00:00 to 24:00."""
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", value, re.ASCII):
        return value
    raise Unfit('must be a time of day like "02:00"')


def not_built(place: Place, value: object) -> None:
    """A key that a site would rely on, refused until it is built."""
    raise Unfit(f"{NOT_BUILT}; take it out")


def ignored(place: Place, value: object) -> None:
    """A key that nothing reads yet and nobody is let in or kept out by."""
    place.warn(f"{NOT_BUILT}, ignored")


def _bounded(value: float) -> str:
    # A whole number of the file may have thousands of digits, more than a float or a line takes.
    long = isinstance(value, int) and abs(value) >= _LONG
    return "a number this long" if long else str(value)


def _use(known: Collection[str]) -> str:
    return "use " + " or ".join(quoted(word) for word in known)

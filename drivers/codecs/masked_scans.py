"""What a reader or keypad sends, without what it says: classes, lengths and times. Sans-io.

For the one who sets a scanner up: is it a card by the site's patterns, what ends it, how long does
it take, are there bytes that no scanner means. A code never leaves here: its characters become
classes and its last three are shown, of codes of seven characters and more.

Deliberately not here: what the door makes of the bytes (scan_frames, key_bytes).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from drivers.codecs.key_bytes import keys
from drivers.codecs.scan_frames import FRAME_CAP
from kioskd.domain.card import CodeKind, CodePatterns, canonical, masked

PAUSE_SECONDS: Final = 0.3  # silence that ends a code which nothing else ended
_CR, _LF = 0x0D, 0x0A
_SHAPE_MOST: Final = 80  # characters of a shape; a library code has 14
_PRINTABLE = range(0x20, 0x7F)
_WORDS: Final = {
    CodeKind.PATRON: "patron card",
    CodeKind.ITEM: "item",
    CodeKind.PATRON_OR_ITEM: "patron card or item",
    CodeKind.BOOK_NUMBER: "book number",
    CodeKind.FOREIGN: "foreign",
}
_KEYS: Final = {"#": "enter", "*": "clear"}
_LETTERS = re.compile(r"[a-z]")


@dataclass(frozen=True, slots=True)
class SeenScan:
    """One code, masked.

    what: by the site's patterns. shape: d digit, A and a letters, ? no ASCII, other signs as they
    are. end: "CR", "LF", "CR LF", or empty when silence ended it. bad: bytes that are no printable
    ASCII. took: seconds from the first byte to the last; pause: the longest between two reads.
    """

    what: str
    length: int
    shape: str
    last: str
    end: str
    bad: int
    took: float
    pause: float


class MaskedScans:
    """Cuts what a scanner sends at CR, LF and silence; holds FRAME_CAP bytes at most."""

    def __init__(self, patterns: CodePatterns) -> None:
        self._patterns = patterns
        self._part = bytearray()
        self._length = 0
        self._after_cr: SeenScan | None = None
        self._first = self._last = 0.0
        self._longest = 0.0

    @property
    def holds(self) -> bool:
        """Whether something waits for `pause`."""
        return bool(self._length) or self._after_cr is not None

    def feed(self, data: bytes, now: float) -> list[SeenScan]:
        """The codes that these bytes complete. now: monotonic seconds; never raises."""
        seen = self.pause(now) if self.holds and now - self._last >= PAUSE_SECONDS else []
        if self._length:
            self._longest = max(self._longest, now - self._last)
        self._last = now
        for byte in data:
            seen.extend(self._byte(byte, now))
        return seen

    def pause(self, now: float) -> list[SeenScan]:
        """It has been silent since: what stands ends here."""
        return [*self._ended_by_cr(), *([self._cut("")] if self._length else [])]

    def forget(self) -> None:
        """Nobody listens any more."""
        self._part.clear()
        self._length, self._after_cr = 0, None

    def _byte(self, byte: int, now: float) -> Iterator[SeenScan]:
        if byte == _LF and self._after_cr is not None:
            yield self._with_end("CR LF")
            return
        yield from self._ended_by_cr()
        if byte == _CR and self._length:
            self._after_cr = self._cut("CR")
        elif byte == _LF and self._length:
            yield self._cut("LF")
        elif byte not in (_CR, _LF):
            self._add(byte, now)

    def _add(self, byte: int, now: float) -> None:
        if not self._length:
            self._first, self._longest = now, 0.0
        self._length += 1
        if len(self._part) < FRAME_CAP:
            self._part.append(byte)

    def _ended_by_cr(self) -> list[SeenScan]:
        return [self._with_end("CR")] if self._after_cr is not None else []

    def _with_end(self, end: str) -> SeenScan:
        seen, self._after_cr = self._after_cr, None
        assert seen is not None  # noqa: S101 - callers have looked
        return replace(seen, end=end)

    def _cut(self, end: str) -> SeenScan:
        raw, length = bytes(self._part), self._length
        self._part.clear()
        self._length = 0
        bad = sum(byte not in _PRINTABLE for byte in raw)
        text = raw.decode("latin-1")
        what, last = self._judged(text) if not bad and length <= FRAME_CAP else ("unreadable", "…")
        took = max(0.0, self._last - self._first)
        return SeenScan(what, length, shape_of(text), last, end, bad, took, self._longest)

    def _judged(self, text: str) -> tuple[str, str]:
        number = canonical(text)
        return _WORDS[self._patterns.classify(number)], masked(number)


def shape_of(text: str) -> str:
    """`*167A006007*` -> `* ddd A dddddd *`."""
    runs = ["".join(run) for _, run in groupby(map(_class, text))]
    return " ".join(runs)[:_SHAPE_MOST]


def _class(character: str) -> str:
    if character in "0123456789":
        return "d"
    if "A" <= character <= "Z":
        return "A"
    if _LETTERS.match(character):
        return "a"
    if character == " ":
        return "_"
    return character if ord(character) in _PRINTABLE else "?"


def masked_keys(data: bytes) -> tuple[list[str], int]:
    """The keys in these bytes as "digit", "enter", "clear", and how many bytes are none."""
    pressed = keys(data)
    return [_KEYS.get(key, "digit") for key in pressed], len(data) - len(pressed)

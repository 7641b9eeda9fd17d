"""Frames of a serial barcode scanner: printable ASCII up to a terminator. Sans-io.

What is promised: a frame that comes out is one unbroken run of the bytes that came in, it was
ended by a terminator, no two of its bytes lie further apart than the idle time-out, and
nothing was cleaned out of it. So a card number whose end was lost never comes out.

How it finds its feet again, in this order:
1. silence longer than the idle time-out forgets whatever was unfinished, good or void;
2. a void frame (control character, byte outside ASCII, too long) is thrown away up to the next
   terminator.

After a silence the next byte starts a frame of its own. Throwing away up to the next terminator
there would swallow the patron's second try, which is what nearly always follows. The price is
that a late tail of a cut-off scan comes out as a frame; it lacks its beginning and fits no
pattern of a fixed length, and patterns are matched whole.

Deliberately not here: card patterns, AIM identifiers and Code 39 asterisks
(kioskd.domain.card), double reads (the entry), and any guess at bytes lost inside a frame:
only the site's patterns can tell those.
"""

import re

FRAME_CAP = 128  # bytes; the longest library code in the field has 14, with its wrapping under 24
IDLE_SECONDS = 0.2  # a scanner at 1200 baud sends a byte in 8 ms; a USB hiccup takes about 50 ms

_TERMINATORS = {
    "any": re.compile(rb"[\r\n]"),
    "cr": re.compile(rb"\r"),
    "lf": re.compile(rb"\n"),
    "crlf": re.compile(rb"\r\n"),
}
TERMINATORS = tuple(_TERMINATORS)
_PRINTABLE = bytes(range(0x20, 0x7F))


class ScanFrames:
    """Cuts what a scanner sends into whole frames; holds at most FRAME_CAP + 1 bytes.

    terminator: any | cr | lf | crlf; KeyError for another. idle_seconds: see the module.
    """

    def __init__(self, terminator: str = "any", idle_seconds: float = IDLE_SECONDS) -> None:
        self._terminator = _TERMINATORS[terminator]
        self._idle_seconds = idle_seconds
        self.reset()

    @property
    def held(self) -> int:
        """Bytes of the unfinished frame."""
        return len(self._part)

    def reset(self) -> None:
        """Forget what is unfinished, as when the link is new."""
        self._part = b""
        self._void = False
        self._last = float("-inf")

    def feed(self, data: bytes, now: float) -> list[str]:
        """The frames that these bytes complete. `now`: monotonic seconds; never raises."""
        if now - self._last > self._idle_seconds:
            self.reset()
        self._last = now
        *ended, self._part = self._terminator.split(self._part + data)
        frames = [text for text in map(self._text, ended) if text]
        if len(self._part) > FRAME_CAP + 1:  # the CR of a CRLF may be among them
            self._void = True
        if self._void:
            self._part = self._part[-1:]  # enough to know a CRLF that comes in two pieces
        return frames

    def _text(self, frame: bytes) -> str:
        """The frame as text; empty when there was nothing or the frame is void."""
        void, self._void = self._void, False
        if void or len(frame) > FRAME_CAP or frame.translate(None, _PRINTABLE):
            return ""
        return frame.decode("ascii")

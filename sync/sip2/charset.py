"""Bytes to text and back, one message at a time. Pure.

The specification says CP850; servers say UTF-8 and Latin-1, and some mix them from message to
message. So each message is decoded on its own: strictly as the configured encoding, then as the
fallback, which takes any byte.
"""

from dataclasses import dataclass
from typing import Final

SINGLE_BYTE: Final = ("latin-1", "cp850", "cp437", "cp1252")  # every one can be a fallback
ENCODINGS: Final = ("utf-8", *SINGLE_BYTE)


@dataclass(frozen=True, slots=True)
class Charset:
    """encoding: what this side writes, and what is tried first. fallback: one of SINGLE_BYTE."""

    encoding: str = "utf-8"
    fallback: str = "latin-1"

    def decode(self, data: bytes) -> str:
        """Text of any bytes: nothing is lost that could be shown."""
        try:
            return data.decode(self.encoding)
        except UnicodeDecodeError:
            return data.decode(self.fallback, errors="replace")

    def encode(self, text: str) -> bytes:
        """UnicodeEncodeError where a character cannot be said in this encoding."""
        return text.encode(self.encoding)


UTF_8: Final = Charset()

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
        """ValueError, without the text, where a character cannot be said in this encoding."""
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError:  # holds the whole message, a PIN too: it must not go further
            pass
        raise ValueError(f"a character that cannot be said in {self.encoding}")


UTF_8: Final = Charset()

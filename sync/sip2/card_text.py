"""What people, readers and secret files hand in, before it may stand in a message. Pure.

Two numbers that look alike on a screen must not differ: those of cards and items are printable
ASCII, as kioskd.domain.card reads them, and a PIN has nothing in it that nobody sees.
Whatever is refused here is never repeated: not in the error, and not in what the error holds on to.
"""

import re
from typing import Final

from kioskd.errors import InputError
from sync.sip2.charset import Charset
from sync.sip2.dialect import Dialect
from sync.sip2.messages import MAX_VALUE

MAX_CARD: Final = 64  # characters, as kioskd.domain.card reads them
MAX_PIN: Final = 64

# Printable by their category, and blank on a screen or of no width: the letters that
# kioskd.domain.codes leaves out, Braille without a dot, joiners, selectors of variants.
_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


def fit(text: str, dialect: Dialect) -> str:
    """The number of a card or an item without surrounding blanks, fit for a message; InputError."""
    number = text.strip()
    if not number.isascii():
        raise InputError("the number holds a character that no card and no item has")
    return _fit(number, dialect, "number", MAX_CARD)


def fit_pin(pin: str, dialect: Dialect) -> str:
    """A PIN as it was keyed, fit for a message; InputError, for an empty or blank one too."""
    if not pin.strip():
        raise InputError("no PIN: an empty one is never sent")
    if _UNSEEN.search(pin):
        raise InputError("the PIN holds a character that cannot be seen")
    return _fit(pin, dialect, "PIN", MAX_PIN)


def unsayable(text: str, dialect: Dialect) -> str:
    """Why a text of the site's own cannot stand in a message, without it; empty where it can."""
    if dialect.delimiter in text:
        return "has the delimiter in it"
    if _CONTROLS.search(text):
        return "has a control character in it"
    if len(text) > MAX_VALUE:
        return f"has more than {MAX_VALUE} characters"
    if not _sayable(text, dialect.charset):
        return f"has a character in it that cannot be said in {dialect.charset.encoding}"
    return ""


def _fit(text: str, dialect: Dialect, what: str, most: int) -> str:
    if not text:
        raise InputError(f"no {what}: an empty one is never sent")
    if len(text) > most:
        raise InputError(f"the {what} has more than {most} characters")
    if not text.isprintable() or dialect.delimiter in text:
        raise InputError(f"the {what} holds a character that no message may hold")
    if not _sayable(text, dialect.charset):
        raise InputError(f"the {what} cannot be said in {dialect.charset.encoding}")
    return text


def _sayable(text: str, charset: Charset) -> bool:
    # A function of its own: raised inside the except, an error would carry the text with it.
    try:
        charset.encode(text)
    except ValueError:
        return False
    return True

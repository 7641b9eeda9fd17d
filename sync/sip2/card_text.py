"""What people and readers hand in, before it may stand in a message. Pure.

Whatever is refused here is never repeated: not in the error, and not in what the error holds on to.
"""

from typing import Final

from kioskd.errors import InputError
from sync.sip2.charset import Charset
from sync.sip2.dialect import Dialect

MAX_CARD: Final = 64  # characters, as kioskd.domain.card reads them
MAX_PIN: Final = 64


def fit(text: str, dialect: Dialect) -> str:
    """The number of a card or an item without surrounding blanks, fit for a message; InputError."""
    return _fit(text.strip(), dialect, "number", MAX_CARD)


def fit_pin(pin: str, dialect: Dialect) -> str:
    """A PIN as it was keyed, fit for a message; InputError, for an empty or blank one too."""
    if not pin.strip():
        raise InputError("no PIN: an empty one is never sent")
    return _fit(pin, dialect, "PIN", MAX_PIN)


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

"""A test patron for a look at the library system: card and PIN, never on a command line.

Any card will do, also one that fits no pattern of the site: what is looked at is what the library
system makes of it. Deliberately not here: what is asked with it.
"""

import sys
from typing import Final

from kioskd.cli.common import unseen
from kioskd.daemon.ils_talk import Patron
from kioskd.domain.card import canonical
from kioskd.errors import InputError

_MOST: Final = 1024  # characters of a line


def read_patron() -> Patron:
    """From two lines of standard input; at a terminal asked for and not shown. InputError."""
    if sys.stdin.isatty():
        card, pin = unseen("card (not shown): "), unseen("PIN (not shown): ")
    else:
        card, pin = sys.stdin.readline(_MOST), sys.stdin.readline(_MOST)
    card, pin = canonical(card), pin.rstrip("\r\n")
    if not card or not pin.strip():
        raise InputError("standard input: give a test card in the first line, its PIN in the next")
    return Patron(card, pin)

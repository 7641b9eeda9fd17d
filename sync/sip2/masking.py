"""What of a message may be shown. Pure.

Two measures. `masked` is for captures that somebody decodes: what names a person or proves who
they are is hidden, everything else stands as it came. `shown` is for a live conversation, where
nobody chose what comes: only what is known to be harmless is shown, and of the rest its length.

A value may stand where it does not belong, because the fixed part of its message was cut short or
because the wrong delimiter was asked for. It is hidden there too.
Deliberately not here: what fields are called and mean (explaining).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from kioskd.domain import card
from sync.sip2.messages import Field, Message

HIDDEN: Final = "…"
CARD: Final = "AA"
PRIVATE: Final = frozenset({CARD, "AC", "AD", "AE", "CO"})  # the contract of `sip2 decode`
_BROKEN: Final = (HIDDEN * 2, HIDDEN)
# Values that say nothing about a person, in the messages that a look at a library system exchanges.
HARMLESS: Final = frozenset(
    {"AO", "AM", "AN", "AP", "BH", "BL", "BX", "BZ", "CA", "CB", "CP", "CQ"}
)
# Never shown, not even where a site's configuration reads the right to enter from them.
PERSONAL: Final = PRIVATE | {"BD", "BE", "BF", "CN", "CY", "DA", "PB", "PC", "PI"}
_ID: Final = re.compile(r"[A-Z0-9]{2}")
_UNDIVIDED: Final = re.compile(rf"[^\w\s](?:{'|'.join(sorted(PRIVATE))})")
_MOST_SHOWN: Final = 40  # characters; a longer one is no code, name of a place or amount


def hidden(field: str, value: str) -> str:
    """A value as it may be shown of a capture. An empty one stays empty."""
    if not value or field not in PRIVATE:
        return value
    return card.masked(value) if field == CARD else HIDDEN


def masked(message: Message, delimiter: str) -> Message:
    """The same message without what is private."""
    pattern, runs_on = _strays(delimiter)
    text = "".join(message.fixed.values())
    fields = [(name, hidden(name, value)) for name, value in message.fields]
    if len(fields) == 1:
        fields = [_undivided(*message.fields[0])]
    if fields and runs_on.search(text):
        fields[0] = _BROKEN
    return replace(message, fixed=_cleared(message.fixed, text, pattern), fields=tuple(fields))


def shown(field: str, value: str, *, access: str = "") -> str | None:
    """A value as a live conversation shows it; None where only its length may be told.

    access: the field that tells who may enter, whose value is what everybody looks for.
    """
    if not value:
        return ""
    if field in PERSONAL or len(value) > _MOST_SHOWN:
        return None
    return value if field in HARMLESS or field == access else None


def is_field(field: str) -> bool:
    """Whether it is a field's name, and not two characters of a value with a delimiter in it."""
    return _ID.fullmatch(field) is not None


def is_whole(message: Message, delimiter: str) -> bool:
    """Whether the fixed part is one: with a delimiter in it, fields have slipped into it."""
    return not any(delimiter in part for part in message.fixed.values())


@lru_cache
def _strays(delimiter: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Private values within a fixed part; one that goes on behind it, or its name does."""
    ids, mark = "|".join(sorted(PRIVATE)), re.escape(delimiter)
    value = f"[^{mark}]*"
    return (
        re.compile(rf"(?<={mark})({ids})({value})"),
        re.compile(rf"{mark}(?:A|C|(?:{ids}){value})\Z"),
    )


def _cleared(fixed: Mapping[str, str], text: str, pattern: re.Pattern[str]) -> Mapping[str, str]:
    clear = pattern.sub(lambda found: found[1] + HIDDEN * len(found[2]), text)
    if clear == text:
        return fixed
    parts, at = {}, 0
    for name, part in fixed.items():
        parts[name], at = clear[at : at + len(part)], at + len(part)
    return parts


def _undivided(name: str, value: str) -> Field:
    """The one field of a message; with another delimiter it would be several."""
    found = _UNDIVIDED.search(value)
    if found is None:
        return name, hidden(name, value)
    return name, HIDDEN if name in PRIVATE else value[: found.end()] + HIDDEN

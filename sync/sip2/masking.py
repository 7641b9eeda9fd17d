"""What of a message may be shown. Pure.

Two measures. `masked` is for captures that somebody decodes: what names a person or proves who
they are is hidden, everything else stands as it came. `shown` is for a live conversation, where
nobody chose what comes: only what is known to be harmless is shown, and of the rest its length.

A value may stand where it does not belong, because the fixed part of its message was cut short or
because the wrong delimiter was asked for. It is hidden there too.
Deliberately not here: what fields are called and mean (explaining).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from kioskd.domain import card
from sync.sip2.messages import Field, Message

HIDDEN: Final = "…"
CARDS: Final = frozenset({"AA", "CY"})
# Patron and PIN, passwords of terminal and log-in, and whom a returned item is reserved for.
PRIVATE: Final = CARDS | {"AC", "AD", "AE", "CO", "DA"}
_BROKEN: Final = (HIDDEN * 2, HIDDEN)
# Values that say nothing about a person, in the messages that a look at a library system exchanges.
HARMLESS: Final = frozenset(
    {"AO", "AM", "AN", "AP", "BH", "BL", "BX", "BZ", "CA", "CB", "CP", "CQ"}
)
# Never shown, not even where a site's configuration reads the right to enter from them.
PERSONAL: Final = PRIVATE | {"BD", "BE", "BF", "CN", "PB", "PC", "PI"}
_ID: Final = re.compile(r"[A-Z0-9]{2}")
# A sign that could be a delimiter, and a name behind it; no title has one of these before letters.
_UNDIVIDED: Final = re.compile(rf"""[^\w\s()\[\]{{}}"'.,/:&-](?:{"|".join(sorted(PRIVATE))})""")
_SIGN: Final = re.compile(r"[^\w\s]")
_STRAY_NAME: Final = re.compile(rf"[^A-Z0-9]+(?:{'|'.join(sorted(PRIVATE))})")
# What harmless values look like. One with another look is not what its name says: an unknown
# delimiter stands in it, or a server echoes what it should not.
_FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    "BH": re.compile(r"[A-Z]{3}"),
    "BL": re.compile(r"[A-Z ]"),
    "BX": re.compile(r"[YNU ]{1,32}"),
    "BZ": re.compile(r"[0-9 ]{1,6}"),
    "CA": re.compile(r"[0-9 ]{1,6}"),
    "CB": re.compile(r"[0-9 ]{1,6}"),
    "CQ": re.compile(r"[A-Z ]"),
}
_PLACE: Final = re.compile(r"[\w .,:/()&'+-]{1,40}")
_ACCESS: Final = re.compile(r"[\w .-]{1,12}")
# The same of fixed parts, by the end of their names.
_PARTS: Final = (
    (re.compile(r"_count$|^language$|_period$|^retries|_width$"), re.compile(r"[0-9 ]*")),
    (re.compile(r"_date$|_sync$"), re.compile(r"[0-9A-Z ]*")),
    (re.compile(r"^patron_status$|^summary$"), re.compile(r"[YNU01 ]*")),
)


def hidden(field: str, value: str) -> str:
    """A value as it may be shown of a capture. An empty one stays empty."""
    if not value or field not in PRIVATE:
        return value
    return card.masked(value) if field in CARDS else HIDDEN


def masked(message: Message, delimiter: str) -> Message:
    """The same message without what is private."""
    pattern, runs_on = _strays(delimiter)
    text = "".join(message.fixed.values())
    fields = [_undivided(*field) for field in message.fields]
    if fields and runs_on.search(text):
        fields[0] = _BROKEN
    return replace(message, fixed=_cleared(message.fixed, text, pattern), fields=tuple(fields))


def shown(field: str, value: str, *, access: str = "", never: Collection[str] = ()) -> str | None:
    """A value as a live conversation shows it; None where only its length may be told.

    access: the field that tells who may enter, whose value is what everybody looks for. never:
    the card, PIN and passwords of this conversation, which no server may make us show.
    """
    if not value:
        return ""
    if field in PERSONAL or any(secret and secret in value for secret in never):
        return None
    if field not in HARMLESS and field != access:
        return None
    form = _ACCESS if field == access else _FORMS.get(field, _PLACE)
    return value if form.fullmatch(value) else None


def is_field(field: str) -> bool:
    """Whether it is a field's name, and not two characters of a value with a delimiter in it."""
    return _ID.fullmatch(field) is not None


def is_whole(message: Message, delimiter: str) -> bool:
    """Whether the fixed part is one: what does not look so has fields that slipped into it."""
    return not any(delimiter in part for part in message.fixed.values()) and all(
        form.fullmatch(part)
        for name, part in message.fixed.items()
        for names, form in _PARTS
        if names.search(name)
    )


@lru_cache
def _strays(delimiter: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Private values within a fixed part; one that goes on behind it, or its name does."""
    ids, mark = "|".join(sorted(PRIVATE)), re.escape(delimiter)
    value = f"[^{mark}]*"
    return (
        re.compile(rf"(?<={mark})({ids})({value})"),
        re.compile(rf"{mark}(?:A|C|D|(?:{ids}){value})\Z"),
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
    """A field that with another delimiter would be several, or has signs before its name."""
    if _STRAY_NAME.match(name + value) or _SIGN.search(name):
        return _BROKEN
    found = _UNDIVIDED.search(value)
    if found is None:
        return name, hidden(name, value)
    return name, HIDDEN if name in PRIVATE else value[: found.end()] + HIDDEN

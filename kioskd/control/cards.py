"""Cards as verbs name them: by number, or by the beginning of their index.

A number goes no further than from the argument to its indices; errors show it masked.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from json import dumps
from typing import Any, Final

from kioskd import wire
from kioskd.control.verbs import Arguments, Refusal, text
from kioskd.domain.card import MAX_SCAN, CodeKind, CodePatterns, canonical, masked
from kioskd.errors import InputError
from kioskd.ports import CardIndex, CardKeys

ID_DIGITS: Final = 8  # of an index; more where two begin alike
PAGE_BYTES: Final = wire.MAX_LINE - 8192  # what an answer has beside its entries is far smaller
_HEX: Final = frozenset("0123456789abcdef")


class SiteCards:
    """The cards of this site: what fits its patterns, and the indices of it."""

    def __init__(self, index: CardIndex, patterns: CodePatterns) -> None:
        self._index = index
        self._patterns = patterns

    def number_of(self, args: Arguments) -> str:
        """The canonical number in `card`. InputError shows it masked."""
        number = canonical(text(args, "card", most=MAX_SCAN))
        kind = self._patterns.classify(number)
        if kind not in (CodeKind.PATRON, CodeKind.PATRON_OR_ITEM):
            raise InputError(f"card: {masked(number)} fits no pattern of cards.patron")
        return number

    def keys_of(self, number: str) -> CardKeys:
        """The indices of a canonical number. VaultError when the keys cannot be had."""
        return self._index.keys_of(number)


def short_ids(cards: Collection[bytes]) -> dict[bytes, str]:
    """What each card of a list is called: as few digits of its index as tell them apart."""
    ordered = sorted(card.hex() for card in set(cards))
    digits = [ID_DIGITS] * (len(ordered) + 1)
    for at, (one, other) in enumerate(pairwise(ordered), start=1):
        digits[at] = max(ID_DIGITS, _alike(one, other) + 1)
    ids = (name[: max(digits[at], digits[at + 1])] for at, name in enumerate(ordered))
    return dict(zip(map(bytes.fromhex, ordered), ids, strict=True))


def _alike(one: str, other: str) -> int:
    """How many digits two indices begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def chosen(cards: Collection[bytes], args: Arguments) -> bytes:
    """The card whose index begins as `id` says. InputError; Refusal when there is none."""
    given = text(args, "id", most=64).lower().rstrip("…")
    if len(given) < ID_DIGITS or not _HEX.issuperset(given):
        raise InputError(f"id: give at least {ID_DIGITS} hexadecimal digits, as they are shown")
    found = {card for card in cards if card.hex().startswith(given)}
    if not found:
        raise Refusal(wire.NOT_FOUND, f"id {given}: there is no such entry")
    if len(found) > 1:
        raise InputError(f"id {given}: {len(found)} entries begin so; give more digits")
    return found.pop()


def start_of(args: Arguments) -> int:
    """Where a page begins: the argument `from`, the number that the page before gave as `next`."""
    value = args.get("from", 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InputError("from: give a number of 0 or more")
    return value


def page(
    entries: Sequence[Mapping[str, Any]], start: int, room: int = PAGE_BYTES
) -> dict[str, Any]:
    """As many entries from `start` as fit into a line of the wire; `next` is where it goes on.

    room: bytes. One entry is always given.
    """
    end = start
    for entry in entries[start:]:
        room -= len(dumps(entry, ensure_ascii=False).encode()) + 1
        if room < 0 and end > start:
            break
        end += 1
    more = end < len(entries)
    return {
        "entries": list(entries[start:end]),
        "total": len(entries),
        "next": end if more else None,
    }

"""Free texts of staff, which are kept and printed: none of them holds a card's number.

Each word is looked at as a scanner's would be: "lost, 167a000001" is refused, and so is a number
in brackets. Deliberately not here: names of people, which no pattern knows; and numbers that are
written in groups, for dates and telephone numbers would fit a pattern as well.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Run
from kioskd.domain.card import CodeKind, CodePatterns, canonical
from kioskd.errors import InputError

FREE_TEXTS: Final = ("reason", "title", "label")
_MOST: Final = 200  # characters; the verbs take no longer ones
_NO_WORD: Final = re.compile(r"[^0-9A-Za-z]+")
_AROUND: Final = ".,;:!?()[]{}<>\"'“”’"
_CARDS: Final = frozenset({CodeKind.PATRON, CodeKind.PATRON_OR_ITEM})


def without_cards(runs: Mapping[str, Run], patterns: CodePatterns) -> dict[str, Run]:
    """The same verbs; they refuse a free text with a card's number in it. InputError."""
    return {name: _checked(run, patterns) for name, run in runs.items()}


def names_card(text: str, patterns: CodePatterns) -> bool:
    """Whether a word of the text fits a pattern of cards.patron."""
    return any(patterns.classify(canonical(word)) in _CARDS for word in _words(text))


def _checked(run: Run, patterns: CodePatterns) -> Run:
    async def checked(person: Person, args: Arguments) -> Answer:
        for name in FREE_TEXTS:
            text = args.get(name)
            if isinstance(text, str) and len(text) <= _MOST and names_card(text, patterns):
                raise InputError(f"{name}: leave out the card number; this text is kept and shown")
        return await run(person, args)

    return checked


def _words(text: str) -> Iterator[str]:
    # As it stands and as it is read: full-width digits are digits, but "№" would become letters.
    for plain in {text, unicodedata.normalize("NFKC", text)}:
        yield from _NO_WORD.split(plain)
        # A site's numbers may have hyphens in them: whole words, without what stands around them.
        yield from (word.strip(_AROUND) for word in plain.split())

"""How a notice is set on a page of a given size: what is large, and what the small print says.

It follows from the notice and the size alone, never from the language whose turn it is, so that
a change of language moves nothing; what is large in one language is large in all. Tried in an
order, and the first that fits is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from kioskd.domain.notice import Notice
from kioskd.words.notices import Said
from ui.panel import letters
from ui.panel.plain import wrap
from ui.panel.view import PERSONAL

Lines = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Sizes in cells. columns and rows: of the whole screen."""

    columns: int
    rows: int

    @property
    def margin(self) -> int:
        return 3 if self.columns >= 64 else 2

    @property
    def inner(self) -> int:
        return self.columns - 2 * self.margin

    @property
    def picture_rows(self) -> int:
        return max(5, min(12, self.columns // (9 if self.columns >= 80 else 10)))

    @property
    def picture_columns(self) -> int:
        return 2 * self.picture_rows  # a cell is about twice as high as wide

    @property
    def beside(self) -> int:
        """Columns to the right of the picture."""
        return self.inner - self.picture_columns - self.margin

    @property
    def head_rows(self) -> int:
        return 3 if self.rows >= 24 else 1


class Foot(Enum):
    """What the small print says."""

    ALL = "every language"
    TURN = "the language whose turn it is"
    NONE = "nothing: the words beside the picture tell it all"


@dataclass(frozen=True, slots=True)
class Setting:
    """headline: lines beside the picture; small: lines of the small print; both by language.

    spaced: whether a blank row parts the languages of the small print. Below it there is one.
    """

    headline: Mapping[str, Lines]
    large: bool
    foot: Foot
    small: Mapping[str, Lines]
    spaced: bool = False

    @property
    def headline_rows(self) -> int:
        tallest = max(map(len, self.headline.values()))
        return tallest * letters.ROWS if self.large else tallest

    @property
    def foot_rows(self) -> int:
        heights = [len(lines) for lines in self.small.values()]
        gaps = len(heights) - 1 if self.spaced else 0
        return {Foot.ALL: sum(heights) + gaps + 1, Foot.TURN: max(heights) + 1, Foot.NONE: 0}[
            self.foot
        ]


_LARGE, _PLAIN = True, False
_TEXT, _TITLE = True, False
_Order = tuple[tuple[bool, bool, Foot], ...]
_USUAL: Final[_Order] = (
    (_TEXT, _LARGE, Foot.ALL),
    (_TITLE, _LARGE, Foot.ALL),
    (_TEXT, _LARGE, Foot.NONE),
    (_TITLE, _LARGE, Foot.TURN),
    (_TITLE, _PLAIN, Foot.ALL),
    (_TITLE, _PLAIN, Foot.TURN),
)
_TITLE_ONLY: Final[_Order] = tuple(way for way in _USUAL if way[0] is _TITLE)
_TEXT_ONLY: Final[_Order] = (
    (_TEXT, _LARGE, Foot.ALL),
    (_TEXT, _LARGE, Foot.NONE),
    (_TEXT, _PLAIN, Foot.ALL),
)


def setting(notice: Notice, said: Mapping[str, Said], page: Page, extra: int) -> Setting:
    """The best that fits. extra: rows below the headline that something else needs."""
    for text, large, foot in _order(notice):
        found = _set(said, page, text=text, large=large, foot=foot)
        for each in (replace(found, spaced=True), found) if found is not None else ():
            if _fits(each, page, extra, air=int(each.spaced)):
                return each
    small = {language: wrap(each.text, page.inner) for language, each in said.items()}
    headline = {language: wrap(each.text, page.beside) for language, each in said.items()}
    return Setting(headline, large=False, foot=Foot.NONE, small=small)


def _order(notice: Notice) -> _Order:
    if notice is Notice.IDLE:  # its title is the site's name, which stands above
        return _TEXT_ONLY
    return _TITLE_ONLY if notice in PERSONAL else _USUAL


def _set(
    said: Mapping[str, Said], page: Page, *, text: bool, large: bool, foot: Foot
) -> Setting | None:
    headline: dict[str, Lines] = {}
    for language, each in said.items():
        words = each.text if text else each.title
        lines = letters.wrap(words, page.beside) if large else wrap(words, page.beside)
        if lines is None:
            return None
        headline[language] = lines
    small = {language: wrap(each.text, page.inner) for language, each in said.items()}
    return Setting(headline, large, foot, small)


def _fits(found: Setting, page: Page, extra: int, *, air: int) -> bool:
    middle = page.rows - page.head_rows - found.foot_rows
    return max(page.picture_rows, found.headline_rows + extra) + air <= middle

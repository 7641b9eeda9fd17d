"""What a parser of an import gives: one card each, in the order of the file.

A parser turns birth dates into ages (AgeState or a near day) before it lets go of a row; nothing
behind it ever sees one. A message names line, column and fault and repeats no value.

Deliberately not here: formats (feed, koha, blocklists), and what becomes of rows (applying).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from kioskd.domain.credential import Restriction
from sync.feed_rows import BadRow
from sync.hub.model import AgeState, Person


class PersonRow(NamedTuple):
    """A card as the register knows it now; person None: the register removed the card.

    identity: what the register calls the patron for itself (a borrower number, a feed's ref), the
    card number where it says nothing; only a keyed digest of it is kept.
    """

    line: int
    card: str
    identity: str
    person: Person | None

    def __repr__(self) -> str:
        return f"PersonRow(line={self.line})"


class PatchRow(NamedTuple):
    """All self-service blocks that a list gives a card, in place of those of an earlier list.

    Of a block list; nothing else of the person changes. One of these of a card that the hub does
    not have is counted and left out.
    """

    line: int
    card: str
    blocks: tuple[Restriction, ...]

    def __repr__(self) -> str:
        return f"PatchRow(line={self.line})"


Row = PersonRow | PatchRow | BadRow


class Parser(Protocol):
    """A file that is being read. InputError: the whole file cannot be used, nothing is loaded.

    position of size: bytes, for a progress bar; size 0 is not known. warnings: what staff should
    know although the rows are good (a use ban without an end), text -> how many. close: let go of
    the file; safe at any time and twice.
    """

    @property
    def size(self) -> int: ...
    @property
    def position(self) -> int: ...
    @property
    def warnings(self) -> Mapping[str, int]: ...

    def rows(self) -> Iterator[Row]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ParserRules:
    """What a parser must know of the hub. ages: the limits to answer for; near: in days."""

    card_patterns: tuple[str, ...]
    ages: tuple[int, ...]
    today: date
    near_days: int

    def age_states(self, born: date | None) -> dict[int, AgeState | date]:
        """What may be kept of a birth date. None: unknown, so no limit is reached."""
        if born is None:
            return dict.fromkeys(self.ages, AgeState.UNDER)
        return {limit: self._age_state(_birthday(born, limit)) for limit in self.ages}

    def _age_state(self, reached: date) -> AgeState | date:
        if reached <= self.today:
            return AgeState.REACHED
        near = (reached - self.today).days <= self.near_days
        return reached if near else AgeState.UNDER


def _birthday(born: date, years: int) -> date:
    """The day on which this many years are full; who was born on 29 February: 1 March."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)

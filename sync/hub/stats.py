"""A year's anonymous counts as tables that may be published (R30 of the privacy rules).

For each municipality, which answers for its own branches:

- of log-ins, loans, returns and renewals each: for each branch by month, and weekday by hour
- of denials: reason by branch

Log-ins are counted, never visitors: who holds the door for another is not seen. Counts of one to
four are withheld, and others with them (kioskd.domain.statistics).

A branch's table of months and that of its hours count the same people, and share the year's
count. So the table of hours is given only where both show that count: what is withheld in one then
has nothing to do with the other. Log-ins are added up over branches nowhere, because a small branch
would take the count of the next one with it.

Deliberately not here: how counts are read (stats_read), written (stats_forms) and drawn.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from kioskd.domain.statistics import Table, published, table_of

WEEKDAYS: Final = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
HOURS: Final = tuple(f"{hour:02}" for hour in range(24))
DENIED: Final = "denied:"
COUNTED: Final = {  # what the tally calls it -> what people read
    "login": "log-ins",
    "checkout": "loans",
    "checkin": "returns",
    "renewal": "renewals",
}
DENIALS: Final = "denials"
BRANCH: Final = "branch"


class Tally(NamedTuple):
    """How often something happened at a branch in a month (1 to 12), weekday (0: Monday), hour."""

    branch: str
    month: int
    weekday: int
    hour: int
    what: str
    n: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table to publish. branch: empty where the table compares branches.

    rows is `branch` where there is one row, that of the branch; its totals are the row again.
    withheld: too few were counted for this table beside the others; its cells are all hidden.
    """

    municipality: str
    branch: str
    what: str
    rows: str
    columns: str
    table: Table
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Town:
    """A municipality and the branches that are counted under it."""

    name: str
    branches: tuple[str, ...]


def sheets(tallies: Iterable[Tally], towns: Iterable[Town], year: int) -> list[Sheet]:
    """What may be published of a year, by municipality; a branch nobody answers for is left out."""
    of_branch: dict[str, list[Tally]] = {}
    for tally in tallies:
        of_branch.setdefault(tally.branch, []).append(tally)
    made: list[Sheet] = []
    for town in towns:
        own = {code: of_branch.get(code, []) for code in town.branches}
        for what, named in COUNTED.items():
            made += _counted(town.name, named, _only(own, what), year)
        made += _denials(town.name, own)
    return made


def _only(own: Mapping[str, list[Tally]], what: str) -> dict[str, list[Tally]]:
    found = {code: [t for t in tallies if t.what == what] for code, tallies in own.items()}
    return {code: tallies for code, tallies in found.items() if tallies}


def _counted(town: str, what: str, own: Mapping[str, list[Tally]], year: int) -> list[Sheet]:
    months = {code: _by_month(town, code, what, own[code], year) for code in own}
    hours = [
        _by_hour(town, code, what, own[code], known=sheet.table.total is not None)
        for code, sheet in months.items()
    ]
    return [*months.values(), *hours]


def _by_month(town: str, code: str, what: str, tallies: Iterable[Tally], year: int) -> Sheet:
    months = [f"{year}-{month:02}" for month in range(1, 13)]
    counts: Counter[tuple[str, str]] = Counter()
    for tally in tallies:
        counts[code, months[tally.month - 1]] += tally.n
    return Sheet(town, code, what, BRANCH, "month", published(table_of(counts, [code], months)))


def _by_hour(town: str, code: str, what: str, tallies: Iterable[Tally], *, known: bool) -> Sheet:
    counts: Counter[tuple[str, str]] = Counter()
    for tally in tallies:
        counts[WEEKDAYS[tally.weekday], HOURS[tally.hour]] += tally.n
    hours = [hour for _, hour in counts]
    columns = HOURS[HOURS.index(min(hours)) : HOURS.index(max(hours)) + 1]
    table = published(table_of(counts, WEEKDAYS, columns))
    if known and table.total is not None:
        return Sheet(town, code, what, "weekday", "hour", table)
    # Which hours were counted at all would tell something, so the whole day stands there.
    return Sheet(town, code, what, "weekday", "hour", _hidden(WEEKDAYS, HOURS), withheld=True)


def _denials(town: str, own: Mapping[str, list[Tally]]) -> list[Sheet]:
    counts: Counter[tuple[str, str]] = Counter()
    for code, tallies in own.items():
        for tally in tallies:
            if tally.what.startswith(DENIED):
                counts[tally.what.removeprefix(DENIED), code] += tally.n
    if not counts:
        return []
    reasons = sorted({reason for reason, _ in counts})
    codes = [code for code in own if any(code == at for _, at in counts)]
    table = published(table_of(counts, reasons, codes))
    return [Sheet(town, "", DENIALS, "reason", "branch", table)]


def _hidden(rows: tuple[str, ...], columns: tuple[str, ...]) -> Table:
    line = (None,) * (len(columns) + 1)
    return Table(rows, columns, (line,) * (len(rows) + 1))

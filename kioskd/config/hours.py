"""The [schedule] table: weekly rows, dated exceptions, hours of public holidays.

Deliberately not here: whether the holiday calendar exists (checks.py; it is slow to load).
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import combinations

from kioskd.access.schedule import Span
from kioskd.config.leaves import day, many, span, texts
from kioskd.config.model import ScheduleConfig, ScheduleException
from kioskd.config.operating import WEEKDAYS
from kioskd.config.walk import Leaf, Notes, Place, Unfit, kind, quoted, read

MOST_SPANS = 24  # what staff may give one date; a state an hour
_CALENDAR = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,4})?")  # ISO 3166: a country, or one of its parts
_NOWHERE = Place(Notes(""))  # for a leaf whose Unfit is told elsewhere

Row = tuple[Span, ...]


def schedule(place: Place, value: object) -> ScheduleConfig:
    """[schedule]: hours of one day do not overlap, nor does what runs on from the day before."""
    leaves: dict[str, Leaf] = {
        "holidays": calendar,
        "holiday_hours": row,
        "weekly": weekly,
        "exceptions": exceptions,
    }
    table = read(place, value, leaves, required=("weekly",))
    built = table.build(ScheduleConfig)
    if table.sound(*leaves) and not any((*built.weekly, built.exceptions, built.holiday_hours)):
        place.warn("no day has hours: it is always closed")
    return built


def calendar(place: Place, value: object) -> str:
    """The code of a holiday calendar; an empty text is none."""
    if value == "" or (isinstance(value, str) and _CALENDAR.fullmatch(value)):
        return str(value)
    raise Unfit('must be a country like "FI", a part of one like "FI-01", or "" for none')


def row(place: Place, value: object) -> Row | None:
    """The spans of one day, which do not overlap."""
    spans: Row | None = place.take(many(span), value)
    clash = next(_overlaps(spans or ()), None)
    if clash:
        place.fault(clash)
        return None
    return spans


def spans_of(texts: Sequence[str]) -> Row:
    """Hours of one date as staff write them, by the rules of the file; none: closed.

    ValueError with everything that is wrong with them.
    """
    if len(texts) > MOST_SPANS:
        raise ValueError(f"{len(texts)} spans are too many for a day; at most {MOST_SPANS}")
    spans: list[Span] = []
    faults: list[str] = []
    for written in texts:
        try:
            spans.append(span(_NOWHERE, written))
        except ValueError as wrong:
            faults.append(str(wrong))
    faults += _overlaps(spans)
    if faults:
        raise ValueError("; ".join(faults))
    return tuple(spans)


def weekly(place: Place, value: object) -> tuple[Row, ...] | None:
    """Seven rows, Monday first; a day that is not named is empty."""
    table = read(place, value, dict.fromkeys(WEEKDAYS, row))
    rows = tuple(table.values.get(name, ()) for name in WEEKDAYS)
    for index, first, second in _meetings(rows):
        place.of(WEEKDAYS[index]).fault(
            f"{quoted(str(second))} overlaps {quoted(str(first))} of {WEEKDAYS[index - 1]}, "
            "which runs on past midnight"
        )
        table.unusable.add(WEEKDAYS[index])
    return rows if table.sound(*WEEKDAYS) and isinstance(value, dict) else None


def exceptions(place: Place, value: object) -> tuple[ScheduleException, ...] | None:
    """[[schedule.exceptions]]: hours of single dates, each date once."""
    if not isinstance(value, list):
        raise Unfit(f"must be tables, [[{place.key}]], not {kind(value)}")
    leaves = {"date": day, "hours": row, "title": texts}
    tables = [
        read(place.nth(i), t, leaves, required=("date", "hours")) for i, t in enumerate(value)
    ]
    seen: set[date] = set()
    for table in tables:
        on = table.values.get("date")
        if on in seen:
            table.place.of("date").fault(f"{on} is there already; one table for a date")
        seen.update([on] if on else [])
    return tuple(table.build(ScheduleException) for table in tables)


def _meetings(rows: Sequence[Row]) -> Iterator[tuple[int, Span, Span]]:
    """Spans of a day that meet one running on from the day before; Sunday runs into Monday."""
    for index, today in enumerate(rows):
        for first in rows[index - 1]:
            for second in today:
                if second.start_minute < first.tail_minutes:
                    yield index, first, second


def _overlaps(spans: Sequence[Span]) -> Iterator[str]:
    for first, second in combinations(sorted(spans, key=_start), 2):
        if second.start_minute < first.end_minute:
            yield f"{quoted(str(second))} overlaps {quoted(str(first))}; a minute has one state"


def _start(span_: Span) -> tuple[int, int]:
    return span_.start_minute, span_.end_minute

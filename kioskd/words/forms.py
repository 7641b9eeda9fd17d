"""Days, dates, times and counts in the forms that sentences need. Pure.

Deliberately not here: the forms themselves, which stand in each language's file, and any zone
but the one that is given.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from types import MappingProxyType

from kioskd.words.texts import book, say

WEEKDAY_DAYS = 6  # a weekday's name is clear up to this many days ahead; then it is a date

# Which of a language's forms goes with a whole number, by the rules of Unicode CLDR.
PLURALS: Mapping[str, Callable[[int], int]] = MappingProxyType(
    {
        "one-other": lambda n: 0 if n == 1 else 1,  # fi sv en et so
        "one-two-other": lambda n: {1: 0, 2: 1}.get(n, 2),  # se smn sms
        "one-few-many": lambda n: (  # uk ru
            0
            if n % 10 == 1 and n % 100 != 11
            else 1
            if n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14)
            else 2
        ),
    }
)


def minutes_form(n: int, language: str) -> str:
    """The word for minutes after this number."""
    words = book(language)
    return words.forms.minutes[PLURALS[words.plural](n)]


def date_form(day: date, language: str) -> str:
    """A date as it stands in a sentence: 7.12.2026, 7 December 2026."""
    return _dated(book(language).forms.date, day, language)


def day_form(day: date, today: date | None, language: str) -> str:
    """When a day is: today, on Monday, or on which date. today: as the reader counts."""
    forms = book(language).forms
    ahead = (day - today).days if today is not None else -1
    if ahead == 0:
        return forms.today
    if ahead == 1:
        return forms.tomorrow
    if 1 < ahead <= WEEKDAY_DAYS:
        return forms.weekdays[day.weekday()]
    return _dated(forms.on_date, day, language)


def time_form(at: datetime, language: str) -> str:
    """A time of day without its word: 7.00, 07:00."""
    return book(language).forms.time.format(hour=at.hour, minute=at.minute)


def time_text(at: datetime, language: str, zone: tzinfo) -> str:
    """A time of day as it stands alone: klo 7.00, kl. 7.00, 07:00."""
    return say("labels.time", language, time=time_form(local(at, zone), language))


def local(at: datetime, zone: tzinfo) -> datetime:
    """A time in a zone; one without an offset is taken as UTC. The edge of time stays UTC."""
    aware = at if at.utcoffset() is not None else at.replace(tzinfo=UTC)
    try:
        return aware.astimezone(zone)
    except OverflowError:
        return aware


def _dated(pattern: str, day: date, language: str) -> str:
    months = book(language).forms.months
    name = months[day.month - 1] if months else ""
    return pattern.format(day=day.day, month=day.month, month_name=name, year=day.year)

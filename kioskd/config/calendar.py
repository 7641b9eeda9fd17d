"""From the configured hours and those that staff set to a schedule, with public holidays.

The calendars come from the PyPI package `holidays`, which is slow to import, so only the call
that needs it imports it. Its Finnish calendar includes the eves of midsummer and Christmas.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from kioskd.access.schedule import Schedule, Span
from kioskd.config.model import Config
from kioskd.errors import ConfigError

_NONE: Final[Mapping[date, Sequence[Span]]] = MappingProxyType({})


def schedule_of(
    config: Config,
    is_holiday: Callable[[date], bool] | None = None,
    extra: Mapping[date, Sequence[Span]] = _NONE,
) -> Schedule:
    """The opening hours of the site. ConfigError when its holiday calendar is not known.

    is_holiday: from who knows the holidays already; else the calendar is imported here.
    extra: dates that staff gave other hours (kioskd.access.schedule.hours_of), above the file's.
    """
    hours = config.schedule
    return Schedule(
        weekly=hours.weekly,
        exceptions={e.date: e.hours for e in hours.exceptions} | dict(extra),
        holiday_hours=hours.holiday_hours,
        is_holiday=is_holiday or holiday_test(config),
        zone=ZoneInfo(config.site.timezone),
    )


def holiday_test(config: Config) -> Callable[[date], bool]:
    """Whether a local day is a public holiday; "" has none. ConfigError as above."""
    code = config.schedule.holidays
    if not code:
        return lambda day: False
    import holidays

    country, _, part = code.partition("-")
    try:
        calendar = holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError:
        raise ConfigError(
            [f"{config.path}: schedule.holidays: {_unknown(country, part)}"]
        ) from None
    return lambda day: day in calendar


def _unknown(country: str, part: str) -> str:
    import holidays

    known = holidays.list_supported_countries(include_aliases=False)
    if country in known:
        parts = ", ".join(known[country]) or "none"
        return f'"{country}" has no part "{part}" with a calendar of its own; it has {parts}'
    return f'"{country}" is no country with a holiday calendar; "" is none, "FI" is Finland'

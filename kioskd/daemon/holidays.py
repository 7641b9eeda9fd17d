"""Public holidays without their calendars in the daemon: a child process lists the dates.

The package `holidays` takes 12 MB that a process never gives back, for a few hundred dates.

    python -P -m kioskd.daemon.holidays CONFIG CODE FIRST LAST    dates of the years FIRST to LAST
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from kioskd.config.calendar import holiday_test
from kioskd.config.load import load
from kioskd.config.model import Config

# A board without a battery clock starts in 1970 and learns the time later, so the dates do not hang
# on the year of the start alone.
FIRST_YEAR = 2024
YEARS_AHEAD = 30  # no daemon runs longer without a restart
_CHILD_SECONDS = 20


def holidays_apart(config: Config, today: date) -> Callable[[date], bool]:
    """Whether a local day is a public holiday. ConfigError when the calendar is not known."""
    if not config.schedule.holidays:
        return lambda day: False
    last = min(max(today.year, FIRST_YEAR) + YEARS_AHEAD, date.max.year - 1)
    # The code by itself: what a hub published is not in the file.
    asked = (str(config.path), config.schedule.holidays, str(FIRST_YEAR), str(last))
    command = [sys.executable, "-P", "-m", "kioskd.daemon.holidays", *asked]
    try:
        listed = subprocess.run(  # noqa: S603 - this interpreter, arguments of our own
            command, capture_output=True, text=True, timeout=_CHILD_SECONDS, check=True
        ).stdout
        days = frozenset(date.fromisoformat(line) for line in listed.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        # No child to be had, or it failed: whatever the reason, it is told here as well.
        return holiday_test(config)
    return days.__contains__


def main(arguments: list[str]) -> int:
    """The child: dates on standard output, a line each."""
    path, code, first, last = Path(arguments[0]), arguments[1], int(arguments[2]), int(arguments[3])
    file = load(path)
    config = replace(file, schedule=replace(file.schedule, holidays=code))
    is_holiday = holiday_test(config)
    day, end = date(first, 1, 1), date(last, 12, 31)
    while day <= end:
        if is_holiday(day):
            sys.stdout.write(f"{day.isoformat()}\n")
        day += timedelta(days=1)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

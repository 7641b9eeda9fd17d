"""The child that lists holidays says what the calendar says, and the daemon carries no calendar."""

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from kioskd.config.calendar import holiday_test
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.daemon.holidays import holidays_apart
from kioskd.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config" / "example-door.toml"
TODAY = date(2026, 11, 23)


@pytest.fixture(name="config")
def _config() -> Config:
    return load(EXAMPLE)


def test_the_child_and_the_calendar_agree_on_every_day_of_thirty_years(config: Config) -> None:
    apart, calendar = holidays_apart(config, TODAY), holiday_test(config)
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(365 * 31)]
    assert [day for day in days if apart(day)] == [day for day in days if calendar(day)]
    assert apart(date(2026, 12, 25))
    assert not apart(date(2026, 12, 28))


def test_a_board_that_starts_in_1970_knows_the_holidays_of_today(config: Config) -> None:
    is_holiday = holidays_apart(config, date(1970, 1, 1))
    assert is_holiday(date(2026, 12, 25))
    assert not is_holiday(date(2026, 12, 28))


def test_no_holidays_need_no_child(config: Config) -> None:
    without = replace(config, schedule=replace(config.schedule, holidays=""))
    assert not holidays_apart(without, TODAY)(date(2026, 12, 25))


def test_an_unknown_calendar_is_a_fault_as_ever(config: Config, tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace('holidays = "FI"', 'holidays = "XX"')
    path = tmp_path / "kioskd.toml"
    path.write_text(text, encoding="utf-8")
    assert text != EXAMPLE.read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="no country with a holiday calendar"):
        holidays_apart(load(path), TODAY)


def test_asking_the_child_brings_no_calendar_into_this_process() -> None:
    program = (
        "import sys; from pathlib import Path; from datetime import date;"
        "from kioskd.config.load import load; from kioskd.daemon.holidays import holidays_apart;"
        f"is_holiday = holidays_apart(load(Path({str(EXAMPLE)!r})), date(2026, 11, 23));"
        "assert is_holiday(date(2026, 12, 6));"
        "sys.exit('holidays' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-P", "-c", program], check=False).returncode == 0

"""The commands `devices` and `why`, and explaining by the facts of a running daemon."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from drivers.fakes import FakeClock
from kioskd.access.lockout import LockoutPolicy
from kioskd.access.schedule import Schedule
from kioskd.cli.why import lines
from kioskd.config.calendar import schedule_of
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.control.why import told
from kioskd.daemon.explaining import at_other_time, explained
from kioskd.domain.attempt import Attempt, PastRow
from kioskd.entry.dossier import Dossier
from kioskd.entry.fakes import (
    FakeCardIndex,
    FakeClockTrust,
    FakeCredentials,
    FakeJournal,
    FakeStateFile,
)
from kioskd.entry.lockouts import Lockouts
from kioskd.errors import InputError
from kioskd.ports import Clock
from tests.doctor.test_plugged import SITE
from tests.outside.premises import Premises


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "c.toml"
    path.write_text(SITE.replace("PORT", "/dev/relay"), encoding="utf-8")
    return load(path)


def test_devices_that_are_there_are_no_fault(premises: Premises) -> None:
    done = premises.command("devices", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["missing"] == []


def test_a_device_that_is_missing_is_named(premises: Premises) -> None:
    premises.scanner.unplug()
    done = premises.command("devices", "--json")
    assert done.returncode == 1
    [missing] = json.loads(done.stdout)["missing"]
    assert (missing["name"], missing["driver"]) == ("front-scanner", "serial-scanner")
    told_to_people = premises.command("devices")
    assert "missing: front-scanner at" in told_to_people.stdout.replace("\n", " ")


def test_devices_are_listed_without_a_good_configuration(premises: Premises) -> None:
    premises.config.write_text("[site", encoding="utf-8")
    done = premises.command("devices", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["missing"] == []
    assert "not used for this list" in done.stderr


def test_why_reads_as_a_few_sentences(config: Config) -> None:
    row = PastRow(7, "id", "2026-11-23T16:00:00.000000Z", "entry.decided", "front", "denied")
    attempt = Attempt(PastRow(7, "id", row.at, row.kind, "front", "denied", "CLOSED", "cache"))
    said = lines(told(config, config.doors[0], attempt, "en"))
    assert said[0] == "front, 2026-11-23 18:00:00: denied (CLOSED)"
    assert said[1] == "The library was closed by its opening hours."
    assert said[2].startswith("The person saw: ")
    assert said[-1] == "→ `kioskd schedule show` draws them."


def test_why_without_an_attempt_is_one_sentence(config: Config) -> None:
    assert len(lines(told(config, config.doors[0], None, "en"))) == 1


# explain, live


class Explaining:
    """The daemon's facts, played by fakes."""

    def __init__(self, config: Config) -> None:
        self.clock = FakeClock()
        self.index = FakeCardIndex()
        self.state = FakeStateFile(self.index)
        self.schedule: Schedule = schedule_of(config)
        self._credentials = FakeCredentials(self.index, synced=self.clock.moment())
        self._config = config

    def explain(self, door: str, number: str, at: datetime) -> dict[str, object]:
        now, then = self.dossier(self.clock), self.dossier(at_other_time(at))
        return explained(self._config, door, number, now, then).as_json()

    def dossier(self, clock: Clock) -> Dossier:
        return Dossier(
            clock,
            ZoneInfo("Europe/Helsinki"),
            lambda: self.schedule,
            self.index,
            self._credentials,
            self.state,
            FakeJournal(),
            Lockouts(LockoutPolicy(5, (timedelta(minutes=1),)), {}),
            FakeClockTrust(),
        )


def test_the_daemon_explains_by_its_own_schedule(config: Config) -> None:
    daemon = Explaining(config)
    monday = FakeClock().moment().wall.replace(year=2026, month=11, day=23, hour=12)
    open_then = daemon.explain("front", "167A006007", monday)
    shut_then = daemon.explain("front", "167A006007", monday + timedelta(days=1))
    closed = {"open": _rule(open_then, "CLOSED"), "shut": _rule(shut_then, "CLOSED")}
    assert closed == {"open": True, "shut": False}
    assert shut_then["reason"] == "CLOSED"
    assert set(shut_then) == {"door", "at", "granted", "reason", "rules"}


def test_a_door_that_is_not_there_names_those_that_are(config: Config) -> None:
    with pytest.raises(InputError, match="doors: front"):
        Explaining(config).explain("back", "167A006007", FakeClock().moment().wall)


def _rule(answer: dict[str, object], name: str) -> object:
    rules = answer["rules"]
    assert isinstance(rules, list)
    return next(rule["passed"] for rule in rules if rule["rule"] == name)

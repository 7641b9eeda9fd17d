"""What a hub published: over the file, kept, and never half of it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from re import compile as pattern
from zoneinfo import ZoneInfo

import pytest

from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.daemon.published import NOTHING, keep, kept, lists_of, published_of
from kioskd.domain.card import CodePatterns
from kioskd.domain.staff import Which
from kioskd.errors import InputError
from kioskd.ports import CardKeys
from sync.hub_wire import PublishedCard, PublishedConfig

EXAMPLE = Path(__file__).parents[2] / "config" / "example-door.toml"
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Helsinki")
SCHEDULE: dict[str, object] = {
    "holidays": "",
    "weekly": {"monday": ["06:00-22:00 self-service"]},
    "exceptions": [{"date": "2026-12-07", "hours": [], "title": {"fi": "Inventointi"}}],
}


class Index:
    def keys_of(self, number: str) -> CardKeys:
        return CardKeys(b"cache", (number.encode().ljust(16)[:16],))


@pytest.fixture
def config() -> Config:
    found = load(EXAMPLE)
    return replace(found, register=replace(found.register, hours="hub"))


def told(**fields: object) -> PublishedConfig:
    return PublishedConfig(3, "ESI", AT, **fields)  # type: ignore[arg-type]


def test_what_was_published_is_over_the_file(config: Config) -> None:
    in_force = published_of(told(schedule=SCHEDULE, help_phone="+358 9 1"), "key").over(config)
    assert in_force.site.help_phone == "+358 9 1"
    assert [str(span) for span in in_force.schedule.weekly[0]] == ["06:00-22:00 self-service"]
    assert in_force.schedule.exceptions[0].date == date(2026, 12, 7)
    assert in_force.schedule.holidays == ""
    assert in_force.doors == config.doors


def test_what_was_not_published_stays_the_file_s(config: Config) -> None:
    assert published_of(told(help_phone="1"), "key").over(config).schedule == config.schedule
    assert published_of(told(schedule=SCHEDULE), "k").over(config).site == config.site
    assert NOTHING.over(config) == config


def test_a_site_that_keeps_its_own_hours_takes_none(config: Config) -> None:
    own = replace(config, register=replace(config.register, hours="none"))
    assert published_of(told(schedule=SCHEDULE, help_phone="1"), "key").over(own) == own


def test_faults_are_named_all_at_once() -> None:
    wrong = {"weekly": {"monday": ["25:00-26:00 open"], "monday2": []}, "holiday": "FI"}
    with pytest.raises(InputError) as caught:
        published_of(told(schedule=wrong), "key")
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("day", ["2026-13-07", "", "tomorrow", 7])
def test_a_date_that_is_none_is_named(day: object) -> None:
    wrong = {"weekly": {}, "exceptions": [{"date": day, "hours": []}]}
    with pytest.raises(InputError, match=r"exceptions\[1\].date"):
        published_of(told(schedule=wrong), "key")


def test_the_last_good_one_is_in_force_without_the_hub(tmp_path: Path, config: Config) -> None:
    keep(tmp_path, told(schedule=SCHEDULE, help_phone="1"), "key")
    found = kept(tmp_path, "ESI")
    assert (found.version, found.key) == (3, "key")
    assert found.over(config) == published_of(told(schedule=SCHEDULE, help_phone="1"), "").over(
        config
    )
    assert (tmp_path / "published.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version":"x"}', "\x00", '{"key":1}'])
def test_a_file_that_is_not_to_be_read_is_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "published.json").write_text(text)
    assert kept(tmp_path, "ESI") == NOTHING


def test_no_card_is_in_what_is_kept(tmp_path: Path) -> None:
    cards = [PublishedCard("237A109358", date(2026, 12, 1), "guard")]
    keep(tmp_path, told(allow=cards, deny=cards), "key")
    assert b"237A109358" not in (tmp_path / "published.json").read_bytes()


def test_cards_of_lists_become_indices_until_the_end_of_a_local_day() -> None:
    config = told(allow=[PublishedCard(" 237a109358 ", date(2026, 12, 1), "cleaner")])
    patterns = CodePatterns((pattern(r"\d{3}[A-Z]\d{6}"),), ())
    found = lists_of(config, Index(), patterns, ZONE, AT)
    assert found.deny is None
    (entry,) = found.allow or ()
    assert entry.card == Index().keys_of("237A109358").state[0]
    assert entry.which is Which.ALLOW
    assert entry.until == datetime(2026, 12, 2, 0, 0, tzinfo=ZONE)
    assert (entry.why, entry.by) == ("cleaner", "hub")
    assert entry.shown == "…358"


def test_a_card_that_is_none_here_refuses_the_whole() -> None:
    config = told(deny=[PublishedCard("12", date(2026, 12, 1), "lost")])
    with pytest.raises(InputError, match="deny list") as caught:
        lists_of(config, Index(), CodePatterns((pattern(r"\d{9}"),), ()), ZONE, AT)
    assert "12 " not in str(caught.value)


def test_a_harmed_file_does_not_loosen_whose_signature_counts(tmp_path: Path) -> None:
    keep(tmp_path, told(schedule=SCHEDULE), "key")
    (tmp_path / "published.json").write_text("{")
    found = kept(tmp_path, "ESI")
    assert (found.version, found.key, found.schedule) == (0, "key", None)
    (tmp_path / "published.key").write_bytes(b"\xff")
    assert kept(tmp_path, "ESI").key not in ("", "key")


@pytest.mark.parametrize("until", [date(2026, 12, 8), date.max])
def test_a_deny_list_of_over_two_weeks_refuses_the_whole(until: date) -> None:
    patterns = CodePatterns((pattern(r"\d{9}"),), ())
    config = told(deny=[PublishedCard("123456789", until, "lost")])
    with pytest.raises(InputError, match="14 days"):
        lists_of(config, Index(), patterns, ZONE, AT)


def test_an_entry_until_the_end_of_time_ends_some_day() -> None:
    patterns = CodePatterns((pattern(r"\d{9}"),), ())
    config = told(allow=[PublishedCard("123456789", date.max, "guard")])
    (entry,) = lists_of(config, Index(), patterns, ZONE, AT).allow or ()
    assert entry.until.year == 9999

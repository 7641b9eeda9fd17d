"""What staff are alerted to, when they hear of it and when of its end."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drivers.fakes import MORNING, FakeClock
from kioskd.config.model import Maintenance
from kioskd.domain.record import Kind
from kioskd.health.alert_book import Earlier, earlier_of
from kioskd.health.alerts import (
    MANY_UNKNOWN_CARDS,
    RULES,
    Conditions,
    Disk,
    DoorNow,
    in_maintenance,
)
from tests.health.book import AJAR, UNPLUGGED, WELL, Book, as_text


@pytest.fixture
def book(clock: FakeClock) -> Book:
    return Book(clock)


async def test_a_door_that_is_forced_is_told_at_once_and_when_it_is_closed(book: Book) -> None:
    book.happens(Kind.DOOR_FORCED)
    assert [as_text(one) for one in book.told] == ["raised door-forced front"]
    assert await book.during(60, AJAR) == []
    assert book.current() == ["door-forced front"]
    book.happens(Kind.DOOR_CLOSED)
    assert as_text(book.told[-1]) == "cleared door-forced front"
    assert await book.during(60, WELL) == []
    detail = {"alert": "door-forced", "subject": "front"}
    assert book.rows == [("raised", "front", detail), ("cleared", "front", detail)]


async def test_a_door_that_is_found_closed_needs_no_row_for_its_all_clear(book: Book) -> None:
    """The contact's device was away while the door was closed; its first state is no event."""
    book.happens(Kind.DOOR_HELD)
    assert await book.during(600, AJAR) == []
    assert await book.during(10, WELL) == ["cleared door-held front"]


async def test_a_forced_door_whose_contact_is_away_stays_told(book: Book) -> None:
    book.happens(Kind.DOOR_FORCED)
    assert await book.during(7200, AJAR) == []
    assert book.current() == ["door-forced front"]


async def test_another_door_that_closes_ends_nothing(book: Book) -> None:
    book.happens(Kind.DOOR_FORCED)
    book.happens(Kind.DOOR_CLOSED, "back")
    assert book.current() == ["door-forced front"]


async def test_a_door_of_an_older_configuration_is_over(book: Book) -> None:
    book.happens(Kind.DOOR_FORCED, "side")
    assert await book.during(5, WELL) == ["cleared door-forced side"]


async def test_a_second_forcing_is_told_again_a_loose_contact_is_not(book: Book) -> None:
    for _ in range(20):
        book.happens(Kind.DOOR_FORCED)
        book.happens(Kind.DOOR_CLOSED)
    assert len(book.told) == 2
    await book.during(60, WELL)
    book.happens(Kind.DOOR_FORCED)
    assert book.rows[-1] == (
        "raised",
        "front",
        {"alert": "door-forced", "subject": "front", "left_out": 19},
    )


async def test_a_device_that_is_away_for_ten_seconds(book: Book) -> None:
    assert await book.during(10, UNPLUGGED) == []
    assert book.current() == []
    assert await book.during(5, UNPLUGGED) == ["raised device-lost scanner"]
    assert await book.during(3600, UNPLUGGED) == []
    assert await book.during(5, WELL) == ["cleared device-lost scanner"]
    assert [door for _, door, _ in book.rows] == [None, None]


async def test_a_device_that_is_soon_back_is_not_told(book: Book) -> None:
    for _ in range(20):
        assert await book.during(10, UNPLUGGED) == []
        assert await book.during(5, WELL) == []


async def test_a_device_that_flaps_is_raised_once_in_ten_minutes_and_counted(book: Book) -> None:
    told = []
    for _ in range(20):  # 30 s each
        told += await book.during(15, UNPLUGGED)
        told += await book.during(15, WELL)
    assert told == ["raised device-lost scanner", "cleared device-lost scanner"]
    await book.during(15, UNPLUGGED)
    assert book.rows[-1][2] == {"alert": "device-lost", "subject": "scanner", "left_out": 19}


async def test_what_is_damped_shows_all_the_same(book: Book) -> None:
    await book.during(15, UNPLUGGED)
    await book.during(15, WELL)
    assert await book.during(30, UNPLUGGED) == []
    assert book.current() == ["device-lost scanner"]
    assert await book.during(600, UNPLUGGED) == ["raised device-lost scanner"]


async def test_a_relay_that_is_away_is_a_strike_that_cannot_be_released(book: Book) -> None:
    away = replace(WELL, doors={"front": DoorNow(shut=True, strike=False)})
    assert await book.during(15, away) == ["raised strike-missing front"]
    assert book.rows[0][1] == "front"


async def test_many_unknown_cards_are_one_alert_until_ten_minutes_were_quiet(book: Book) -> None:
    for _ in range(3):
        book.book.spark(MANY_UNKNOWN_CARDS, "front")
        await book.during(300, WELL)
    assert [as_text(one) for one in book.told] == ["raised many-unknown-cards front"]
    assert await book.during(295, WELL) == []
    assert await book.during(5, WELL) == ["cleared many-unknown-cards front"]
    book.book.spark(MANY_UNKNOWN_CARDS, "front")
    assert len(book.told) == 3


async def test_a_feed_that_gets_old_and_older_has_no_all_clear_in_between(book: Book) -> None:
    told = []
    for hours in (23, 25, 119, 121, 200):
        told += await book.during(5, replace(WELL, feed_age=timedelta(hours=hours)))
    assert told == ["raised feed-old", "raised feed-too-old"]
    assert await book.during(5, WELL) == ["cleared feed-old", "cleared feed-too-old"]


async def test_a_site_without_any_feed(book: Book) -> None:
    assert await book.during(5, replace(WELL, feed_age=None)) == ["raised feed-too-old"]


async def test_a_cache_without_its_key_asks_for_no_feed(book: Book) -> None:
    unreadable = replace(WELL, feed_age=None, stores=frozenset({"cache"}))
    assert await book.during(5, unreadable) == ["raised store-failed cache"]
    assert await book.during(5, replace(WELL, feed_age=None)) == [
        "cleared store-failed cache",
        "raised feed-too-old",
    ]
    await book.during(5, unreadable)
    assert "feed-too-old" in book.current()  # it gets no better by that


async def test_in_the_registers_maintenance_an_old_feed_is_no_alert(book: Book) -> None:
    old = replace(WELL, feed_age=timedelta(hours=25))
    assert await book.during(3600, replace(old, maintenance=True)) == []
    assert book.current() == []
    assert await book.during(5, old) == ["raised feed-old"]
    assert await book.during(3600, replace(old, maintenance=True)) == []
    assert book.current() == ["feed-old"]
    assert await book.during(5, replace(WELL, maintenance=True)) == ["cleared feed-old"]


@pytest.mark.parametrize(
    ("free", "total", "low"),
    [
        (99_000_000, 10**9, True),  # under 100 MB, though over 5 %
        (100_000_000, 10**9, False),
        (10**9, 3 * 10**10, True),  # under 5 %
        (1_500_000_000, 3 * 10**10, False),
    ],
)
async def test_a_disk_that_is_nearly_full(book: Book, free: int, total: int, *, low: bool) -> None:
    now = replace(WELL, disk=Disk(free, total))
    assert await book.during(5, now) == (["raised disk-low"] if low else [])


async def test_a_disk_at_the_brink_does_not_come_and_go(book: Book) -> None:
    told = []
    for free in (90, 101, 99, 149, 90, 151, 149):
        told += await book.during(5, replace(WELL, disk=Disk(free * 10**6, 10**9)))
    assert told == ["raised disk-low", "cleared disk-low"]


async def test_a_disk_that_cannot_be_asked_is_not_well_again_by_that(book: Book) -> None:
    full = replace(WELL, disk=Disk(0, 10**9))
    assert await book.during(5, full) == ["raised disk-low"]
    gone = replace(WELL, disk=None, stores=frozenset({"storage"}))
    assert await book.during(60, gone) == ["raised store-failed storage"]
    assert set(book.current()) == {"disk-low", "store-failed storage"}


@pytest.mark.parametrize(
    ("now", "alert"),
    [
        (replace(WELL, clock_trusted=False), "clock-untrusted"),
        (replace(WELL, stores=frozenset({"journal"})), "store-failed journal"),
        (replace(WELL, hung=("door front",)), "task-hung door front"),
        (replace(WELL, lockdown=True), "lockdown"),
    ],
)
async def test_what_else_is_told(book: Book, now: Conditions, alert: str) -> None:
    assert await book.during(30, now) == [f"raised {alert}"]
    assert await book.during(30, WELL) == [f"cleared {alert}"]


async def test_current_tells_since_when_and_in_words(book: Book, clock: FakeClock) -> None:
    await clock.advance(55.0)
    await book.during(5, replace(WELL, lockdown=True))
    (alert,) = book.book.current()
    assert alert == {
        "alert": "lockdown",
        "subject": "",
        "since": "2026-11-23T08:01:00.000000Z",
        "words": RULES["lockdown"].words,
        "level": "info",
    }


async def test_bad_ones_are_loud_and_their_end_is_not(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "kioskd.alerts"):
        book.happens(Kind.DOOR_FORCED)
        book.happens(Kind.DOOR_FORCED)
        book.happens(Kind.DOOR_CLOSED)
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("ERROR", "alert.raised"),
        ("INFO", "alert.cleared"),
    ]


async def test_what_is_still_true_after_a_restart_is_not_told_again(clock: FakeClock) -> None:
    since = MORNING - timedelta(hours=1)
    book = Book(clock, Earlier("device-lost", "scanner", since), Earlier("lockdown", "", since))
    assert await book.during(3600, replace(UNPLUGGED, lockdown=True)) == []
    assert set(book.current()) == {"device-lost scanner", "lockdown"}
    assert book.book.current()[0]["since"] == "2026-11-23T07:00:00.000000Z"


async def test_what_is_over_after_a_restart_gets_its_all_clear(clock: FakeClock) -> None:
    since = MORNING - timedelta(hours=1)
    earlier = [
        Earlier(alert, subject, since)
        for alert, subject in (
            ("device-lost", "scanner"),
            ("device-lost", "of old"),
            ("door-forced", "front"),
            ("door-held", "of old"),
            ("disk-low", ""),
            ("of another version", ""),
        )
    ]
    book = Book(clock, *earlier)
    assert sorted(await book.during(5, WELL)) == [
        "cleared device-lost of old",
        "cleared device-lost scanner",
        "cleared disk-low",
        "cleared door-forced front",
        "cleared door-held of old",
    ]


async def test_many_unknown_cards_before_a_restart_are_quiet_ten_minutes_after_it(
    clock: FakeClock,
) -> None:
    book = Book(clock, Earlier(MANY_UNKNOWN_CARDS, "front", MORNING))
    assert await book.during(595, WELL) == []
    assert await book.during(5, WELL) == ["cleared many-unknown-cards front"]


async def test_a_journal_says_what_was_left_raised(book: Book) -> None:
    book.happens(Kind.DOOR_FORCED)
    book.happens(Kind.DOOR_CLOSED)
    await book.during(15, UNPLUGGED)
    rows: list[dict[str, object]] = [
        {"kind": f"alert.{state}", "at": "2026-11-23T08:00:00.000000Z", "door": door, "detail": d}
        for state, door, d in book.rows
    ]
    rows += [{"kind": "door.opened", "at": "", "door": "front", "detail": {}}]
    junk: tuple[object, ...] = (3, {})
    rows += [{"kind": "alert.raised", "at": "", "door": None, "detail": each} for each in junk]
    assert earlier_of(rows) == (Earlier("device-lost", "scanner", MORNING),)


NIGHT = Maintenance(frozenset({6}), 120, 240)
PAST_MIDNIGHT = Maintenance(frozenset({6}), 23 * 60, 60)


@pytest.mark.parametrize(
    ("day", "time", "window", "within"),
    [
        (22, "02:00", NIGHT, True),  # a Sunday
        (22, "03:59", NIGHT, True),
        (22, "04:00", NIGHT, False),
        (23, "02:00", NIGHT, False),
        (22, "23:00", PAST_MIDNIGHT, True),
        (23, "00:59", PAST_MIDNIGHT, True),
        (23, "01:00", PAST_MIDNIGHT, False),
        (22, "00:30", PAST_MIDNIGHT, False),
    ],
)
def test_windows_of_maintenance(day: int, time: str, window: Maintenance, *, within: bool) -> None:
    local = datetime.fromisoformat(f"2026-11-{day}T{time}").replace(tzinfo=UTC)
    assert in_maintenance((window,), local) is within

"""Heartbeats: how a device is, whether its journal is still the same, what it is to do."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.errors import InputError
from sync.hub.anchors import MOST_ALARM, SOUND, Finding, Started, alarm_after, compared
from sync.hub.devices import DeviceRow, Devices
from sync.hub.events import Events
from sync.hub.heartbeats import Heartbeats
from sync.hub.publishing import Publishing
from sync.hub.schema import DEVICE
from sync.hub_wire import Anchor, CacheSays, DoorSays, Heartbeat
from tests.hub_desk.desk import FRONT, NOON, Desk, event

HASH = {n: f"{n:064x}" for n in range(200)}


@dataclass
class Line:
    """A device and its hub."""

    desk: Desk
    devices: Devices
    heartbeats: Heartbeats
    events: Events

    async def beat(self, anchor: Anchor | None = None, **more: Any) -> Any:
        known = {"at": self.desk.clock(), "version": "0.2.0", "anchor": anchor}
        return await self.heartbeats.take(FRONT, Heartbeat(**{**known, **more}))

    async def row(self) -> DeviceRow:
        (row,) = await self.devices.listed()
        return row

    async def alarm(self) -> str:
        return (await self.row()).alarm


@pytest.fixture
async def line(desk: Desk) -> Line:
    publishing = Publishing(desk.database, desk.keys, desk.config, desk.clock)
    line = Line(
        desk,
        Devices(desk.database, desk.clock),
        Heartbeats(desk.database, desk.config, publishing, desk.clock),
        Events(desk.database, desk.config, desk.clock),
    )
    await line.devices.add("front", "ESI")
    return line


def at_row(seq: int, journal: str = "j1", hash_: str = "") -> Anchor:
    return Anchor(journal, seq, hash_ or HASH[seq])


async def test_staff_see_how_a_device_is(line: Line) -> None:
    cache = CacheSays(1000, NOON - timedelta(hours=2))
    await line.beat(
        cache=cache, doors=[DoorSays("front", "secured")], alerts=["CACHE_OLD"], waiting=3, dead=1
    )
    line.desk.clock.turn(minutes=10)
    row = await line.row()
    assert (row.seen, row.version, row.alerts) == (NOON, "0.2.0", ("CACHE_OLD",))
    assert (row.waiting, row.dead, row.alarm) == (3, 1, "")
    assert row.cache_age == timedelta(hours=2, minutes=10)


async def test_the_age_of_a_cache_does_not_depend_on_the_clock_of_the_device(line: Line) -> None:
    at = datetime(1971, 1, 1, tzinfo=UTC)
    await line.beat(at=at, cache=CacheSays(1, at - timedelta(hours=3)))
    row = await line.row()
    assert row.cache_age == timedelta(hours=3)
    assert row.skew == at - NOON


async def test_a_clock_that_is_off_is_told_once(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "kioskd.hub"):
        for seconds in (59, 61, 70, 0, -90):
            await line.beat(at=NOON + timedelta(seconds=seconds))
    assert [getattr(r, "seconds", None) for r in caplog.records] == [61, -90]


async def test_commands_go_out_until_they_are_done(line: Line) -> None:
    told = await line.devices.command("front", "sync-now")
    assert [c.id for c in (await line.beat()).commands] == [told]
    assert [c.id for c in (await line.beat()).commands] == [told]
    assert (await line.beat(done=[told])).commands == []


async def test_the_answer_has_the_clock_and_the_version_of_the_branch(line: Line) -> None:
    publishing = Publishing(line.desk.database, line.desk.keys, line.desk.config, line.desk.clock)
    assert (await line.beat()).config_version == 0
    version = await publishing.publish("ESI", 'help_phone = "1"')
    await publishing.publish("NAA", 'help_phone = "2"')
    await publishing.publish("NAA", 'help_phone = "2"')
    answer = await line.beat()
    assert (answer.config_version, answer.time) == (version, NOON)


# Its configuration


async def test_a_configuration_is_asked_for_when_it_is_new(line: Line) -> None:
    assert (await line.beat(config_digest="a")).want_config
    assert (await line.beat(config_digest="a")).want_config, "it did not come"
    assert not (await line.beat(config_digest="a", config_text="[site] # ä")).want_config
    assert not (await line.beat(config_digest="a")).want_config
    assert not (await line.beat()).want_config, "it says nothing of one"
    assert (await line.beat(config_digest="b")).want_config
    row = await line.desk.device()
    assert row.config_text == "[site] # ä"
    assert "[site]" not in row.state


@pytest.mark.parametrize(
    "text",
    [
        "token = 'kd1.front.abc'",
        "-----BEGIN PRIVATE KEY-----",
        "x = '$argon2id$v=19$'",
        "x" * (1024 * 1024 + 1),
        "a\x00b",
        "\x1b[2J",
    ],
)
async def test_a_configuration_with_a_secret_is_not_kept_and_the_rest_counts(
    line: Line, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    answer = await line.beat(config_digest="a", config_text=text, waiting=7)
    assert not answer.want_config, "it is not asked for again"
    assert (await line.desk.device()).config_text is None
    assert (await line.row()).waiting == 7
    assert "abc" not in caplog.text


# Its journal


async def test_a_journal_that_grows_is_well(line: Line) -> None:
    for seq in (1, 1, 5, 100):
        await line.beat(at_row(seq))
    assert await line.alarm() == ""
    assert (await line.desk.device()).seq == 100


@pytest.mark.parametrize(
    ("new", "told"),
    [(at_row(9), "ends at row 9, before row 10"), (at_row(10, hash_=HASH[1]), "not the one")],
)
async def test_a_journal_that_was_cut_or_rewritten_raises_an_alarm_that_stays(
    line: Line, caplog: pytest.LogCaptureFixture, new: Anchor, told: str
) -> None:
    await line.beat(at_row(10))
    await line.beat(new)
    assert told in await line.alarm()
    for seq in range(11, 15):
        await line.beat(at_row(seq))
    assert told in await line.alarm(), "until somebody has looked"
    assert len([r for r in caplog.records if r.message == "device.journal"]) == 1
    await line.devices.clear_alarm("front")
    await line.beat(at_row(15))
    assert await line.alarm() == ""


async def test_a_beat_that_was_held_up_is_no_cut_journal(line: Line) -> None:
    await line.beat(at_row(16), at=NOON)
    await line.beat(at_row(5), at=NOON - timedelta(seconds=30))
    assert await line.alarm() == ""
    assert (await line.desk.device()).seq == 16
    await line.beat(at_row(5), at=NOON + timedelta(seconds=30))
    assert "ends at row 5, before row 16" in await line.alarm()


def started(journal: str, previous: str, seq: int, hash_: str) -> Any:
    names = {"previous_journal": previous, "previous_seq": seq, "previous_hash": hash_}
    detail = {"journal": journal, "why": "damaged", **names}
    more = {"kind": "journal.started", "door": None, "decision": None, "reason": None}
    return event(1, journal=journal, detail=detail, **more)


async def test_a_new_journal_that_names_the_old_one_is_no_alarm(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    await line.beat(at_row(10))
    await line.events.take(FRONT, [started("j2", "j1", 12, HASH[12])])
    await line.beat(at_row(1, "j2"))
    assert await line.alarm() == ""
    assert "a new journal; the last one ended at row 12" in str(
        [getattr(r, "why", "") for r in caplog.records]
    )


async def test_a_new_journal_is_an_alarm_until_its_first_row_has_come(line: Line) -> None:
    await line.beat(at_row(10))
    await line.beat(at_row(3, "j2"))
    assert "whose first row has not come" in await line.alarm()
    await line.beat(at_row(4, "j2"))
    await line.events.take(FRONT, [started("j2", "j1", 10, HASH[10])])
    await line.beat(at_row(5, "j2"))
    assert await line.alarm() == ""
    await line.beat(at_row(2, "j2"))
    assert "before row 5" in await line.alarm()


@pytest.mark.parametrize(
    ("previous", "seq", "hash_", "told"),
    [
        ("j1", 9, HASH[9], "ended at row 9, before row 10"),
        ("j1", 10, HASH[1], "names another row 10"),
        ("j0", 10, HASH[10], "does not name the last one"),
    ],
)
async def test_a_new_journal_that_hides_rows_is_an_alarm(
    line: Line, previous: str, seq: int, hash_: str, told: str
) -> None:
    await line.beat(at_row(10))
    await line.events.take(FRONT, [started("j2", previous, seq, hash_)])
    await line.beat(at_row(1, "j2"))
    assert told in await line.alarm()


async def test_a_device_that_says_no_more_where_it_stands_is_told_once(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    await line.beat(at_row(10))
    for _ in range(3):
        await line.beat()
    assert [getattr(r, "why", "") for r in caplog.records] == [
        "it says no more where its journal stands"
    ]
    await line.beat(at_row(9))
    assert "before row 10" in await line.alarm(), "what was known is not forgotten by silence"


# Bad input


@pytest.mark.parametrize(
    "anchor",
    [
        Anchor("j1", 0, HASH[1]),
        Anchor("j1", 2**63, HASH[1]),
        Anchor("", 1, HASH[1]),
        Anchor("j\x00", 1, HASH[1]),
        Anchor("j1", 1, "A" * 64),
        Anchor("j1", 1, ""),
    ],
)
async def test_what_is_no_anchor_is_refused(line: Line, anchor: Anchor) -> None:
    with pytest.raises(InputError, match="anchor"):
        await line.beat(anchor)
    assert (await line.row()).seen is None


async def test_times_without_an_offset_are_refused(line: Line) -> None:
    bare = NOON.replace(tzinfo=None)
    with pytest.raises(InputError, match="at: it has no offset"):
        await line.beat(at=bare)
    with pytest.raises(InputError, match=r"cache\.synced"):
        await line.beat(cache=CacheSays(1, bare))


async def test_what_is_shown_is_bounded_and_of_one_line(line: Line) -> None:
    await line.beat(
        version="\x1b[31m" + "v" * 5000,
        alerts=["a\nb"] * 1000,
        doors=[DoorSays("\x00" * 500, "s", "f")] * 1000,
        done=["x" * 1000] * 1000,
    )
    row = await line.row()
    assert len(row.version) == 100
    assert row.version.startswith("?[31m")
    assert len(row.alerts) == 100
    assert len((await line.desk.device()).state) < 40_000


async def test_a_state_of_another_version_is_passed_over(line: Line) -> None:
    await line.beat()
    async with line.desk.database.writing() as connection:
        await connection.execute(DEVICE.update().values(state='{"newer": 1}'))
    assert (await line.row()).version == ""
    await line.beat()
    assert (await line.row()).version == "0.2.0"


async def test_a_device_that_was_revoked_leaves_no_heartbeat(line: Line) -> None:
    await line.devices.revoke("front")
    with pytest.raises(InputError, match="revoked"):
        await line.beat()
    assert (await line.row()).seen is None


# Chains by themselves

anchors = st.builds(
    Anchor, st.sampled_from(["j1", "j2"]), st.integers(1, 5), st.sampled_from([HASH[1], HASH[2]])
)


@given(anchors, anchors, st.none() | st.builds(Started, st.just("j1"), st.integers(0, 5)))
def test_only_growth_is_sound(last: Anchor, new: Anchor, first: Started | None) -> None:
    grew = new.journal == last.journal and (new.seq > last.seq or new == last)
    assert (compared(last, new, first) == SOUND) == grew
    assert compared(None, new, first) == SOUND
    assert not compared(last, None, first).alarm


@given(st.lists(st.builds(Finding, st.text("abc ", max_size=300), waits=st.booleans())))
def test_an_alarm_keeps_its_beginning_and_stays_bounded(findings: list[Finding]) -> None:
    alarm = ""
    for finding in findings:
        before, alarm = alarm, alarm_after(alarm, finding)
        assert alarm.startswith(before)
        assert len(alarm) <= MOST_ALARM


def test_a_heartbeat_is_kept_as_it_is_read() -> None:
    beat = Heartbeat(at=NOON, version="1", alerts=["x"])
    assert msgspec.json.decode(msgspec.json.encode(beat), type=Heartbeat) == beat

"""An operator vouches for the clock: for one wrong row, for a clock set by hand, over a restart."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from kioskd import wire
from kioskd.control.verbs import Refusal
from kioskd.domain.moment import stamp
from kioskd.store.state_staff import StaffState
from tests.control_staff.conftest import NOW, Office

HOUR = timedelta(hours=1)


async def test_a_row_of_2037_closes_the_door_until_somebody_vouches(office: Office) -> None:
    office.clock.wall = datetime(2037, 1, 1, tzinfo=UTC)
    office.restart()
    await office.ask("lockout-list")  # a row while the battery clock was wrong
    office.clock.wall = NOW
    office.restart()
    assert not office.believed()
    told = await office.ask("clock-accept", reason="the battery was changed")
    assert told == {"accepted": True, "at": "2026-11-23T18:00:00+02:00", "note": ""}
    assert office.believed()
    office.restart()
    assert office.believed(), "the newest trusted row is the acceptance"
    assert office.trust.newest == NOW
    await office.ask("lockout-list")
    assert office.believed()


async def test_the_acceptance_stands_in_the_journal_with_its_person(office: Office) -> None:
    office.clock.wall += 30 * HOUR
    office.restart()
    await office.ask("lockout-list")
    office.clock.wall = NOW
    assert not office.believed()
    await office.ask("clock-accept", reason="as my watch says")
    action, corrected = office.rows()[-2:]
    assert (action["kind"], corrected["kind"]) == ("staff.action", "clock.corrected")
    assert [row["by"] for row in (action, corrected)] == ["maija", "maija"]
    assert "behind the last recorded event" in action["detail"]["why"]
    assert corrected["detail"] == {
        "action": "clock-accept",
        "accepted": stamp(NOW),
        "reason": "as my watch says",
    }
    with closing(sqlite3.connect(office.directory / "journal.db")) as connection:
        trusted = connection.execute("SELECT trusted FROM event ORDER BY seq").fetchall()
    assert trusted[-2:] == [(0,), (1,)]


async def test_a_clock_that_was_set_by_hand_is_believed_again(office: Office) -> None:
    assert office.believed()
    office.clock.wall += 3 * HOUR
    assert not office.believed()
    await office.ask("clock-accept", reason="set by hand")
    assert office.believed()
    office.clock.wall += 3 * HOUR
    assert not office.believed(), "it was vouched for once, not for ever"


async def test_without_a_battery_it_holds_until_the_next_boot(office: Office) -> None:
    office.machine.battery = False
    office.restart()
    assert not office.believed()
    await office.ask("clock-accept", reason="as my watch says")
    assert office.believed()
    await office.clock.advance(3600)
    office.restart()
    assert office.believed(), "the same boot"
    office.end()
    office.clock.reboot()
    office.begin()
    assert not office.believed(), "nobody knows what the clock did meanwhile"


async def test_a_clock_moved_between_two_daemons_is_not_the_one_that_was_accepted(
    office: Office,
) -> None:
    office.machine.battery = False
    office.restart()
    await office.ask("clock-accept", reason="as my watch says")
    office.clock.wall += HOUR
    office.restart()
    assert not office.believed()


@pytest.mark.parametrize(("ntp", "why"), [(True, "a time server confirms it"), (False, "trusted")])
async def test_where_the_clock_is_believed_there_is_nothing_to_do(
    office: Office, ntp: bool, why: str
) -> None:
    office.machine.ntp = ntp
    office.restart()
    told = await office.ask("clock-accept", reason="to be sure")
    assert (told["accepted"], why in told["note"]) == (False, True)
    assert office.acts() == []


async def test_a_clock_that_nobody_set_is_not_believed(office: Office) -> None:
    office.machine.battery = False
    office.clock.wall = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
    office.restart()
    with pytest.raises(Refusal, match="1970-01-01, which is no time to believe; set it first"):
        await office.ask("clock-accept", reason="whatever")
    assert (office.believed(), office.acts()) == (False, [])


@pytest.mark.parametrize("args", [{}, {"reason": ""}, {"reason": "x", "at": "2026-11-23"}])
async def test_a_reason_is_asked_for(office: Office, args: dict[str, object]) -> None:
    office.machine.battery = False
    office.restart()
    with pytest.raises(Refusal) as told:
        await office.ask("clock-accept", **args)
    assert told.value.code == wire.BAD_ARGUMENT
    assert not office.believed()


async def test_without_a_row_nothing_is_believed(office: Office) -> None:
    office.machine.battery = False
    office.restart()
    (office.directory / "journal.db").unlink()
    with pytest.raises(Refusal):
        await office.ask("clock-accept", reason="as my watch says")
    assert not office.believed()


@pytest.mark.parametrize(
    "note",
    [
        "{",
        "[]",
        "{}",
        '{"wall": "x", "boot": 1000.0, "boot_id": "boot-1"}',
        '{"wall": "2026-11-23T16:00:00Z", "boot": "1000", "boot_id": "boot-1"}',
        '{"wall": "2026-11-23T16:00:00Z", "boot": 1e99, "boot_id": "boot-1"}',
        '{"wall": "2026-11-23T16:00:00Z", "boot": NaN, "boot_id": "boot-1"}',
        '{"wall": "2026-11-23T16:00:00Z", "boot": 1000.0, "boot_id": ""}',
    ],
)
async def test_a_damaged_mark_vouches_for_nothing(office: Office, note: str) -> None:
    office.machine.battery = False
    await StaffState(office.directory).put_clock_mark(office.clock.moment())
    with closing(sqlite3.connect(office.directory / "state.db")) as connection:
        connection.execute("UPDATE value SET value = ? WHERE key = 'clock.accepted'", (note,))
        connection.commit()
    office.restart()
    assert not office.believed()

"""The daily chore: the journal looked through, due rows deleted, once the clock is good."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kioskd.clock.system import SystemClock
from kioskd.clock.trust import WallClockTrust
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.daemon import upkeep
from kioskd.daemon.keys import Keys, open_keys
from kioskd.domain.moment import Moment
from kioskd.errors import StoreError
from kioskd.ports import pass_by
from kioskd.store.journal import ThreadedJournal
from kioskd.store.journal_start import open_journal
from kioskd.store.state import StateDatabase
from kioskd.vault.device_key import write_device_key
from tests.store.rig import DAY, NOW, ZONE, Rig, card, entry

CONFIGURATION = """
[site]
name = "Esimerkkilän kirjasto"
branch = "ESI"
[storage]
directory = "{directory}"
retention_days = 14
[secrets]
device_key = "file:{directory}/device.key"
[cards]
patron = ['\\d{{3}}[A-Z]\\d{{6}}']
[schedule]
holidays = ""
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
"""


class Turns(SystemClock):
    """A clock at noon of one day that ends the chore after so many sleeps."""

    def __init__(
        self, sleeps: int, meanwhile: Callable[[], None] = lambda: None, wall: datetime = NOW
    ) -> None:
        super().__init__()
        self.left = sleeps
        self.wall = wall
        self.slept: list[float] = []
        self._meanwhile = meanwhile

    def moment(self) -> Moment:
        return Moment(self.wall, 1000.0 * len(self.slept), "boot")

    def monotonic(self) -> float:
        return 0.0

    async def sleep_until(self, monotonic: float) -> None:
        self.slept.append(monotonic)
        self._meanwhile()
        if len(self.slept) >= self.left:
            raise asyncio.CancelledError


class Witness:
    """What the machine says of its clock."""

    ntp = False

    def synchronised(self) -> bool:
        return self.ntp

    def rtc(self) -> bool:
        return False


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "kioskd.toml"
    path.write_text(CONFIGURATION.format(directory=tmp_path), encoding="utf-8")
    write_device_key(tmp_path / "device.key")
    return load(path)


@pytest.fixture
def keys(config: Config) -> Keys:
    return open_keys(config)


def threaded(rig: Rig) -> ThreadedJournal:
    def opened() -> Any:
        return open_journal(rig.directory, ZONE, NOW, "id", None)

    return ThreadedJournal(opened(), rig.directory, opened)


async def chore(
    config: Config,
    keys: Keys,
    journal: ThreadedJournal,
    witness: Witness,
    clock: Turns,
    source: str = "auto",
) -> None:
    trust = WallClockTrust(source, None, witness)
    with pytest.raises(asyncio.CancelledError):
        await upkeep.keep_retention(config, keys, journal, trust, clock, pass_by)


def persons(rig: Rig) -> set[bytes]:
    return {row[0] for row in rig.sql("SELECT card FROM journal_person")}


@pytest.fixture
def old_and_new(rig: Rig, keys: Keys) -> Rig:
    rig.append(entry(1, NOW - 15 * DAY), entry(2, NOW - DAY))
    rig.close()
    with closing(StateDatabase(rig.directory, keys.unseal_state)) as state:
        state.put_listed(card(1), "deny", NOW - DAY, "lost card", "maija")
        state.put_listed(card(2), "deny", NOW + DAY, "lost card", "maija")
    return rig


async def test_what_is_due_goes_once_the_clock_is_trusted_and_not_before(
    old_and_new: Rig, config: Config, keys: Keys
) -> None:
    rig, witness = old_and_new, Witness()
    before: list[set[bytes]] = []

    def meanwhile() -> None:
        before.append(persons(rig))
        witness.ntp = len(before) == 3

    clock, journal = Turns(4, meanwhile), threaded(rig)
    await chore(config, keys, journal, witness, clock)
    journal.close()
    assert before == [{card(1), card(2)}] * 3 + [{card(2)}]
    assert clock.slept == [upkeep.AGAIN_SECONDS] * 3 + [upkeep.DAY_SECONDS]
    with closing(StateDatabase(rig.directory, keys.unseal_state)) as state:
        assert state.indices() == {card(2)}


async def test_without_keys_nothing_is_deleted(
    old_and_new: Rig, config: Config, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    witness, journal = Witness(), threaded(old_and_new)
    witness.ntp = True
    without = replace(keys, keyring=None, why="the device key is not there")
    with caplog.at_level(logging.WARNING):
        await chore(config, without, journal, witness, Turns(3))
    journal.close()
    assert persons(old_and_new) == {card(1), card(2)}
    assert [r.message for r in caplog.records] == ["retention.waits"], "told once"


async def test_a_fault_in_one_part_does_not_keep_the_others(
    old_and_new: Rig, config: Config, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    witness, journal = Witness(), threaded(old_and_new)
    witness.ntp = True
    (old_and_new.directory / "state.db").write_bytes(b"garbage " * 1000)
    await chore(config, keys, journal, witness, Turns(1))
    assert persons(old_and_new) == {card(2)}
    assert [r.message for r in caplog.records if r.levelno >= logging.ERROR] == ["retention.failed"]
    journal.close()


IN_2037 = datetime(2037, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def at(
    rig: Rig, config: Config, keys: Keys, wall: datetime, *, ntp: bool = False, sleeps: int = 1
) -> list[float]:
    """A start at that time, with a clock that nothing but a time server is asked about."""
    witness, journal, clock = Witness(), threaded(rig), Turns(sleeps, wall=wall)
    witness.ntp = ntp
    await chore(config, keys, journal, witness, clock, "assume")
    await journal.append(entry(7, wall))
    journal.close()
    return clock.slept


async def test_a_clock_far_ahead_deletes_nothing_however_often_it_starts(
    old_and_new: Rig, config: Config, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    for hours in (0, 1, 167):
        assert await at(old_and_new, config, keys, IN_2037 + hours * HOUR) == [upkeep.AGAIN_SECONDS]
    assert persons(old_and_new) == {card(1), card(2), card(7)}
    (why,) = {vars(r)["why"] for r in caplog.records if r.message == "retention.waits"}
    assert "the clock says 2037-01-01, the last known day is 2026-11-22" in why
    assert "nothing is deleted before 2037-01-08" in why


async def test_a_library_that_was_closed_for_a_summer_waits_for_a_week(
    old_and_new: Rig, config: Config, keys: Keys
) -> None:
    autumn = NOW + 90 * DAY
    assert await at(old_and_new, config, keys, autumn) == [upkeep.AGAIN_SECONDS]
    assert await at(old_and_new, config, keys, autumn + 7 * DAY) == [upkeep.DAY_SECONDS]
    assert persons(old_and_new) == {card(7)}
    assert await at(old_and_new, config, keys, autumn + 8 * DAY) == [upkeep.DAY_SECONDS]


async def test_a_time_server_vouches_for_a_clock_far_ahead(
    old_and_new: Rig, config: Config, keys: Keys
) -> None:
    later = NOW + 90 * DAY
    assert await at(old_and_new, config, keys, later, ntp=True) == [upkeep.DAY_SECONDS]
    assert persons(old_and_new) == {card(7)}


async def test_a_clock_that_jumps_while_it_runs_deletes_nothing(
    old_and_new: Rig, config: Config, keys: Keys
) -> None:
    rig, journal = old_and_new, threaded(old_and_new)

    def jump() -> None:
        clock.wall = IN_2037

    clock = Turns(3, jump)
    await chore(config, keys, journal, Witness(), clock, "assume")
    journal.close()
    assert clock.slept == [upkeep.DAY_SECONDS, upkeep.AGAIN_SECONDS, upkeep.AGAIN_SECONDS]
    assert persons(rig) == {card(2)}


@pytest.mark.parametrize("fault", [RecursionError("deep"), StoreError("the disk")])
async def test_a_chore_goes_on_after_any_fault_and_tells_the_first(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    clock, turns = Turns(4), []

    async def turn() -> None:
        turns.append(1)
        if len(turns) != 3:
            raise fault

    with caplog.at_level(logging.DEBUG), pytest.raises(asyncio.CancelledError):
        await upkeep.for_ever("mirror", turn, clock)
    assert clock.slept == [upkeep.PAUSE_SECONDS] * 4
    told = [(r.levelno, r.message, vars(r)["chore"]) for r in caplog.records]
    loud, quiet = (logging.ERROR, "chore.failed", "mirror"), (logging.DEBUG, *told[0][1:])
    assert told == [loud, quiet, loud, quiet]


async def test_a_part_that_fails_unforeseen_does_not_keep_the_others(
    old_and_new: Rig, config: Config, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RecursionError("deep")

    monkeypatch.setattr(upkeep, "work_through", fail)
    witness, journal = Witness(), threaded(old_and_new)
    witness.ntp = True
    await chore(config, keys, journal, witness, Turns(1))
    journal.close()
    with closing(StateDatabase(old_and_new.directory, keys.unseal_state)) as state:
        assert state.indices() == {card(2)}


async def test_a_journal_that_takes_no_writes_is_asked_again_later(
    old_and_new: Rig, config: Config, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    witness, journal = Witness(), threaded(old_and_new)
    witness.ntp, clock = True, Turns(2)
    journal.opened.file.connection.exec_driver_sql("PRAGMA query_only=ON").close()
    await chore(config, keys, journal, witness, clock)
    journal.close()
    assert clock.slept == [upkeep.AGAIN_SECONDS] * 2
    assert [r.message for r in caplog.records if r.levelno >= logging.WARNING] == [
        "retention.waits"
    ]

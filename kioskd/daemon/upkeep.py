"""What the daemon does beside the doors: the clock's judge, the cache's refresh, retention."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from kioskd.access.clock_trust import WATCHED
from kioskd.clock.trust import WallClockTrust
from kioskd.config.model import Config
from kioskd.daemon.keys import Keys
from kioskd.daemon.rekeying import retire_keys
from kioskd.daemon.stores import Stores, remember
from kioskd.domain.record import Kind
from kioskd.entry.notebook import Notebook
from kioskd.errors import KioskError, StoreError
from kioskd.ports import Checkpoint, Clock, DeviceWatch
from kioskd.store.clock_past import follow_clock
from kioskd.store.journal import ThreadedJournal
from kioskd.store.journal_start import JOURNAL
from kioskd.store.reserve import Reserve
from kioskd.store.retention import Forgotten, RetentionPolicy, work_through
from kioskd.store.state import StateDatabase

log = logging.getLogger("kioskd")
CLOCK_SECONDS = 1.0
CACHE_SECONDS = 0.5  # a new cache is in use within a second
DAY_SECONDS = 86_400.0
AGAIN_SECONDS = 600.0  # retention waits for a trusted clock
MIRROR_SECONDS = 3600.0
HOURS_SECONDS = 600.0
PAUSE_SECONDS = 60.0  # after a turn that failed


class JournalledWatch(DeviceWatch):
    """Devices that go and come back, as facts."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook

    def lost(self, device: str, why: str) -> None:
        """A device is gone."""
        self._notebook.note(Kind.DEVICE_LOST, detail={"device": device, "why": why})

    def back(self, device: str) -> None:
        """A device is there."""
        self._notebook.note(Kind.DEVICE_BACK, detail={"device": device})

    def dropped(self, device: str) -> None:
        """Its link ended; a fact only where it is news."""


async def every(seconds: float, clock: Clock) -> None:
    """One interval, on monotonic time."""
    await clock.sleep_until(clock.monotonic() + seconds)


async def for_ever(chore: str, turn: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Do a chore turn by turn until cancelled; each turn sleeps for itself.

    A turn that fails is told, the first of a row of them loudly, and tried again: no chore may
    take the doors down with it.
    """
    failing = False
    while True:
        try:
            await turn()
            failing = False
        except Exception as error:
            _tell("chore.failed", error, logging.DEBUG if failing else logging.ERROR, chore=chore)
            failing = True
            await every(PAUSE_SECONDS, clock)


def _tell(event: str, error: Exception, level: int = logging.ERROR, **extra: str) -> None:
    if isinstance(error, KioskError):
        log.log(level, event, extra={**extra, "why": str(error)})
    else:
        log.log(level, event, exc_info=error, extra=extra)


async def watch_clock(trust: WallClockTrust, notebook: Notebook, clock: Clock) -> None:
    """Note when the clock stops being trusted, and when a time server corrected it."""
    believed, corrected = True, False

    async def look() -> None:
        nonlocal believed, corrected
        judgement = trust.judge(clock.moment())
        if trust.verdict.corrected and not corrected:
            log.warning("clock.corrected")
            notebook.note(Kind.CLOCK_CORRECTED)
        if believed and not judgement.trusted:
            log.error("clock.untrusted", extra={"why": judgement.why})
            notebook.note(Kind.CLOCK_UNTRUSTED, detail={"why": judgement.why})
        if judgement.trusted and not believed:
            log.info("clock.trusted")
        believed, corrected = judgement.trusted, trust.verdict.corrected
        await every(CLOCK_SECONDS, clock)

    await for_ever("clock", look, clock)


async def refresh_cache(stores: Stores, notebook: Notebook, clock: Clock) -> None:
    """Take a new cache within a second of its switch."""

    async def look() -> None:
        await every(CACHE_SECONDS, clock)
        if await stores.cache.refresh():
            state = stores.cache.state()
            if state.readable:
                detail = {"generation": state.generation, "credentials": state.credentials}
                notebook.note(Kind.SYNC_DONE, detail=detail)
            else:
                notebook.note(Kind.SYNC_FAILED, detail={"why": str(stores.cache.fault)})

    await for_ever("cache", look, clock)


def retention_policy(config: Config) -> RetentionPolicy:
    """The site's choices."""
    return RetentionPolicy(
        identified=timedelta(days=config.storage.retention_days),
        unknown_cards=timedelta(hours=config.retention.unknown_card_hours),
        rows=timedelta(days=config.retention.row_days),
        staff_months=config.retention.staff_action_months,
        lockout=timedelta(minutes=max(config.lockout.steps_minutes)),
        undelivered=timedelta(days=config.retention.undelivered_days),
    )


async def keep_retention(
    config: Config,
    keys: Keys,
    journal: ThreadedJournal,
    trust: WallClockTrust,
    clock: Clock,
    checkpoint: Checkpoint,
) -> None:
    """Look the journal through and delete what is due, at the start and then daily.

    While the clock is not trusted, or far ahead of all that was recorded, nothing is deleted; it
    is asked again soon.
    """

    async def a_day() -> None:
        await _tried("journal.check_failed", journal.check())
        told = ""
        while why := await _why_wait(config, keys, journal, trust, clock):
            if why != told:
                log.warning("retention.waits", extra={"why": why})
            told = why
            await every(AGAIN_SECONDS, clock)
        run = run_retention(config, keys, journal, trust, clock, checkpoint)
        await _tried("retention.failed", run)
        tidied = asyncio.to_thread(_tidy_state, config, keys, clock.moment().wall)
        await _tried("retention.failed", tidied)
        await every(DAY_SECONDS, clock)

    await for_ever("retention", a_day, clock)


async def _tried(event: str, work: Awaitable[None]) -> None:
    try:
        await work
    except Exception as error:
        _tell(event, error)


async def _why_wait(
    config: Config, keys: Keys, journal: ThreadedJournal, trust: WallClockTrust, clock: Clock
) -> str:
    """Why nothing may be deleted now; empty when it may."""
    if keys.keyring is None:
        return keys.why or "the keys cannot be had"
    now = clock.moment()
    judged = trust.judge(now)
    if not judged.trusted:
        return f"the clock is not trusted: {judged.why}"
    path, synchronised = config.storage.directory / JOURNAL, trust.synchronised
    try:
        past = await journal.run(
            lambda: follow_clock(journal.opened, path, now.wall, synchronised=synchronised)
        )
    except StoreError as error:
        return str(error)
    if past.seen is None or past.ahead is None:
        return ""
    return (
        f"the clock says {past.ahead:%Y-%m-%d}, the last known day is {past.seen:%Y-%m-%d}; set it "
        "right if it is wrong. Unless a time server confirms it, nothing is deleted before "
        f"{past.ahead + WATCHED:%Y-%m-%d}"
    )


async def run_retention(
    config: Config,
    keys: Keys,
    journal: ThreadedJournal,
    trust: WallClockTrust,
    clock: Clock,
    checkpoint: Checkpoint,
) -> None:
    """One run over the journal, a batch at a time between entries."""
    now, mac = clock.moment(), keys.mac()
    if mac is None or not trust.judge(now).trusted:
        return
    path = config.storage.directory / JOURNAL
    connection = journal.opened.file.connection
    work = work_through(connection, path, retention_policy(config), now.wall, mac, checkpoint)
    persons = rows = untold = 0
    while (batch := await journal.run(lambda: next(work, None))) is not None:
        assert isinstance(batch, Forgotten)  # noqa: S101
        persons, rows = persons + batch.persons, rows + batch.rows
        untold += batch.activities
    await asyncio.to_thread(Reserve(config.storage.directory / "reserve.bin").take)
    if untold:
        log.warning("retention.untold", extra={"activities": untold, "why": "no hub took them"})
    log.info("retention.done", extra={"persons": persons, "rows": rows})


def _tidy_state(config: Config, keys: Keys, now: datetime) -> None:
    """Delete expired list entries, and keys of an earlier `kioskd rekey` that nothing needs."""
    # A connection of its own: the daemon's belongs to the loop.
    directory = config.storage.directory
    with closing(StateDatabase(directory, keys.unseal_state, create=False)) as state:
        state.forget_expired(now)
        today = now.astimezone(ZoneInfo(config.site.timezone)).date()
        state.forget_exceptions(today - timedelta(days=1))  # yesterday's may run past midnight
        for key in retire_keys(config, state, now):
            log.info("key.retired", extra={"key": key})


async def keep_mirror(directory: Path, journal: ThreadedJournal, clock: Clock) -> None:
    """Remember hourly what the journal is, so that one put back in its place is noticed."""

    async def look() -> None:
        await every(MIRROR_SECONDS, clock)
        await asyncio.to_thread(remember, directory, journal.opened)

    await for_ever("mirror", look, clock)


async def keep_hours(read: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Read again what hours staff gave single dates, where it could not be read when they did."""

    async def look() -> None:
        await every(HOURS_SECONDS, clock)
        await read()

    await for_ever("hours", look, clock)

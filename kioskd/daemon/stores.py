"""Opens the three files for the daemon. What does not open is stood in for by what denies."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from kioskd.clock.trust import WallClockTrust
from kioskd.config.model import Config
from kioskd.daemon.keys import Keys, SiteIndex, no_keys
from kioskd.domain.record import Record
from kioskd.errors import StoreDamaged, StoreError
from kioskd.ports import Clock
from kioskd.store.cache_schema import CacheMeta
from kioskd.store.credentials import CredentialCache
from kioskd.store.faults import is_there
from kioskd.store.journal import NoJournal, ThreadedJournal
from kioskd.store.journal_start import JOURNAL, Mirror, Opened, mirror_of, open_journal
from kioskd.store.state import STATE, NoState, StateDatabase
from kioskd.vault.kdf import PinChecker

log = logging.getLogger("kioskd")


@dataclass(slots=True)
class Stores:
    """The open files. `faults` are for people; the door has its own stricter answers."""

    cache: CredentialCache
    state: StateDatabase | NoState
    journal: ThreadedJournal | NoJournal
    directory: Path
    faults: list[str] = field(default_factory=list)

    def close(self) -> None:
        """Finish what was asked for and let go of the files."""
        if isinstance(self.journal, ThreadedJournal):
            remember(self.directory, self.journal.opened)
            self.journal.close()
        self.cache.close()
        if isinstance(self.state, StateDatabase):
            self.state.close()


def open_stores(config: Config, keys: Keys, checker: PinChecker, clock: Clock) -> Stores:
    """Open what can be opened; blocking, for the start."""
    directory = config.storage.directory
    faults: list[str] = [keys.why] if keys.why else []
    state = _state(directory, keys, faults)
    journal = _journal(config, clock, faults)
    cache = open_cache(directory, keys, checker)
    if cache.fault is not None and not keys.why:
        faults.append(str(cache.fault))
    return Stores(cache, state, journal, directory, faults)


def open_cache(directory: Path, keys: Keys, checker: PinChecker | None) -> CredentialCache:
    """The credential cache, opened; each generation brings its index key and site verifier."""

    def adopted(meta: CacheMeta) -> None:
        if isinstance(keys.index, SiteIndex):
            keys.index.use_cache_key(meta.index_key)
        if checker is not None and meta.site_verifier is not None:
            checker.site_verifier = meta.site_verifier

    cache = CredentialCache(directory, keys.unseal_cache, adopted)
    cache.open()
    return cache


def remember(directory: Path, opened: Opened) -> None:
    """Keep in state.db what the journal is now; blocking, from any thread."""
    try:
        with closing(_own_state(directory, read_only=False)) as state:
            state.put_mirror(mirror_of(opened))
    except StoreError as error:
        log.warning("mirror.failed", extra={"why": str(error)})


def last_seen(directory: Path) -> Mirror | None:
    """What state.db remembers of the journal; None where nothing can be read. From any thread."""
    try:
        with closing(_own_state(directory, read_only=True)) as state:
            return state.mirror()
    except StoreError:
        return None


def _own_state(directory: Path, *, read_only: bool) -> StateDatabase:
    # A connection of its own: the daemon's belongs to the loop.
    unseal = no_keys("not needed here").unseal_state
    return StateDatabase(directory, unseal, read_only=read_only, create=False)


def _state(directory: Path, keys: Keys, faults: list[str]) -> StateDatabase | NoState:
    gone = is_there(directory / JOURNAL) and not is_there(directory / STATE)
    try:
        state = StateDatabase(directory, keys.unseal_state)
        if gone:
            _lock_down(state, directory, faults)
    except StoreDamaged as error:
        faults.append(
            f"{error}; until then every door is locked down. To begin anew without lists and "
            "enrolled staff, move state.db aside, restart, and lift the lockdown"
        )
        return NoState()
    except StoreError as error:
        return _unwritable_state(directory, keys, faults, error)
    return state


def _lock_down(state: StateDatabase, directory: Path, faults: list[str]) -> None:
    # What stood in the file that is gone may have been a lockdown.
    state.set_lockdown(on=True)
    faults.append(
        f"{directory / STATE} was gone and began anew, without lists, enrolled staff and hours of "
        "dates; restore it from a backup, or enter them again. Every door is locked down until "
        "`kioskd lockdown off`"
    )


def _unwritable_state(
    directory: Path, keys: Keys, faults: list[str], error: StoreError
) -> StateDatabase | NoState:
    # What takes no writes can still say whether a lockdown is on.
    try:
        state = StateDatabase(directory, keys.unseal_state, read_only=True)
    except StoreError:
        faults.append(f"{error}; then restart. Until then every door is locked down")
        return NoState()
    faults.append(f"{error}; then restart. Until then lists and lockdown stay as they are")
    return state


def _journal(config: Config, clock: Clock, faults: list[str]) -> ThreadedJournal | NoJournal:
    directory = config.storage.directory

    def opened() -> Opened:
        mirror = last_seen(directory)
        zone = ZoneInfo(config.site.timezone)
        return open_journal(directory, zone, clock.moment().wall, clock.new_id(), mirror)

    try:
        journal = opened()
    except (StoreError, OSError) as error:
        faults.append(f"{error}; nobody is let in without a journal")
        return NoJournal(str(error))
    if journal.started not in ("", "new"):
        faults.append(f"a new journal was begun: {journal.started}; {_old_one(journal)}")
    remember(directory, journal)
    return ThreadedJournal(journal, directory, opened)


def _old_one(journal: Opened) -> str:
    if journal.set_aside:
        return f"the old one is kept beside it as {journal.set_aside}"
    if journal.started == "restored":
        return "it goes on in the copy that was put back, and what was written since is not there"
    return "nothing is left of the old one; if somebody removed it, restore it from a backup"


class WitnessedJournal:
    """ports.Journal that tells the clock's judge of every trusted row.

    happened: told of every fact, also where it could not be written. written: of every row.
    """

    def __init__(
        self,
        journal: ThreadedJournal | NoJournal,
        trust: WallClockTrust,
        happened: Callable[[Record], None] = lambda record: None,
        written: Callable[[Record], None] = lambda record: None,
    ) -> None:
        self._journal = journal
        self._trust = trust
        self._happened = happened
        self._written = written
        self.charge = journal.charge
        self.last_grant = journal.last_grant

    async def append(self, record: Record, cleared: tuple[bytes, ...] = ()) -> None:
        """Append, then remember the row's time."""
        self._happened(record)
        # A row that was handed over is written, whatever becomes of the task that waits for it:
        # at the end of the daemon the notebook is cancelled with its last row in hand.
        await asyncio.shield(self._journal.append(record, cleared))
        if record.trusted:
            self._trust.recorded(record.at)
        self._written(record)

"""What staff may do while no daemon runs: the same verbs, by the command itself.

The command becomes the owner of the storage directory, takes the directory's lock, opens what the
daemon would open, does one verb and lets go. Nothing is begun: no device is opened, nothing is
deleted by age. Whoever can open the files is an administrator; the journal names the account.

Deliberately not here: asking a daemon that runs (kioskd.cli.asking comes here when none does).
"""

import asyncio
import logging
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from kioskd import wire
from kioskd.access.schedule import StaffException, hours_of
from kioskd.clock.system import SystemClock
from kioskd.clock.trust import SystemEvidence, WallClockTrust
from kioskd.config.calendar import schedule_of
from kioskd.config.model import Config
from kioskd.control.acts import Acts
from kioskd.control.hours import hours_verbs, noted
from kioskd.control.peers import Peers, login_of
from kioskd.control.people import Person, Role
from kioskd.control.verbs import Refusal, Run
from kioskd.control.why import why_verbs
from kioskd.daemon.attempts import JournalAttempts
from kioskd.daemon.boot import DirectoryLock
from kioskd.daemon.doors import lockout_policy
from kioskd.daemon.keys import Keys, device_key_of, no_keys, open_keys
from kioskd.daemon.privileges import drop_to_owner
from kioskd.daemon.staffing import staffing
from kioskd.daemon.stores import Stores, WitnessedJournal, open_stores
from kioskd.entry.lockouts import Lockouts
from kioskd.errors import StoreError, StoreReadOnly, VaultError
from kioskd.store.faults import is_there
from kioskd.store.journal import ThreadedJournal
from kioskd.store.journal_file import lockouts
from kioskd.store.state import STATE, StateDatabase
from kioskd.vault.kdf import PinChecker
from kioskd.vault.keyring import Keyring

VERBS: Final = frozenset(
    {
        "clock-accept",
        "enrol",
        "list-add",
        "list-remove",
        "list-show",
        "lockdown",
        "lockout-clear",
        "lockout-list",
        "schedule-except",
        "schedule-show",
        "why",
    }
)
_NO_CACHE: Final = "cache.unreadable"  # no verb here needs one
SHOWS_HOURS: Final = "schedule-show"  # no look at persons: needs neither key nor lock


def ask_offline(config: Config, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Do a verb without a daemon; its whole answer. Blocks. Refusal and every KioskError.

    InputError when a daemon, or another command, holds the storage directory.
    """
    if verb not in VERBS:
        raise Refusal(
            wire.FAILED, f"{verb} needs the running daemon; start it (systemctl start kioskd)"
        )
    directory, person = config.storage.directory, caller()
    if verb == SHOWS_HOURS:
        become_owner(directory)
        return dict(asyncio.run(_asked(_hours(config), person, args)))
    if not _is_there(directory):
        # Made here it could be the wrong user's, and the daemon would find no way in.
        raise StoreError(
            f"{directory}: there is no storage directory yet; start the daemon first "
            "(systemctl start kioskd)"
        )
    # Before root is given up: a key that systemd hands to the unit may be root's alone.
    key = _device_key(config)
    become_owner(directory)
    if isinstance(key, VaultError) and not Keyring.exists(directory):
        raise key  # a journal begun without keys would keep them from being made
    lock = DirectoryLock.take(directory)
    if lock is None:
        raise StoreReadOnly(
            f"{directory}: takes no writes, so nothing was changed; check that its medium is "
            f"mounted read-write (findmnt -T {shlex.quote(str(directory))}) and its mode (700)"
        )
    try:
        with _faults_on_stderr():
            return _done(config, _keys(config, key), person, verb, args)
    finally:
        lock.release()


def caller() -> Person:
    """The account that runs the command, as the journal names it; who logged in stands first."""
    user = os.getuid()
    name = Peers(dict, user).person(user, (), login_of(os.getpid())).name
    return Person(name, frozenset({Role.ADMINISTRATOR}))


class _Faults(logging.Handler):
    """What the parts below log as an error, as a line for who runs the command."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg != _NO_CACHE:
            told = f"{record.msg}: {getattr(record, 'why', '')}"
            sys.stderr.write("".join(c if c.isprintable() else "?" for c in told) + "\n")


@contextmanager
def _faults_on_stderr() -> Iterator[None]:
    log, handler = logging.getLogger("kioskd"), _Faults()
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def become_owner(directory: Path) -> None:
    """Become who may use the files. StoreError for who is neither root nor their owner."""
    if not _is_there(directory):
        return
    drop_to_owner(directory)
    try:
        owner = directory.stat().st_uid
    except OSError:
        raise _not_ours(directory) from None
    # The owner may find a medium that takes no writes; that has another way out.
    if owner != os.geteuid() and not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        raise _not_ours(directory)


def _is_there(directory: Path) -> bool:
    try:
        return directory.is_dir()
    except OSError:
        raise _not_ours(directory) from None


def _not_ours(directory: Path) -> StoreError:
    return StoreError(
        f"{directory}: no daemon runs, and this account may not use the files; start the daemon "
        "(systemctl start kioskd), or run the command as root",
        transient=False,
    )


def _device_key(config: Config) -> bytes | VaultError:
    try:
        return device_key_of(config.storage.directory, config.secrets.device_key)
    except VaultError as error:
        return VaultError(f"{error}\n{_way_to_the_key(config)}")


def _way_to_the_key(config: Config) -> str:
    scheme, _, name = config.secrets.device_key.partition(":")
    if scheme != "credential":
        return "or name the key with --key-file FILE"
    # Without the arguments of this command: nothing here knows what stands in them.
    command = shlex.join([*_COMMAND, f"LoadCredential={name}:FILE", "kioskd"])
    return (
        "Start the daemon and ask again, or name the key with --key-file FILE, or run "
        f"`{command} ... --config {shlex.quote(str(config.path))}` with the FILE that the unit "
        "loads (LoadCredentialEncrypted= where the unit has that)"
    )


_COMMAND: Final = ("systemd-run", "--pty", "--wait", "-p")


def _keys(config: Config, key: bytes | VaultError) -> Keys:
    return no_keys(str(key)) if isinstance(key, VaultError) else open_keys(config, key)


def _done(
    config: Config, keys: Keys, person: Person, verb: str, args: Mapping[str, Any]
) -> dict[str, Any]:
    clock, checker = SystemClock(), PinChecker()
    try:
        with closing(open_stores(config, keys, checker, clock)) as stores:
            run = _verbs(config, keys, stores, checker, clock)[verb]
            return dict(asyncio.run(_asked(run, person, args)))
    finally:
        checker.close()


async def _asked(run: Run, person: Person, args: Mapping[str, Any]) -> Mapping[str, Any]:
    return await run(person, args)


def _verbs(
    config: Config, keys: Keys, stores: Stores, checker: PinChecker, clock: SystemClock
) -> Mapping[str, Run]:
    file = stores.journal.opened if isinstance(stores.journal, ThreadedJournal) else None
    trust = WallClockTrust(
        config.clock.source,
        file.newest_trusted if file else None,
        SystemEvidence(),
        stores.state.clock_mark(),
    )
    known = Lockouts(
        lockout_policy(config), lockouts(file.file.connection) if file is not None else {}
    )
    now = clock.moment()
    known.carry_over(now, trusted=trust.judge(now).trusted)
    acts = Acts(WitnessedJournal(stores.journal, trust), clock, trust)
    # No socket, so no line that an answer must fit into.
    room = sys.maxsize
    attempts = JournalAttempts(config.storage.directory)
    staff = staffing(config, keys, stores, checker, acts, clock, trust, known, _told_nobody, room)
    return {**staff, **why_verbs(config, attempts, acts)}


def _hours(config: Config) -> Run:
    exceptions: tuple[StaffException, ...] = ()
    if is_there(config.storage.directory / STATE):
        unseal = no_keys("not needed here").unseal_state
        with closing(StateDatabase(config.storage.directory, unseal, read_only=True)) as state:
            exceptions = state.exceptions()
    schedule = schedule_of(config, extra=hours_of(exceptions))
    verbs = hours_verbs(lambda: schedule, lambda: noted(config, exceptions), SystemClock())
    return verbs[SHOWS_HOURS]


async def _told_nobody() -> None:
    """No schedule runs that would have to be read anew."""

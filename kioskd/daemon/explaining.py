"""Explains a card at a door: from the files, read-only, or by the facts of the running daemon."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from kioskd.access.explain import detail
from kioskd.access.facts import Facts, PinOutcome
from kioskd.access.lockout import Lockout
from kioskd.access.policy import RuleResult, decide, evaluate
from kioskd.access.schedule import StaffException, hours_of
from kioskd.clock.system import SystemClock
from kioskd.clock.trust import SystemEvidence, WallClockTrust
from kioskd.config.calendar import schedule_of
from kioskd.config.model import Config, Door
from kioskd.daemon.doors import door_policy, lockout_policy
from kioskd.daemon.keys import Keys, open_keys
from kioskd.daemon.stores import open_cache
from kioskd.domain.credential import Credential
from kioskd.domain.decision import Decision
from kioskd.domain.moment import Moment
from kioskd.entry.dossier import Dossier
from kioskd.entry.lockouts import Lockouts
from kioskd.errors import InputError, VaultError
from kioskd.ports import Clock, Listed
from kioskd.store.faults import is_there
from kioskd.store.journal import NoJournal
from kioskd.store.journal_read import JournalReader
from kioskd.store.journal_start import JOURNAL
from kioskd.store.state import STATE, StateDatabase


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every rule for one card, as the door would apply it. at: in the zone of the site."""

    door: str
    at: datetime
    decision: Decision
    rules: tuple[RuleResult, ...]
    facts: Facts

    def as_json(self) -> dict[str, object]:
        """The shape that CONTRACTS names."""
        rules = [
            {"rule": r.reason.value, "passed": r.passed, "detail": detail(r.reason, self.facts)}
            for r in self.rules
        ]
        return {
            "door": self.door,
            "at": self.at.isoformat(),
            "granted": self.decision.granted,
            "reason": self.decision.reason.value,
            "rules": rules,
        }


class _At(SystemClock):
    """Wall time as asked for; everything else as it is."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._at = at

    def moment(self) -> Moment:
        return replace(super().moment(), wall=self._at)


class _NewState:
    """A device on which the daemon has not run yet: no lists, no lockdown."""

    def listed(self, indices: tuple[bytes, ...], now: datetime) -> Listed:
        return Listed()

    def enrolled(self, indices: tuple[bytes, ...]) -> Credential | None:
        return None

    def lockdown(self) -> bool:
        return False

    def exceptions(self) -> tuple[StaffException, ...]:
        return ()

    def clock_mark(self) -> Moment | None:
        return None


def explain(config: Config, door_name: str, number: str, at: datetime | None) -> Explanation:
    """Every rule for a card at a door, now or at a given time, from the files."""
    keys = open_keys(config)
    if keys.keyring is None:
        raise VaultError(keys.why)
    with ExitStack() as opened:
        dossier_by = _from_files(config, keys, opened)
        now = dossier_by(SystemClock())
        then = now if at is None else dossier_by(at_other_time(at))
        return explained(config, door_name, number, now, then)


def explained(
    config: Config, door_name: str, number: str, now: Dossier, then: Dossier
) -> Explanation:
    """The same from what is open. then: as `now`, at the time that was asked for. InputError.

    The age of the cache and the trust in the clock are those of now, whatever the time: nobody
    knows how either will stand then.
    """
    door = _door(config, door_name)
    policy = door_policy(config, door)
    present = now.look_up(number, policy).facts
    facts = then.look_up(number, policy).facts
    facts = replace(facts, clock_trusted=present.clock_trusted, cache_age=present.cache_age)
    facts = replace(facts, pin=_pin(facts, door))
    local = facts.now.astimezone(ZoneInfo(config.site.timezone))
    return Explanation(door.name, local, decide(facts), evaluate(facts), facts)


def at_other_time(at: datetime) -> Clock:
    """A clock that stands at this time; the time since boot goes on."""
    return _At(at)


def _door(config: Config, name: str) -> Door:
    for door in config.doors:
        if door.name == name:
            return door
    known = ", ".join(door.name for door in config.doors) or "none"
    raise InputError(f"door {name!r}: not configured; doors: {known}")


def _from_files(config: Config, keys: Keys, opened: ExitStack) -> Callable[[Clock], Dossier]:
    """Dossiers over the files of a site, read-only; `opened` closes them."""
    directory, clock = config.storage.directory, SystemClock()
    cache = opened.enter_context(closing(open_cache(directory, keys, None)))
    state = _state(config, keys)
    if isinstance(state, StateDatabase):
        opened.callback(state.close)
    newest, known = _journal(config)
    schedule = schedule_of(config, extra=hours_of(state.exceptions()))
    trust = WallClockTrust(config.clock.source, newest, SystemEvidence(), state.clock_mark())
    lockouts = Lockouts(lockout_policy(config), known)
    lockouts.carry_over(clock.moment(), trusted=trust.judge(clock.moment()).trusted)
    zone, journal = ZoneInfo(config.site.timezone), NoJournal("not read here")

    def dossier_by(clock: Clock) -> Dossier:
        return Dossier(
            clock, zone, lambda: schedule, keys.index, cache, state, journal, lockouts, trust
        )

    return dossier_by


def _state(config: Config, keys: Keys) -> StateDatabase | _NewState:
    if not is_there(config.storage.directory / STATE):
        return _NewState()
    return StateDatabase(config.storage.directory, keys.unseal_state, read_only=True)


def _journal(config: Config) -> tuple[datetime | None, Mapping[bytes, Lockout]]:
    if not is_there(config.storage.directory / JOURNAL):
        return None, {}
    reader = JournalReader(config.storage.directory)
    try:
        return reader.newest_trusted(), reader.lockouts()
    finally:
        reader.close()


def _pin(facts: Facts, door: Door) -> PinOutcome:
    if not door.pin_required(facts.hours):
        return PinOutcome.NOT_REQUIRED
    if facts.credential is not None and facts.credential.verifier is None:
        return PinOutcome.NOT_SET
    return PinOutcome.RIGHT

"""Explains a card at a door from the files, read-only, beside the daemon or without it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from kioskd.access.explain import detail
from kioskd.access.facts import Facts, PinOutcome
from kioskd.access.lockout import Lockout
from kioskd.access.policy import RuleResult, decide, evaluate
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
from kioskd.ports import Listed
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


def explain(config: Config, door_name: str, number: str, at: datetime | None) -> Explanation:
    """Every rule for a card at a door, now or at a given time.

    The age of the cache and the trust in the clock are those of now, whatever `at` says: nobody
    knows how either will stand then.
    """
    door = _door(config, door_name)
    keys = open_keys(config)
    if keys.keyring is None:
        raise VaultError(keys.why)
    facts = _facts(config, door, keys, number, at)
    facts = replace(facts, pin=_pin(facts, door))
    local = facts.now.astimezone(ZoneInfo(config.site.timezone))
    return Explanation(door.name, local, decide(facts), evaluate(facts), facts)


def _door(config: Config, name: str) -> Door:
    for door in config.doors:
        if door.name == name:
            return door
    known = ", ".join(door.name for door in config.doors) or "none"
    raise InputError(f"door {name!r}: not configured; doors: {known}")


def _facts(config: Config, door: Door, keys: Keys, number: str, at: datetime | None) -> Facts:
    directory = config.storage.directory
    clock = SystemClock()
    cache = open_cache(directory, keys, None)
    state = _state(config, keys)
    newest, known = _journal(config)
    schedule = schedule_of(config)
    trust = WallClockTrust(config.clock.source, newest, SystemEvidence())
    lockouts = Lockouts(lockout_policy(config), known)
    judged = trust.judge(clock.moment()).trusted
    lockouts.carry_over(clock.moment(), trusted=judged)

    def look_up(with_clock: SystemClock) -> Facts:
        dossier = Dossier(
            with_clock,
            ZoneInfo(config.site.timezone),
            lambda: schedule,
            keys.index,
            cache,
            state,
            NoJournal("not read here"),
            lockouts,
            trust,
        )
        return dossier.look_up(number, door_policy(config, door)).facts

    try:
        facts = look_up(clock)
        if at is None:
            return facts
        then = look_up(_At(at))
        return replace(then, clock_trusted=facts.clock_trusted, cache_age=facts.cache_age)
    finally:
        cache.close()
        if isinstance(state, StateDatabase):
            state.close()


def _state(config: Config, keys: Keys) -> StateDatabase | _NewState:
    if not (config.storage.directory / STATE).exists():
        return _NewState()
    return StateDatabase(config.storage.directory, keys.unseal_state, read_only=True)


def _journal(config: Config) -> tuple[datetime | None, Mapping[bytes, Lockout]]:
    if not (config.storage.directory / JOURNAL).exists():
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

"""Gathers the facts of one card at one moment. Single-row reads, made while the patron types.

What cannot be read is told as the stricter fact: no keys is an unreadable cache, no state is a
lockdown.

A PIN that staff enrolled is a verifier and no right to come in: it counts for a card that a list
or the register knows now. Alone it would open the door without an end, without a reason, and with
nobody who takes it back; so such a card is unknown, in what it sees and in how long that takes.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from kioskd.access.facts import DoorPolicy, Facts, PinOutcome
from kioskd.access.schedule import Schedule
from kioskd.domain.credential import Credential
from kioskd.domain.moment import Moment
from kioskd.entry.lockouts import Lockouts
from kioskd.errors import StoreError, VaultError
from kioskd.ports import (
    CardIndex,
    CardKeys,
    Clock,
    ClockTrust,
    Credentials,
    Journal,
    Listed,
    Occupancy,
    StateFile,
)

log = logging.getLogger("kioskd.entry")
RECENT = timedelta(days=14)  # POLICY: `allow-recent` lets in who was let in here within this
_AHEAD = timedelta(seconds=60)  # how far ahead of now is still the same time


@dataclass(frozen=True, slots=True)
class Subject:
    """A card as the device knows it: its indices (None without keys) and the facts so far."""

    keys: CardKeys | None
    facts: Facts


class Dossier:
    """Turns a card number into facts, for one site."""

    def __init__(
        self,
        clock: Clock,
        zone: ZoneInfo,
        schedule: Callable[[], Schedule],
        index: CardIndex,
        credentials: Credentials,
        state: StateFile,
        journal: Journal,
        lockouts: Lockouts,
        trust: ClockTrust,
        occupancy: Occupancy | None = None,
    ) -> None:
        self._clock = clock
        self._zone = zone
        self._schedule = schedule
        self._index = index
        self._credentials = credentials
        self._state = state
        self._journal = journal
        self._lockouts = lockouts
        self._trust = trust
        self._occupancy = occupancy
        self._unreadable = False

    def look_up(self, number: str, door: DoorPolicy) -> Subject:
        """Everything known of a card now; the PIN is not asked yet."""
        now = self._clock.moment()
        facts = self._place(now, door)
        try:
            keys = self._index.keys_of(number)
        except VaultError as error:
            log.error("keys.unusable", extra={"why": str(error)})  # noqa: TRY400
            return Subject(None, replace(facts, keys_usable=False))
        return Subject(keys, self._person(facts, keys, now))

    def place(self, door: DoorPolicy) -> Facts:
        """The facts of this moment without a card: hours, lockdown, clock, cache."""
        return self._place(self._clock.moment(), door)

    def _place(self, now: Moment, door: DoorPolicy) -> Facts:
        cache = self._credentials.state()
        return Facts(
            now=now.wall,
            today=now.wall.astimezone(self._zone).date(),
            door=door,
            hours=self._schedule().state_at(now.wall),
            lockdown=self._lockdown(),
            clock_trusted=self._trust.judge(now).trusted,
            cache_readable=cache.readable,
            cache_age=age_of(cache.synced, now),
            inside=self._occupancy.inside() if self._occupancy else None,
        )

    def _lockdown(self) -> bool:
        try:
            lockdown = self._state.lockdown()
        except StoreError as error:
            # Asked twice a second: the first failure is told loudly, its repeats are not.
            level = logging.DEBUG if self._unreadable else logging.ERROR
            log.log(level, "state.unreadable", extra={"why": str(error)})
            self._unreadable = True
            return True
        self._unreadable = False
        return lockdown

    def _person(self, facts: Facts, keys: CardKeys, now: Moment) -> Facts:
        try:
            listed = self._state.listed(keys.state, now.wall)
            enrolled = self._state.enrolled(keys.state)
        except (StoreError, VaultError) as error:
            log.error("state.unreadable", extra={"why": str(error)})  # noqa: TRY400
            listed, enrolled = Listed(), None
            facts = replace(facts, lockdown=True)
        exported, readable = self._exported(keys, facts.cache_readable)
        known = exported is not None or listed.allowed or listed.denied
        return replace(
            facts,
            deny_listed=listed.denied,
            allow_listed=listed.allowed,
            locked_for=self._lockouts.locked_for(keys.state, now),
            cache_readable=readable,
            recently_granted=self._recently_granted(facts, keys, now),
            credential=combined(exported, enrolled if known else None),
            enrolled_only=enrolled is not None and not known,
        )

    def _exported(self, keys: CardKeys, readable: bool) -> tuple[Credential | None, bool]:
        if not readable:
            return None, False
        try:
            return self._credentials.find(keys.cache), True
        except (StoreError, VaultError) as error:
            log.error("cache.unreadable", extra={"why": str(error)})  # noqa: TRY400
            return None, False

    def _recently_granted(self, facts: Facts, keys: CardKeys, now: Moment) -> bool:
        stale = facts.cache_age is None or facts.cache_age > facts.door.max_credential_age
        if not (stale and facts.door.allow_recent_when_stale):
            return False
        try:
            grants = [self._journal.last_grant(index) for index in keys.state]
        except StoreError:
            return False
        return any(at is not None and -_AHEAD <= now.wall - at <= RECENT for at in grants)


def age_of(synced: Moment | None, now: Moment) -> timedelta | None:
    """How old the cache is: the larger of what wall clock and boot clock say.

    None before the first feed, and when no clock can tell: a cache of another boot that was
    stamped in the future would never get old.
    """
    if synced is None:
        return None
    wall = now.wall - synced.wall
    if synced.boot_id == now.boot_id and synced.boot <= now.boot:
        return max(wall, timedelta(seconds=now.boot - synced.boot))
    return None if wall < -_AHEAD else max(wall, timedelta(0))


def combined(exported: Credential | None, enrolled: Credential | None) -> Credential | None:
    """The register's rights with the verifier that staff enrolled, where there is one."""
    if exported is None or enrolled is None:
        return exported or enrolled
    return replace(exported, verifier=enrolled.verifier, source=enrolled.source)


def with_pin(subject: Subject, pin: PinOutcome) -> Facts:
    """The facts once the PIN step has ended."""
    return replace(subject.facts, pin=pin)

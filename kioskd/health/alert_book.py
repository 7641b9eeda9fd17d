"""Which alerts are raised now, each told once when it begins and once when it is over.

An alert that comes and goes is raised at most once in its rule's `damped` seconds; what was left
out is counted and told with the next one. Alerts that were raised before a restart are taken over:
one that is still true is not told again, one that is over gets its all-clear.

Deliberately not here: the rules (alerts), and reading or writing anything.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from kioskd.domain.moment import stamp
from kioskd.domain.record import NO_DETAIL, Kind, Record
from kioskd.health.alerts import RULES, Conditions, Level
from kioskd.ports import Clock

log = logging.getLogger("kioskd.alerts")
_LOUD = {Level.INFO: logging.INFO, Level.LOOK: logging.WARNING, Level.BAD: logging.ERROR}
_RESTED = float("-inf")
_SPARKS = {rule.sparked: rule for rule in RULES.values() if rule.sparked is not None}


class Note(Protocol):
    """Writes a row of the journal when there is time; Notebook.note does."""

    def __call__(
        self, kind: Kind, door: str | None = None, detail: Mapping[str, object] = NO_DETAIL
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Told:
    """An alert that was raised, or cleared. subject: a door, a device, a file, or nothing."""

    at: datetime
    alert: str
    subject: str
    raised: bool
    words: str
    level: Level = Level.LOOK


@dataclass(frozen=True, slots=True)
class Earlier:
    """An alert that the journal says was raised, and not cleared, before this start."""

    alert: str
    subject: str
    since: datetime


@dataclass(slots=True)
class _State:
    """since: when it began to be true (wall); onset: the same, monotonic.

    raised: it was told. withheld: it may not be, for now.
    """

    since: datetime
    onset: float
    raised: bool = False
    withheld: bool = False


Key = tuple[str, str]


class AlertBook:
    """Takes rows as they happen and what a look found; tells what begins and what ends.

    note: writes the row of each transition. tell: hands it on; neither may raise or block.
    """

    def __init__(
        self,
        clock: Clock,
        note: Note,
        tell: Callable[[Told], None] = lambda told: None,
        earlier: Iterable[Earlier] = (),
    ) -> None:
        self._clock = clock
        self._note = note
        self._tell = tell
        now = clock.monotonic()
        self._states = {
            (e.alert, e.subject): _State(e.since, now, raised=True)
            for e in earlier
            if e.alert in RULES
        }
        self._sparks = {key: now for key in self._states if RULES[key[0]].standing is None}
        self._raised_at: dict[Key, float] = {}
        self._left_out: dict[Key, int] = {}

    def observe(self, record: Record) -> None:
        """A row that happened, whether or not it could be written."""
        if record.door is None:
            return
        if record.kind is Kind.DOOR_CLOSED:
            for rule in _SPARKS.values():
                self._end((rule.name, record.door))
        elif record.kind in _SPARKS:
            self.spark(_SPARKS[record.kind].name, record.door)

    def spark(self, alert: str, subject: str) -> None:
        """Something that an alert begins with, or goes on with, has just happened."""
        key = (alert, subject)
        self._sparks[key] = self._clock.monotonic()
        self._settle(key, withheld=False)

    def poll(self, now: Conditions) -> tuple[Told, ...]:
        """Hold every rule against what was found; what begins and what ends with it."""
        told: list[Told | None] = []
        true = dict.fromkeys(self._standing(now))
        for key in [key for key in self._sparks if self._over(key, now)]:
            del self._sparks[key]
        for key in [*self._states, *(key for key in true if key not in self._states)]:
            if key in true or key in self._sparks:
                withheld = now.maintenance and RULES[key[0]].withheld
                told.append(self._settle(key, withheld=withheld))
            else:
                told.append(self._end(key))
        return tuple(one for one in told if one is not None)

    def current(self) -> list[dict[str, Any]]:
        """What is true now: {"alert", "subject", "since", "words", "level"}, oldest first.

        What is true but not told again counts too, once it has lasted.
        """
        lasting = [key for key, state in self._states.items() if self._stands(key, state)]
        return [self._shown(key) for key in sorted(lasting, key=lambda k: self._states[k].since)]

    def _standing(self, now: Conditions) -> Iterable[Key]:
        for rule in RULES.values():
            if rule.standing is not None:
                raised = any(s.raised for k, s in self._states.items() if k[0] == rule.name)
                yield from ((rule.name, subject) for subject in rule.standing(now, raised))

    def _over(self, key: Key, now: Conditions) -> bool:
        rule, subject = RULES[key[0]], key[1]
        if rule.of_door and subject not in now.doors:
            return True  # a new configuration has no such door
        if rule.quiet is not None:
            return self._clock.monotonic() - self._sparks[key] >= rule.quiet
        return now.doors[subject].shut

    def _settle(self, key: Key, *, withheld: bool) -> Told | None:
        """It is true: begin to count, or raise it once it has lasted and may be told again."""
        monotonic = self._clock.monotonic()
        if key not in self._states:
            self._states[key] = _State(self._clock.moment().wall, monotonic)
        state = self._states[key]
        state.withheld = withheld
        if state.raised or not self._stands(key, state) or self._damped(key):
            return None
        state.raised = True
        self._raised_at[key] = monotonic
        return self._told(key, raised=True)

    def _end(self, key: Key) -> Told | None:
        """It is true no more."""
        self._sparks.pop(key, None)
        state = self._states.pop(key, None)
        if state is None:
            return None
        if state.raised:
            return self._told(key, raised=False)
        if self._stands(key, state):
            self._left_out[key] = self._left_out.get(key, 0) + 1
        return None

    def _stands(self, key: Key, state: _State) -> bool:
        """Whether it is an alert: told, or true for long enough and free to be told."""
        lasted = self._clock.monotonic() - state.onset >= RULES[key[0]].after
        return state.raised or (lasted and not state.withheld)

    def _damped(self, key: Key) -> bool:
        passed = self._clock.monotonic() - self._raised_at.get(key, _RESTED)
        return passed < RULES[key[0]].damped

    def _told(self, key: Key, *, raised: bool) -> Told:
        (alert, subject), rule = key, RULES[key[0]]
        kind = Kind.ALERT_RAISED if raised else Kind.ALERT_CLEARED
        detail: dict[str, object] = {"alert": alert, "subject": subject}
        if raised and (left_out := self._left_out.pop(key, 0)):
            detail["left_out"] = left_out
        self._note(kind, subject if rule.of_door else None, detail)
        log.log(_LOUD[rule.level] if raised else logging.INFO, kind.value, extra=detail)
        at = self._clock.moment().wall
        told = Told(at, alert, subject, raised, rule.told(subject), rule.level)
        self._tell(told)
        return told

    def _shown(self, key: Key) -> dict[str, Any]:
        (alert, subject), rule = key, RULES[key[0]]
        return {
            "alert": alert,
            "subject": subject,
            "since": stamp(self._states[key].since),
            "words": rule.told(subject),
            "level": rule.level.value,
        }


def earlier_of(rows: Iterable[Mapping[str, object]]) -> tuple[Earlier, ...]:
    """What exported rows leave raised: ALERT_RAISED without its ALERT_CLEARED, in their order."""
    found: dict[Key, Earlier] = {}
    for row in rows:
        detail = row.get("detail")
        if not isinstance(detail, Mapping):
            continue
        key = (str(detail.get("alert", "")), str(detail.get("subject", row.get("door") or "")))
        if row.get("kind") == Kind.ALERT_CLEARED.value:
            found.pop(key, None)
        elif row.get("kind") == Kind.ALERT_RAISED.value and key[0] in RULES:
            found[key] = Earlier(*key, datetime.fromisoformat(str(row["at"])))
    return tuple(found.values())

"""Who may ask for what: roles, and a table of verbs.

A verb that is not in the table is nobody's. Administrators may do everything that is in it.
Deliberately not here: how a person is recognised (peers), and what verbs do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Role(StrEnum):
    """What a person at the socket is to this site."""

    SCREEN = "screen"
    TECHNICIAN = "technician"
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. name: as the journal names them; roles: none for who is in no group.

    hint: what gives a role here, for who has none. account: the uid that limits are counted for,
    None for root and the daemon's own account, which none of them binds. gids: of that account, as
    it connected.
    """

    name: str
    roles: frozenset[Role]
    hint: str = ""
    account: int | None = None
    gids: frozenset[int] = frozenset()

    def may(self, verb: str) -> bool:
        """Whether the table lets this person ask for the verb."""
        return not self.roles.isdisjoint(allowed(verb))

    def may_hear(self, topic: str) -> bool:
        """Whether the table lets this person listen to the topic."""
        return not self.roles.isdisjoint(allowed_topic(topic))

    def refused(self, what: str, needed: frozenset[Role]) -> str:
        """Why not, and the way out, for who asked for what others may have."""
        if not self.roles:
            return f"{self.name} has no role at this door; {self.hint or 'ask an administrator'}"
        theirs, others = ", ".join(sorted(self.roles)), ", ".join(sorted(needed))
        return f"{self.name} ({theirs}) may not ask for {what}; it is for: {others}"


_R = Role
_ANYBODY: Final = frozenset({_R.SCREEN, _R.TECHNICIAN, _R.VIEWER, _R.OPERATOR})
_STAFF: Final = _ANYBODY - {_R.SCREEN}
_DOORS: Final = frozenset({_R.TECHNICIAN, _R.OPERATOR})
_OPERATOR: Final = frozenset({_R.OPERATOR})
_TECHNICIAN: Final = frozenset({_R.TECHNICIAN})
_NOBODY_ELSE: Final[frozenset[Role]] = frozenset()

VERBS: Final[Mapping[str, frozenset[Role]]] = {
    "site": _ANYBODY,  # name, languages, help phone, doors: what a screen shows of itself
    "subscribe": _ANYBODY,  # its topics have a table of their own
    "status": _STAFF,
    "schedule-show": _STAFF,
    "devices": _STAFF,
    "health": _STAFF,
    "open": _DOORS,
    "lock": _DOORS,
    "sync-now": _DOORS,
    "lockdown": _OPERATOR,
    "schedule-except": _OPERATOR,
    "clock-accept": _OPERATOR,
    "lockout-list": _OPERATOR,
    "lockout-clear": _OPERATOR,
    "list-add": _OPERATOR,
    "list-remove": _OPERATOR,
    "list-show": _OPERATOR,
    "enrol": _OPERATOR,
    "why": _OPERATOR,
    "explain": _OPERATOR,
    "reload": _NOBODY_ELSE,
}

TOPICS: Final[Mapping[str, frozenset[Role]]] = {
    # panel:DOOR, what the person at the door reads: why they are turned away, too
    "panel": frozenset({_R.SCREEN, _R.OPERATOR}),
    "events": _STAFF,  # what happened at which door, without persons and reasons
    "rows": _OPERATOR,  # the same with reasons, details and who did it
    "probe": _TECHNICIAN,  # probe:DEVICE, what a device sends, masked
}

LOOKED_AT: Final = frozenset({"rows"})  # topics whose listeners the journal names
_LOOKS: Final = frozenset({"why", "explain", "list-show", "lockout-list"})


def looks_at_persons(verb: str, args: Mapping[str, Any]) -> bool:
    """Whether a verb shows persons' rows, so that the journal names who looked."""
    return verb in _LOOKS or (verb == "enrol" and args.get("show") is True)


def allowed(verb: str) -> frozenset[Role]:
    """The roles that may ask for a verb; none for a verb that nobody knows."""
    return VERBS[verb] | {Role.ADMINISTRATOR} if verb in VERBS else frozenset()


def allowed_topic(topic: str) -> frozenset[Role]:
    """The roles that may listen to a topic such as `panel:front`."""
    kind = topic.partition(":")[0]
    return TOPICS[kind] | {Role.ADMINISTRATOR} if kind in TOPICS else frozenset()

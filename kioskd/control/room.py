"""Room for clients: how many may be connected at once, in all, of each kind, of one account.

A share of the connections is for operators and administrators, so that no crowd of screens or
strangers locks staff out, and no account but root and the daemon's own has more than a few.
Deliberately not here: how much the connected may ask for (turns).
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from kioskd.control.connection import Patience
from kioskd.control.people import Person, Role

_STAFF: Final = frozenset({Role.OPERATOR, Role.ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class Limits:
    """How many at once, and how long is waited (seconds)."""

    connections: int = 256
    kept_for_staff: int = 32  # of these
    strangers: int = 16  # who have no role at all
    account: int = 16  # of one account; all screens of a site may share one
    newcomers: int = 32  # being looked up
    look_up: float = 10.0
    tend: float = 5.0  # between two looks at the socket's file, or two tries to make it
    no_files: float = 1.0  # before a process that has no free files takes connections again
    patience: Patience = field(default_factory=Patience)


class Room:
    """Counts who is connected."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._kinds: Counter[str] = Counter()
        self._accounts: Counter[int] = Counter()

    def total(self) -> int:
        """All who are connected."""
        return self._kinds.total()

    def lacking_for(self, person: Person) -> str:
        """Why there is no room for one more; empty when there is."""
        account = person.account
        if account is not None and self._accounts[account] >= self._limits.account:
            return f"{person.name} has {self._accounts[account]} connections; close some, then ask"
        if not self._room_for(_kind(person)):
            return "too many clients at once; close some, then ask again"
        return ""

    @contextmanager
    def taken(self, person: Person) -> Iterator[None]:
        """Count one more for as long as the block lasts."""
        kind, account = _kind(person), person.account
        self._kinds[kind] += 1
        if account is not None:
            self._accounts[account] += 1
        try:
            yield
        finally:
            self._kinds[kind] -= 1
            if account is not None:
                self._leave(account)

    def _leave(self, account: int) -> None:
        self._accounts[account] -= 1
        if not self._accounts[account]:
            del self._accounts[account]

    def _room_for(self, kind: str) -> bool:
        limits, here = self._limits, self._kinds
        if kind == "staff":
            return here.total() < limits.connections
        if kind == "strangers" and here[kind] >= limits.strangers:
            return False
        return here.total() - here["staff"] < limits.connections - limits.kept_for_staff


def _kind(person: Person) -> str:
    if person.roles & _STAFF:
        return "staff"
    return "others" if person.roles else "strangers"

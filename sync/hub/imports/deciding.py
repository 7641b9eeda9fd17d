"""What becomes of one card: the staged row against what the hub holds. Pure CPU, no I/O.

A PIN that did not change keeps its wrapped verifier. It is known by its bcrypt salt: a salt is
drawn anew, 16 random bytes, each time that a PIN is set, so the same salt is the same PIN; the
wrapped form holds the salt, and the original need not be kept for comparing. Otherwise a million
rows that differ in one column would wait hours for argon2id, their doors without a verifier.

Blocks of a list (imports.rows.PatchRow) carry a code of their own. A person who is imported anew
keeps them: a register whose persons and blocks come in two files must not lose its blocks by the
other file. The next list replaces them.

What comes out as it was changes nothing that devices get; the hub only learns the new digest.

Deliberately not here: batches and transactions (applying).
"""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple

from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.vault.verifiers import Argon2idOverBcrypt, Bcrypt, BcryptSetting, unpack_verifier
from sync.hub.imports.sealing_rows import BLOCK_LIST
from sync.hub.imports.staging import RowKind, Task
from sync.hub.model import Person
from sync.hub.rights import may_be_restricted, turned, turns, urgent_differs
from sync.hub.sealing import HubKeys

TOMBSTONE: Final = bytes(16)  # source of a deleted row: the digest of nothing that is imported
NEVER: Final = 0  # rchange of a row whose restrictions never changed


class Stored(NamedTuple):
    """A row of PATRON, as far as a decision needs it."""

    card: bytes
    sealed: bytes
    source: bytes
    ref: str | None
    rchange: int
    deleted: bool
    seen: str


class Became(StrEnum):
    """What became of a card; UNKNOWN: a patch of nobody. The names are those of the report."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"
    PATCHED = "patched"
    UNKNOWN = "unknown_patches"


@dataclass(frozen=True, slots=True)
class Outcome:
    """row: columns of PATRON to write, with `change` (None: the row stays). source: a new digest
    alone, of a row that stays."""

    became: Became
    row: dict[str, Any] | None = None
    source: bytes | None = None


_GONE: Final = {
    RowKind.DELETED: Became.DELETED,
    RowKind.BAD: Became.WITHDRAWN,
    RowKind.MISSING: Became.DROPPED,
}


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides for the cards of one feed, under one change number."""

    keys: HubKeys
    feed: str
    today: date
    seen: str

    def outcome(
        self, task: Task, stored: Stored | None, change: int, wrapped: bytes | None = None
    ) -> Outcome:
        """What becomes of the card. wrapped: of the task's bcrypt, made beforehand. VaultError."""
        live = None if stored is None or stored.deleted else stored
        if task.kind is RowKind.PERSON:
            if live is not None and live.source == task.source:
                return Outcome(Became.UNCHANGED)
            return self._person(task, live, stored, change, wrapped)
        if task.kind is RowKind.PATCH:
            return self._patched(task, live, change)
        if live is None:
            return Outcome(Became.UNCHANGED)
        return Outcome(_GONE[task.kind], self._tombstone(live, change))

    def opened(self, index: bytes, sealed: bytes) -> Person:
        """The person in a sealed row. VaultError."""
        return self.keys.open_person(self.feed, index, sealed)

    def _person(
        self,
        task: Task,
        live: Stored | None,
        stored: Stored | None,
        change: int,
        wrapped: bytes | None,
    ) -> Outcome:
        after = turned(self.opened(task.card, task.sealed), self.today)
        before = None
        if live is not None:
            before = self.opened(task.card, live.sealed)
            after = _with_blocks(_with_wrapped(after, before.verifier), before, self.today)
            if after == before and live.ref == task.ref:
                return Outcome(Became.UNCHANGED, source=task.source)
        if wrapped is not None:
            after = _with_wrapped(after, wrapped)
        rchange = NEVER if stored is None else stored.rchange
        urgent = may_be_restricted(after) if before is None else urgent_differs(before, after)
        row = self._row(after, task.card, change, change if urgent else rchange)
        return Outcome(Became.APPLIED, row | {"source": task.source, "ref": task.ref})

    def _patched(self, task: Task, live: Stored | None, change: int) -> Outcome:
        if live is None:
            return Outcome(Became.UNKNOWN)
        before = self.opened(task.card, live.sealed)
        blocks = self.opened(task.card, task.sealed).restrictions
        # What the register's own export says of blocks stays: a list knows of its own alone.
        others = tuple(r for r in before.restrictions if r.code != BLOCK_LIST or not _is_block(r))
        after = replace(before, restrictions=(*others, *blocks))
        if set(after.restrictions) == set(before.restrictions):
            return Outcome(Became.UNCHANGED)
        row = self._row(after, task.card, change, change)
        return Outcome(Became.PATCHED, row | {"source": live.source, "ref": live.ref})

    def replaced(self, live: Stored, change: int) -> Outcome:
        """What becomes of the card that a patron had before the one that was imported."""
        return Outcome(Became.DELETED, self._tombstone(live, change))

    def _tombstone(self, live: Stored, change: int) -> dict[str, Any]:
        card = self.opened(live.card, live.sealed).card
        row = self._row(Person(card), live.card, change, change)
        nothing = {"deleted": True, "restricted": False, "turns": None}
        return row | nothing | {"source": TOMBSTONE, "ref": None}

    def _row(self, person: Person, index: bytes, change: int, rchange: int) -> dict[str, Any]:
        turning = turns(person, self.today)
        return {
            "feed": self.feed,
            "card": index,
            "sealed": self.keys.seal_person(self.feed, index, person),
            "change": change,
            "rchange": rchange,
            "deleted": False,
            "restricted": may_be_restricted(person),
            "unwrapped": bcrypt_of(person.verifier) is not None,
            "turns": None if turning is None else turning.isoformat(),
            "seen": self.seen,
        }


def bcrypt_of(verifier: bytes | None) -> BcryptSetting | None:
    """Version, cost and salt of a plain bcrypt; None of anything else."""
    match _unpacked(verifier):
        case Bcrypt(setting):
            return setting
        case _:
            return None


def keeps_wrapped(new: bytes | None, old: bytes | None) -> bool:
    """Whether the old verifier is the new bcrypt, wrapped."""
    setting = bcrypt_of(new)
    match _unpacked(old):
        case Argon2idOverBcrypt(inner):
            return setting is not None and inner == setting
        case _:
            return False


def _unpacked(verifier: bytes | None) -> object:
    try:
        return None if verifier is None else unpack_verifier(verifier)
    except ValueError:
        return None


def _with_wrapped(person: Person, verifier: bytes | None) -> Person:
    if not keeps_wrapped(person.verifier, verifier):
        return person
    return replace(person, verifier=verifier)


def _with_blocks(after: Person, before: Person, today: date) -> Person:
    kept = [r for r in before.restrictions if r.code == BLOCK_LIST and _is_block(r)]
    new = tuple(r for r in kept if r not in after.restrictions)
    return turned(replace(after, restrictions=(*after.restrictions, *new)), today) if new else after


def _is_block(r: Restriction) -> bool:
    return r.kind is RestrictionKind.SELF_SERVICE_BLOCK

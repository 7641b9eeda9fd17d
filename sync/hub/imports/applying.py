"""Planned changes are written: batches of at most 1,000 rows, each a change number of its own.

Restrictions, lost cards and deletions come first, whatever their place in the file was; what is
missing in a full file goes last. Between two batches anybody else may change something, so an
urgent import waits for one batch. A batch looks at the rows again under the lock of its number:
what was compared before may have changed since. A process that is killed leaves whole batches; the
next full import finds what they did unchanged and does the rest.

A few new PINs are wrapped before their rows are written, so that one who changed a PIN can use it
at once; of many, the rest waits for the background.

Deliberately not here: what becomes of a card (deciding), what may be dropped (shrink).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select

from kioskd.vault.verifiers import Argon2Parameters
from sync.hub.database import Change, Database
from sync.hub.imports.deciding import Became, Decider, Outcome, Stored, bcrypt_of, keeps_wrapped
from sync.hub.imports.lock import ImportLock
from sync.hub.imports.patron_rows import among, learn_sources, put_rows
from sync.hub.imports.report import Tally
from sync.hub.imports.staging import Pass, RowKind, Staging, Task
from sync.hub.schema import PATRON
from sync.hub.wrapping import wrapped_all
from sync.threads import in_thread

# PINs wrapped while they are written: a restriction must not wait for the PINs of others.
INLINE: Final = {Pass.URGENT: 20, Pass.OTHERS: 200, Pass.MISSING: 0}
_SELECTED: Final = [PATRON.c[name] for name in Stored._fields]


@dataclass(slots=True)
class Applying:
    """Writes what a staging has planned. parameters: what inline wrapping costs.

    one_card: in this register a patron has one card, so a new one takes the old one's place.
    """

    database: Database
    lock: ImportLock
    decider: Decider
    parameters: Argon2Parameters
    tally: Tally
    one_card: bool = False
    _inline: dict[Pass, int] = field(default_factory=lambda: dict(INLINE))

    async def run(self, staging: Staging, written: Callable[[int], None]) -> None:
        """Write every batch. written: told how many cards are done. StoreError, VaultError."""
        done = 0
        while tasks := await in_thread(staging.batch):
            await self._write(tasks)
            done += len(tasks)
            written(done)

    async def _write(self, tasks: Sequence[Task]) -> None:
        wrapped = await self._wrapped(tasks)
        async with self.database.changing() as change:
            await self.lock.hold(change.connection)
            stored = await self._stored(change, [task.card for task in tasks])
            outcomes = await in_thread(self._decided, tasks, stored, change.number, wrapped)
            await self._put(change, [o.row for o in outcomes if o.row is not None])
            await self._learn(change, tasks, outcomes)
            outcomes += await self._replaced(change, tasks)
        self._count(outcomes)

    def _decided(
        self,
        tasks: Sequence[Task],
        stored: dict[bytes, Stored],
        number: int,
        wrapped: dict[bytes, bytes],
    ) -> list[Outcome]:
        decide = self.decider.outcome
        return [
            decide(task, stored.get(task.card), number, wrapped.get(task.card)) for task in tasks
        ]

    async def _stored(self, change: Change, cards: list[bytes]) -> dict[bytes, Stored]:
        asked = select(*_SELECTED).where(
            PATRON.c.feed == self.decider.feed, among(self.database, PATRON.c.card, cards)
        )
        found = await change.connection.execute(asked)
        return {row.card: Stored(*row) for row in found}

    async def _put(self, change: Change, rows: list[dict[str, Any]]) -> None:
        if rows:
            await put_rows(self.database, change.connection, rows)
            change.rows += len(rows)

    async def _replaced(self, change: Change, tasks: Sequence[Task]) -> list[Outcome]:
        """Other live cards of these patrons go at once, not with the next full import."""
        refs = [task.ref for task in tasks if task.kind is RowKind.PERSON and task.ref]
        if not (self.one_card and refs):
            return []
        asked = select(*_SELECTED).where(
            PATRON.c.feed == self.decider.feed,
            among(self.database, PATRON.c.ref, refs),
            PATRON.c.deleted.is_(False),
        )
        cards = {task.card for task in tasks}
        found = [Stored(*row) for row in await change.connection.execute(asked)]
        gone = [self.decider.replaced(r, change.number) for r in found if r.card not in cards]
        await self._put(change, [outcome.row for outcome in gone if outcome.row is not None])
        return gone

    async def _learn(
        self, change: Change, tasks: Sequence[Task], outcomes: Sequence[Outcome]
    ) -> None:
        """New digests of rows that came out as they were; no device hears of it."""
        learned = [
            {"of_feed": self.decider.feed, "of_card": task.card, "digest": outcome.source}
            for task, outcome in zip(tasks, outcomes, strict=True)
            if outcome.source is not None
        ]
        if learned:
            await learn_sources(change.connection, learned)

    async def _wrapped(self, tasks: Sequence[Task]) -> dict[bytes, bytes]:
        """The new bcrypts of these cards, wrapped, as far as they are to be wrapped here."""
        turn = tasks[0].turn
        if not self._inline[turn]:
            return {}
        async with self.database.reading() as connection:
            found = await self._stored(Change(connection, 0), [task.card for task in tasks])
        new = await in_thread(self._new_pins, tasks, found, self._inline[turn])
        self._inline[turn] -= len(new)
        verifiers = await wrapped_all(list(new.values()), self.parameters)
        return dict(zip(new, verifiers, strict=True))

    def _new_pins(
        self, tasks: Sequence[Task], stored: dict[bytes, Stored], most: int
    ) -> dict[bytes, bytes]:
        new: dict[bytes, bytes] = {}
        for task in tasks:
            if task.kind is not RowKind.PERSON or len(new) == most:
                continue
            verifier = self.decider.opened(task.card, task.sealed).verifier
            if verifier is None or bcrypt_of(verifier) is None:
                continue
            row = stored.get(task.card)
            old = self.decider.opened(row.card, row.sealed).verifier if row else None
            if not keeps_wrapped(verifier, old):
                new[task.card] = verifier
        return new

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            match outcome.became:
                case Became.APPLIED:
                    self.tally.applied += 1
                case Became.UNCHANGED:
                    self.tally.unchanged += 1
                case Became.DELETED:
                    self.tally.deleted += 1
                case Became.DROPPED:
                    self.tally.dropped += 1
                case Became.WITHDRAWN:
                    self.tally.withdrawn += 1
                case Became.PATCHED:
                    self.tally.patched += 1
                case Became.UNKNOWN:
                    self.tally.unknown_patches += 1

"""Where a hub stands for one branch, and whether a device's cursor still leads on from there.

A cursor leads on when hub, branch and rules are the same, its change is not newer than the newest,
no tombstone after it was forgotten, and the change has the nonce that it had: one of a restored
database has not. Everything else is Gone, and the device takes a snapshot.

The rules of every branch that decide its rights lie in the database: a hub that runs with others
must not answer, or devices would hold rows of two rules under one generation.

Deliberately not here: rows.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kioskd.errors import KioskError, StoreError
from sync.hub.cursor import Cursor, Within, cursor_of, text_of
from sync.hub.database import Database
from sync.hub.model import Branch, HubConfig
from sync.hub.rights import near_days_of

RULES: Final = 1  # of sync.hub.rights; a version that makes other rows of the same person rises
_STANDING: Final = text(
    "SELECT (SELECT value FROM meta WHERE key = 'hub_id') AS hub,"
    " (SELECT value FROM meta WHERE key = 'floor') AS floor,"
    " (SELECT rules FROM branch WHERE code = :branch) AS rules,"
    " (SELECT epoch FROM branch WHERE code = :branch) AS epoch,"
    " coalesce((SELECT max(change) FROM batch), 0) AS newest,"
    " (SELECT nonce FROM batch ORDER BY change DESC LIMIT 1) AS nonce,"
    " (SELECT nonce FROM batch WHERE change = :change) AS asked"
)
_NONCE: Final = text("SELECT nonce FROM batch WHERE change = :change")
_ADD: Final = text(
    "INSERT INTO branch (code, rules, epoch) VALUES (:code, :rules, 1)"
    " ON CONFLICT (code) DO NOTHING"
)
_RAISE: Final = text(
    "UPDATE branch SET rules = :rules, epoch = epoch + 1 WHERE code = :code AND rules <> :rules"
)


class OtherRules(StoreError):
    """The database has other rules of a branch than this hub's configuration."""


class Gone(KioskError):
    """A cursor that leads on from nowhere: the device takes a snapshot."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One view of the hub for one branch. asked: nonce of the change that was asked about."""

    hub: str
    branch: str
    generation: str
    floor: int
    change: int
    nonce: str
    asked: str | None

    def cursor(self) -> str:
        """What to ask with next by whoever has everything up to here."""
        return self.cursor_at(self.change, self.nonce)

    def cursor_at(
        self,
        change: int,
        nonce: str,
        within: Within = Within.NOTHING,
        card: bytes = b"",
        feed: str = "",
    ) -> str:
        """A cursor of this hub, branch and rules."""
        made = (self.hub, self.branch, self.generation, change, nonce, within, card, feed)
        return text_of(Cursor(1, *made))

    def check(self, cursor: Cursor, within: Within) -> None:
        """Gone unless the cursor leads on, in this stream."""
        if (cursor.hub, cursor.branch) != (self.hub, self.branch):
            raise Gone("the cursor is of another hub or branch; take a snapshot")
        if cursor.generation != self.generation:
            raise Gone("the rules of this branch have changed since; take a snapshot")
        if cursor.within not in (Within.NOTHING, within):
            raise Gone("the cursor is of another stream; take a snapshot")
        # Inside a change not all of it was delivered, and its tombstones are still needed.
        delivered = cursor.change if cursor.within is Within.NOTHING else cursor.change - 1
        if delivered < self.floor:
            raise Gone("the cursor is too old; take a snapshot")
        if cursor.change and cursor.nonce != self.asked:
            raise Gone("the hub's database is not the one of this cursor; take a snapshot")


def parsed(cursor: str, branch: Branch) -> Cursor:
    """The cursor in a text; Gone when it is none that this branch can have."""
    found = cursor_of(cursor)
    # Its feed becomes a value of a statement; PostgreSQL does not take every text for that.
    if found is None or (found.within and found.feed not in branch.feeds):
        raise Gone("the cursor is none of this hub's; take a snapshot")
    return found


async def standing_of(
    connection: AsyncConnection, config: HubConfig, branch: Branch, change: int = 0
) -> Standing:
    """Where the hub stands in this view. OtherRules when it runs with others."""
    found = await connection.execute(_STANDING, {"branch": branch.code, "change": change})
    row = found.one()
    if row.rules != rules_of(config, branch):
        raise OtherRules(
            f"branch {branch.code}: the database has other rules for it than this hub's "
            "configuration; start every hub anew with the same configuration"
        )
    generation = _digest(row.hub, branch.code, str(row.epoch), row.rules)
    floor, newest = int(row.floor), int(row.newest)
    return Standing(row.hub, branch.code, generation, floor, newest, row.nonce or "", row.asked)


async def nonce_of(connection: AsyncConnection, change: int) -> str:
    """The nonce of a change that has rows."""
    found = await connection.execute(_NONCE, {"change": change})
    return str(found.scalar_one())


def rules_of(config: HubConfig, branch: Branch) -> str:
    """What decides the rights of a branch's devices, as canonical JSON."""
    rules = {
        "version": RULES,
        "feeds": branch.feeds,
        "minimum_age": branch.minimum_age,
        "terms_required": branch.terms_required,
        "categories": sorted(branch.categories),
        "send_language": branch.send_language,
        "send_kinds": sorted(branch.send_kinds),
        "near_days": near_days_of(config),
        "timezone": config.timezone,
    }
    return msgspec.json.encode(rules, order="sorted").decode()


async def sync_branches(database: Database, config: HubConfig) -> int:
    """Write the rules of every branch; how many were new or changed. Before a hub answers anyone.

    Rules that changed raise the branch's epoch: its devices' cursors are gone. A branch that is
    configured no more keeps its row: no device is let in for it.
    """
    changed = 0
    async with database.writing() as connection:
        for branch in sorted(config.branches, key=lambda b: b.code):  # two hubs lock in one order
            row = {"code": branch.code, "rules": rules_of(config, branch)}
            added = await connection.execute(_ADD, row)
            raised = await connection.execute(_RAISE, row)
            changed += added.rowcount + raised.rowcount
        if changed:
            await database.tell(connection, "change")
    return changed


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

"""Signs of change in the hub's database, and whom two looks at them concern.

Whatever woke a hub (NOTIFY, SQLite's data_version, a timer), it looks at the same few numbers and
compares. So a lost notification costs a delay and nothing else, and no payload has to be trusted.

Deliberately not here: waking up (waking), and telling devices (hints).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import func, select

from sync.hub.database import Database
from sync.hub.schema import BATCH, BRANCH, COMMAND, DEVICE, PUBLISHED


class Hint(StrEnum):
    """What a device is told; REVOKED is for its stream alone: is the token still good?"""

    CHANGE = "change"
    COMMAND = "command"
    CONFIG = "config"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Signs:
    """One look. commands: open ones of a device, by their ids. tokens: of devices not revoked."""

    newest: int = 0
    epochs: Mapping[str, int] = field(default_factory=dict)
    published: Mapping[str, int] = field(default_factory=dict)
    commands: Mapping[str, frozenset[str]] = field(default_factory=dict)
    tokens: Mapping[str, bytes] = field(default_factory=dict)

    def place(self, branch: str) -> tuple[int, int]:
        """Equal as long as nothing changed for the devices of this branch."""
        return self.newest, self.epochs.get(branch, 0)


def told(before: Signs, after: Signs, device: str, branch: str) -> frozenset[Hint]:
    """What a device of this branch is to be told between two looks."""
    differs = {
        Hint.CHANGE: before.place(branch) != after.place(branch),
        Hint.CONFIG: before.published.get(branch) != after.published.get(branch),
        Hint.COMMAND: bool(_commands(after, device) - _commands(before, device)),
    }
    return frozenset(hint for hint, yes in differs.items() if yes)


def _commands(signs: Signs, device: str) -> frozenset[str]:
    return signs.commands.get(device, frozenset())


async def read_signs(database: Database) -> Signs:
    """Look; StoreError when the database does not answer."""
    newest = select(func.coalesce(func.max(BATCH.c.change), 0))
    epochs = select(BRANCH.c.code, BRANCH.c.epoch)
    versions = select(PUBLISHED.c.branch, func.max(PUBLISHED.c.version)).group_by(
        PUBLISHED.c.branch
    )
    commands = select(COMMAND.c.device, COMMAND.c.id).where(COMMAND.c.done.is_(None))
    tokens = select(DEVICE.c.name, DEVICE.c.token).where(
        DEVICE.c.revoked.is_(None), DEVICE.c.token.is_not(None)
    )
    async with database.reading() as connection:
        return Signs(
            newest=int((await connection.execute(newest)).scalar_one()),
            epochs={row[0]: row[1] for row in await connection.execute(epochs)},
            published={row[0]: row[1] for row in await connection.execute(versions)},
            commands=_sets((row[0], row[1]) for row in await connection.execute(commands)),
            tokens={row[0]: bytes(row[1]) for row in await connection.execute(tokens)},
        )


def _sets(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    gathered: dict[str, set[str]] = {}
    for name, value in pairs:
        gathered.setdefault(name, set()).add(value)
    return {name: frozenset(values) for name, values in gathered.items()}

"""What the hub holds of one card, for whoever has to answer the patron. Never the verifier.

Deliberately not here: whether who asks may know (the controller's own procedure), and what devices
hold: they say it themselves.
"""

from dataclasses import dataclass

from sqlalchemy import select

from kioskd.domain.card import canonical
from sync.hub.database import Database
from sync.hub.model import Branch, HubConfig, Person
from sync.hub.schema import ACTIVITY, PATRON, PIN_FAILURE
from sync.hub.sealing import HubKeys


@dataclass(frozen=True, slots=True)
class Held:
    """A feed's row. person: None where it was removed and the removal is still told to devices.

    branches: whose devices get it. used_on: days on which the card was used, ISO.
    """

    feed: str
    person: Person | None
    branches: tuple[str, ...] = ()
    used_on: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Held()"


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything of a card. failures: wrong PINs at POST /v1/verify that still count."""

    held: tuple[Held, ...]
    failures: int

    def __repr__(self) -> str:
        return "Shown()"


async def shown(database: Database, keys: HubKeys, config: HubConfig, card: str) -> Shown:
    """Look it up by its number. VaultError, StoreError."""
    index = keys.card_index(canonical(card))
    of_card = select(PATRON).where(PATRON.c.card == index).order_by(PATRON.c.feed)
    days = select(ACTIVITY.c.ref, ACTIVITY.c.day).order_by(ACTIVITY.c.day)
    failures = select(PIN_FAILURE.c.failures).where(PIN_FAILURE.c.card == index)
    async with database.reading() as connection:
        rows = (await connection.execute(of_card)).all()
        refs = [row.ref for row in rows if row.ref]
        used = (await connection.execute(days.where(ACTIVITY.c.ref.in_(refs)))).all()
        wrong = (await connection.execute(failures)).scalar_one_or_none()
    live = [row.feed for row in rows if not row.deleted]
    return Shown(
        tuple(
            Held(
                row.feed,
                None if row.deleted else keys.open_person(row.feed, row.card, row.sealed),
                tuple(b.code for b in config.branches if _gets(b, row.feed, live)),
                tuple(day for ref, day in used if ref == row.ref),
            )
            for row in rows
        ),
        wrong or 0,
    )


def _gets(branch: Branch, feed: str, live: list[str]) -> bool:
    """Whether a branch's devices have this row: of several, the first of its feeds counts."""
    return next((one for one in branch.feeds if one in live), None) == feed

"""A hub to import into, and feed files of made-up patrons."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.vault.kdf import hash_pin_bcrypt
from kioskd.vault.verifiers import Argon2Parameters, to_text
from sync.hub.database import Database
from sync.hub.imports.feed import FeedParser
from sync.hub.imports.report import ImportProgress, ImportReport, ImportRequest
from sync.hub.imports.rows import Parser, ParserRules, PatchRow, Row
from sync.hub.imports.run import ParserFor, run_import
from sync.hub.model import Branch, HubConfig, Municipality, Person
from sync.hub.schema import BATCH, LEASE, PATRON
from sync.hub.sealing import HubKeys

FEED = "esi"
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
CHEAP = Argon2Parameters(8, 1, 1)  # tests wrap many PINs; the cost is the site's own affair
BCRYPT = to_text(hash_pin_bcrypt("1234", cost=4))
OTHER_BCRYPT = to_text(hash_pin_bcrypt("4321", cost=4))
BAN: dict[str, object] = {"kind": "use-ban"}


def row(number: int, **columns: object) -> dict[str, object]:
    """A line of a feed."""
    return {"card": card(number), **columns}


def card(number: int) -> str:
    return f"2{number:07d}"


def rows(numbers: Iterable[int], **columns: object) -> list[dict[str, object]]:
    return [row(number, **columns) for number in numbers]


@dataclass(slots=True)
class Listed:
    """A parser that gives the rows it was made with."""

    given: list[Row]
    size: int = 0
    position: int = 0
    warnings: dict[str, int] = field(default_factory=dict)
    closed: bool = False

    def rows(self) -> Iterator[Row]:
        return iter(self.given)

    def close(self) -> None:
        self.closed = True


def config_of(home: Path) -> HubConfig:
    """Two feeds, a branch for each."""
    return HubConfig(
        path=home / "hub.toml",
        listen="127.0.0.1:8080",
        database="",
        key="",
        municipalities=(Municipality("esimerkkila", (FEED, "toinen")),),
        branches=(
            Branch("ESI", "esimerkkila", (FEED,)),
            Branch("TOI", "esimerkkila", ("toinen",)),
        ),
    )


@dataclass(slots=True)
class World:
    """An open hub, and what a test says and asks about it."""

    database: Database
    home: Path
    keys: HubKeys = field(default_factory=lambda: HubKeys(b"k" * 32))
    at: datetime = START
    files: int = 0
    seen: list[ImportProgress] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    @property
    def config(self) -> HubConfig:
        return config_of(self.home)

    def file(self, lines: Iterable[dict[str, object] | str]) -> Path:
        """A feed file of these rows; a text is a line as it stands."""
        self.files += 1
        path = self.home / f"feed-{self.files}.jsonl"
        text = (line if isinstance(line, str) else json.dumps(line) for line in lines)
        path.write_text("".join(f"{line}\n" for line in text))
        return path

    async def load(
        self,
        lines: Iterable[dict[str, object] | str],
        *,
        feed: str = FEED,
        delta: bool = False,
        confirm: bool = False,
        form: str = "feed",
        progress: Callable[[ImportProgress], None] | None = None,
    ) -> ImportReport:
        """Import a feed file of these rows."""
        request = ImportRequest(feed, form, full=not delta, confirm_shrink=confirm)
        return await self.run(request, self.parser(self.file(lines)), progress)

    async def patch(self, blocks: dict[int, list[Restriction]]) -> ImportReport:
        """Import a list of blocks."""
        given: list[Row] = [
            PatchRow(line, card(number), tuple(found))
            for line, (number, found) in enumerate(blocks.items(), 1)
        ]
        request = ImportRequest(FEED, format="blocklist-csv")
        return await self.run(request, lambda _: listed(given))

    async def run(
        self,
        request: ImportRequest,
        parser_for: ParserFor,
        progress: Callable[[ImportProgress], None] | None = None,
    ) -> ImportReport:
        return await run_import(
            self.database,
            self.keys,
            self.config,
            request,
            parser_for,
            self.now,
            progress or self.seen.append,
            CHEAP,
        )

    def parser(self, path: Path) -> ParserFor:
        def opened(rules: ParserRules) -> Parser:
            return FeedParser.open(path, rules)

        return opened

    async def persons(self, feed: str = FEED) -> dict[str, Person]:
        """Everybody who is not deleted, by card."""
        asked = select(PATRON).where(PATRON.c.feed == feed, ~PATRON.c.deleted)
        async with self.database.reading() as connection:
            found = (await connection.execute(asked)).all()
        opened = [self.keys.open_person(feed, one.card, one.sealed) for one in found]
        return {person.card: person for person in opened}

    async def person(self, number: int) -> Person:
        return (await self.persons())[card(number)]

    async def columns(self, number: int, feed: str = FEED) -> dict[str, object]:
        """The row of a card as it is stored; empty without one."""
        index = self.keys.card_index(card(number))
        asked = select(PATRON).where(PATRON.c.feed == feed, PATRON.c.card == index)
        async with self.database.reading() as connection:
            found = (await connection.execute(asked)).mappings().first()
        return {} if found is None else dict(found)

    async def cards(self) -> set[str]:
        return set(await self.persons())

    async def changes(self) -> list[tuple[int, int]]:
        """Every change so far: its number and its rows."""
        asked = select(BATCH.c.change, BATCH.c.rows).order_by(BATCH.c.change)
        async with self.database.reading() as connection:
            return [(int(n), int(count)) for n, count in await connection.execute(asked)]

    async def leases(self) -> int:
        async with self.database.reading() as connection:
            counted = await connection.execute(select(func.count()).select_from(LEASE))
            return int(counted.scalar_one())

    def later(self, by: timedelta) -> None:
        self.at += by


def listed(given: list[Row]) -> Parser:
    return Listed(given)


def block(**given: object) -> Restriction:
    """A self-service block."""
    return replace(Restriction(RestrictionKind.SELF_SERVICE_BLOCK), **given)  # type: ignore[arg-type]

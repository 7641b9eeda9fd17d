"""What must hold once hub and device have come to rest, whatever happened before.

    faults = await faults_of(office, device, journalled)

Each fault is a line; none is what is wanted. Both sides are read from what is on their disks.

a  the device's cache is what the branch may know, card by card, and no card more
b  the hub has every row of the journal once and as it was, and every day of use; nothing is owed
   any more, and each decision was counted once
c  of another branch nothing is in any file of the device

Deliberately not here: bringing the two to rest (world).
"""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select

from kioskd.daemon.keys import open_keyring
from kioskd.daemon.line_outbox import event_of
from kioskd.domain.credential import Credential, Restriction
from kioskd.store import generations
from kioskd.store.cache_delta import read_state
from kioskd.store.outbox_read import OutboxRow
from kioskd.vault.card_index import index_of
from kioskd.vault.keyring import Keyring
from kioskd.vault.keys import Purpose
from kioskd.vault.sealing import Sealer
from kioskd.vault.verifiers import pack_verifier
from sync.feed_rows import RowFields
from sync.hub.rights import fields, near_days_of
from sync.hub.schema import ACTIVITY, EVENT, PATRON, TALLY
from sync.hub_wire import Event
from tests.hub_end.device_side import Device
from tests.hub_end.hub_side import DEVICE, Office, wall
from tests.hub_end.register import MARKER, MARKER_PIN, card_of, pin_hash

_ROWS: Final = (
    "SELECT seq, id, at, kind, door, decision, reason, decided_by, detail FROM event ORDER BY seq"
)
Compared = tuple[object, ...]


@dataclass
class Journalled:
    """What the device wrote down: ids of rows, and (reference, day) of days of use."""

    ids: set[str] = field(default_factory=set)
    owed: set[tuple[str, str]] = field(default_factory=set)


async def faults_of(office: Office, device: Device, journalled: Journalled) -> list[str]:
    """Every invariant that does not hold. The device's line and its daemon are not running."""
    return [
        *_differences(await _may_know(office), _knows(device)),
        *await _journal_faults(office, device, journalled),
        *await _owed_faults(office, device, journalled),
        *_traces(office, device),
    ]


# a: the cache


async def _may_know(office: Office) -> dict[str, Credential]:
    """Of each card that counts at this branch, what its devices may know; by card number."""
    branch = office.branch
    today = wall().astimezone(ZoneInfo(office.config.timezone)).date()
    async with office.database.reading() as connection:
        rows = (await connection.execute(select(PATRON).where(~PATRON.c.deleted))).all()
    found: dict[str, Credential] = {}
    for feed in reversed(branch.feeds):  # the first of them has the last word
        for row in (row for row in rows if row.feed == feed):
            person = office.keys.open_person(feed, row.card, row.sealed)
            near = near_days_of(office.config)
            found[person.card] = _credential(fields(person, row.ref or "", branch, today, near))
    return found


def _credential(told: RowFields) -> Credential:
    return Credential(
        verifier=pack_verifier(told.pin_hash) if told.pin_hash else None,
        restrictions=tuple(
            Restriction(r.kind, r.until, r.branch, r.code) for r in told.restrictions or ()
        ),
        expires=told.expires,
        eligible_from=told.eligible_from,
        category=told.category,
        language=told.language,
        ref=told.ref,
    )


@dataclass(frozen=True)
class _Cache:
    """What a device holds, opened; by card index."""

    index_key: bytes
    credentials: dict[bytes, Credential]


def _knows(device: Device) -> _Cache:
    current = generations.read_current(device.directory)
    if current is None:
        return _Cache(b"", {})
    keyring, meta = open_keyring(device.config), read_state(device.directory, current)
    sealer = Sealer(keyring.by_id(meta.seal_key).secret)
    path = generations.database_of(device.directory, current.generation)
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT card, sealed FROM credential").fetchall()
    return _Cache(
        keyring.cache_index(meta.index_key).secret,
        {card: sealer.unseal(card, sealed) for card, sealed in rows},
    )


def _differences(wanted: dict[str, Credential], found: _Cache) -> Iterator[str]:
    left = dict(found.credentials)
    for card, credential in sorted(wanted.items()):
        held = left.pop(index_of(found.index_key, card), None)
        if held is None:
            yield f"a: {card} is missing at the device"
        elif held != credential:
            names = [n for n in Credential.__slots__ if getattr(held, n) != getattr(credential, n)]
            yield f"a: {card} differs at the device: {', '.join(names)}"
    yield from (f"a: the device has a card that it must not have: {card.hex()}" for card in left)


# b: the journal


def _journal(device: Device) -> tuple[str, list[OutboxRow]]:
    with closing(_opened(device)) as connection:
        found = connection.execute("SELECT value FROM meta WHERE key = 'journal'").fetchone()
        return str(found[0]), [OutboxRow(*row) for row in connection.execute(_ROWS)]


async def _journal_faults(office: Office, device: Device, journalled: Journalled) -> list[str]:
    journal, rows = _journal(device)
    stored = await _stored(office)
    wanted = {row.seq: event_of(journal, row) for row in rows}
    times = Counter((event.journal, event.seq) for event in stored)
    faults = [f"b: row {seq} is at the hub {n} times" for (_, seq), n in times.items() if n > 1]
    for event in stored:
        if event.journal != journal or event.seq not in wanted:
            faults.append(f"b: the hub has a row that nobody wrote: {event.kind}")
        elif event != wanted[event.seq]:
            faults.append(f"b: row {event.seq} is another at the hub")
    faults += [f"b: row {seq} is not at the hub" for seq in wanted if (journal, seq) not in times]
    faults += [f"b: row {i} was written and is gone" for i in journalled.ids - {r.id for r in rows}]
    return [*faults, *await _tally_faults(office, rows)]


async def _stored(office: Office) -> list[Event]:
    async with office.database.reading() as connection:
        rows = (await connection.execute(select(EVENT))).all()
    assert {row.device for row in rows} <= {DEVICE}
    return [msgspec.json.decode(row.body, type=Event) for row in rows]


async def _tally_faults(office: Office, rows: Collection[OutboxRow]) -> list[str]:
    zone = ZoneInfo(office.config.timezone)
    wanted: Counter[Compared] = Counter()
    for row in rows:
        if row.kind == "entry.decided":
            at = datetime.fromisoformat(row.at).astimezone(zone)
            what = "login" if row.decision == "granted" else f"denied:{row.reason}"
            wanted[office.branch.code, at.date().isoformat(), at.hour, what] += 1
    async with office.database.reading() as connection:
        cells = (await connection.execute(select(TALLY))).all()
    found = {(c.branch, c.day, c.hour, c.what): int(c.n) for c in cells}
    keys = sorted(map(str, {k for k in {*wanted, *found} if wanted[k] != found.get(k, 0)}))
    return [f"b: counted wrongly: {key}" for key in keys]


async def _owed_faults(office: Office, device: Device, journalled: Journalled) -> list[str]:
    async with office.database.reading() as connection:
        rows = (await connection.execute(select(ACTIVITY))).all()
    found = {(str(row.ref), str(row.day)) for row in rows}
    faults = [f"b: a day of use is not at the hub: {day}" for _, day in journalled.owed - found]
    faults += [
        f"b: the hub has a day of use that was none: {d}" for _, d in found - journalled.owed
    ]
    with closing(_opened(device)) as connection:
        owed = connection.execute("SELECT count(*) FROM activity WHERE sealed != x''").fetchone()[0]
        dead = connection.execute("SELECT count(*) FROM dead").fetchone()[0]
        through = connection.execute("SELECT coalesce(max(through), 0) FROM delivery").fetchone()[0]
        last = connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0]
    faults += [f"b: {owed} days of use are still owed"] * (owed > 0)
    faults += [f"b: {dead} rows were given up"] * (dead > 0)
    faults += [f"b: the device takes {last - through} rows for undelivered"] * (last != through)
    return faults


def _opened(device: Device) -> sqlite3.Connection:
    return sqlite3.connect(device.directory / "journal.db")


# c: other branches


def _traces(office: Office, device: Device) -> Iterator[str]:
    marks = _marks(office, open_keyring(device.config))
    for path in sorted(device.base.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        yield from (f"c: {path.name} has {what} of NAA" for what, m in marks.items() if m in data)


def _marks(office: Office, keyring: Keyring) -> dict[str, bytes]:
    """What would give a card of another branch away, in whatever form it lay there."""
    card, packed = card_of(MARKER), pack_verifier(pin_hash(MARKER_PIN))
    marks = {
        "the card": card.encode(),
        "the hub's index": office.keys.card_index(card),
        "the verifier": packed,
        "the hash": pin_hash(MARKER_PIN).encode(),
        "the reference": office.keys.ref("naa", card).encode(),
    }
    keys = (*keyring.all(Purpose.CACHE_INDEX), *keyring.all(Purpose.STATE_INDEX))
    return marks | {f"the index {key.id}": index_of(key.secret, card) for key in keys}

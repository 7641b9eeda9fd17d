"""What staff keep in state.db, row by row: lists, enrolments, lockdown, dated hours, clock mark.

Functions over an open connection; whoever calls holds the transaction where one is needed. A row
that was damaged is told as what is stricter: no time is a time that is over, no hours are closed.

Deliberately not here: what a door reads (kioskd.store.state), threads (state_staff).
"""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from kioskd.access.schedule import Span, StaffException
from kioskd.domain.moment import Moment, stamp
from kioskd.domain.staff import HUB, Enrolment, ListEntry, Lockdown, Which
from kioskd.store.times import time_of

LOCKDOWN = "lockdown"  # on | off; what is neither is a lockdown
_NOTE = "lockdown.note"  # since when, by whom and why, as JSON
_CLOCK = "clock.accepted"  # which reading of all clocks an operator vouched for, as JSON
_OVER = datetime(1970, 1, 1, tzinfo=UTC)
_WITH_EXCEPTIONS = 2  # the schema that brought them
_MOST_BOOT_SECONDS = 1e10


def entries(connection: Connection, which: Which) -> tuple[ListEntry, ...]:
    """A list, the entry that ends first in front; those that are over among them."""
    rows = connection.exec_driver_sql(
        "SELECT card, until, why, by, shown, added FROM listed WHERE which = ? "
        "ORDER BY until, card",
        (which.value,),
    ).fetchall()
    return tuple(
        ListEntry(bytes(card), which, time_of(until) or _OVER, why, by, shown, time_of(added))
        for card, until, why, by, shown, added in rows
    )


def put_entry(connection: Connection, entry: ListEntry, older: Iterable[bytes]) -> None:
    """Put a card on a list, in place of what staff put there; its rows under older indices go.

    What a hub put there stays beside it.
    """
    for card in (entry.card, *older):
        connection.exec_driver_sql(
            "DELETE FROM listed WHERE card = ? AND which = ? AND by != ?",
            (card, entry.which.value, HUB),
        ).close()
    _insert(connection, entry)


def _insert(connection: Connection, entry: ListEntry) -> None:
    connection.exec_driver_sql(
        "INSERT OR REPLACE INTO listed (card, which, until, why, by, shown, added) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            entry.card,
            entry.which.value,
            stamp(entry.until),
            entry.why,
            entry.by,
            entry.shown,
            _stamp(entry.added),
        ),
    )


def put_entries_of(
    connection: Connection, which: Which, by: str, to_be: Iterable[ListEntry]
) -> None:
    """Let these be the entries of a list that `by` put there; those of others stay."""
    connection.exec_driver_sql(
        "DELETE FROM listed WHERE which = ? AND by = ?", (which.value, by)
    ).close()
    for entry in to_be:
        _insert(connection, entry)


def drop_entries(connection: Connection, cards: Iterable[bytes], which: Which) -> int:
    """Take a card off a list; how many rows went."""
    return sum(
        connection.exec_driver_sql(
            "DELETE FROM listed WHERE card = ? AND which = ?", (card, which.value)
        ).rowcount
        for card in cards
    )


def enrolments(connection: Connection) -> tuple[Enrolment, ...]:
    """Every card with a verifier of its own, the newest last; the verifiers are not read."""
    rows = connection.exec_driver_sql(
        "SELECT card, shown, label, by, added FROM enrolled ORDER BY added, card"
    ).fetchall()
    return tuple(
        Enrolment(bytes(card), shown, label, by, time_of(added))
        for card, shown, label, by, added in rows
    )


def put_enrolment(
    connection: Connection, enrolment: Enrolment, sealed: bytes, older: Iterable[bytes]
) -> bool:
    """Keep a sealed verifier; whether the card had one. Its rows under older indices go."""
    had = drop_enrolments(connection, [enrolment.card, *older])
    connection.exec_driver_sql(
        "INSERT INTO enrolled (card, sealed, shown, label, by, added) VALUES (?, ?, ?, ?, ?, ?)",
        (
            enrolment.card,
            sealed,
            enrolment.shown,
            enrolment.label,
            enrolment.by,
            _stamp(enrolment.added),
        ),
    )
    return had > 0


def drop_enrolments(connection: Connection, cards: Iterable[bytes]) -> int:
    """Forget a card's verifier; how many rows went."""
    return sum(
        connection.exec_driver_sql("DELETE FROM enrolled WHERE card = ?", (card,)).rowcount
        for card in cards
    )


def lockdown(connection: Connection) -> Lockdown:
    """The lockdown as it is kept; what cannot be read is one, and nobody knows whose."""
    kept = _value(connection, LOCKDOWN)
    if kept in (None, "off"):
        return Lockdown(on=False)
    note = _note(connection, _NOTE) if kept == "on" else {}
    since = time_of(note.get("since"))
    return Lockdown(True, since, str(note.get("by", "")), str(note.get("reason", "")))


def put_lockdown(connection: Connection, to_be: Lockdown) -> None:
    """Begin or end a lockdown."""
    note = {"since": _stamp(to_be.since), "by": to_be.by, "reason": to_be.reason}
    _put_value(connection, LOCKDOWN, "on" if to_be.on else "off")
    _put_value(connection, _NOTE, json.dumps(note if to_be.on else {}))


def exceptions(connection: Connection) -> tuple[StaffException, ...]:
    """Hours that staff gave single dates, in order. A file of old that is only read has none."""
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if version < _WITH_EXCEPTIONS:
        return ()
    rows = connection.exec_driver_sql(
        "SELECT date, hours, title, by FROM exception ORDER BY date"
    ).fetchall()
    return tuple(
        StaffException(day, _spans(hours), title, by)
        for text, hours, title, by in rows
        if (day := _day(text)) is not None
    )


def put_exception(connection: Connection, exception: StaffException) -> None:
    """Give a date these hours, in place of others that staff gave it."""
    hours = json.dumps([str(span) for span in exception.spans])
    connection.exec_driver_sql(
        "INSERT OR REPLACE INTO exception (date, hours, title, by) VALUES (?, ?, ?, ?)",
        (exception.date.isoformat(), hours, exception.title, exception.by),
    )


def drop_exception(connection: Connection, day: date) -> bool:
    """Give a date back to the file's hours; whether it had others."""
    gone = connection.exec_driver_sql("DELETE FROM exception WHERE date = ?", (day.isoformat(),))
    return gone.rowcount > 0


def drop_exceptions_before(connection: Connection, day: date) -> int:
    """Forget dates before a day; how many."""
    gone = connection.exec_driver_sql("DELETE FROM exception WHERE date < ?", (day.isoformat(),))
    return int(gone.rowcount)


def clock_mark(connection: Connection) -> Moment | None:
    """The reading that an operator vouched for last; None where there is none or it is damaged."""
    note = _note(connection, _CLOCK)
    wall, boot, boot_id = time_of(note.get("wall")), note.get("boot"), note.get("boot_id")
    if wall is None or not isinstance(boot, float) or not isinstance(boot_id, str) or not boot_id:
        return None
    return Moment(wall, boot, boot_id) if 0 <= boot < _MOST_BOOT_SECONDS else None


def put_clock_mark(connection: Connection, now: Moment) -> None:
    """Remember the reading that an operator vouched for."""
    note = {"wall": stamp(now.wall), "boot": float(now.boot), "boot_id": now.boot_id}
    _put_value(connection, _CLOCK, json.dumps(note))


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)


def _value(connection: Connection, key: str) -> str | None:
    found = connection.exec_driver_sql("SELECT value FROM value WHERE key = ?", (key,)).scalar()
    return None if found is None else str(found)


def _put_value(connection: Connection, key: str, value: str) -> None:
    connection.exec_driver_sql("INSERT OR REPLACE INTO value VALUES (?, ?)", (key, value))


def _note(connection: Connection, key: str) -> dict[str, object]:
    try:
        note = json.loads(_value(connection, key) or "{}")
    except (ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def _spans(text: str) -> tuple[Span, ...]:
    try:
        return tuple(Span.parse(span) for span in json.loads(text))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return ()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

"""Hours that staff give a single date, above those of the file: the verb schedule-except.

    {"date", "hours": ["10:00-14:00 self-service", ...], "title", "reason"}   no hours: closed
    {"date", "remove": true, "reason"}                                        as in the file again
    -> {"date", "hours", "before", "title", "by"}   hours and before: null where staff give none

Takes effect at once.
Deliberately not here: showing hours (hours.py), and how spans are read (kioskd.config.hours).
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kioskd import wire
from kioskd.access.schedule import Span, StaffException
from kioskd.config.hours import spans_of
from kioskd.control.acts import Acts
from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Refusal, Run, flag, only, text
from kioskd.domain.record import Kind
from kioskd.errors import InputError
from kioskd.ports import Clock, StaffHours

MOST_DAYS_AHEAD: Final = 400  # as far as the schedule itself looks

Changed = Callable[[], Awaitable[None]]


class Excepting:
    """The verb over one site's dates. changed: has the schedule read anew."""

    def __init__(
        self, acts: Acts, clock: Clock, zone: ZoneInfo, hours: StaffHours, changed: Changed
    ) -> None:
        self._acts = acts
        self._clock = clock
        self._zone = zone
        self._hours = hours
        self._changed = changed

    def verbs(self) -> Mapping[str, Run]:
        """By name."""
        return {"schedule-except": self.give}

    async def give(self, person: Person, args: Arguments) -> Answer:
        """Give the date hours, or give it back."""
        only(args, "date", "hours", "title", "reason", "remove")
        day = self._day(args)
        before = {e.date: e.spans for e in await self._hours.exceptions()}.get(day)
        if args.get("remove") is not None and flag(args, "remove"):
            return await self._remove(person, args, day, before)
        return await self._put(person, args, day, before)

    async def _put(
        self, person: Person, args: Arguments, day: date, before: tuple[Span, ...] | None
    ) -> Answer:
        spans, reason = _spans(args), text(args, "reason")
        title = text(args, "title", most=60) if args.get("title") else ""
        exception = StaffException(day, spans, title, person.name)
        detail = _row(day, before, spans, reason)
        async with self._first(person, detail):
            await self._hours.put_exception(exception)
        await self._changed()
        return _told(day, before, spans, title, person.name)

    async def _remove(
        self, person: Person, args: Arguments, day: date, before: tuple[Span, ...] | None
    ) -> Answer:
        if args.get("hours") or args.get("title"):
            raise InputError("remove: gives the date back to the file; leave out hours and title")
        if before is None:
            raise Refusal(wire.NOT_FOUND, f"date: staff have given {day} no hours of its own")
        reason = text(args, "reason") if args.get("reason") else ""
        async with self._first(person, _row(day, before, None, reason)):
            await self._hours.drop_exception(day)
        await self._changed()
        return _told(day, before, None, "", person.name)

    def _first(
        self, person: Person, detail: Mapping[str, object]
    ) -> AbstractAsyncContextManager[str]:
        return self._acts.first(
            person, "schedule-except", detail=detail, kind=Kind.SCHEDULE_CHANGED
        )

    def _day(self, args: Arguments) -> date:
        written = text(args, "date", most=40)
        try:
            day = date.fromisoformat(written)
        except ValueError:
            raise InputError(f"date: {written!r} is no date; write it as 2026-11-23") from None
        today = self._clock.moment().wall.astimezone(self._zone).date()
        if day < today:
            raise InputError(f"date: {day} is past; here it is {today}")
        if day > today + timedelta(days=MOST_DAYS_AHEAD):
            raise InputError(f"date: {day} is more than {MOST_DAYS_AHEAD} days ahead")
        return day


def _spans(args: Arguments) -> tuple[Span, ...]:
    written = args.get("hours")
    if not isinstance(written, list) or not all(isinstance(text, str) for text in written):
        raise InputError('hours: give a list like ["10:00-14:00 self-service"]; empty is closed')
    try:
        return spans_of(written)
    except ValueError as error:
        raise InputError(f"hours: {error}") from None


def _row(
    day: date, before: tuple[Span, ...] | None, after: tuple[Span, ...] | None, reason: str
) -> dict[str, object]:
    return {
        "date": day.isoformat(),
        "before": _texts(before),
        "after": _texts(after),
        "reason": reason,
    }


def _told(
    day: date,
    before: tuple[Span, ...] | None,
    after: tuple[Span, ...] | None,
    title: str,
    by: str,
) -> Answer:
    return {
        "date": day.isoformat(),
        "hours": _texts(after),
        "before": _texts(before),
        "title": title,
        "by": by,
    }


def _texts(spans: tuple[Span, ...] | None) -> list[str] | None:
    return None if spans is None else [str(span) for span in spans]

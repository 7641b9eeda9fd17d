"""When the library is closed, open without staff, or open with staff.

For each local day one list of spans holds: its dated exception, else the hours of public
holidays, else the row of its weekday. A span past midnight belongs to its first day and runs on
into the next one, whatever the next day is (exceptions and holidays included); where it meets
spans of the next day itself, those win, an explicit "closed" span among them. What nothing
covers is closed.

Spans are wall times, but they are turned into instants before anything is asked of them, each
wall time into exactly one: in the hour that spring leaves out, the moment of the change; in the
hour that autumn repeats, its first occurrence. So no state comes back for a second time, and a
span that lies wholly in the missing hour is nothing.

Deliberately not here: which days are public holidays (a function is passed in), overlaps within
one day (the loader refuses them; the span written first wins), unlocking (kioskd.access.door).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from kioskd.domain.hours import HoursState

MINUTES_PER_DAY = 1440
SEARCH_DAYS = 400  # how far ahead an opening or a change is looked for: a year and a month
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_REMEMBERED_DAYS = 8
_WRITTEN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s+(\S+)", re.ASCII)
_EXAMPLE = 'write it like "07:00-10:00 self-service"'


@dataclass(frozen=True, slots=True)
class Span:
    """One state from start to end, minutes from local midnight of its own day, half-open.

    start_minute is 0 to 1439; end_minute is after it and at most a day later, so it exceeds 1440
    for a span past midnight. ValueError otherwise.
    """

    start_minute: int
    end_minute: int
    state: HoursState

    def __post_init__(self) -> None:
        if not 0 <= self.start_minute < MINUTES_PER_DAY:
            raise ValueError("a span starts between 00:00 and 23:59")
        if not self.start_minute < self.end_minute <= self.start_minute + MINUTES_PER_DAY:
            raise ValueError("a span ends after its start, within a day")

    @classmethod
    def parse(cls, text: str) -> "Span":
        """Read "07:00-10:00 self-service" or, past midnight, "18:00-02:00 self-service".

        ValueError names what is wrong with the text and how to write it.
        """
        written = _WRITTEN.fullmatch(text.strip())
        if written is None:
            raise ValueError(f'"{text}" is not a span; {_EXAMPLE}')
        start, end = _minute(*written.group(1, 2)), _minute(*written.group(3, 4))
        if start == MINUTES_PER_DAY:
            raise ValueError(f'"{text}" starts at 24:00; write it as 00:00 of the next day')
        if start == end:
            raise ValueError(f'"{text}" is empty; a whole day is "00:00-24:00"')
        return cls(start, end if end > start else end + MINUTES_PER_DAY, _state(written[5]))

    @property
    def tail_minutes(self) -> int:
        """How many minutes of the next day it takes."""
        return max(0, self.end_minute - MINUTES_PER_DAY)

    def __str__(self) -> str:
        return f"{_clock(self.start_minute)}-{_clock(self.end_minute)} {self.state}"


@dataclass(frozen=True, slots=True)
class StaffException:
    """Hours that staff gave one date, above those of the file; no spans: closed.

    title: what patrons read, empty for none. by: the person, as the journal names them.
    """

    date: date
    spans: tuple[Span, ...]
    title: str
    by: str


def hours_of(exceptions: Iterable[StaffException]) -> dict[date, tuple[Span, ...]]:
    """By date, as schedules take them; the last one of a date counts."""
    return {exception.date: exception.spans for exception in exceptions}


class Origin(StrEnum):
    """Which list of hours a day has."""

    WEEKLY = "weekly"
    HOLIDAY = "holiday"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True)
class Tile:
    """One state over the instants [start, end), in UTC."""

    start: datetime
    end: datetime
    state: HoursState


@dataclass(frozen=True, slots=True)
class _Change:
    """When the state changes next, as seen from any instant of [start, end)."""

    start: datetime
    end: datetime
    at: datetime | None


class Schedule:
    """The opening hours of one site. `weekly` has seven rows, Monday first.

    Instants may come in any zone; a naive one raises ValueError. Instants go out in UTC.
    """

    def __init__(
        self,
        weekly: Sequence[Sequence[Span]],
        exceptions: Mapping[date, Sequence[Span]],
        holiday_hours: Sequence[Span],
        is_holiday: Callable[[date], bool],
        zone: ZoneInfo,
    ) -> None:
        if len(weekly) != 7:
            raise ValueError(f"a week has 7 rows, not {len(weekly)}")
        self._weekly = tuple(tuple(row) for row in weekly)
        self._exceptions = {day: tuple(spans) for day, spans in exceptions.items()}
        self._holiday_hours = tuple(holiday_hours)
        self._is_holiday = is_holiday
        self._zone = zone
        self._days: dict[date, tuple[Tile, ...]] = {}
        # By the identity of two rows that live as long as this: hashing them costs more.
        self._whole: dict[tuple[int, int], HoursState | None] = {}
        self._latest: Tile | None = None
        self._change: _Change | None = None

    @property
    def zone(self) -> ZoneInfo:
        """Where its wall times are."""
        return self._zone

    def origin(self, day: date) -> Origin:
        """Which list of hours a local day has."""
        if day in self._exceptions:
            return Origin.EXCEPTION
        return Origin.HOLIDAY if self._is_holiday(day) else Origin.WEEKLY

    def state_at(self, instant: datetime) -> HoursState:
        """The state at an instant; within one tile it costs two comparisons."""
        at = _utc(instant)
        latest = self._latest
        if latest is None or not latest.start <= at < latest.end:
            self._latest = latest = next(self._from(at))
        return latest.state

    def next_opening(self, instant: datetime) -> datetime | None:
        """The first instant, this one included, that is not closed; None within 400 days."""
        at = _utc(instant)
        return at if self.state_at(at) is not HoursState.CLOSED else self.next_change(at)

    def next_change(self, instant: datetime) -> datetime | None:
        """The first later instant with another state; None when none comes in 400 days.

        What was found is kept while it holds: doors ask each second.
        """
        at = _utc(instant)
        if self._change is None or not self._change.start <= at < self._change.end:
            self._change = self._searched(at)
        return self._change.at

    def _searched(self, at: datetime) -> "_Change":
        now = self.state_at(at)
        others = (tile.start for tile in self._from(at, but=now) if tile.state is not now)
        found = next(others, None)
        # The search reaches as far for every instant of one local day.
        today = at.astimezone(self._zone).date()
        return _Change(at, found or self._instant(today + _DAY, 0), found)

    def tiles(self, first: date, last: date) -> Iterator[Tile]:
        """Cover the local days first to last, both included, without gap or overlap."""
        running: Tile | None = None
        for offset in range((last - first).days + 1):
            for tile in self._day(first + offset * _DAY):
                if running is not None and running.state is tile.state:
                    running = Tile(running.start, tile.end, tile.state)
                    continue
                if running is not None:
                    yield running
                running = tile
        if running is not None:
            yield running

    def _from(self, at: datetime, but: HoursState | None = None) -> Iterator[Tile]:
        """The tiles of single days from the one that holds `at`, for SEARCH_DAYS.

        but: days that have this state from midnight to midnight are left out.
        """
        day = at.astimezone(self._zone).date()
        before = self._spans(day - _DAY)
        for _ in range(SEARCH_DAYS + 1):
            own = self._spans(day)
            if but is None or self._state_throughout(own, before) is not but:
                yield from (tile for tile in self._day(day) if at < tile.end)
            before, day = own, day + _DAY

    def _state_throughout(
        self, own: tuple[Span, ...], before: tuple[Span, ...]
    ) -> HoursState | None:
        """The one state of a day with these spans and such a day before it; None of several.

        Told by wall times, which are cheap. Their instants come in the same order, so what covers
        a day of wall times covers the day. `before` matters where a span runs past midnight.
        """
        key = (id(own), id(before))
        if key not in self._whole:
            tails = [(s.start_minute - MINUTES_PER_DAY, s.tail_minutes, s.state) for s in before]
            spans = [(s.start_minute, s.end_minute, s.state) for s in own] + tails
            cuts = {cut for start, end, _ in spans for cut in (start, end)} | {0}
            states = {
                next(
                    (state for start, end, state in spans if start <= cut < end), HoursState.CLOSED
                )
                for cut in cuts
                if 0 <= cut < MINUTES_PER_DAY
            }
            self._whole[key] = states.pop() if len(states) == 1 else None
        return self._whole[key]

    def _day(self, day: date) -> tuple[Tile, ...]:
        tiles = self._days.get(day)
        if tiles is None:
            if len(self._days) >= _REMEMBERED_DAYS:
                self._days.clear()
            tiles = self._days[day] = tuple(self._tiled(day))
        return tiles

    def _tiled(self, day: date) -> Iterator[Tile]:
        """Cut one local day at every boundary; join neighbours of one state."""
        begin, end = self._instant(day, 0), self._instant(day, MINUTES_PER_DAY)
        spans = [self._held(day, span) for span in self._spans(day)]
        spans += [self._held(day - _DAY, s) for s in self._spans(day - _DAY) if s.tail_minutes]
        cuts = {c for s in spans for c in (s.start, s.end) if begin < c < end} | {begin, end}
        edges, start = sorted(cuts), begin
        for left, right in pairwise(edges):
            state = _covering(spans, left)
            if right == end or _covering(spans, right) is not state:
                yield Tile(start, right, state)
                start = right

    def _spans(self, day: date) -> tuple[Span, ...]:
        match self.origin(day):
            case Origin.EXCEPTION:
                return self._exceptions[day]
            case Origin.HOLIDAY:
                return self._holiday_hours
            case Origin.WEEKLY:
                return self._weekly[day.weekday()]

    def _held(self, day: date, span: Span) -> Tile:
        start, end = self._instant(day, span.start_minute), self._instant(day, span.end_minute)
        return Tile(start, end, span.state)

    def _instant(self, day: date, minute: int) -> datetime:
        """The one instant of a wall time."""
        days, minutes = divmod(minute, MINUTES_PER_DAY)
        wall = datetime.combine(day + days * _DAY, time(minutes // 60, minutes % 60))
        at = wall.replace(tzinfo=self._zone).astimezone(UTC)
        if at.astimezone(self._zone).replace(tzinfo=None) == wall:
            return at
        return self._change_before(at, wall.replace(tzinfo=self._zone, fold=1).astimezone(UTC))

    def _change_before(self, after: datetime, before: datetime) -> datetime:
        """The clock change in (before, after], where a wall time that never was would lie."""
        new = after.astimezone(self._zone).utcoffset()
        while after - before > _SECOND:
            middle = before + (after - before) // _SECOND // 2 * _SECOND
            if middle.astimezone(self._zone).utcoffset() == new:
                after = middle
            else:
                before = middle
        return after


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs its zone")
    return instant.astimezone(UTC)


def _covering(held: Sequence[Tile], at: datetime) -> HoursState:
    return next((t.state for t in held if t.start <= at < t.end), HoursState.CLOSED)


def _minute(hours: str, minutes: str) -> int:
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > MINUTES_PER_DAY:
        raise ValueError(f'"{hours}:{minutes}" is not a time of day; 00:00 to 24:00')
    return minute


def _state(text: str) -> HoursState:
    try:
        return HoursState(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a state; {", ".join(HoursState)}') from None


def _clock(minute: int) -> str:
    minute = minute if minute == MINUTES_PER_DAY else minute % MINUTES_PER_DAY
    return f"{minute // 60:02d}:{minute % 60:02d}"

"""Notices on lamps and on text displays at a door: one task each, the newest notice wins.

`show` only notes what to show; `run` shows it. A device that does not take it is tried again
until it does, with what is then to be shown: the first failure is logged as a warning, repeats
for debugging only. Nothing of this ever reaches the entry. When `run` ends, lamps go off and the
display goes blank, as far as they take it within DARK_SECONDS: nobody would change them any more.

Deliberately not here: which notice is shown, for how long (access_point), its words
(kioskd.words), and screens, which hear of notices over the control socket.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf
from textwrap import wrap
from typing import Final

from kioskd.domain.face import Light, Tone
from kioskd.domain.notice import Notice, Shown
from kioskd.errors import DeviceError
from kioskd.ports import Clock, Display, Indicator, Panel
from kioskd.words import Place, face, language_name, said, site_name, time_text

TURN_SECONDS: Final = 3.0  # a language on a display; the longest notice has four short rows
AGAIN_SECONDS: Final = 1.0  # between tries of a device that does not take it
DARK_SECONDS: Final = 0.3  # at the end; the drivers' 0.2 s for what is under way, and for all else
DOT: Final = "*"  # every display has it
_SESSION: Final = frozenset({Notice.ENTER_PIN, Notice.WAIT})
_log = logging.getLogger("kioskd.panel")


class FanPanel:
    """ports.Panel that shows on several; one that fails keeps no other from showing."""

    def __init__(self, panels: Sequence[Panel]) -> None:
        self._panels = tuple(panels)
        self._failing: set[int] = set()

    def show(self, shown: Shown) -> None:
        """Show it on each."""
        for number, panel in enumerate(self._panels):
            try:
                panel.show(shown)
            except Exception:
                self._failed(number, panel)
            else:
                self._failing.discard(number)

    def _failed(self, number: int, panel: Panel) -> None:
        if number not in self._failing:
            self._failing.add(number)
            _log.exception("panel.failed", extra={"panel": type(panel).__name__})


class _TaskPanel(ABC):
    """A Panel whose device is slow or away: `run` follows what `show` was told last."""

    def __init__(self, door: str, clock: Clock) -> None:
        self._door = door
        self._clock = clock
        self._shown = Shown(Notice.IDLE)
        self._wake = asyncio.Event()
        self._new = True
        self._failing = False
        self._painting: asyncio.Future[float] | None = None

    def show(self, shown: Shown) -> None:
        """Note it for `run`."""
        self._note(shown)
        self._shown = shown
        self._new = True
        self._wake.set()

    async def run(self) -> None:
        """Show what is to be shown until cancelled, then nothing. No device's fault ends this."""
        try:
            while True:
                new, self._new = self._new, False
                wait = await self._tried(new=new)
                if not self._new:
                    await self._rest(wait)
        finally:
            await self._go_dark()

    @abstractmethod
    def _note(self, shown: Shown) -> None:
        """What a panel has to know of a notice before it is the newest. Must not raise."""

    @abstractmethod
    async def _paint(self, *, new: bool) -> float:
        """Bring the device to what is to be shown; seconds until it must be painted again.

        new: something was shown since the last time. DeviceError: the device did not take it.
        """

    @abstractmethod
    async def _clear(self) -> None:
        """Show nothing at all. DeviceError as of `_paint`."""

    async def _go_dark(self) -> None:
        darkening = asyncio.ensure_future(self._darken())
        await asyncio.wait({darkening}, timeout=DARK_SECONDS)
        darkening.cancel()

    async def _darken(self) -> None:
        if self._painting is not None:
            await asyncio.wait({self._painting})
        with suppress(DeviceError):
            await self._clear()

    async def _tried(self, *, new: bool) -> float:
        # Whoever ends this lets the frame under way get out: half of one would be all that is left.
        self._painting = asyncio.ensure_future(self._paint(new=new))
        try:
            wait = await asyncio.shield(self._painting)
        except DeviceError as error:
            self._failed(str(error))
            return AGAIN_SECONDS
        if self._failing:
            self._failing = False
            _log.info("panel.back", extra={"door": self._door, "panel": type(self).__name__})
        return wait

    def _failed(self, why: str) -> None:
        level = logging.DEBUG if self._failing else logging.WARNING
        self._failing = True
        extra = {"door": self._door, "panel": type(self).__name__, "why": why}
        _log.log(level, "panel.failed", extra=extra)

    async def _rest(self, seconds: float) -> None:
        """Until that has passed or there is something new."""
        self._wake.clear()
        if seconds == inf:
            await self._wake.wait()
            return
        passed = asyncio.create_task(self._after(seconds), name=f"panel {self._door}")
        try:
            await self._wake.wait()
        finally:
            passed.cancel()

    async def _after(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.monotonic() + seconds)
        self._wake.set()


class IndicatorPanel(_TaskPanel):
    """A door's lamps and tone. Every key of a session sounds the same, whatever it does."""

    def __init__(self, door: str, indicator: Indicator, clock: Clock) -> None:
        super().__init__(door, clock)
        self._indicator = indicator
        self._tone = Tone.NONE
        self._in_session = False

    def _note(self, shown: Shown) -> None:
        was_in_session = self._in_session
        self._in_session = shown.notice in _SESSION and (
            was_in_session or shown.notice is Notice.ENTER_PIN
        )
        # Digits that were cleared, or a session that was cancelled, are keys like any other.
        by_key = was_in_session and (self._in_session or shown.notice is Notice.IDLE)
        self._tone = Tone.KEY if by_key else face(shown).tone

    async def _paint(self, *, new: bool) -> float:
        """A sound belongs to the moment: one that was missed is not made up for."""
        tone = self._tone if new else Tone.NONE
        await self._indicator.indicate(face(self._shown).light, tone)
        return inf

    async def _clear(self) -> None:
        await self._indicator.indicate(Light.OFF, Tone.NONE)


class DisplayPanel(_TaskPanel):
    """A door's text display: the site's languages in turn, anew from the first at each notice.

    languages: of the site, its first first.
    """

    def __init__(
        self, door: str, display: Display, place: Place, languages: Sequence[str], clock: Clock
    ) -> None:
        super().__init__(door, clock)
        self._display = display
        self._place = place
        self._languages = tuple(languages)
        self._since = clock.monotonic()
        for language in self._languages:
            language_name(language)  # reads its file now, and not in the middle of an entry

    def _note(self, shown: Shown) -> None:
        if _kind(shown) != _kind(self._shown):
            self._since = self._clock.monotonic()

    async def _paint(self, *, new: bool) -> float:
        turns, into = divmod(self._clock.monotonic() - self._since, TURN_SECONDS)
        language = self._languages[int(turns) % len(self._languages)]
        await self._display.write(self._rows(language))
        return TURN_SECONDS - into

    async def _clear(self) -> None:
        await self._display.write([])

    def _rows(self, language: str) -> list[str]:
        columns, rows = self._display.size
        shown, now = self._shown, self._clock.moment().wall
        words = said(shown, language, self._place, now)
        lines = _broken(words.short, columns)
        if shown.notice is Notice.IDLE:
            lines = _under_name(lines, site_name(self._place, language), columns, rows)
        elif shown.notice is Notice.ENTER_PIN:
            lines += [""] * (rows - len(lines) - 1) + [(DOT * shown.digits)[:columns]]
        elif shown.notice is Notice.FAULT:
            lines = _with_time(lines, time_text(now, language, self._place.zone), columns, rows)
        return lines[:rows]


def _kind(shown: Shown) -> Shown:
    """The notice without what changes within a session, which has one turn of languages."""
    if shown.notice in _SESSION:
        return replace(shown, notice=Notice.ENTER_PIN, digits=0)
    return shown


def _broken(text: str, columns: int) -> list[str]:
    return wrap(text, columns, break_on_hyphens=False)


def _under_name(lines: list[str], name: str, columns: int, rows: int) -> list[str]:
    """The site's name above, with an empty row between where there is room; else the text."""
    named = _broken(name, columns)
    room = rows - len(named) - len(lines)
    if not named or room < 0:
        return lines
    return [*named, *([""] if room else []), *lines]


def _with_time(lines: list[str], time: str, columns: int, rows: int) -> list[str]:
    """The time at the end of the last row, or in a row of its own, where there is room."""
    last = lines[-1] if lines else ""
    if len(last) + 1 + len(time) <= columns:
        return [*lines[:-1], last + time.rjust(columns - len(last))]
    return [*lines, time.rjust(columns)] if len(lines) < rows else lines

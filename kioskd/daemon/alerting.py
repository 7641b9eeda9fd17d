"""Looks at the site every few seconds, and runs the site's own command for each alert.

The command gets one JSON object on its standard input and nothing else:

    {"at", "alert", "subject", "state": "raised" | "cleared", "words", "branch"}

No person, card or reason is in it, so it may be mailed. Alerts are told one at a time, in order.
Deliberately not here: what is an alert (kioskd.health.alerts).
"""

import asyncio
import json
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from kioskd.daemon.programs import Ended, environment_for_others, run_program
from kioskd.daemon.upkeep import every, for_ever
from kioskd.domain.moment import stamp
from kioskd.domain.record import Kind
from kioskd.errors import InputError, StoreError
from kioskd.health.alert_book import AlertBook, Earlier, Told, earlier_of
from kioskd.health.alerts import Conditions
from kioskd.ports import Clock
from kioskd.store.engine import connect
from kioskd.store.faults import mapped
from kioskd.store.journal_start import JOURNAL

log = logging.getLogger("kioskd.alerts")
LOOK_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 30.0
_WAITING: Final = 64  # alerts; more than every rule for a site's doors at once


async def run_alerts(
    book: AlertBook,
    look: Callable[[], Awaitable[Conditions]],
    clock: Clock,
    looked: Callable[[], None] = lambda: None,
) -> None:
    """Hold what is true against the rules, now and every 5 s, until cancelled.

    look: may raise; the next turn is a minute later then. looked: called after each turn.
    """

    async def turn() -> None:
        book.poll(await look())
        looked()
        await every(LOOK_SECONDS, clock)

    await for_ever("alerts", turn, clock)


class AlertCommand:
    """The program of [alerts] command. `put` never blocks; `run` works through what waits."""

    def __init__(
        self,
        command: Sequence[str],
        branch: str,
        environment: Mapping[str, str] | None = None,
        seconds: float = COMMAND_SECONDS,
    ) -> None:
        self._command = tuple(command)
        self._branch = branch
        given = os.environ if environment is None else environment
        self._environment = environment_for_others(given)
        self._seconds = seconds
        self._waiting: deque[Told] = deque()
        self._more = asyncio.Event()
        self._dropped = 0
        self._failing = False

    def use(self, command: Sequence[str], branch: str) -> None:
        """Run this one from now on; without one, what waits is dropped."""
        self._command = tuple(command)
        self._branch = branch

    def put(self, told: Told) -> None:
        """Tell this when its turn comes; when too many wait, the oldest goes."""
        if not self._command:
            return
        if len(self._waiting) == _WAITING:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append(told)
        self._more.set()

    async def run(self) -> None:
        """Run the program for one alert after the other, until cancelled."""
        while True:
            while self._waiting:
                await self._tell(self._waiting.popleft())
            self._more.clear()
            await self._more.wait()

    async def _tell(self, told: Told) -> None:
        if not self._command:
            return
        if self._dropped:
            log.warning("alert.command_slow", extra={"dropped": self._dropped})
            self._dropped = 0
        text = (json.dumps(message_of(told, self._branch), ensure_ascii=False) + "\n").encode()
        try:
            ended = await run_program(self._command, text, self._environment, self._seconds)
        except InputError as error:
            self._failed(f"{error}; correct alerts.command", {})
        except OSError as error:  # no process or descriptor left
            self._failed(f"{self._command[0]}: {error.strerror}", {})
        else:
            self._ended(ended)

    def _ended(self, ended: Ended) -> None:
        extra: dict[str, object] = {"output": ended.output} if ended.output else {}
        if ended.late:
            self._failed(f"took longer than {self._seconds:g} s and was ended", extra)
        elif ended.code:
            self._failed(f"ended with {ended.code}", extra)
        else:
            self._failing = False
            log.info("alert.command", extra=extra)

    def _failed(self, why: str, extra: Mapping[str, object]) -> None:
        level = logging.DEBUG if self._failing else logging.ERROR
        log.log(level, "alert.command_failed", extra={**extra, "why": why})
        self._failing = True


def message_of(told: Told, branch: str) -> dict[str, str]:
    """What the command reads."""
    return {
        "at": stamp(told.at),
        "alert": told.alert,
        "subject": told.subject,
        "state": "raised" if told.raised else "cleared",
        "words": told.words,
        "branch": branch,
    }


def raised_earlier(directory: Path) -> tuple[Earlier, ...]:
    """What was raised and not cleared before this start; blocking. Nothing without a journal."""
    try:
        rows = _alert_rows(directory / JOURNAL)
    except StoreError as error:
        log.info("alerts.unknown_before", extra={"why": str(error)})
        return ()
    return earlier_of(rows)


def _alert_rows(path: Path) -> list[dict[str, Any]]:
    with mapped(path):
        if not path.exists():
            return []
    connection = connect(path, read_only=True)
    try:
        with mapped(path):
            found = connection.exec_driver_sql(
                "SELECT kind, at, door, detail FROM event WHERE kind IN (?, ?) ORDER BY seq",
                (Kind.ALERT_RAISED.value, Kind.ALERT_CLEARED.value),
            ).fetchall()
    finally:
        connection.close()
        connection.engine.dispose()
    return [row for row in map(_row, found) if row is not None]


def _row(found: Sequence[Any]) -> dict[str, Any] | None:
    # A damaged row tells nothing; `journal verify` finds it.
    with suppress(ValueError, TypeError, RecursionError):
        kind, at, door, detail = found
        if datetime.fromisoformat(at).tzinfo is not None:
            return {"kind": kind, "at": at, "door": door, "detail": json.loads(detail)}
    return None

"""What a running daemon says of itself, for a command that also looks at the files.

Only asks a daemon that runs; nothing is started and no lock is taken. What an answer of another
version lacks is left open. Deliberately not here: doing anything through the socket.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from kioskd.client import (
    ABSENT,
    FORBIDDEN,
    OTHER_VERSION,
    REFUSED,
    SILENT,
    AskError,
    Client,
    sockets,
)
from kioskd.config.model import Config
from kioskd.config.socket import NAME, PACKAGED, candidates
from kioskd.daemon.boot import DirectoryLock
from kioskd.domain.line import LineView
from kioskd.errors import KioskError
from kioskd.health.examined import CacheLook, DaemonLook, HoursLook, JournalLook


@dataclass(frozen=True, slots=True)
class Told:
    """Answers to `status` and `health`, empty where there were none. path: of the socket."""

    look: DaemonLook
    path: Path | None = None
    status: Mapping[str, Any] = field(default_factory=dict)
    health: Mapping[str, Any] = field(default_factory=dict)

    def device(self, name: str) -> tuple[bool | None, str]:
        """Whether the daemon has a device, None where it says nothing; and why not."""
        for device in _list(self.status.get("devices")):
            if device.get("name") == name and isinstance(device.get("present"), bool):
                return device["present"], str(device.get("why") or "")
        return None, ""

    def cache(self) -> CacheLook | None:
        """The credentials as the daemon has them; None where it says nothing."""
        cache = self.status.get("cache")
        if not isinstance(cache, dict) or "readable" not in cache:
            return None
        age, good_for = cache.get("age_seconds"), cache.get("good_for_seconds")
        return CacheLook(
            imported=True,
            readable=cache["readable"] is True,
            why="the daemon cannot read it",
            credentials=_whole(cache.get("credentials")),
            generation=str(cache.get("generation") or ""),
            age=timedelta(seconds=age) if isinstance(age, int) else None,
            good_for=timedelta(seconds=_whole(good_for)),
        )

    def journal(self) -> JournalLook | None:
        """The journal as the daemon has it; None where it says nothing."""
        journal = self.status.get("journal")
        if not isinstance(journal, dict) or not isinstance(journal.get("seq"), int):
            return None
        why = "" if journal.get("writes") is not False else "the daemon cannot write to it"
        return JournalLook(there=True, why=why, seq=journal["seq"], rows=None, size=None)

    def devices(self) -> Mapping[str, str]:
        """The driver of each device that the daemon has, by the device's name."""
        listed = _list(self.status.get("devices"))
        return {str(d["name"]): str(d.get("driver") or "") for d in listed if "name" in d}

    def hours(self, now: datetime) -> HoursLook | None:
        """The hours as the daemon has them, None where it says nothing. now: local."""
        hours = self.status.get("hours")
        if not isinstance(hours, dict) or not isinstance(hours.get("state"), str):
            return None
        opens = None
        with suppress(TypeError, ValueError):
            opens = datetime.fromisoformat(hours["next_change"]) if "next_change" in hours else None
        return HoursLook(hours["state"], now, opens if opens and opens.tzinfo else None)

    @property
    def judges_clock(self) -> bool:
        """Whether the daemon says what it thinks of the clock."""
        clock = self.status.get("clock")
        return isinstance(clock, dict) and isinstance(clock.get("trusted"), bool)

    def clock(self, trusted: bool, why: str) -> tuple[bool, str]:
        """The daemon's judgement of the clock; the one given where it says nothing."""
        if not self.judges_clock:
            return trusted, why
        clock = self.status["clock"]
        return clock["trusted"], str(clock.get("why") or "")


def ask_running(config: Config, *, is_default: bool = False) -> Told:
    """Ask the daemon of this configuration, if one answers."""
    held = DirectoryLock.held(config.storage.directory)
    return _first(candidates(config, os.environ, is_default=is_default), held=held)


def ask_despite_faults(
    path: Path, storage: Path | None, *, is_default: bool = False
) -> Told | None:
    """As ask_running, for a file with faults; None where it does not say where to look.

    storage: as far as the file could be read. The daemon that runs goes on with what it read last.
    """
    places: tuple[Path, ...] = ()
    with suppress(AskError):
        places = sockets(config=path, environment=os.environ)
    if not places:  # not even TOML
        places = (storage / NAME,) if storage else ()
        places += (PACKAGED,) if is_default else ()
    held = storage is not None and DirectoryLock.held(storage)
    return _first(places, held=held) if places else None


def _first(places: Iterable[Path], *, held: bool) -> Told:
    """Ask the first of these places that answers; of the others, the first that may be a daemon."""
    missed: list[AskError] = []
    for path in places:
        try:
            with Client(path) as daemon:
                return _told(daemon, path)
        except AskError as error:
            missed += [error] if error.code not in (ABSENT, REFUSED) else []
    return Told(_missed(missed[0], held=held) if missed else DaemonLook(held, answers=False))


def _missed(error: AskError, *, held: bool) -> DaemonLook:
    return DaemonLook(
        held,
        answers=False,
        why=str(error),
        hung=error.code == SILENT,
        foreign=error.code == OTHER_VERSION,
        forbidden=error.code == FORBIDDEN,
    )


def _told(daemon: Client, path: Path) -> Told:
    status, health = _answer(daemon, "status"), _answer(daemon, "health")
    look = DaemonLook(
        held=True,
        answers=True,
        socket=str(path),
        version=daemon.version,
        late=tuple(str(name) for name in health.get("late") or ()),
        alerts=tuple(_words(alert) for alert in _list(status.get("alerts"))),
        faults=tuple(str(fault) for fault in health.get("faults") or ()),
        line=_line(status.get("line")),
    )
    return Told(look, path, status, health)


def _answer(daemon: Client, verb: str) -> Mapping[str, Any]:
    """The answer to a verb; empty when this person may not ask for it."""
    try:
        return daemon.ask(verb)
    except KioskError:
        return {}


def _line(told: object) -> LineView | None:
    """The line as an answer of `status` has it; None where there is none, or not as we know it."""
    if not isinstance(told, dict):
        return None
    try:
        return msgspec.convert(told, LineView)
    except msgspec.ValidationError:
        return None


def _words(alert: Mapping[str, Any]) -> str:
    return str(alert.get("words") or alert.get("alert") or "an alert")


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _list(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

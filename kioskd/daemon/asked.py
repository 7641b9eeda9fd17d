"""What a running daemon says of itself, for a command that also looks at the files.

Only asks a daemon that runs; nothing is started and no lock is taken. What an answer of another
version lacks is left open. Deliberately not here: doing anything through the socket.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from kioskd.client import ABSENT, REFUSED, SILENT, AskError, Client
from kioskd.config.model import Config
from kioskd.config.socket import candidates
from kioskd.daemon.boot import DirectoryLock
from kioskd.errors import KioskError
from kioskd.health.examined import CacheLook, DaemonLook, JournalLook


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

    def clock(self, trusted: bool, why: str) -> tuple[bool, str]:
        """The daemon's judgement of the clock; the one given where it says nothing."""
        clock = self.status.get("clock")
        if isinstance(clock, dict) and isinstance(clock.get("trusted"), bool):
            return clock["trusted"], str(clock.get("why") or "")
        return trusted, why


def ask_running(config: Config, *, is_default: bool = False) -> Told:
    """Ask the daemon of this configuration, if one answers."""
    held = DirectoryLock.held(config.storage.directory)
    why, hung = "", False
    for path in candidates(config, os.environ, is_default=is_default):
        try:
            with Client(path) as daemon:
                return _told(daemon, path)
        except AskError as error:
            if error.code not in (ABSENT, REFUSED):
                why, hung = why or str(error), hung or error.code == SILENT
    return Told(DaemonLook(held, answers=False, why=why, hung=hung))


def running_at(config: Config, *, is_default: bool = False) -> Path | None:
    """The socket on which a daemon answers; None where there is none. AskError: not for us."""
    for path in candidates(config, os.environ, is_default=is_default):
        try:
            Client(path).close()
        except AskError as error:
            if error.code not in (ABSENT, REFUSED):
                raise
        else:
            return path
    return None


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
    )
    return Told(look, path, status, health)


def _answer(daemon: Client, verb: str) -> Mapping[str, Any]:
    """The answer to a verb; empty when this person may not ask for it."""
    try:
        return daemon.ask(verb)
    except KioskError:
        return {}


def _words(alert: Mapping[str, Any]) -> str:
    return str(alert.get("words") or alert.get("alert") or "an alert")


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _list(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

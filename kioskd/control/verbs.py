"""Verbs by name, and the one way in which each is asked for: allowed, then done, else refused.

Deliberately not here: what verbs do (each module of this room brings its own), and sockets.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kioskd import wire
from kioskd.control.people import VERBS, Person, allowed
from kioskd.errors import InputError, KioskError

Answer = Mapping[str, Any]
Arguments = Mapping[str, Any]
Run = Callable[[Person, Arguments], Awaitable[Answer]]


class Refusal(Exception):
    """Why a verb was not done. code: one of kioskd.wire."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Verbs:
    """What this daemon (or a command without one) can be asked for."""

    def __init__(self, runs: Mapping[str, Run]) -> None:
        self.use(runs)

    def use(self, runs: Mapping[str, Run]) -> None:
        """What can be asked for from now on. ValueError: a verb that nobody is allowed."""
        strangers = runs.keys() - VERBS.keys()
        if strangers:
            raise ValueError(f"verbs that nobody is allowed: {', '.join(sorted(strangers))}")
        self._runs = dict(runs)

    async def ask(self, person: Person, verb: str, args: Arguments) -> Answer:
        """Do it for this person. Refusal when it was not done."""
        if verb not in VERBS:
            raise Refusal(wire.UNKNOWN_VERB, f"{verb[:40]!r} is no verb of this version")
        if not person.may(verb):
            raise Refusal(wire.NOT_ALLOWED, person.refused(verb, allowed(verb)))
        if verb not in self._runs:
            raise Refusal(wire.FAILED, f"{verb} needs the running daemon: systemctl start kioskd")
        try:
            return await self._runs[verb](person, args)
        except InputError as error:
            raise Refusal(wire.BAD_ARGUMENT, str(error)) from None
        except KioskError as error:
            raise Refusal(wire.FAILED, str(error)) from None


def text(args: Arguments, name: str, *, most: int = 200, default: str | None = None) -> str:
    """An argument that is a text of 1 to `most` printable characters. InputError."""
    value = args.get(name, default)
    if value is None:
        raise InputError(f"{name}: missing")
    if not isinstance(value, str) or not value.strip() or len(value) > most:
        raise InputError(f"{name}: give a text of 1 to {most} characters")
    if not value.isprintable():
        raise InputError(f"{name}: leave out control characters")
    return value.strip()


def flag(args: Arguments, name: str) -> bool:
    """An argument that is true or false. InputError."""
    value = args.get(name)
    if not isinstance(value, bool):
        raise InputError(f"{name}: give true or false")
    return value


def only(args: Arguments, *names: str) -> None:
    """Refuse arguments that the verb does not know. InputError."""
    strangers = sorted(args.keys() - set(names))
    if strangers:
        raise InputError(f"{strangers[0][:40]!r}: unknown argument; known: {', '.join(names)}")

"""How a command asks: the running daemon over its socket, else the files themselves.

The daemon is the one writer while it runs. Only where nobody holds the storage directory does the
command do the verb itself. A daemon that runs has its own configuration: it is asked also while
the file has faults, and it alone where --socket names it.
Deliberately not here: what verbs do, and how answers are printed (answers).
"""

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from kioskd import wire
from kioskd.cli.answers import answered, told_if_slow
from kioskd.cli.common import DEFAULT_CONFIG, config_of, keyed_config_of, read_card
from kioskd.client import (
    ABSENT,
    FORBIDDEN,
    REFUSED,
    TIMEOUT,
    AskError,
    Client,
    NoPlace,
    sockets,
)
from kioskd.config.model import Config
from kioskd.config.socket import PACKAGED, candidates
from kioskd.errors import ConfigError, InputError

PATIENCE: Final = 3.0  # seconds for a daemon that holds its directory already, but starts still
LONG_TIMEOUT: Final = 30.0  # for what devices have part in: a reload ends and begins them
HIDDEN: Final = "hidden"  # code of an AskError: this account cannot see if there is a socket
_PAUSE_SECONDS: Final = 0.1
_pause = time.sleep
_CALLERS_FAULT: Final = frozenset({wire.BAD_ARGUMENT, wire.BAD_REQUEST, wire.NOT_FOUND})
Alone = Callable[[Config], dict[str, Any]]


def ask(
    config: Config,
    verb: str,
    args: Mapping[str, Any],
    *,
    timeout: float = TIMEOUT,
    patience: float = PATIENCE,
    alone: Alone | None = None,
) -> dict[str, Any]:
    """What the daemon answers, or what the files do where no daemon runs.

    timeout: seconds for the answer. patience: seconds for a daemon that starts. alone: what is
    done without a daemon, in place of the verb over the files.
    InputError: the arguments are to be mended (exit code 2). AskError: it was not done (1).
    """
    until = time.monotonic() + patience
    while True:
        try:
            with reached(config, timeout) as daemon:
                return _asked(daemon, verb, args)
        except NotThere as missing:
            if not _held(config):
                return alone(config) if alone else _offline(config, verb, args)
            if time.monotonic() >= until:
                raise _unreachable(config, missing) from None
        _pause(_PAUSE_SECONDS)


@dataclass
class Site:
    """The site that a command's options name. socket: of --socket, asked whatever the file says."""

    path: Path
    load: Callable[[], Config]
    socket: Path | None = None

    @classmethod
    def of(cls, args: argparse.Namespace) -> "Site":
        """By the options of common.add_place, and of add_key_file where a command has that."""
        load = keyed_config_of if hasattr(args, "key_file") else config_of
        return cls(Path(args.config), lambda: load(args), args.socket)

    @cached_property
    def config(self) -> Config | None:
        """The file's configuration; None where it has faults or is not needed."""
        return None if self._faults or self.socket else self.load()

    @cached_property
    def _faults(self) -> ConfigError | None:
        try:
            if self.socket is None:
                self.load()
        except ConfigError as wrong:
            return wrong
        return None

    def ask(
        self,
        verb: str,
        args: Mapping[str, Any],
        *,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
        alone: Alone | None = None,
    ) -> dict[str, Any]:
        """As `ask`. ConfigError where the file has faults and no daemon answers."""
        if self.config is not None:
            return ask(self.config, verb, args, timeout=timeout, patience=patience, alone=alone)
        with self.reached(timeout) as daemon:
            return _asked(daemon, verb, args)

    def ask_all(self, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """The answer with the entries of all its pages."""
        answer = self.ask(verb, args)
        entries = list(answer["entries"])
        while answer.get("next") is not None:
            answer = self.ask(verb, {**args, "from": answer["next"]})
            entries += answer["entries"]
        rest = {name: value for name, value in answer.items() if name not in ("next", "total")}
        return {**rest, "entries": entries}

    def reached(self, timeout: float = TIMEOUT) -> Client:
        """A connection to the daemon. NotThere where the files may be used instead."""
        if self.config is not None:
            return reached(self.config, timeout)
        try:
            return _first(self._places(), timeout)
        except NotThere as missing:
            raise self._faults or missing from None

    def read_card(self) -> str:
        """A canonical card number from standard input; any, where no patterns are known.

        InputError. The daemon looks at it again, by the patterns that it runs with.
        """
        return read_card(self.config)

    def _places(self) -> list[Path]:
        if self.socket is not None:
            return [self.socket]
        with suppress(NoPlace):
            return list(sockets(config=self.path, environment=os.environ))
        return [PACKAGED] if self.path == DEFAULT_CONFIG else []


def reached(config: Config, timeout: float = TIMEOUT) -> Client:
    """A connection to the daemon of this configuration. AskError of the first place that counts.

    timeout: seconds for each answer; connecting and greeting take no longer than ever.
    """
    places = candidates(config, os.environ, is_default=config.path == DEFAULT_CONFIG)
    try:
        return _first(places, timeout)
    except NotThere:
        raise
    except AskError as error:
        raise (_with_groups(config, error) if error.code == FORBIDDEN else error) from None


class NotThere(AskError):
    """No daemon answers, and nothing says that one would."""


def _asked(daemon: Client, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
    try:
        with told_if_slow(verb):
            answer = daemon.ask(verb, **args)
    except AskError as error:
        raise _judged(error.code, str(error)) from None
    return answered(answer, verb, daemon.version)


def _judged(code: str, message: str) -> Exception:
    return InputError(message) if code in _CALLERS_FAULT else AskError(code, message)


def _first(places: Sequence[Path], timeout: float) -> Client:
    """The first that answers; else of several the one that somebody may not use, or is silent."""
    missed: dict[Path, AskError] = {}
    for place in places:
        try:
            return Client(place, min(timeout, TIMEOUT), timeout)
        except AskError as error:
            missed[place] = error
    hidden = [place for place, met in missed.items() if _is_hidden(place, met)]
    for place, met in missed.items():
        if met.code not in (ABSENT, REFUSED) and place not in hidden:
            raise met
    if hidden and len(hidden) == len(missed):
        raise AskError(
            HIDDEN,
            f"{hidden[0]}: this account may not look whether a daemon runs there; run the command "
            "as root, or let control.socket name a place that staff may reach",
        )
    raise NotThere(ABSENT, "; ".join(str(met) for met in missed.values()))


def _is_hidden(place: Path, error: AskError) -> bool:
    """Whether this account may not even see if there is a socket."""
    if error.code != FORBIDDEN:
        return False
    try:
        place.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _with_groups(config: Config, error: AskError) -> AskError:
    groups = ", ".join(f"{group} ({role})" for role, group in config.control.roles.items())
    return AskError(error.code, f"{error}\ncontrol.roles: {groups or 'names no group yet'}")


def _held(config: Config) -> bool:
    from kioskd.daemon.boot import DirectoryLock

    return DirectoryLock.held(config.storage.directory)


def _unreachable(config: Config, missing: AskError) -> AskError:
    return AskError(
        missing.code,
        f"{config.storage.directory}: a daemon or another command works on it, but no daemon can "
        f"be asked: {missing}\nIf it is starting, wait a moment and ask again.",
    )


def _offline(config: Config, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
    from kioskd.control.verbs import Refusal
    from kioskd.daemon.offline import ask_offline

    try:
        return ask_offline(config, verb, args)
    except Refusal as error:
        raise _judged(error.code, error.message) from None

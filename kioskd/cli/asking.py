"""How a command asks: the running daemon over its socket, else the files themselves.

The daemon is the one writer while it runs. Only where nobody holds the storage directory does the
command do the verb itself. Deliberately not here: what verbs do, and how answers are printed.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from kioskd import wire
from kioskd.cli.common import DEFAULT_CONFIG, printable
from kioskd.client import (
    ABSENT,
    FORBIDDEN,
    REFUSED,
    TIMEOUT,
    AskError,
    Client,
    sockets,
)
from kioskd.config.model import Config
from kioskd.config.socket import candidates
from kioskd.errors import ConfigError, InputError

PATIENCE: Final = 3.0  # seconds for a daemon that holds its directory already, but starts still
LONG_TIMEOUT: Final = 30.0  # for what devices have part in: a reload ends and begins them
_PAUSE_SECONDS: Final = 0.1
_pause = time.sleep
_CALLERS_FAULT: Final = frozenset({wire.BAD_ARGUMENT, wire.BAD_REQUEST, wire.NOT_FOUND})


def ask(
    config: Config,
    verb: str,
    args: Mapping[str, Any],
    *,
    timeout: float = TIMEOUT,
    patience: float = PATIENCE,
) -> dict[str, Any]:
    """What the daemon answers, or what the files do where no daemon runs.

    timeout: seconds for connecting, and for the answer. patience: seconds for a daemon that starts.
    InputError: the arguments are to be mended (exit code 2). AskError: it was not done (1).
    """
    until = time.monotonic() + patience
    while True:
        try:
            with reached(config, timeout) as daemon:
                return _asked(daemon, verb, args)
        except _NotThere as missing:
            if not _held(config):
                return _offline(config, verb, args)
            if time.monotonic() >= until:
                raise _unreachable(config, missing) from None
        _pause(_PAUSE_SECONDS)


def ask_despite_faults(
    path: Path, load: Callable[[], Config], verb: str, args: Mapping[str, Any]
) -> dict[str, Any]:
    """As `ask`, also while the file has faults: the daemon that runs has its own configuration.

    load: reads the file of `path`; its ConfigError is raised where no daemon answers.
    """
    try:
        config = load()
    except ConfigError as wrong:
        with _by_file(path, wrong) as daemon:
            return _asked(daemon, verb, args)
    return ask(config, verb, args, timeout=LONG_TIMEOUT)


def _by_file(path: Path, wrong: ConfigError) -> Client:
    with suppress(AskError):
        for place in sockets(config=path, environment=os.environ):
            with suppress(AskError):
                return Client(place, LONG_TIMEOUT)
    raise wrong


def reached(config: Config, timeout: float = TIMEOUT) -> Client:
    """A connection to the daemon of this configuration. AskError of the first place that counts."""
    places = candidates(config, os.environ, is_default=config.path == DEFAULT_CONFIG)
    missed: list[AskError] = []
    for place in places:
        try:
            return Client(place, timeout)
        except AskError as error:
            missed.append(error)
    raise _worst(config, missed)


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option that every command with an answer has."""
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def confirmed(question: str) -> bool:
    """Whether a person at the terminal says yes; False where there is no terminal."""
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"{printable(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline(16).strip().lower() in ("y", "yes")


class _NotThere(AskError):
    """No daemon answers, and nothing says that one would."""


def _asked(daemon: Client, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return daemon.ask(verb, **args)
    except AskError as error:
        raise _judged(error.code, str(error)) from None


def _judged(code: str, message: str) -> Exception:
    return InputError(message) if code in _CALLERS_FAULT else AskError(code, message)


def _worst(config: Config, missed: list[AskError]) -> AskError:
    """Of several places: one that somebody may not use, or that is silent, before empty ones."""
    for error in missed:
        if error.code not in (ABSENT, REFUSED):
            return _with_groups(config, error) if error.code == FORBIDDEN else error
    return _NotThere(missed[-1].code, "; ".join(str(error) for error in missed))


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

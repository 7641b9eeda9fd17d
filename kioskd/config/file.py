"""A TOML file as tables, or in one line why there are none. A message repeats nothing of the file.

Deliberately not here: what the keys mean, and who should be able to read the file.
"""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from kioskd.errors import ConfigError

MAX_BYTES: Final = 1_000_000  # the largest site needs about 20,000, a hub of forty branches 10,000
_POSITION: Final = re.compile(r"(.*) \(at (.*)\)", re.DOTALL)


def tables_of(path: Path, unreadable: Callable[[Path], str]) -> dict[str, Any]:
    """The tables of a file. ConfigError `FILE: text`.

    unreadable: the way out where this account may not read it.
    """
    try:
        return tomllib.loads(_text(path, unreadable))
    except RecursionError:
        raise ConfigError([f"{path}: is nested too deep"]) from None
    except ValueError as wrong:
        raise ConfigError([f"{path}: {_positioned(str(wrong))}"]) from None


def _positioned(text: str) -> str:
    """tomllib's message with its line and column first."""
    parts = _POSITION.fullmatch(text)
    return f"{parts[2]}: {parts[1]}" if parts else text


def _text(path: Path, unreadable: Callable[[Path], str]) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError([f"{path}: there is no such file; name one with --config"]) from None
    except IsADirectoryError:
        raise ConfigError([f"{path}: is a directory; name the file in it"]) from None
    except PermissionError:
        raise ConfigError([f"{path}: {unreadable(path)}"]) from None
    except OSError as wrong:
        raise ConfigError([f"{path}: cannot be read: {wrong.strerror}"]) from None
    if len(raw) > MAX_BYTES:
        raise ConfigError([f"{path}: is larger than {MAX_BYTES} bytes; is it a configuration?"])
    try:
        return raw.decode("utf-8-sig")  # some editors put a byte order mark first
    except UnicodeDecodeError as wrong:
        raise ConfigError(
            [f"{path}: is not UTF-8 at byte {wrong.start}; save it as UTF-8"]
        ) from None

"""What can be read of a configuration with faults in it: enough to secure its strikes.

Where the file is not even TOML, each of its tables is read by itself; those that are whole
count.

Deliberately not here: guessing. The frame that secures a fail-secure lock opens a fail-safe one,
so a strike is left alone, and named, unless everything about it is certain.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kioskd.config.devices import BAUD, CHANNELS
from kioskd.config.file import MAX_BYTES
from kioskd.config.leaves import directory, one_of, port, text, whole
from kioskd.config.model import DeviceConfig, StrikeConfig
from kioskd.config.walk import Leaf, Notes, Place, Unfit

RELAY: Final = "lcus-relay"
_TABLE = re.compile(r"^(?=[ \t]*\[)", re.MULTILINE)
_STRIKE: Final[Mapping[str, Leaf]] = {
    "device": text,
    "channel": whole(1, CHANNELS),
    "lock": one_of("fail-secure", "fail-safe"),
}


@dataclass(frozen=True, slots=True)
class Legible:
    """Strikes by door and relays by name; `illegible` are doors whose strike is not certain."""

    strikes: Mapping[str, StrikeConfig]
    relays: Mapping[str, DeviceConfig]
    illegible: tuple[str, ...]
    storage: Path | None


def legible(path: Path) -> Legible:
    """What can be read of a file that load() refuses. Never raises; what is not there is nothing.

    Default values are those of kioskd.config.model.
    """
    parts = list(_parts(_text(path)))
    relays = _relays(parts)
    doors = list(_doors(parts, relays))
    disputed = _disputed([strike for _, strike in doors if strike], relays)
    strikes: dict[str, StrikeConfig] = {}
    illegible: dict[str, None] = {}
    for name, strike in doors:
        if strike is None or _wire(strike, relays) in disputed:
            illegible[name] = None
        else:
            strikes.setdefault(name, strike)
    return Legible(strikes, relays, tuple(illegible), _storage(parts))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            # An "ä" of another encoding stands in a comment or a name, not in a port.
            return file.read(MAX_BYTES).decode("utf-8-sig", errors="replace")
    except OSError:
        return ""


def _parts(text: str) -> Iterator[dict[str, Any]]:
    whole_file = _parsed(text)
    if whole_file is not None:
        yield whole_file
        return
    for piece in _TABLE.split(text):
        found = _parsed(piece)
        if found is not None:
            yield found


def _parsed(text: str) -> dict[str, Any] | None:
    with suppress(ValueError, RecursionError):
        return tomllib.loads(text)
    return None


def _named(parts: Iterable[dict[str, Any]], table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in parts:
        tables = part.get(table)
        for name, value in tables.items() if isinstance(tables, dict) else ():
            if isinstance(value, dict):
                yield name, value


def _relays(parts: Iterable[dict[str, Any]]) -> dict[str, DeviceConfig]:
    found: dict[str, set[DeviceConfig]] = defaultdict(set)
    for name, table in _named(parts, "devices"):
        where = _taken(port, table.get("port"))
        if table.get("driver") == RELAY and where is not None:
            baud = _taken(BAUD, table.get("baud"))
            found[name].add(DeviceConfig(name, RELAY, where, **({"baud": baud} if baud else {})))
    return {name: device.pop() for name, device in found.items() if len(device) == 1}


def _doors(
    parts: Iterable[dict[str, Any]], relays: Mapping[str, DeviceConfig]
) -> Iterator[tuple[str, StrikeConfig | None]]:
    for name, table in _named(parts, "doors"):
        strike = _strike(table.get("strike"))
        yield name, strike if strike and strike.device in relays else None


def _strike(value: object) -> StrikeConfig | None:
    # A key that is not known may be a misspelt `lock` or `channel`: not certain either.
    if not isinstance(value, dict) or "device" not in value or not value.keys() <= _STRIKE.keys():
        return None
    taken = {key: _taken(_STRIKE[key], value[key]) for key in value}
    return None if None in taken.values() else StrikeConfig(**taken)


def _disputed(
    strikes: Iterable[StrikeConfig], relays: Mapping[str, DeviceConfig]
) -> set[tuple[str, int]]:
    """Channels on which two doors say that they have different locks."""
    locks: dict[tuple[str, int], set[str]] = defaultdict(set)
    for strike in strikes:
        locks[_wire(strike, relays)].add(strike.lock)
    return {wire for wire, kinds in locks.items() if len(kinds) > 1}


def _wire(strike: StrikeConfig, relays: Mapping[str, DeviceConfig]) -> tuple[str, int]:
    return relays[strike.device].port, strike.channel


def _storage(parts: Iterable[dict[str, Any]]) -> Path | None:
    tables = [part.get("storage") for part in parts]
    found = {_taken(directory, t.get("directory")) for t in tables if isinstance(t, dict)}
    return found.pop() if len(found) == 1 else None


def _taken(leaf: Leaf, value: object) -> Any:
    try:
        return leaf(Place(Notes("")), value)  # load() tells the faults
    except Unfit:
        return None

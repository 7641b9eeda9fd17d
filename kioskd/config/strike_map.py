"""The last good strike map: where each strike was wired when the daemon last started well.

    {"version": 1, "sha256": "...", "strikes": {"front": {"port": "/dev/...", "baud": 9600,
     "driver": "lcus-relay", "channel": 1, "lock": "fail-secure"}}}

`kioskd secure` uses it for what a configuration does not say, or not for certain. It holds to the
rule of kioskd.config.strikes: no frame is sent on a guess, so a map that is not what was written
counts for nothing, and a wire on which file and map see different locks is left alone.

Deliberately not here: reading and writing the file (kioskd.daemon.strike_map), sending frames.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from kioskd.config.devices import BAUD, CHANNELS
from kioskd.config.leaves import one_of, port, whole
from kioskd.config.model import Config, DeviceConfig, StrikeConfig
from kioskd.config.strikes import RELAY, Legible
from kioskd.config.walk import Leaf, Notes, Place, Unfit

_VERSION: Final = 1
_LEAVES: Final[Mapping[str, Leaf]] = {
    "port": port,
    "baud": BAUD,
    "driver": one_of(RELAY),
    "channel": whole(1, CHANNELS),
    "lock": one_of("fail-secure", "fail-safe"),
}
_LAMPS: Final = ("red", "green", "wait", "tone")
Wire = tuple[str, int]
Resolve = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Wired:
    """One strike: its relay's port, speed and driver, the channel, and the kind of lock."""

    port: str
    baud: int
    driver: str
    channel: int
    lock: str


StrikeMap = Mapping[str, Wired]


def map_of(config: Config) -> dict[str, Wired]:
    """The strikes of a valid configuration, by door."""
    return {
        door.name: _wired(config.device(door.strike.device), door.strike) for door in config.doors
    }


def written(strikes: StrikeMap) -> bytes:
    """The map as its file holds it."""
    plain = {name: asdict(wired) for name, wired in sorted(strikes.items())}
    document = {"version": _VERSION, "sha256": _sum(plain), "strikes": plain}
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def read(raw: bytes) -> dict[str, Wired]:
    """What `written` wrote. ValueError for anything else, the reason in plain words."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        raise ValueError("is no strike map of this version")
    strikes = found.get("strikes")
    if not isinstance(strikes, dict) or found.get("sha256") != _sum(strikes):
        raise ValueError("is not what was written")
    return {name: _taken(wired) for name, wired in strikes.items()}


def device(where: str) -> str:
    """What a port leads to now: /dev/serial/by-id/... and /dev/ttyUSB0 may be one relay."""
    return os.path.realpath(where) if where.startswith("/") else where


def leftover(config: Config, last: StrikeMap, resolve: Resolve = device) -> Legible:
    """The strikes of the map on wires that a valid configuration does not name any more."""
    named = {_at(config.device(d.strike.device), d.strike.channel, resolve) for d in config.doors}
    named |= _lamps(config, resolve)
    old = {name: w for name, w in last.items() if (resolve(w.port), w.channel) not in named}
    return _with(Legible({}, {}, (), config.storage.directory), old)


def merged(
    found: Legible, last: StrikeMap, resolve: Resolve = device
) -> tuple[Legible, tuple[str, ...]]:
    """What a file with faults and the map say together; and doors whose lock they dispute."""
    locks = {
        _at(found.relays[s.device], s.channel, resolve): s.lock for s in found.strikes.values()
    }
    mapped = {name: (resolve(w.port), w.channel) for name, w in last.items()}
    disputed = {wire for n, wire in mapped.items() if locks.get(wire, last[n].lock) != last[n].lock}
    kept = {
        name: strike
        for name, strike in found.strikes.items()
        if _at(found.relays[strike.device], strike.channel, resolve) not in disputed
    }
    added = {name: last[name] for name, wire in mapped.items() if wire not in locks}
    same = {name for name, wire in mapped.items() if wire in locks and wire not in disputed}
    unsure = tuple(n for n in found.illegible if n not in added and n not in same)
    both = {*found.strikes.keys() - kept.keys(), *(n for n, w in mapped.items() if w in disputed)}
    rest = Legible(kept, found.relays, unsure, found.storage)
    return _with(rest, added), tuple(sorted(both))


def _with(found: Legible, more: StrikeMap) -> Legible:
    strikes, relays = dict(found.strikes), dict(found.relays)
    for name, wired in more.items():
        relay = f"{wired.port} (last good map)"
        relays[relay] = DeviceConfig(relay, wired.driver, wired.port, wired.baud)
        door = name if name not in strikes else f"{name} (last good map)"
        strikes[door] = StrikeConfig(relay, wired.channel, wired.lock)
    return Legible(strikes, relays, found.illegible, found.storage)


def _wired(relay: DeviceConfig, strike: StrikeConfig) -> Wired:
    return Wired(relay.port, relay.baud, relay.driver, strike.channel, strike.lock)


def _at(relay: DeviceConfig, channel: int, resolve: Resolve) -> Wire:
    return resolve(relay.port), channel


def _lamps(config: Config, resolve: Resolve) -> set[Wire]:
    boards = {d.name: d for d in config.devices}
    return {
        _at(boards[lamps.relay], getattr(lamps, lamp), resolve)
        for lamps in config.devices
        for lamp in _LAMPS
        if lamps.relay in boards
    }


def _taken(wired: Any) -> Wired:
    if not isinstance(wired, dict) or wired.keys() != _LEAVES.keys():
        raise ValueError("is not what was written")
    try:
        values = {key: leaf(Place(Notes("")), wired[key]) for key, leaf in _LEAVES.items()}
    except Unfit as wrong:
        raise ValueError(f"cannot be used: {wrong}") from None
    return Wired(**values)


def _sum(strikes: Mapping[str, Any]) -> str:
    text = json.dumps(strikes, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()

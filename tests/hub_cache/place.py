"""A device's storage directory at a hub's line: configuration, keys, lines, and a door's view.

The lines and the Trailer are written here by hand, as the words of the contract say.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.daemon.import_run import run_import
from kioskd.daemon.importing import ImportReport, ImportRequest
from kioskd.daemon.keys import open_keyring, open_keys
from kioskd.daemon.line_cache import HubCache
from kioskd.daemon.stores import open_cache
from kioskd.domain.credential import Credential, Restriction
from kioskd.domain.moment import Moment
from kioskd.store import generations
from kioskd.store.cache_delta import read_state
from kioskd.store.cache_schema import CacheMeta
from kioskd.vault.card_index import index_of
from kioskd.vault.device_key import write_device_key
from kioskd.vault.keyring import Keyring
from kioskd.vault.keys import Purpose
from sync.hub_wire import Trailer
from sync.line_ports import Applied

CONFIGURATION = r"""
[site]
name = "Esimerkkilän kirjasto"
branch = "ESI"
timezone = "Europe/Helsinki"
[storage]
directory = "{directory}"
retention_days = 14
[secrets]
device_key = "file:{key}"
[cards]
patron = ['\d{{3}}[A-Z]\d{{6}}']
[schedule]
holidays = ""
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
"""
HUB = "hub-1"
NOW = datetime(2031, 3, 3, 16, 0, tzinfo=UTC)  # after any snapshot: its process has real time


def card_of(number: int) -> str:
    return f"167A{number:06}"


def pin_hash(seed: str) -> str:
    """A well-formed argon2id hash that no PIN has; made of the seed, at no cost."""
    digest = hashlib.sha512(seed.encode()).digest()
    salt, key = (base64.b64encode(part).decode().rstrip("=") for part in (digest[:16], digest[32:]))
    return f"$argon2id$v=19$m=19456,t=2,p=1${salt}${key}"


def line(number: int, **columns: object) -> bytes:
    """A line of /v1/credentials."""
    card = card_of(number)
    return _json({"card": card, "pin_hash": pin_hash(card), "ref": f"r{number}", **columns})


def gone(number: int) -> bytes:
    return _json({"card": card_of(number), "deleted": True})


def restricted(number: int, *kinds: str, **columns: object) -> bytes:
    """A line of /v1/restrictions."""
    restrictions = [{"kind": kind} for kind in kinds]
    return _json({"card": card_of(number), "restrictions": restrictions, **columns})


def _json(columns: dict[str, object]) -> bytes:
    return json.dumps(columns).encode() + b"\n"


def trailer(
    lines: Iterable[bytes] = (), cursor: str = "c1", *, more: bool = False, generation: str = HUB
) -> Trailer:
    body = list(lines)
    return Trailer(cursor, more, generation, len(body), hashlib.sha256(b"".join(body)).hexdigest())


def stream(lines: Iterable[bytes], said: Trailer | None = None) -> bytes:
    """A whole snapshot with its last line."""
    body = list(lines)
    said = said or trailer(body)
    last = {name: getattr(said, name) for name in said.__struct_fields__}
    return b"".join(body) + _json(last)


@dataclass
class Ticking:
    """A clock that stands still until it is told."""

    wall: datetime = NOW
    boot: float = 1000.0

    def moment(self) -> Moment:
        return Moment(self.wall, self.boot, "boot-1")

    def on(self, time: timedelta) -> None:
        self.wall, self.boot = self.wall + time, self.boot + time.total_seconds()


@dataclass
class Place:
    """One device."""

    home: Path
    clock: Ticking = field(default_factory=Ticking)
    config: Config = field(init=False)
    cache: HubCache = field(init=False)

    def __post_init__(self) -> None:
        key, file = self.home / "device.key", self.home / "kioskd.toml"
        text = CONFIGURATION.format(directory=self.home / "storage", key=key)
        file.write_text(text, encoding="utf-8")
        write_device_key(key)
        self.config = load(file)
        self.directory.mkdir(mode=0o700)
        self.cache = HubCache(self.config, self.clock.moment)

    @property
    def directory(self) -> Path:
        return self.config.storage.directory

    async def load(self, *numbers: int, cursor: str = "c1") -> Applied:
        """A snapshot of these cards, by the process that a daemon uses."""
        lines = [line(n) for n in numbers]
        return await self.take(stream(lines, trailer(lines, cursor)))

    async def take(self, body: bytes, size: int = 1 << 16) -> Applied:
        sink = await self.cache.snapshot()
        for at in range(0, len(body), size):
            await sink.write(body[at : at + size])
        return await sink.finish()

    async def apply(self, *lines: bytes, cursor: str = "c2", more: bool = False) -> Applied:
        return await self.cache.apply(lines, trailer(lines, cursor, more=more))

    async def restrict(self, *lines: bytes, cursor: str = "r1", generation: str = HUB) -> Applied:
        return await self.cache.restrict(lines, trailer(lines, cursor, generation=generation))

    def feed(self, *lines: bytes, **options: bool) -> ImportReport:
        """A feed file imported by hand."""
        path = self.home / "feed.jsonl"
        path.write_bytes(b"".join(lines))
        request = ImportRequest(str(self.config.path), str(path), **options)
        return run_import(request, self.config)

    def keyring(self) -> Keyring:
        return open_keyring(self.config)

    def state_index(self, number: int) -> bytes:
        return index_of(self.keyring().newest(Purpose.STATE_INDEX).secret, card_of(number))

    def meta(self) -> CacheMeta:
        current = generations.read_current(self.directory)
        assert current is not None
        return read_state(self.directory, current)

    @contextmanager
    def door(self) -> "Iterator[Door]":
        """As a daemon that starts now sees it."""
        door = Door(self)
        try:
            yield door
        finally:
            door.cache.close()

    def credential(self, number: int) -> Credential | None:
        with self.door() as door:
            return door.find(number)

    def known(self, *numbers: int) -> list[int]:
        return [number for number in numbers if self.credential(number) is not None]

    def files(self) -> set[str]:
        """The files of caches, without those that come and go with readers."""
        names = {path.name for path in self.directory.glob("credentials.*")}
        return {name for name in names if not name.endswith(("-wal", "-shm"))}


class Door:
    """The cache as the daemon holds it."""

    def __init__(self, place: Place) -> None:
        self.keys = open_keys(place.config)
        self.cache = open_cache(place.directory, self.keys, None)

    def find(self, number: int) -> Credential | None:
        return self.cache.find(self.keys.index.keys_of(card_of(number)).cache)


def restrictions_of(place: Place, number: int) -> tuple[Restriction, ...]:
    found = place.credential(number)
    assert found is not None
    return found.restrictions

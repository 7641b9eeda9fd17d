"""A site in a temporary directory: configuration, device key, feeds, and a door's view of them."""

import base64
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from kioskd.config.load import load
from kioskd.daemon.import_run import run_import
from kioskd.daemon.importing import ImportReport, ImportRequest
from kioskd.daemon.keys import Keys, open_keys
from kioskd.daemon.stores import open_cache
from kioskd.domain.credential import Credential
from kioskd.ports import Checkpoint, pass_by
from kioskd.store.credentials import CredentialCache
from kioskd.vault.device_key import write_device_key

CONFIGURATION = r"""
[site]
name = "Esimerkkilän kirjasto"
branch = "ESI"
[storage]
directory = "{directory}"
retention_days = 14
[secrets]
device_key = "file:{key}"
[cards]
patron = ['\d{{3}}[A-Z]\d{{6}}', '26\d{{8}}']
item = ['\d{{3}}N\d{{8}}']
[schedule]
holidays = ""
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
"""

Row = Mapping[str, object]


def argon2id_text(seed: str) -> str:
    """A well-formed argon2id hash that no PIN has; made of the seed, at no cost."""
    digest = hashlib.sha512(seed.encode()).digest()
    salt, key = (base64.b64encode(part).decode().rstrip("=") for part in (digest[:16], digest[32:]))
    return f"$argon2id$v=19$m=19456,t=2,p=1${salt}${key}"


def card_of(number: int) -> str:
    return f"167A{number:06}"


@dataclass
class Site:
    """One storage directory and what a test does with it."""

    home: Path
    directory: Path = field(init=False)
    config_file: Path = field(init=False)
    key_file: Path = field(init=False)

    def __post_init__(self) -> None:
        self.directory = self.home / "storage"
        self.config_file = self.home / "kioskd.toml"
        self.key_file = self.home / "device.key"
        text = CONFIGURATION.format(directory=self.directory, key=self.key_file)
        self.config_file.write_text(text, encoding="utf-8")
        write_device_key(self.key_file)

    card = staticmethod(card_of)
    pin_hash = staticmethod(argon2id_text)

    def row(self, number: int, **columns: object) -> Row:
        """A row with a hash and a reference of its own."""
        card = card_of(number)
        return {"card": card, "pin_hash": argon2id_text(card), "ref": f"r{number}", **columns}

    def rows(self, count: int, first: int = 0) -> list[Row]:
        return [self.row(number) for number in range(first, first + count)]

    def feed(self, rows: Iterable[Row], name: str = "feed.jsonl") -> Path:
        path = self.home / name
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        path.write_text("".join(lines), encoding="utf-8")
        return path

    def text(self, text: str | bytes, name: str = "feed.csv") -> Path:
        path = self.home / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def request(self, feed: Path, **options: bool) -> ImportRequest:
        return ImportRequest(str(self.config_file), str(feed), **options)

    def load(self, feed: Path, checkpoint: Checkpoint = pass_by, **options: bool) -> ImportReport:
        """Import in this process."""
        request = self.request(feed, **options)
        return run_import(request, load(self.config_file), checkpoint=checkpoint)

    def command(self, feed: Path, **options: bool) -> str:
        """The worker's argument for this feed."""
        return msgspec.json.encode(self.request(feed, **options)).decode()

    def keys(self) -> Keys:
        return open_keys(load(self.config_file))

    def open(self) -> "Door":
        keys = self.keys()
        return Door(open_cache(self.directory, keys, None), keys)

    def known(self, numbers: Iterable[int]) -> list[int]:
        """Which of these cards a door that starts now would know."""
        door = self.open()
        try:
            return [number for number in numbers if door.find(number) is not None]
        finally:
            door.cache.close()

    def files(self) -> list[str]:
        """All but SQLite's own files beside a database, which come and go with readers."""
        names = (path.name for path in self.directory.iterdir())
        return sorted(name for name in names if not name.endswith(("-wal", "-shm")))

    def databases(self) -> list[Path]:
        return sorted(self.directory.glob("credentials.*.db"))


@dataclass
class Door:
    """The cache as the daemon holds it."""

    cache: CredentialCache
    keys: Keys

    def index(self, number: int) -> bytes:
        return self.keys.index.keys_of(card_of(number)).cache

    def find(self, number: int) -> Credential | None:
        return self.cache.find(self.index(number))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def python() -> Callable[..., list[str]]:
    """A command line that runs a script in a process of its own."""
    return lambda script, *arguments: [sys.executable, "-P", "-c", script, *arguments]

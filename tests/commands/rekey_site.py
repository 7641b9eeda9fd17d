"""A site with a cache, lists, an enrolled and a locked card: what a rekeying must keep."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from kioskd.access.lockout import Lockout
from kioskd.cli.main import main
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.daemon.explaining import explain
from kioskd.daemon.import_run import run_import
from kioskd.daemon.importing import ImportRequest
from kioskd.daemon.keys import open_keys
from kioskd.daemon.stores import open_cache
from kioskd.domain.credential import Credential, Source
from kioskd.errors import VaultError
from kioskd.store import generations
from kioskd.store.journal_start import open_journal
from kioskd.store.state import StateDatabase
from kioskd.vault.device_key import read_device_key, write_device_key
from kioskd.vault.kdf import hash_pin
from kioskd.vault.keyring import Keyring
from kioskd.vault.keys import Purpose
from kioskd.vault.sealing import Sealer
from kioskd.vault.verifiers import Argon2Parameters

DAY = timedelta(days=1)
NOW = datetime.now(UTC)  # keys are stamped with the machine's own time
CHEAP = Argon2Parameters(memory_kib=8, time_cost=1, parallelism=1)
CONFIGURATION = r"""
[site]
name = "Esimerkkilän kirjasto"
branch = "ESI"
[storage]
directory = "{home}/storage"
retention_days = 14
[secrets]
device_key = "file:{home}/{key}.key"
[cards]
patron = ['\d{{3}}[A-Z]\d{{6}}']
[clock]
source = "assume"
[devices.scanner]
driver = "serial-scanner"
port = "/dev/no-scanner"
[devices.pad]
driver = "serial-keypad"
port = "/dev/no-keypad"
[devices.relay]
driver = "lcus-relay"
port = "/dev/no-relay"
[doors.front]
reader = "scanner"
keypad = "pad"
strike = {{ device = "relay" }}
minimum_age = 0
[schedule]
holidays = ""
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
tuesday = ["00:00-24:00 self-service"]
wednesday = ["00:00-24:00 self-service"]
thursday = ["00:00-24:00 self-service"]
friday = ["00:00-24:00 self-service"]
saturday = ["00:00-24:00 self-service"]
sunday = ["00:00-24:00 self-service"]
"""
GOOD, BANNED, LOST, ENROLLED, LOCKED, LISTED, UNKNOWN = (f"167A00000{n}" for n in range(7))
CARDS = (GOOD, BANNED, LOST, ENROLLED, LOCKED, LISTED, UNKNOWN)
FEED = (
    {"card": GOOD, "ref": "r0", "category": "adult"},
    {"card": BANNED, "restrictions": [{"kind": "use-ban", "until": "2099-01-01"}]},
    {"card": LOST, "restrictions": [{"kind": "lost"}]},
    {"card": ENROLLED, "pin_hash": ""},
    {"card": LOCKED},
    {"card": LISTED},
)


@dataclass
class Site:
    home: Path

    @property
    def directory(self) -> Path:
        return self.home / "storage"

    def key(self, name: str) -> bytes:
        return read_device_key(f"file:{self.home / name}.key")

    def config(self, key: str) -> Config:
        path = self.home / f"{key}.toml"
        path.write_text(CONFIGURATION.format(home=self.home, key=key), encoding="utf-8")
        return load(path)

    def answers(self, key: str) -> list[object]:
        """Why each card is let in or not, with every rule."""
        config = self.config(key)
        found = [explain(config, "front", card, None) for card in CARDS]
        return [(e.decision, [(r.reason, r.passed) for r in e.rules]) for e in found]

    def credentials(self, key: str) -> list[Credential | None]:
        """What the look-ups of a door find of each card, cache first, then staff's verifiers."""
        keys = open_keys(self.config(key))
        cache = open_cache(self.directory, keys, None)
        with closing(cache), closing(StateDatabase(self.directory, keys.unseal_state)) as state:
            indices = [keys.index.keys_of(card) for card in CARDS]
            exported = [cache.find(index.cache) for index in indices]
            return [*exported, *(state.enrolled(index.state) for index in indices)]

    def feed(self, key: str) -> None:
        verifier = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$" + "aGFzaA" * 7 + "A"
        path = self.home / "feed.jsonl"
        rows = ({"pin_hash": verifier, **row} for row in FEED)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        config = self.config(key)
        report = run_import(ImportRequest(str(config.path), str(path)), config)
        assert (report.loaded, report.bad) == (len(FEED), 0), report.bad_rows

    def rekeyed(self, *options: str, key: str = "old", new: str = "new") -> int:
        path = self.config(key).path
        return main(["rekey", "--new", f"{self.home / new}.key", "--config", str(path), *options])


def made_site(tmp_path: Path) -> Site:
    """A site that has a cache, an enrolled card, lists and a card that is locked out."""
    made = Site(tmp_path)
    made.directory.mkdir()
    for name in ("old", "new", "newer"):
        write_device_key(tmp_path / f"{name}.key")
    made.feed("old")
    keys = open_keys(made.config("old"))
    assert keys.keyring is not None
    sealer = Sealer(keys.keyring.newest(Purpose.STATE_SEAL).secret)
    index = {card: keys.index.keys_of(card).state[0] for card in CARDS}
    with closing(StateDatabase(made.directory, keys.unseal_state)) as state:
        enrolled = Credential(hash_pin("1234", CHEAP), source=Source.ENROLLED)
        state.put_enrolled(index[ENROLLED], sealer.seal(index[ENROLLED], enrolled))
        state.put_listed(index[LISTED], "deny", NOW + DAY, "lost card", "maija")
    journal = open_journal(made.directory, ZoneInfo("Europe/Helsinki"), NOW - DAY, "id", None)
    locked = Lockout(5, 1, NOW, "another boot", 0.0, NOW + timedelta(hours=1))
    journal.file.charge(index[LOCKED], locked)
    journal.file.close()
    return made


def seal_keys(site: Site) -> set[str]:
    """The keys that open anything in cache and state."""
    keyring = Keyring.open(site.directory, site.key("new"))
    current = generations.read_current(site.directory)
    assert current is not None
    database = generations.database_of(site.directory, current.generation)
    with closing(sqlite3.connect(database)) as connection:
        sealed = connection.execute("SELECT card, sealed FROM credential").fetchall()
    with closing(sqlite3.connect(site.directory / "state.db")) as connection:
        sealed += connection.execute("SELECT card, sealed FROM enrolled").fetchall()
    return {_opener(keyring, index, blob) for index, blob in sealed}


def _opener(keyring: Keyring, index: bytes, blob: bytes) -> str:
    for purpose in (Purpose.CACHE_SEAL, Purpose.STATE_SEAL):
        for key in keyring.all(purpose):
            try:
                Sealer(key.secret).unseal_bytes(index, blob)
            except VaultError:
                continue
            return key.id
    raise AssertionError("no key opens it")


def newest_seals(site: Site) -> set[str]:
    keyring = Keyring.open(site.directory, site.key("new"))
    return {keyring.newest(purpose).id for purpose in (Purpose.CACHE_SEAL, Purpose.STATE_SEAL)}

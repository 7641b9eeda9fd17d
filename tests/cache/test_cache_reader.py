"""The cache as the daemon holds it: switches under its feet, damage, and keys that do not fit."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kioskd.config.load import load
from kioskd.daemon.keys import open_keys
from kioskd.daemon.stores import open_cache
from kioskd.domain.credential import Credential
from kioskd.errors import KioskError, StoreDamaged, StoreError, VaultError
from kioskd.store import generations
from kioskd.store.cache_schema import CacheMeta
from kioskd.store.credentials import CredentialCache
from kioskd.vault.device_key import write_device_key

if TYPE_CHECKING:
    from tests.cache.conftest import Site

HOLDER = """
import sys
from pathlib import Path
from kioskd.store.generations import hold_current
held = hold_current(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.readline()
"""


async def test_a_reader_goes_on_through_a_switch_and_takes_the_new_generation(site: Site) -> None:
    first = site.load(site.feed(site.rows(10)))
    door = site.open()
    assert not await door.cache.refresh()
    second = site.load(site.feed(site.rows(10, first=5)))
    assert door.find(0) is not None  # the old generation, still whole
    assert len(site.databases()) == 2
    assert await door.cache.refresh()
    assert door.cache.state().generation == second.generation != first.generation
    assert door.find(0) is None
    assert door.find(14) is not None
    assert [path.name for path in site.databases()] == [f"credentials.{second.generation}.db"]
    door.cache.close()


async def test_a_delta_is_noticed(site: Site) -> None:
    site.load(site.feed(site.rows(3)))
    door = site.open()
    before = door.cache.state()
    site.load(site.feed([site.row(3), {"card": site.card(0), "deleted": True}]), delta=True)
    assert await door.cache.refresh()
    after = door.cache.state()
    assert (door.find(0), after.credentials) == (None, 3)
    assert door.find(3) is not None
    assert before.synced is not None
    assert after.synced is not None
    assert after.synced.wall > before.synced.wall
    assert not await door.cache.refresh()
    door.cache.close()


async def test_a_first_feed_is_noticed_by_a_daemon_that_waits_for_it(site: Site) -> None:
    site.directory.mkdir()
    adopted: list[CacheMeta] = []
    cache = CredentialCache(site.directory, lambda key: _no_unseal, adopted.append)
    cache.open()
    assert not await cache.refresh()
    with pytest.raises(StoreError, match="no credential cache yet; run a full `kioskd feed"):
        cache.find(bytes(16))
    assert cache.state().synced is None
    site.load(site.text(""), confirm_shrink=True)
    assert await cache.refresh()
    assert cache.state().readable
    assert cache.find(bytes(16)) is None
    assert [meta.credentials for meta in adopted] == [0]
    cache.close()


async def test_a_dropped_cache_is_gone_at_once(site: Site) -> None:
    site.load(site.feed(site.rows(2)))
    door = site.open()
    (site.directory / "current").unlink()
    assert await door.cache.refresh()
    assert not door.cache.state().readable
    with pytest.raises(StoreError, match="no credential cache"):
        door.find(0)


async def test_a_new_generation_that_cannot_be_read_leaves_the_old_one_in_use(site: Site) -> None:
    site.load(site.feed(site.rows(3)))
    door = site.open()
    second = site.load(site.feed(site.rows(3)))
    os.truncate(site.directory / f"credentials.{second.generation}.db", 5000)
    assert not await door.cache.refresh()
    assert door.cache.state().readable
    assert door.find(1) is not None
    door.cache.close()


def test_the_sweeper_leaves_what_another_process_reads(
    site: Site, python: Callable[..., list[str]]
) -> None:
    first = site.load(site.feed(site.rows(3)))
    command = python(HOLDER, str(site.directory))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        site.load(site.feed(site.rows(3)))
        assert generations.sweep(site.directory) == ()
        assert len(site.databases()) == 2
        holder.communicate(b"\n")
    assert generations.sweep(site.directory) == (first.generation,)
    assert len(site.databases()) == 1
    assert not [name for name in site.files() if first.generation in name]


def test_the_sweeper_never_takes_what_current_names(site: Site) -> None:
    site.load(site.feed(site.rows(3)))
    assert generations.sweep(site.directory) == ()
    assert site.known(range(3)) == [0, 1, 2]


def test_a_missing_file_is_told_with_the_way_out(site: Site) -> None:
    site.load(site.feed(site.rows(3)))
    [database] = site.databases()
    database.unlink()
    _assert_unreadable(site, StoreDamaged, "missing; run a full `kioskd feed import`")


@pytest.mark.parametrize("size", [0, 50, 4096, 5000])
def test_a_truncated_file_is_told_with_the_way_out(site: Site, size: int) -> None:
    site.load(site.feed(site.rows(200)))
    [database] = site.databases()
    os.truncate(database, size)
    _assert_unreadable(site, StoreError, "run a full `kioskd feed import`")


@pytest.mark.parametrize(
    "change",
    [
        "synced_wall = '2026-11-23T16:00:00'",
        "synced_wall = '0001-01-01T00:00:00Z'",
        "synced_boot = 9e999",
        "synced_boot = -1e300",
        "credentials = 9e999",
        "verifiers = '" + "[" * 5000 + "'",
        """verifiers = '{"argon2id": 1e999}'""",
    ],
)
def test_a_damaged_word_of_itself_is_told_with_the_way_out(site: Site, change: str) -> None:
    site.load(site.feed(site.rows(3)))
    [database] = site.databases()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(f"UPDATE meta SET {change}")  # noqa: S608
    _assert_unreadable(site, StoreDamaged, "run a full `kioskd feed import`")


@pytest.mark.parametrize("text", [b"[" * 1000, b"{" * 1000, b'{"generation":' * 70])
def test_a_current_of_any_nesting_is_told_with_the_way_out(site: Site, text: bytes) -> None:
    site.load(site.feed(site.rows(3)))
    (site.directory / "current").write_bytes(text)
    _assert_unreadable(site, StoreDamaged, "does not name a cache; run a full")


def test_a_wrong_device_key_opens_nothing(site: Site) -> None:
    site.load(site.feed(site.rows(3)))
    site.key_file.unlink()
    write_device_key(site.key_file)
    cache = open_cache(site.directory, open_keys(load(site.config_file)), None)
    assert not cache.state().readable
    with pytest.raises(VaultError, match="device key"):
        cache.find(bytes(16))


def test_a_cache_sealed_under_another_key_opens_nothing(site: Site) -> None:
    site.load(site.feed(site.rows(3)))

    def refuse(index: bytes, sealed: bytes) -> Credential:
        raise VaultError("does not open")

    cache = CredentialCache(site.directory, lambda key: refuse)
    cache.open()
    assert not cache.state().readable
    with pytest.raises(VaultError, match="this device's keys; run a full `kioskd feed import`"):
        cache.find(bytes(16))


@pytest.fixture
def read_only(site: Site) -> Iterator[Path]:
    """The storage directory as a dying card shows it: it takes no writes, from root neither."""
    site.load(site.feed(site.rows(3)))
    shown = site.home / "shown"
    shown.mkdir()
    if os.geteuid() == 0:
        subprocess.run(["mount", "--bind", str(site.directory), str(shown)], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", str(shown)], check=True)
        yield shown
        subprocess.run(["umount", str(shown)], check=True)
    else:
        site.directory.chmod(0o500)
        yield site.directory
        site.directory.chmod(0o700)


@pytest.mark.parametrize("left", ["nothing", "an empty WAL"])
async def test_a_read_only_medium_can_be_read(site: Site, read_only: Path, left: str) -> None:
    for path in site.directory.glob("credentials.*.db-*"):
        path.unlink()
    if left == "an empty WAL":
        [database] = site.databases()
        database.with_name(database.name + "-wal").touch()
    cache = CredentialCache(read_only, site.keys().unseal_cache)
    cache.open()
    assert cache.state().credentials == 3
    assert not await cache.refresh()
    assert generations.sweep(read_only) == ()
    cache.close()


def _no_unseal(index: bytes, sealed: bytes) -> Credential:
    raise AssertionError("an empty cache has nothing to unseal")


def _assert_unreadable(site: Site, kind: type[KioskError], says: str) -> None:
    door = site.open()
    assert not door.cache.state().readable
    with pytest.raises(kind, match=says):
        door.find(0)
    door.cache.close()


# Properties


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 40_000), flip=st.integers(1, 255))
def test_one_damaged_byte_never_makes_a_credential(site: Site, at: int, flip: int) -> None:
    """Each card is as it was, unknown, or an error that names the way out; never another's."""
    if not site.directory.exists():
        site.load(site.feed(site.rows(100)))
    [database] = site.databases()
    whole = database.read_bytes()
    damaged = bytearray(whole)
    damaged[at % len(whole)] ^= flip
    database.write_bytes(damaged)
    try:
        door = site.open()
        for number in range(100):
            try:
                found = door.find(number)
            except KioskError as error:
                assert re.search("full (`kioskd )?feed", str(error))  # noqa: PT017
            else:
                assert found is None or found.ref == f"r{number}"
        door.cache.close()
    finally:
        database.write_bytes(whole)

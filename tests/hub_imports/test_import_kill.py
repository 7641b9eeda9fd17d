"""An import that ends in the middle: the hub is whole, and the next full import completes it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from kioskd.errors import StoreError, StoreFull
from sync.hub.database import Database
from sync.hub.imports.lock import LEASE_TIME
from sync.hub.imports.report import ImportProgress
from sync.hub.schema import BATCH, PATRON
from tests.hub_imports.world import BAN, BCRYPT, World, card, row, rows

IMPORTER = """
import asyncio, os, signal, sys
from pathlib import Path
from sync.hub.database import Database
from tests.hub_imports.world import World

async def main(url, home, feed, batches):
    world = World(await Database.open(url), Path(home))
    done = 0
    def progress(step):
        nonlocal done
        done += step.stage == "writing"
        if done == batches:
            os.kill(os.getpid(), signal.SIGKILL)
    lines = Path(feed).read_text().splitlines()
    await world.load(lines, progress=progress)

asyncio.run(main(*sys.argv[1:4], int(sys.argv[4])))
"""

ASIDE = """
import asyncio, os, sys
from pathlib import Path
from kioskd.errors import StoreFull
from sync.hub.database import Database
from sync.hub.imports import staging
from tests.hub_imports.world import World

staging._CACHE_KIB = 64

async def main(url, home, feed):
    there, used, named = os.environ["SQLITE_TMPDIR"], set(), set()
    def progress(step):
        used.update(os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
            if os.path.lexists(f"/proc/self/fd/{n}"))
        named.update(os.listdir(there))
    database = await Database.open(url)
    try:
        world = World(database, Path(home))
        await world.load(Path(feed).read_text().splitlines(), progress=progress)
        print("open", any(file.startswith(there) for file in used), "named", len(named))
    except StoreFull as fault:
        print("StoreFull", fault)
    finally:
        await database.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def sums(world: World) -> tuple[int, int]:
    """Rows that name a number, and numbers that some row names but no change has."""
    async with world.database.reading() as connection:
        known = select(BATCH.c.change)
        lost = select(func.count()).select_from(PATRON).where(PATRON.c.change.not_in(known))
        live = select(func.count()).select_from(PATRON).where(~PATRON.c.deleted)
        return (
            int((await connection.execute(live)).scalar_one()),
            int((await connection.execute(lost)).scalar_one()),
        )


@pytest.mark.parametrize("step", range(1, 8))
async def test_cancelled_at_each_step(world: World, step: int) -> None:
    await world.load([*rows(range(2000)), *rows(range(9000, 9010))])
    feed = [*rows(range(2000), category="NEW"), row(5000, restrictions=[BAN])]
    steps = 0

    def progress(_: ImportProgress) -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            running.cancel()

    running = asyncio.create_task(world.load(feed, progress=progress))
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await world.leases() == 0
    assert (await sums(world))[1] == 0
    again = await world.load(feed)
    assert again.well
    assert (await sums(world)) == (2001, 0)
    assert {person.category for person in (await world.persons()).values()} == {"NEW", None}
    assert await world.cards() == {*(card(n) for n in range(2000)), card(5000)}


async def test_killed_in_the_middle(world: World, database_url: str) -> None:
    many = 3500
    feed = world.file([*rows(range(many), category="NEW"), row(1, restrictions=[BAN])])
    child = [sys.executable, "-c", IMPORTER, database_url, str(world.home), str(feed), "3"]
    process = await asyncio.create_subprocess_exec(*child, cwd=Path(__file__).parents[2])
    assert await process.wait() == -signal.SIGKILL
    live, lost = await sums(world)
    assert 0 < live < many
    assert lost == 0
    assert (await world.person(1)).restrictions  # what restricts was first
    world.later(LEASE_TIME + timedelta(seconds=1))
    report = await world.load([*rows(range(many), category="NEW"), row(1, restrictions=[BAN])])
    assert (report.applied, report.unchanged) == (many - live, live)
    assert await sums(world) == (many, 0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    image, directory = tmp_path / "disk.img", tmp_path / "small"
    with image.open("wb") as file:
        file.truncate(4 << 20)
    directory.mkdir()
    mkfs = shutil.which("mkfs.ext4") or shutil.which("mkfs.ext4", path="/usr/sbin:/sbin")
    if mkfs is None or not ran(mkfs, "-q", "-m", "0", str(image)):
        pytest.skip("needs mkfs.ext4")
    if not ran("mount", "-o", "loop", str(image), str(directory)):
        pytest.skip("needs to mount a loop device, as root can")
    yield directory
    ran("umount", str(directory))


async def test_a_full_disk_leaves_whole_batches(small_disk: Path, tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{small_disk / 'hub.db'}", create=True)
    world = World(database, tmp_path)
    try:
        await world.load(rows(range(500)))
        with pytest.raises(StoreFull, match="no space left"):
            await world.load(rows(range(20_000), restrictions=[BAN], pin_hash=BCRYPT))
        live, lost = await sums(world)
        assert live >= 500
        assert lost == 0
        world.later(LEASE_TIME)  # the lease may have found no space to be given back
        known = set(await world.persons())
        assert {card(n) for n in range(500)} <= known
    finally:
        await database.close()


async def test_a_full_temporary_directory_is_named(
    small_disk: Path, world: World, database_url: str
) -> None:
    await world.load(rows(range(10)))
    before = await world.changes()
    told = await aside(world, database_url, small_disk, rows(range(20_000), pin_hash=BCRYPT))
    assert "StoreFull the temporary directory has no space" in told
    assert "TMPDIR" in told
    assert await world.changes() == before
    assert await world.leases() == 0


async def test_the_temporary_file_has_no_name(
    world: World, database_url: str, tmp_path: Path
) -> None:
    """It is gone with the process, however that ends."""
    there = tmp_path / "temporary"
    there.mkdir()
    told = await aside(world, database_url, there, rows(range(8000), pin_hash=BCRYPT))
    assert told.split() == ["open", "True", "named", "0"]


async def aside(world: World, url: str, temporary: Path, lines: list[dict[str, object]]) -> str:
    """What an import says whose temporary directory is this one."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ASIDE, url, str(world.home), str(world.file(lines))),
        cwd=Path(__file__).parents[2],
        env=os.environ | {"SQLITE_TMPDIR": str(temporary)},  # read once in a process
        stdout=subprocess.PIPE,
    )
    told, _ = await process.communicate()
    return told.decode()


async def test_a_hub_that_is_gone_is_a_store_error(world: World) -> None:
    await world.database.close()
    path = world.home / "hub.db"
    if path.exists():
        path.write_bytes(b"no database at all" * 100)
        for beside in world.home.glob("hub.db-*"):
            beside.unlink()
        with pytest.raises(StoreError):
            await world.load(rows(range(3)))


def ran(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0

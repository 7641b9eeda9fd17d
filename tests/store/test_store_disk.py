"""A disk that is full, a medium that takes no writes, a process that is killed."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kioskd.access.lockout import Lockout
from kioskd.domain.credential import Credential
from kioskd.errors import StoreError, StoreFull, StoreReadOnly
from kioskd.store.journal_read import JournalReader
from kioskd.store.reserve import RESERVE_BYTES, Reserve
from kioskd.store.state import StateDatabase
from tests.store.rig import DAY, NOW, Rig, card, entry

WRITER = """
import itertools, sys
from pathlib import Path
from tests.store.rig import Rig, card, entry
from kioskd.access.lockout import Lockout

rig = Rig(Path(sys.argv[1]))
rig.open()
print("open", flush=True)
for number in itertools.count():
    rig.file.charge(card(number), Lockout(1))
    rig.file.append(entry(number), (card(number),) if number % 2 else ())
    print(number, flush=True)
"""


def ran(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts one small file system, read-write or not, at the same place."""
    image, place = tmp_path / "disk.img", tmp_path / "mount"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(8 << 20)
    mkfs = shutil.which("mkfs.ext4") or shutil.which("mkfs.ext4", path="/usr/sbin:/sbin")
    if mkfs is None or not ran(mkfs, "-q", "-m", "0", "-O", "^has_journal", str(image)):
        pytest.skip("needs mkfs.ext4")

    def mounted(options: str = "loop") -> Path:
        ran("umount", str(place))
        if not ran("mount", "-o", options, str(image), str(place)):
            pytest.skip("needs to mount a loop device, as root can")
        return place

    yield mounted
    ran("umount", str(place))


def fill(directory: Path, name: str = "filler") -> None:
    """Take all room that is left."""
    with (directory / name).open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


def until_full(rig: Rig) -> int:
    """Entries until the disk refuses one; how many went in."""
    for number in range(100_000):
        try:
            rig.file.append(entry(number))
        except StoreFull as error:
            assert "no space left; free some" in str(error)  # noqa: PT017
            return number
    raise AssertionError("the disk never filled")


def charge_many(rig: Rig) -> None:
    for number in range(1000):  # a charge is small: some still fit where no entry does
        rig.file.charge(card(number), Lockout(1))


def test_a_full_disk_takes_the_reserve_then_says_so_and_recovers(
    mount: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(mount())
    rig.append(entry(0))
    reserve = rig.directory / "reserve.bin"
    assert reserve.stat().st_size == RESERVE_BYTES
    fill(rig.directory)
    went_in = until_full(rig)
    assert went_in > 20, "the reserve is worth some entries"
    assert not reserve.exists()
    assert [r.message for r in caplog.records] == ["disk.full"]
    with pytest.raises(StoreFull):
        charge_many(rig)
    found = rig.verified()
    assert (found.broken, found.rows) == (None, went_in + 2)
    (rig.directory / "filler").unlink()
    rig.append(entry(1))
    rig.close()
    rig.open()
    assert reserve.exists(), "taken again at the start"
    found = rig.verified()
    assert (found.broken, found.rows) == (None, went_in + 3)
    rig.close()


def test_a_full_disk_at_the_start_is_a_store_error(mount: Callable[..., Path]) -> None:
    rig = Rig(mount())
    fill(rig.directory)
    with pytest.raises(StoreError, match=r"journal\.db"):
        rig.open()
    (rig.directory / "filler").unlink()
    rig.append(entry(1))
    assert rig.verified().broken is None
    rig.close()


def test_retention_has_room_on_a_full_disk(mount: Callable[..., Path]) -> None:
    """Deleting needs room in the log; the reserve gives it."""
    rig = Rig(mount())
    rig.append(*(entry(n, NOW - 20 * DAY) for n in range(300)), entry(1))
    fill(rig.directory)
    until_full(rig)
    with pytest.raises(StoreFull):
        rig.retention()
    assert rig.verified().broken is None
    (rig.directory / "filler").unlink()
    assert rig.retention().persons == 300
    rig.close()


def test_a_read_only_medium_takes_no_entry_and_can_be_read(mount: Callable[..., Path]) -> None:
    rig = Rig(mount())
    rig.append(*(entry(n) for n in range(5)))
    rig.close()
    StateDatabase(rig.directory, unsealed).close()
    mount("loop,ro")
    with pytest.raises(StoreReadOnly, match="mounted read-write"):
        rig.open()
    assert rig.verified().rows == 6
    assert len(rig.exported()) == 6
    with closing(StateDatabase(rig.directory, unsealed, read_only=True)) as state:
        assert not state.lockdown()
    with pytest.raises(StoreReadOnly):
        StateDatabase(rig.directory, unsealed)


def unsealed(index: bytes, sealed: bytes) -> Credential:
    raise AssertionError("nobody is enrolled")


def test_a_reserve_is_taken_only_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = Reserve(tmp_path / "reserve.bin")
    assert (reserve.free(), reserve.take(), reserve.take()) == (False, True, True)
    assert reserve.path.stat().st_size == RESERVE_BYTES
    assert (reserve.free(), reserve.path.exists()) == (True, False)
    real = os.statvfs(tmp_path)
    scarce = os.statvfs_result((*real[:4], 10, *real[5:]))
    monkeypatch.setattr(os, "statvfs", lambda _: scarce)
    assert (reserve.take(), reserve.path.exists()) == (False, False)
    assert Reserve(tmp_path / "no" / "reserve.bin").take() is False


@pytest.mark.parametrize("after", [1, 7, 23])
def test_a_killed_writer_leaves_a_whole_chain_and_every_acknowledged_entry(
    rig: Rig, after: int
) -> None:
    command = [sys.executable, "-c", WRITER, str(rig.directory)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, text=True) as child:
        assert child.stdout is not None
        lines = iter(child.stdout.readline, "")
        for line in lines:
            if line.strip() == str(after):
                child.send_signal(signal.SIGKILL)
                break
        last = ([str(after)] + [line for line in lines if line.endswith("\n")])[-1]
    acknowledged = int(last) + 1
    assert rig.open().started == ""
    found = rig.verified()
    assert found.broken is None
    assert acknowledged + 1 <= found.rows <= acknowledged + 2
    with closing(JournalReader(rig.directory)) as reader:
        assert set(reader.lockouts()) >= {card(n) for n in range(0, acknowledged, 2)}


STOPPED = """
import os, signal, sys
from pathlib import Path
from tests.store.rig import Rig, card, entry
from kioskd.access.lockout import Lockout

rig = Rig(Path(sys.argv[1]))
rig.file.charge(card(1), Lockout(1))
left = int(sys.argv[2])

def count(statement):
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1

rig.file.connection.connection.driver_connection.set_trace_callback(count)
rig.append(entry(0))
rig.file.append(entry(1), (card(1),))
"""


@pytest.mark.parametrize("statements", range(5, 12))
def test_a_kill_between_two_statements_leaves_all_of_an_entry_or_nothing(
    rig: Rig, statements: int
) -> None:
    command = [sys.executable, "-c", STOPPED, str(rig.directory), str(statements)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, check=False, capture_output=True)
    ended = done.returncode == 0
    assert ended or done.returncode == -signal.SIGKILL, done.stderr
    assert rig.open().started == ""
    found = rig.verified()
    assert (found.broken, found.rows, found.persons) == (None, 3 if ended else 2, found.rows - 1)
    with closing(sqlite3.connect(rig.path)) as connection:
        counted = connection.execute("SELECT n FROM tally").fetchall()
        failed = connection.execute("SELECT count(*) FROM attempt").fetchone()
    assert (counted, failed) == ([(2,)], (0,)) if ended else ([(1,)], (1,))

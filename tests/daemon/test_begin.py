"""Whatever is wrong with the storage directory, the strikes are secured first; a pulse of another
daemon is left alone.
"""

import errno
import fcntl
import os
import pty
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.daemon import boot
from kioskd.daemon.boot import DirectoryLock, begin
from kioskd.errors import InputError, StoreError
from tests.config.conftest import GOOD

OFF = bytes.fromhex("A00100A1")


class Board:
    """A relay board on a pseudo-terminal."""

    def __init__(self) -> None:
        self.ends = pty.openpty()
        tty.setraw(self.ends[1])
        os.set_blocking(self.ends[0], False)
        self.port = os.ttyname(self.ends[1])

    def heard(self) -> bytes:
        """What came since the last time."""
        try:
            return os.read(self.ends[0], 100)
        except BlockingIOError:
            return b""


@pytest.fixture
def board() -> Iterator[Board]:
    board = Board()
    yield board
    for end in board.ends:
        os.close(end)


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def config(tmp_path: Path, board: Board, storage: Path) -> Config:
    text = GOOD.replace("socket://127.0.0.1:4001", board.port)
    path = tmp_path / "c.toml"
    path.write_text(text.replace("/var/lib/kioskd", str(storage)), encoding="utf-8")
    return load(path)


def test_the_lock_is_taken_and_the_strike_secured(config: Config, board: Board) -> None:
    lock, failed = begin(config)
    assert lock is not None
    assert failed == {}
    assert board.heard() == OFF
    lock.release()


def test_a_directory_that_leads_in_a_circle(config: Config, board: Board, storage: Path) -> None:
    storage.symlink_to(storage)
    if os.geteuid() == 0:  # only root looks whose the directory is
        with pytest.raises(StoreError):
            begin(config)
    else:
        assert begin(config)[0] is None
    assert board.heard() == OFF


def test_a_directory_that_cannot_be_looked_at(
    config: Config, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(directory: Path) -> None:
        raise StoreError(f"{directory}: Input/output error")

    monkeypatch.setattr(boot, "drop_to_owner", broken)
    with pytest.raises(StoreError, match="Input/output error"):
        begin(config)
    assert board.heard() == OFF


def test_a_file_system_without_locks(
    config: Config, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none_left)
    with pytest.raises(StoreError, match="local file system"):
        begin(config)
    assert board.heard() == OFF


def test_beside_another_daemon_nothing_is_touched(
    config: Config, board: Board, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = DirectoryLock.take(storage)
    assert other is not None
    with pytest.raises(InputError, match="another kioskd is running"):
        begin(config)
    assert board.heard() == b""

    def broken(directory: Path) -> None:
        raise StoreError("Input/output error")

    monkeypatch.setattr(boot, "drop_to_owner", broken)
    with pytest.raises(StoreError):
        begin(config)
    assert board.heard() == b""
    other.release()


def test_asking_whether_a_lock_is_held_makes_nothing(storage: Path) -> None:
    assert not DirectoryLock.held(storage)
    assert not storage.exists()
    lock = DirectoryLock.take(storage)
    assert lock is not None
    assert DirectoryLock.held(storage)
    lock.release()
    assert not DirectoryLock.held(storage)

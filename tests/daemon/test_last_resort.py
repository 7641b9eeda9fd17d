"""What ends the process when something hangs, with the end of the process put in by the test."""

import threading

import pytest

from kioskd.daemon import last_resort
from kioskd.daemon.last_resort import LastResort, done_within

PATIENCE_SECONDS = 10.0  # only ever spent by a test that fails


class Process:
    """Notes how it was left, and whether the strikes were secured before."""

    def __init__(self) -> None:
        self.left: list[str] = []
        self.gone = threading.Event()

    def secure(self) -> None:
        self.left.append("secured")

    def leave(self, code: int) -> None:
        self.left.append(f"left {code}")
        self.gone.set()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_resort, "LEAVE_SECONDS", 0.0)


def test_in_order_so_far_it_leaves_with_0() -> None:
    process = Process()
    resort = LastResort(process.secure, process.leave)
    resort.arm()
    assert process.gone.wait(PATIENCE_SECONDS)
    resort.arm()
    assert process.left == ["secured", "left 0"]


def test_with_a_strike_that_may_be_released_it_secures_first() -> None:
    process = Process()
    resort = LastResort(process.secure, process.leave)
    resort.code = 1
    resort.arm()
    assert process.gone.wait(PATIENCE_SECONDS)
    assert process.left == ["secured", "left 1"]


def test_a_relay_that_fails_does_not_keep_it() -> None:
    process = Process()

    def failing() -> None:
        raise OSError("no relay")

    resort = LastResort(failing, process.leave)
    resort.code = 1
    resort.arm()
    assert process.gone.wait(PATIENCE_SECONDS)
    assert process.left == ["left 1"]


async def test_work_that_hangs_is_not_waited_for() -> None:
    hangs = threading.Event()
    assert not await done_within(0.01, lambda: _wait(hangs))
    hangs.set()


async def test_work_that_ends_is_done_and_its_fault_is_told() -> None:
    done: list[str] = []
    assert await done_within(PATIENCE_SECONDS, lambda: done.append("done"))
    assert done == ["done"]
    with pytest.raises(ValueError, match="not closed"):
        await done_within(PATIENCE_SECONDS, _fail)


def _wait(hangs: threading.Event) -> None:
    hangs.wait(PATIENCE_SECONDS)


def _fail() -> None:
    raise ValueError("not closed")

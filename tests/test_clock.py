"""The machine's clocks as the core sees them, and when the wall clock is believed."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.clock import system
from kioskd.clock.system import SystemClock, uuid7
from kioskd.clock.trust import SystemEvidence, WallClockTrust
from kioskd.domain.moment import Moment, stamp

NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@dataclass
class Machine:
    """A machine whose clocks and witnesses a test sets."""

    wall: datetime = NOW
    boot: float = 1000.0
    boot_id: str = "this boot"
    ntp: bool = False
    battery: bool = True
    asked: list[float] = field(default_factory=list)

    def synchronised(self) -> bool:
        self.asked.append(self.boot)
        return self.ntp

    def rtc(self) -> bool:
        return self.battery

    def moment(self) -> Moment:
        return Moment(self.wall, self.boot, self.boot_id)

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.boot += seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


def trust_of(
    machine: Machine, newest: datetime | None = None, source: str = "auto"
) -> WallClockTrust:
    return WallClockTrust(source, newest, machine)


def believed(trust: WallClockTrust, machine: Machine) -> bool:
    return trust.judge(machine.moment()).trusted


def test_a_battery_clock_is_believed(machine: Machine) -> None:
    assert believed(trust_of(machine), machine)


def test_without_battery_nothing_is_believed_until_a_time_server_answers(machine: Machine) -> None:
    machine.battery = False
    trust = trust_of(machine)
    judged = trust.judge(machine.moment())
    assert (judged.trusted, "no time server" in judged.why) == (False, True)
    machine.ntp = True
    machine.passes(2)
    assert believed(trust, machine)


@pytest.mark.parametrize(("behind", "expected"), [(60, True), (61, False), (86_400, False)])
@pytest.mark.parametrize("source", ["auto", "rtc", "assume"])
def test_a_clock_behind_the_last_row_is_not_believed(
    machine: Machine, behind: int, expected: bool, source: str
) -> None:
    trust = trust_of(machine, NOW + behind * SECOND, source)
    assert believed(trust, machine) is expected


def test_a_synchronised_clock_corrects_a_row_of_2037(machine: Machine) -> None:
    machine.ntp = True
    trust = trust_of(machine, datetime(2037, 1, 1, tzinfo=UTC))
    assert believed(trust, machine)
    assert trust.verdict.corrected
    trust.recorded(machine.wall)
    machine.passes(2)
    assert believed(trust, machine)
    assert (trust.verdict.corrected, trust.newest) == (False, NOW)


def test_assume_asks_nobody_but_the_last_row(machine: Machine) -> None:
    machine.battery = False
    trust = trust_of(machine, source="assume")
    assert believed(trust, machine)
    machine.wall += timedelta(days=1)
    machine.boot += 2
    assert believed(trust, machine)


@pytest.mark.parametrize(
    ("jump", "expected"), [(119, True), (-119, True), (121, False), (-121, False)]
)
def test_a_clock_that_is_moved_by_hand_is_not_believed(
    machine: Machine, jump: int, expected: bool
) -> None:
    trust = trust_of(machine)
    assert believed(trust, machine)
    machine.passes(10)
    machine.wall += jump * SECOND
    assert believed(trust, machine) is expected


def test_small_moves_add_up(machine: Machine) -> None:
    trust = trust_of(machine)
    assert believed(trust, machine)
    verdicts = []
    for _ in range(5):
        machine.passes(10)
        machine.wall += 50 * SECOND
        verdicts.append(believed(trust, machine))
    assert verdicts == [True, True, False, False, False]


def test_a_move_that_a_time_server_confirms_is_the_new_measure(machine: Machine) -> None:
    trust = trust_of(machine)
    assert believed(trust, machine)
    machine.passes(2)
    machine.wall += timedelta(days=3)
    assert not believed(trust, machine)
    machine.ntp = True
    machine.passes(2)
    assert believed(trust, machine)
    machine.ntp = False
    machine.passes(2)
    assert believed(trust, machine)


def test_another_boot_has_a_boot_clock_of_its_own(machine: Machine) -> None:
    trust = trust_of(machine)
    assert believed(trust, machine)
    machine.boot_id, machine.boot = "another", 5.0
    machine.wall += timedelta(days=2)
    assert believed(trust, machine)


def test_the_machine_is_asked_once_a_second(machine: Machine) -> None:
    trust = trust_of(machine)
    for _ in range(10):
        trust.judge(machine.moment())
        machine.passes(0.3)
    assert len(machine.asked) == 3


def test_this_machine_gives_evidence_without_raising() -> None:
    evidence = SystemEvidence()
    assert isinstance(evidence.synchronised(), bool)
    assert isinstance(evidence.rtc(), bool)


def test_a_moment_is_one_reading_of_all_clocks() -> None:
    clock = SystemClock()
    before, moment, after = datetime.now(UTC), clock.moment(), datetime.now(UTC)
    assert before <= moment.wall <= after
    assert moment.boot <= time.clock_gettime(time.CLOCK_BOOTTIME)
    assert moment.boot_id == clock.moment().boot_id != ""


def test_a_kernel_without_a_boot_id_is_one_nameless_boot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(system, "_BOOT_ID", tmp_path / "nothing")
    assert SystemClock().moment().boot_id == ""


async def test_sleeping_until_the_past_yields_once() -> None:
    clock = SystemClock()
    turns: list[int] = []
    task = asyncio.ensure_future(clock.sleep_until(clock.monotonic() - 100))
    asyncio.get_running_loop().call_soon(turns.append, 1)
    await task
    assert turns == [1]


async def test_sleeping_until_a_time_ends_no_earlier() -> None:
    clock = SystemClock()
    end = clock.monotonic() + 0.01
    await clock.sleep_until(end)
    assert clock.monotonic() >= end


def test_ids_are_uuid7_of_now_and_never_the_same() -> None:
    clock = SystemClock()
    ids = [clock.new_id() for _ in range(100)]
    assert len(set(ids)) == 100
    parsed = uuid.UUID(ids[0])
    assert (parsed.version, parsed.variant, str(parsed)) == (7, uuid.RFC_4122, ids[0])
    assert abs((parsed.int >> 80) / 1000 - time.time()) < 60


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_an_id_carries_its_time_and_its_chance(milliseconds: int, random: bytes) -> None:
    parsed = uuid.UUID(uuid7(milliseconds, random))
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == milliseconds
    chance = int.from_bytes(random, "big")
    mask = (1 << 62) - 1
    assert parsed.int & mask == chance & mask
    assert parsed.int >> 64 & 0xFFF == chance >> 64 & 0xFFF


ten_bytes = st.binary(min_size=10, max_size=10)


@given(st.integers(0, 2**48 - 2), ten_bytes, ten_bytes)
def test_ids_sort_by_their_time(milliseconds: int, one: bytes, other: bytes) -> None:
    assert uuid7(milliseconds, one) < uuid7(milliseconds + 1, other)


@given(st.datetimes(datetime(1900, 1, 1), datetime(9000, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_a_stamp_is_the_same_instant_in_utc(at: datetime) -> None:
    text = stamp(at)
    assert (len(text), text[-1]) == (27, "Z")
    assert datetime.fromisoformat(text) == at.astimezone(UTC)

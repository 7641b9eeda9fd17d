"""The demo's own clock, display and hours."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.display_frames import CHARACTERS, DisplayFrames
from kioskd.cli.demo_clock import MovedClock, Offset
from kioskd.cli.demo_config import PLAYED, WATCHED, Times, config_text, hours_around
from kioskd.cli.demo_display import ROM, DemoDisplay
from kioskd.clock.system import SystemClock
from kioskd.config.hours import spans_of
from kioskd.config.load import load

LETTERS = "".join(CHARACTERS[ROM])
NIGHT = datetime(2026, 11, 23, 23, 30, tzinfo=ZoneInfo("Europe/Helsinki"))


def test_a_moved_clock_moves_its_wall_time_alone(tmp_path: Path) -> None:
    with Offset(tmp_path / "offset") as offset:
        moved, real = MovedClock(offset), SystemClock()
        assert offset.move(86_400) == 86_400
        assert offset.move(-3_600) == offset.seconds == 82_800
        before, now, after = real.moment(), moved.moment(), real.moment()
        assert before.wall <= now.wall - timedelta(seconds=82_800) <= after.wall
        assert before.boot <= now.boot <= after.boot
        assert now.boot_id == before.boot_id
        first = real.monotonic()
        assert first <= moved.monotonic() <= real.monotonic()


def test_another_process_sees_the_clock_move(tmp_path: Path) -> None:
    """The daemon is one: it reads what the demo set after it was started."""
    script = (
        "import sys; from pathlib import Path; from kioskd.cli.demo_clock import Offset\n"
        "offset = Offset(Path(sys.argv[1]))\n"
        "for line in sys.stdin: print(offset.seconds, flush=True)"
    )
    file = tmp_path / "offset"
    with Offset(file) as offset:
        command = [sys.executable, "-P", "-c", script, str(file)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
            assert other.stdin is not None
            assert other.stdout is not None
            for seconds in (0.0, 600.0, -60.5):
                offset.move(seconds - offset.seconds)
                other.stdin.write("\n")
                other.stdin.flush()
                assert float(other.stdout.readline()) == seconds
            other.stdin.close()


@given(st.lists(st.lists(st.text(LETTERS, max_size=24), max_size=5), min_size=1, max_size=6))
def test_the_display_shows_what_the_driver_was_given(pages: list[list[str]]) -> None:
    frames, display = DisplayFrames(ROM), DemoDisplay()
    display.feed(frames.opening())
    for page in pages:
        cells = frames.cells(page)
        for byte in frames.change_to(cells):
            display.feed(bytes((byte,)))
        frames.changed_to(cells)
        assert display.rows == tuple(line.ljust(20)[:20] for line in (*page, "", "", "", "")[:4])


@given(st.binary(max_size=200))
def test_whatever_comes_the_display_stays_whole(data: bytes) -> None:
    display = DemoDisplay()
    display.feed(data)
    assert [len(row) for row in display.rows] == [20] * 4


@given(st.datetimes(timezones=st.just(ZoneInfo("Europe/Helsinki"))))
def test_hours_are_open_now_staffed_soon_and_closed_later(now: datetime) -> None:
    states = ["closed"] * 24
    for span in hours_around(now):
        times, _, state = span.partition(" ")
        start, end = (int(part[:2]) for part in times.split("-"))
        states[start:end] = [state] * (end - start)
    spans_of(hours_around(now))
    around = [states[(now.hour + ahead) % 24] for ahead in range(24)]
    assert around[:2] == around[4:6] == ["self-service"] * 2
    assert around[2:4] == ["staffed"] * 2
    assert around[6:8] == ["closed"] * 2
    assert set(around[8:]) == {"self-service"}


@pytest.mark.parametrize("times", [PLAYED, WATCHED])
@pytest.mark.parametrize("hours", [("00:00-24:00 self-service",), hours_around(NIGHT)])
def test_the_configuration_is_without_faults(
    tmp_path: Path, times: Times, hours: Sequence[str]
) -> None:
    file = tmp_path / "kioskd.toml"
    file.write_text(config_text(tmp_path, times, hours), encoding="utf-8")
    config = load(file)
    assert [door.name for door in config.doors] == ["front"]
    assert all("simulated-inputs" in warning for warning in config.warnings)

"""A file that load() refuses still says which strikes to secure; never a frame on a guess."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kioskd.config.model import StrikeConfig
from kioskd.config.strikes import Legible, legible
from tests.config.conftest import GOOD

Change = Callable[[str, str], str]
Write = Callable[[str | bytes], Path]
STRIKE = '{ device = "relay" }'


@pytest.fixture
def found(written: Write) -> Callable[[str | bytes], Legible]:
    return lambda text: legible(written(text))


def test_a_good_file_is_read_as_it_is(found: Callable[[str], Legible], good: str) -> None:
    read = found(good)
    assert read.strikes == {"front": StrikeConfig("relay", 1, "fail-secure")}
    assert (read.relays["relay"].port, read.relays["relay"].baud) == (
        "socket://127.0.0.1:4001",
        9600,
    )
    assert (read.illegible, read.storage) == ((), Path("/var/lib/kioskd"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('holidays = ""', 'holidayz = ""'),
        ("retention_days = 14", ""),
        ('reader = "scanner"', 'reader = "nobody"'),
        ("[cards]", "[cards"),  # no TOML any more
        ('branch = "ESI"', 'branch = "ESI'),
        ('driver = "serial-keypad"', "driver = = 1"),
        ('monday = ["00', 'monday = ["00:00"\nx = ["00'),
    ],
)
def test_a_fault_elsewhere_keeps_no_strike_from_its_frame(
    found: Callable[[str], Legible], changed: Change, old: str, new: str
) -> None:
    assert found(changed(old, new)).strikes == {"front": StrikeConfig("relay", 1, "fail-secure")}


def test_a_comment_in_another_encoding_does_no_harm(
    found: Callable[[bytes], Legible], good: str
) -> None:
    assert "front" in found(b"# p\xe4\xe4ovi\n" + good.encode()).strikes


@pytest.mark.parametrize(
    "strike",
    [
        '{ device = "relay", lock = "fail-saef" }',
        '{ device = "relay", lok = "fail-safe" }',  # fail-secure by default would open it
        '{ device = "relay", chanel = 2 }',
        '{ device = "relay", channel = 17 }',
        '{ device = "relay", channel = "1" }',
        '{ device = "pad" }',
        '{ device = "nobody" }',
        "{ channel = 1 }",
        '"relay"',
    ],
)
def test_a_strike_that_is_not_certain_is_left_alone_and_named(
    found: Callable[[str], Legible], changed: Change, strike: str
) -> None:
    read = found(changed(STRIKE, strike))
    assert (dict(read.strikes), read.illegible) == ({}, ("front",))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('driver = "lcus-relay"', 'driver = "lcus-rely"'),
        ('port = "socket://127.0.0.1:4001"', ""),
        ('port = "socket://127.0.0.1:4001"', 'port = "relay"'),
    ],
)
def test_a_relay_that_is_not_certain_moves_nothing(
    found: Callable[[str], Legible], changed: Change, old: str, new: str
) -> None:
    assert found(changed(old, new)).illegible == ("front",)


def test_two_doors_that_dispute_a_channel_are_both_left_alone(
    found: Callable[[str], Legible], good: str
) -> None:
    second = '[doors.back]\nstrike = { device = "relay", lock = "fail-safe" }\n'
    third = '[doors.side]\nstrike = { device = "relay", channel = 2, lock = "fail-safe" }\n'
    read = found(good + second + third)
    assert set(read.illegible) == {"front", "back"}
    assert read.strikes == {"side": StrikeConfig("relay", 2, "fail-safe")}


def test_a_channel_disputed_through_two_names_of_one_port_is_left_alone(
    found: Callable[[str], Legible], good: str
) -> None:
    other = '[devices.other]\ndriver = "lcus-relay"\nport = "socket://127.0.0.1:4001"\n'
    second = '[doors.back]\nstrike = { device = "other", lock = "fail-safe" }\n'
    assert set(found(good + other + second).illegible) == {"front", "back"}


def test_a_file_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        read = legible(path)
        assert (dict(read.strikes), read.illegible, read.storage) == ({}, (), None)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_whatever_is_cut_out_no_other_frame_is_sent(written: Write, data: st.DataObject) -> None:
    text = GOOD.replace(STRIKE, '{ device = "relay", channel = 3, lock = "fail-safe" }')
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    read = legible(written(text[:start] + text[end:]))
    assert all(strike.lock == "fail-safe" for strike in read.strikes.values())

"""LCUS-1 frames, and which of them releases a door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.lcus import CHANNELS, LcusFrames, frame
from drivers.polarity import FAIL_SAFE, FAIL_SECURE, energised

SETTINGS = st.lists(st.tuples(st.sampled_from(CHANNELS), st.booleans()), max_size=20)


def wire(settings: list[tuple[int, bool]]) -> bytes:
    return b"".join(frame(channel, energised=on) for channel, on in settings)


def test_the_frames_of_the_manual() -> None:
    assert frame(1, energised=True) == bytes.fromhex("A00101A2")
    assert frame(1, energised=False) == bytes.fromhex("A00100A1")
    assert frame(2, energised=True) == bytes.fromhex("A00201A3")


@pytest.mark.parametrize("channel", [0, 17, -1, 256])
def test_a_channel_that_no_board_has_is_refused(channel: int) -> None:
    with pytest.raises(ValueError, match="channels 1 to 16"):
        frame(channel, energised=False)


def test_fail_secure_is_energised_to_release_and_fail_safe_to_secure() -> None:
    assert energised(FAIL_SECURE, released=True)
    assert not energised(FAIL_SECURE, released=False)
    assert not energised(FAIL_SAFE, released=True)
    assert energised(FAIL_SAFE, released=False)


def test_a_lock_of_no_known_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="use fail-secure or fail-safe"):
        energised("fail-save", released=False)


def test_a_wrong_sum_is_no_setting_and_the_next_frame_is_read() -> None:
    assert LcusFrames().feed(bytes.fromhex("A00101A3 A00100A1")) == [(1, False)]


@given(SETTINGS)
def test_plain_and_byte_by_byte_and_delayed_are_the_same(settings: list[tuple[int, bool]]) -> None:
    data = wire(settings)
    assert LcusFrames().feed(data) == settings
    frames = LcusFrames()
    assert [got for byte in data for got in frames.feed(bytes((byte,)))] == settings


@given(st.lists(st.tuples(st.sampled_from(CHANNELS), st.booleans(), st.integers(0, 4))))
def test_with_a_fifth_of_the_frames_lost_the_others_stand(
    sent: list[tuple[int, bool, int]],
) -> None:
    kept = [(channel, on) for channel, on, roll in sent if roll]
    assert LcusFrames().feed(wire(kept)) == kept


@given(SETTINGS, st.lists(st.integers(0, 4), min_size=80, max_size=80))
def test_after_a_fifth_of_the_bytes_was_lost_the_next_whole_frame_is_read(
    settings: list[tuple[int, bool]], dice: list[int]
) -> None:
    damaged = bytes(byte for byte, roll in zip(wire(settings), dice, strict=False) if roll)
    assert LcusFrames().feed(damaged + frame(1, energised=False))[-1] == (1, False)


@given(st.binary(max_size=400))
def test_any_bytes_are_survived(data: bytes) -> None:
    for channel, on in LcusFrames().feed(data):
        assert frame(channel, energised=on) in data

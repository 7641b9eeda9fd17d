"""What a device sends, masked: of a code only classes, length and three characters leave."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.masked_scans import (
    PAUSE_SECONDS,
    MaskedScans,
    SeenScan,
    masked_keys,
    shape_of,
)
from drivers.codecs.scan_frames import FRAME_CAP
from kioskd.domain.card import CodePatterns, canonical

PATTERNS = CodePatterns(
    (re.compile(r"\d{3}[A-Z]\d{6}"), re.compile(r"26\d{8}")), (re.compile(r"\d{3}N\d{8}"),)
)


def seen(*pieces: bytes, gap: float = 0.01, pause: bool = False) -> list[SeenScan]:
    """What comes out of pieces that follow each other after `gap` seconds."""
    scans, now, found = MaskedScans(PATTERNS), 10.0, []
    for piece in pieces:
        found += scans.feed(piece, now)
        now += gap
    return [*found, *scans.pause(now + PAUSE_SECONDS)] if pause else found


def test_a_card_is_told_by_its_shape_and_its_end() -> None:
    [scan] = seen(b"167A006007\n")
    assert (scan.what, scan.length, scan.shape) == ("patron card", 10, "ddd A dddddd")
    assert (scan.last, scan.end, scan.bad) == ("…007", "LF", 0)


@pytest.mark.parametrize(
    ("sent", "what", "shape"),
    [
        (b"2600104874\n", "patron card", "dddddddddd"),
        (b"167N01010101\n", "item", "ddd A dddddddd"),
        (b"9789510000000\n", "book number", "ddddddddddddd"),
        (b"hello world\n", "foreign", "aaaaa _ aaaaa"),
        (b"*167A006007*\n", "patron card", "* ddd A dddddd *"),
        (b"]C1167a006007\n", "patron card", "] A dddd a dddddd"),
        (b"12\x80\xff4\n", "unreadable", "dd ?? d"),
    ],
)
def test_the_site_s_patterns_say_what_it_is(sent: bytes, what: str, shape: str) -> None:
    [scan] = seen(sent)
    assert (scan.what, scan.shape) == (what, shape)


@pytest.mark.parametrize(
    ("pieces", "ends"),
    [
        ((b"12345678\r", b"\n"), ["CR LF"]),
        ((b"12345678\r", b"87654321\r\n"), ["CR", "CR LF"]),
        ((b"12345678\r",), ["CR"]),
        ((b"12345678",), [""]),
        ((b"\r\n\r\n",), []),
        ((b"12345678\n87654321\n",), ["LF", "LF"]),
    ],
)
def test_every_end_is_told_apart(pieces: tuple[bytes, ...], ends: list[str]) -> None:
    assert [scan.end for scan in seen(*pieces, pause=True)] == ends


def test_times_are_those_of_the_reads() -> None:
    [scan] = seen(b"1", b"2", b"3", b"4\n", gap=0.02)
    assert scan.took == pytest.approx(0.06)
    assert scan.pause == pytest.approx(0.02)


def test_silence_ends_a_code_before_the_next_one_begins() -> None:
    scans = seen(b"12345678", b"87654321\n", gap=PAUSE_SECONDS)
    assert [(s.length, s.end) for s in scans] == [(8, ""), (8, "LF")]


def test_bytes_that_no_scanner_means_are_counted_and_nothing_of_them_is_shown() -> None:
    [scan] = seen(b"\x00\xf1167A006007\n")
    assert (scan.bad, scan.last, scan.what) == (2, "…", "unreadable")


def test_a_flood_without_end_is_held_within_a_bound() -> None:
    scans = MaskedScans(PATTERNS)
    for n in range(100):
        assert scans.feed(b"7" * 1024, n * 0.001) == []
    [scan] = scans.pause(1.0)
    assert (scan.length, scan.what, scan.last) == (102_400, "unreadable", "…")
    assert len(scan.shape) <= FRAME_CAP


def test_who_stops_listening_leaves_nothing_behind() -> None:
    scans = MaskedScans(PATTERNS)
    scans.feed(b"167A00", 0.0)
    scans.forget()
    assert not scans.holds
    assert [s.length for s in scans.feed(b"6007\n", 0.01)] == [4]


def test_keys_are_told_by_kind_alone() -> None:
    assert masked_keys(b"12*34#\r\x00") == (
        ["digit", "digit", "clear", "digit", "digit", "enter", "enter"],
        1,
    )


WORDS = {"patron card", "item", "patron card or item", "book number", "foreign"}
CODE = st.text("0123456789ABCDEFabcdef*-", min_size=1, max_size=60)


@given(CODE)
def test_a_code_cannot_be_read_back_from_what_is_told(code: str) -> None:
    [scan] = seen(code.encode() + b"\n")
    assert scan.last in ("…", "…" + canonical(code)[-3:])
    assert set(scan.shape) <= set("dAa*-_ ")
    assert scan.what in WORDS


@given(st.text("0123456789", min_size=1, max_size=40))
def test_no_digit_stands_in_a_shape(code: str) -> None:
    assert set(shape_of(code)) == {"d"}


@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(1, 7))
def test_how_bytes_are_cut_into_reads_changes_no_code(pieces: Sequence[bytes], size: int) -> None:
    whole = b"".join(pieces)
    cut = [whole[at : at + size] for at in range(0, len(whole), size)]

    def codes(found: list[SeenScan]) -> list[tuple[str, int, str, str]]:
        return [(s.what, s.length, s.shape, s.end) for s in found]

    assert codes(seen(*cut, gap=0.0, pause=True)) == codes(seen(whole, gap=0.0, pause=True))

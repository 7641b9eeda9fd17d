"""Scanner frames: what a patron's scan becomes, and what never becomes a card."""

import re
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.scan_frames import FRAME_CAP, IDLE_SECONDS, TERMINATORS, ScanFrames
from kioskd.domain.card import CodeKind, CodePatterns, canonical

CARD = "167A006007"
ENDS = {"any": b"\r\n", "cr": b"\r", "lf": b"\n", "crlf": b"\r\n"}
SITE = CodePatterns((re.compile(r"\d{3}[A-Z]\d{6}"), re.compile(r"26\d{8}")))

Timed = tuple[float, bytes]  # when a chunk comes, and what is in it


def heard(chunks: Iterable[Timed], terminator: str = "any") -> list[str]:
    frames = ScanFrames(terminator)
    return [text for at, data in chunks for text in frames.feed(data, at)]


def cards(texts: Iterable[str]) -> list[str]:
    found = map(canonical, texts)
    return [number for number in found if SITE.classify(number) is CodeKind.PATRON]


# Stories


@pytest.mark.parametrize("terminator", TERMINATORS)
def test_a_scan_is_read_with_every_terminator(terminator: str) -> None:
    assert heard([(0.0, CARD.encode() + ENDS[terminator])], terminator) == [CARD]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_any_takes_every_ending_and_an_empty_frame_is_nothing(end: bytes) -> None:
    assert heard([(0.0, end + CARD.encode() + end + end)]) == [CARD]


def test_two_cards_in_one_read_are_two_frames() -> None:
    assert heard([(0.0, b"167A006007\r2600104874\r")]) == ["167A006007", "2600104874"]


def test_a_scan_cut_in_two_by_50_ms_counts() -> None:
    assert heard([(0.0, b"167A00"), (0.05, b"6007\r")]) == [CARD]


def test_a_cut_off_scan_is_forgotten_and_the_second_try_is_read() -> None:
    assert heard([(0.0, b"167A00"), (0.7, b"167A006007\r")]) == [CARD]


def test_a_late_tail_is_no_card() -> None:
    texts = heard([(0.0, b"167A00"), (0.7, b"6007\r")])
    assert texts == ["6007"]
    assert cards(texts) == []


def test_a_late_terminator_ends_nothing() -> None:
    assert heard([(0.0, CARD.encode()), (0.7, b"\r")]) == []


@pytest.mark.parametrize("noise", [b"\x00", b"\x07", b"\x1b", b"\x7f", b"\xe4", b"\t"])
def test_a_control_or_foreign_byte_makes_the_frame_void_not_shorter(noise: bytes) -> None:
    assert heard([(0.0, b"167A0" + noise + b"06007\r"), (0.01, b"2600104874\r")]) == ["2600104874"]


def test_a_terminator_of_another_kind_is_a_control_character() -> None:
    assert heard([(0.0, b"167A006007\n\r")], "cr") == []
    assert heard([(0.0, b"167A006007\rX\r\n2600104874\r\n")], "crlf") == ["2600104874"]


def test_quotes_and_ampersands_pass_as_they_are() -> None:
    assert heard([(0.0, b"'\"&<>;--%\r")]) == ["'\"&<>;--%"]


def test_a_frame_of_the_cap_is_read_and_one_byte_more_is_not() -> None:
    assert heard([(0.0, b"9" * FRAME_CAP + b"\r")]) == ["9" * FRAME_CAP]
    assert heard([(0.0, b"9" * (FRAME_CAP + 1) + b"\r" + b"1\r")]) == ["1"]


@pytest.mark.parametrize("length", [FRAME_CAP, FRAME_CAP + 1, 5000])
def test_a_long_frame_ends_where_its_crlf_is_cut_in_two(length: int) -> None:
    long = b"9" * length
    texts = heard([(0.0, long + b"\r"), (0.01, b"\n" + CARD.encode() + b"\r\n")], "crlf")
    assert texts == [*([long.decode()] if length <= FRAME_CAP else []), CARD]


@pytest.mark.parametrize("terminator", TERMINATORS)
def test_a_megabyte_without_terminator_is_held_in_few_bytes_and_thrown_away(
    terminator: str,
) -> None:
    frames = ScanFrames(terminator)
    for turn in range(1024):
        assert frames.feed(b"1" * 1024, turn * 0.001) == []
        assert frames.held <= FRAME_CAP + 1
    end = ENDS[terminator]
    assert frames.feed(b"67A006007" + end, 1.03) == []  # still the same endless frame
    assert frames.feed(CARD.encode() + end, 1.04) == [CARD]


def test_after_a_flood_and_a_silence_the_next_scan_is_read() -> None:
    assert heard([(0.0, b"1" * 5000), (1.0, b"167A006007\r")]) == [CARD]


def test_a_new_link_starts_with_nothing() -> None:
    frames = ScanFrames()
    frames.feed(b"167A00", 0.0)
    frames.reset()
    assert frames.feed(b"6007\r", 0.01) == ["6007"]


def test_an_unknown_terminator_is_refused() -> None:
    with pytest.raises(KeyError):
        ScanFrames("tab")


# The four transports: plain, byte by byte, a fifth of the chunks lost, delayed

DIGITS = st.text("0123456789", min_size=8, max_size=8)
NUMBERS = st.one_of(
    DIGITS.map(lambda digits: "26" + digits),
    DIGITS.map(lambda digits: f"{digits[:3]}A{digits[3:]}0"),
)
SCANS = st.lists(NUMBERS, min_size=1, max_size=6)
SECONDS_BETWEEN_PATRONS = 5.0
FIFTHS = st.integers(0, 4)  # a chunk is lost at 0


def chunked(scan: str, end: bytes, size: int) -> list[bytes]:
    data = scan.encode() + end
    return [data[at : at + size] for at in range(0, len(data), size)]


def spaced(scans: list[str], size: int, between: float) -> list[list[Timed]]:
    """For each scan its chunks, `between` seconds apart; scans far apart."""
    return [
        [
            (number * SECONDS_BETWEEN_PATRONS + place * between, chunk)
            for place, chunk in enumerate(chunked(scan, b"\r\n", size))
        ]
        for number, scan in enumerate(scans)
    ]


@pytest.mark.parametrize("terminator", ["any", "crlf"])
@given(scans=SCANS, size=st.integers(1, 12), between=st.floats(0, IDLE_SECONDS * 0.9))
def test_plain_bytewise_and_delayed_give_the_same_scans(
    terminator: str, scans: list[str], size: int, between: float
) -> None:
    chunks = [chunk for scan in spaced(scans, size, between) for chunk in scan]
    assert heard(chunks, terminator) == scans


@given(scans=SCANS, size=st.integers(1, 12), dice=st.lists(FIFTHS, min_size=72, max_size=72))
def test_with_a_fifth_of_the_chunks_lost_no_card_appears_that_was_not_scanned(
    scans: list[str], size: int, dice: list[int]
) -> None:
    """One scan in one idle window: what is short fits no pattern, and nothing is joined."""
    rolls = iter(dice)
    kept = [[chunk for chunk in scan if next(rolls)] for scan in spaced(scans, size, 0.01)]
    whole = [scan for scan, chunks in zip(scans, kept, strict=True) if _text(chunks) == scan]
    read = cards(heard([chunk for chunks in kept for chunk in chunks]))
    assert read == whole


def _text(chunks: list[Timed]) -> str:
    """The scan that these chunks still carry whole; empty when its end was lost."""
    data = b"".join(data for _, data in chunks)
    return data.rstrip(b"\r\n").decode() if data.endswith((b"\r", b"\n")) else ""


@given(scan=NUMBERS, cut=st.integers(1, 9), late=st.floats(0.21, 60))
def test_a_scan_that_stalls_beyond_the_idle_time_out_never_counts(
    scan: str, cut: int, late: float
) -> None:
    data = scan.encode() + b"\r"
    assert cards(heard([(0.0, data[:cut]), (late, data[cut:])])) == []


# Properties of any input


@given(
    pieces=st.lists(st.tuples(st.floats(0, 0.5), st.binary(max_size=300)), max_size=30),
    terminator=st.sampled_from(TERMINATORS),
)
def test_any_bytes_are_survived_and_every_frame_is_clean_and_was_really_sent(
    pieces: list[Timed], terminator: str
) -> None:
    frames, now, sent = ScanFrames(terminator), 0.0, b""
    for gap, data in pieces:
        now += gap
        sent = (sent if gap <= IDLE_SECONDS else b"\x00") + data  # \x00 marks a silence
        for text in frames.feed(data, now):
            assert 0 < len(text) <= FRAME_CAP
            assert text.isascii()
            assert text.isprintable()
            assert _ended(sent, text.encode())
        assert frames.held <= FRAME_CAP + 1


def _ended(sent: bytes, frame: bytes) -> bool:
    """Whether the frame stands in what was sent since the last silence, with its end."""
    return frame + b"\r" in sent or frame + b"\n" in sent


PARTS = st.sampled_from([b"9" * FRAME_CAP, b"\r", b"\n", b"\r\n", b"1", b"\x07"]) | st.binary(
    max_size=9
)


@given(data=st.lists(PARTS).map(b"".join), cuts=st.lists(st.integers(0, 1000)))
def test_how_the_bytes_are_cut_into_reads_changes_nothing(data: bytes, cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(at)]
    for terminator in TERMINATORS:
        whole = heard([(0.0, data)], terminator)
        assert heard([(0.0, piece) for piece in pieces], terminator) == whole

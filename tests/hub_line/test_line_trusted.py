"""Lines that are believed only when all of them are there and are what the hub sent."""

import gzip
from collections.abc import Callable, Iterator, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.errors import RegisterError
from sync.hub_faults import HubFault, StreamDamaged, Why
from sync.hub_inflate import Body
from sync.hub_lines import TrustedLines, lines_of
from sync.hub_wire import MAX_LINE, Trailer
from tests.hub_line.streams import LINES, stream_of, trailer_of

Transport = Callable[[bytes], Iterator[bytes]]
LINE = st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b""))


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    for at in range(len(data)):
        yield data[at : at + 1]


def by_sevens(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), 7):
        yield data[at : at + 7]


def taken(pieces: Iterator[bytes]) -> tuple[list[bytes], Trailer]:
    lines = TrustedLines()
    block = b"".join(lines.feed(piece) for piece in pieces)
    trailer = lines.finish()
    return lines_of(block), trailer


def encoded(trailer: Trailer) -> bytes:
    return msgspec.json.encode(trailer) + b"\n"


TRANSPORTS = pytest.mark.parametrize("transport", [whole, byte_by_byte, by_sevens])


@TRANSPORTS
@pytest.mark.parametrize("lines", [(), LINES[:1], LINES])
def test_a_whole_stream_gives_its_lines(transport: Transport, lines: Sequence[bytes]) -> None:
    assert taken(transport(stream_of(lines))) == (list(lines), trailer_of(lines))


def test_the_trailer_is_never_among_the_lines() -> None:
    lines = TrustedLines()
    given_out = lines.feed(stream_of())
    assert lines_of(given_out) == list(LINES)


def test_a_stream_that_is_cut_at_any_byte_is_discarded() -> None:
    data = stream_of()
    for end in range(len(data) - 1):  # without its very last line feed nothing is missing
        with pytest.raises(RegisterError):
            taken(whole(data[:end]))


def test_a_cut_stream_is_broken_off_and_a_wrong_one_is_damaged() -> None:
    with pytest.raises(HubFault) as cut:
        taken(whole(stream_of()[:-20]))
    assert cut.value.why is Why.BROKEN_OFF
    changed = stream_of().replace(b"A2", b"B2")
    with pytest.raises(StreamDamaged):
        taken(whole(changed))


@pytest.mark.parametrize(
    "data",
    [
        LINES[0] + b"\n" + stream_of(),  # a line too many
        stream_of().split(b"\n", 1)[1],  # one too few
        stream_of() + stream_of(),  # twice
        b"\n" + stream_of(),
    ],
)
@TRANSPORTS
def test_a_wrong_count_is_discarded(transport: Transport, data: bytes) -> None:
    with pytest.raises(StreamDamaged):
        taken(transport(data))


@pytest.mark.parametrize("count", [-1, 2, 4])
def test_a_trailer_that_counts_wrong_over_the_right_bytes_is_not_believed(count: int) -> None:
    trailer = msgspec.structs.replace(trailer_of(LINES), count=count)
    lines = b"".join(line + b"\n" for line in LINES)
    with pytest.raises(StreamDamaged):
        taken(whole(lines + encoded(trailer)))


@pytest.mark.parametrize("junk", [b"\n", b"x", b"{}\n", b"\x00", b"[" * 5000])
@TRANSPORTS
def test_bytes_after_the_trailer_are_refused(transport: Transport, junk: bytes) -> None:
    with pytest.raises(RegisterError):
        taken(transport(stream_of() + junk))


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"junk", b"<html></html>\n", b"null\n", b"\xff\xfe\n"]
)
@TRANSPORTS
def test_what_is_no_stream_is_refused(transport: Transport, data: bytes) -> None:
    with pytest.raises(RegisterError):
        taken(transport(data))


@pytest.mark.parametrize("cursor", ["", "x" * 1025, "a\r\nb", "ä"])
def test_a_cursor_that_could_not_be_sent_back_is_refused(cursor: str) -> None:
    with pytest.raises(RegisterError):
        taken(whole(encoded(trailer_of((), cursor))))


def test_a_megabyte_without_a_line_feed_is_cut_early() -> None:
    lines = TrustedLines()
    assert lines.feed(b"x" * 65_536) == b""
    with pytest.raises(RegisterError, match="longer than 64 KiB"):
        lines.feed(b"x")


@pytest.mark.parametrize(("size", "fits"), [(MAX_LINE, True), (MAX_LINE + 1, False)])
@pytest.mark.parametrize("before", [b"", b"short\n" * 3])
def test_the_longest_line_fits_and_one_byte_more_does_not(
    size: int, fits: bool, before: bytes
) -> None:
    data = before + b"y" * (size - 1) + b"\n" + b"after\nand last"
    if fits:
        assert TrustedLines().feed(data) == data[: -len(b"and last")]
    else:
        with pytest.raises(RegisterError):
            TrustedLines().feed(data)


@given(st.lists(LINE, max_size=12), st.lists(st.integers(1, 60), min_size=1, max_size=60))
def test_any_cutting_gives_the_same_lines(lines: list[bytes], sizes: list[int]) -> None:
    def pieces(data: bytes) -> Iterator[bytes]:
        at, turn = 0, 0
        while at < len(data):
            size = sizes[turn % len(sizes)]
            yield data[at : at + size]
            at, turn = at + size, turn + 1

    assert taken(pieces(stream_of(lines))) == (lines, trailer_of(lines))


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_garbage_never_raises_anything_else(pieces: list[bytes]) -> None:
    with pytest.raises(RegisterError):
        taken(iter(pieces))


@given(st.integers(0, len(stream_of()) - 2), st.integers(1, 255))
def test_one_changed_byte_is_always_noticed(at: int, by: int) -> None:
    data = bytearray(stream_of())
    data[at] ^= by
    try:
        lines, trailer = taken(whole(bytes(data)))
    except RegisterError:
        return
    # Only what the digest is not over may have changed: cursor, generation, more.
    assert lines == list(LINES)
    assert trailer.sha256 == trailer_of(LINES).sha256


# Bodies, before there are lines.


def inflated(pieces: Iterator[bytes], most: int = 1 << 20) -> bytes:
    body = Body("gzip", most)
    data = b"".join(part for piece in pieces for part in body.feed(piece))
    body.finish()
    return data


@TRANSPORTS
def test_gzip_comes_out_as_it_went_in(transport: Transport) -> None:
    assert inflated(transport(gzip.compress(stream_of()))) == stream_of()


def test_gzip_that_is_cut_at_any_byte_is_discarded() -> None:
    data = gzip.compress(stream_of())
    for end in range(len(data)):
        with pytest.raises(RegisterError):
            inflated(whole(data[:end]))


def test_a_bomb_is_cut_while_it_inflates() -> None:
    bomb = gzip.compress(b"\0" * (64 << 20))
    given_out: list[int] = []
    with pytest.raises(RegisterError, match="larger"):
        given_out.extend(map(len, Body("gzip", 1 << 20).feed(bomb)))
    assert sum(given_out) <= 1 << 20


@pytest.mark.parametrize("after", [b"x", gzip.compress(b"more")])
@TRANSPORTS
def test_bytes_after_the_gzip_are_refused(transport: Transport, after: bytes) -> None:
    with pytest.raises(RegisterError):
        inflated(transport(gzip.compress(b"body") + after))


def test_what_is_no_gzip_and_other_encodings_are_refused() -> None:
    with pytest.raises(RegisterError):
        inflated(whole(b"<html>"))
    with pytest.raises(RegisterError):
        Body("br", 100)


def test_a_plain_body_has_its_bound_too() -> None:
    with pytest.raises(RegisterError):
        list(Body("", 10).feed(b"x" * 11))

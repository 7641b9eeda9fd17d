"""A feed file: JSON lines or CSV, read in chunks of bounded lines.

    with FeedFile.open(path) as feed:
        parser = feed.parser(rules)
        for chunk in feed.chunks():
            for row in parse_chunk(parser, chunk): ...
        refuse_unknown(feed.name, parser.unknown)

The format is told by the first character. A column that nobody asked for refuses the whole file,
each such column by name: a CSV file at its header, a JSON file after its last line, so that one
run names them all; whoever loads it abandons what was built so far. What may be a value in the
place of a name is not repeated: a CSV file without a header begins with somebody's card.

A bad row is left out alone. Where its card can be read, whoever loads the feed leaves out that card
too, be it in an earlier row or, for a delta, in the cache: what the register meant to say of it may
have been a ban, and the milder word before it must not stand. Where the card cannot be read (a line
cut short, a stray quote) nothing can be known of whose row it was, and nothing is left out but it.

Deliberately not here: where the rows go.
"""

import contextlib
import difflib
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, NamedTuple, Protocol, Self

from kioskd.errors import InputError
from sync.feed_csv import CsvRows, read_header
from sync.feed_json import JsonRows
from sync.feed_rows import COLUMNS, BadRow, FeedRow, RowRules

MAX_LINE: Final = 64 * 1024  # bytes; a credential with every column takes under 2 KiB
MAX_NAMED: Final = 50  # columns that a refusal names
CHUNK_LINES: Final = 1000
STANDARD_INPUT: Final = Path("-")

_BUFFER: Final = 1 << 18
_BOM: Final = b"\xef\xbb\xbf"
_NAME: Final = re.compile("[A-Za-zÅÄÖåäö_]{1,40}")  # Finnish exports have Finnish names
_PERSONAL = re.compile(
    r"name|nimi|namn|addr|osoit|street|katu|post|phone|puh|tel|mobile|mail|sahkopo|sähköpo"
    r"|hetu|ssn|sotu|personal_?id|national|identity|henkil|birth|dob|synt|born|age$|sex|gender"
    r"|sukup|guard|huolt|taka|note|comment|huom|memo|message|photo|picture|pin$|password|salasana"
)


class Chunk(NamedTuple):
    """Consecutive lines; None stands for one that is longer than MAX_LINE."""

    first_line: int
    lines: Sequence[bytes | None]


class RowParser(Protocol):
    """Parses one line at a time; `unknown` maps columns nobody asked for to their first line."""

    unknown: dict[str, int]

    def parse(self, line: int, raw: bytes) -> FeedRow | BadRow | None: ...
    def look(self, line: int, raw: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class FeedFormat:
    """How lines become rows; header is None for JSON lines. Small, so that it can be sent."""

    header: tuple[str, ...] | None

    def parser(self, rules: RowRules) -> RowParser:
        return JsonRows(rules) if self.header is None else CsvRows(rules, self.header)


class FeedFile:
    """An open feed. `size` in bytes (0: not known), `position`: bytes read so far."""

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self.name = name
        self.position = 0
        self._stream = stream
        self._line = 1
        with _input_faults(name):
            status = os.fstat(stream.fileno())
            self.size = status.st_size if stat.S_ISREG(status.st_mode) else 0
            self._pending = self._first_line()
        self.format = FeedFormat(self._header())

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file, or standard input for `-`; InputError names the file and the way out."""
        if path == STANDARD_INPUT:
            return cls("standard input", sys.stdin.buffer)
        with _input_faults(str(path)):
            if path.is_dir():
                raise InputError(f"{path}: is a directory; name the feed file in it")
            stream = path.open("rb", buffering=_BUFFER)
        try:
            return cls(str(path), stream)
        except BaseException:
            stream.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def chunks(self, lines: int = CHUNK_LINES) -> Iterator[Chunk]:
        """The lines in order, `lines` at a time; never more than that in memory."""
        with _input_faults(self.name):
            while chunk := self._read_chunk(lines):
                yield Chunk(self._line, chunk)
                self._line += len(chunk)

    def _read_chunk(self, lines: int) -> list[bytes | None]:
        found: list[bytes | None] = []
        while len(found) < lines and (raw := self._next_line()) != b"":
            found.append(raw)
        return found

    def _next_line(self) -> bytes | None:
        raw, self._pending = self._pending, b""
        return raw if raw != b"" else self._read_line()

    def _read_line(self) -> bytes | None:
        """The next line with its end, b"" at the end of the file, None for one too long."""
        raw = self._stream.readline(MAX_LINE)
        self.position += len(raw)
        if len(raw) < MAX_LINE or raw.endswith(b"\n"):
            return raw
        while raw and not raw.endswith(b"\n"):
            raw = self._stream.readline(MAX_LINE)
            self.position += len(raw)
        return None

    def _first_line(self) -> bytes | None:
        """The first line that is not blank, or b""."""
        raw = self._read_line()
        while raw is not None and raw != b"" and not raw.strip():
            self._line += 1
            raw = self._read_line()
        return raw

    def _header(self) -> tuple[str, ...] | None:
        """Tell the format by the first character; a CSV header is taken off the file."""
        first = self._pending
        if first is None:
            raise InputError(f"{self.name}: its first line is longer than 64 KiB; not a feed")
        if first.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise InputError(f"{self.name}: is UTF-16; export it as UTF-8")
        first = self._pending = first.removeprefix(_BOM)
        if first.lstrip().startswith(b"["):
            raise InputError(f"{self.name}: is a JSON array; write one object a line")
        if first == b"" or first.lstrip().startswith(b"{"):
            return None
        self._pending, self._line = b"", self._line + 1
        header = read_header(self.name, first)
        _check_header(self.name, self._line - 1, header)
        return header


def parse_chunk(parser: RowParser, chunk: Chunk) -> Iterator[FeedRow | BadRow]:
    """The rows of a chunk; after an unknown column only further unknown columns are looked for."""
    for line, raw in enumerate(chunk.lines, chunk.first_line):
        if raw is None:
            yield BadRow(line, "longer than 64 KiB")
        elif parser.unknown:
            parser.look(line, raw)
        elif (row := parser.parse(line, raw)) is not None:
            yield row


def refuse_unknown(name: str, unknown: Mapping[str, int]) -> None:
    """InputError that names every column which this device must not have or does not know."""
    if not unknown:
        return
    named = sorted(unknown.items(), key=lambda found: (found[1], found[0]))
    told = [f"{name}: line {line}: {_told(column)}" for column, line in named[:MAX_NAMED]]
    lines = list(dict.fromkeys(told))  # two whose name is none read alike
    if len(named) > MAX_NAMED:
        lines.append(f"{name}: and {len(named) - MAX_NAMED} more columns")
    lines.append(f"{name}: nothing was loaded; a feed has only {', '.join(COLUMNS)}")
    raise InputError("\n".join(lines))


def _check_header(name: str, line: int, header: Sequence[str]) -> None:
    if not any(column in COLUMNS for column in header):
        raise InputError(
            f"{name}: line {line} is no header of a feed; begin the file with the names of its "
            f"columns, of {', '.join(COLUMNS)}"
        )
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        named = ", ".join(dict.fromkeys(_shown(column) for column in twice))
        raise InputError(f"{name}: line {line}: {named} is there twice; leave one out")
    refuse_unknown(name, {column: line for column in header if column not in COLUMNS})
    if "card" not in header:
        raise InputError(f"{name}: has no column card")


def _told(column: str) -> str:
    if not _is_name(column):
        return f"{_shown(column)}: leave it out of the export"
    return f"{_shown(column)}: {_judged(column)}"


def _judged(column: str) -> str:
    if _PERSONAL.search(column.lower()):
        return "personal data; leave it out of the export"
    near = difflib.get_close_matches(column.lower(), COLUMNS, n=1)
    return f"unknown; did you mean {near[0]}?" if near else "unknown; leave it out of the export"


def _shown(column: str) -> str:
    """A column by its name, where that can be one and no card, hash, date or address."""
    if _is_name(column):
        return f"column {column}"
    inside, dot, name = column.partition(".")
    within = f" in {inside}" if dot and name and inside in COLUMNS else ""
    return f"a column{within} with a name that is none"


def _is_name(column: str) -> bool:
    inside, dot, name = column.partition(".")
    return _NAME.fullmatch(name if dot and inside in COLUMNS else column) is not None


@contextlib.contextmanager
def _input_faults(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    except PermissionError:
        raise InputError(
            f"{name}: may not be read by {_user()}; give that user the file, or pipe it: "
            "`kioskd feed import -`"
        ) from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from None


def _user() -> str:
    return f"user {os.geteuid()}"

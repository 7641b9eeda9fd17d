"""A file or standard input that a parser of the register's formats reads, in bounded pieces.

    source = Source.open(path)
    for number, raw in source.lines(): ...      # raw None: longer than MAX_LINE
    source.close()

Nothing that it says repeats what the file holds.

Deliberately not here: feed files (sync.feed_file has its own), and what is in a line.
"""

import contextlib
import os
import stat
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final, Self

from kioskd.errors import InputError
from sync.feed_file import MAX_LINE, MAX_NAMED, STANDARD_INPUT

_BUFFER: Final = 1 << 18
_BOM: Final = b"\xef\xbb\xbf"
_PGP: Final = (b"-----BEGIN PGP", b"\x84\x0d\x04", b"\x85\x02", b"\x8c\x0d\x04", b"\xc3\x0d\x04")


class Source:
    """An open file. `size` in bytes (0: not known), `position`: bytes read so far."""

    def __init__(self, name: str, stream: BinaryIO, size: int = 0) -> None:
        self.name = name
        self.size = size
        self.position = 0
        self._stream = stream
        self._begun = False

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file, or standard input for `-`; InputError names the file and the way out."""
        if path == STANDARD_INPUT:
            return cls("standard input", sys.stdin.buffer)
        with _faults(str(path)):
            if path.is_dir():
                raise InputError(f"{path}: is a directory; name the file in it")
            stream = path.open("rb", buffering=_BUFFER)
            status = os.fstat(stream.fileno())
            return cls(str(path), stream, status.st_size if stat.S_ISREG(status.st_mode) else 0)

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()

    def read(self, count: int = _BUFFER) -> bytes:
        """The next bytes, b"" at the end; the file's first are looked at for what cannot be read.

        InputError: UTF-16, or encrypted.
        """
        with _faults(self.name):
            return self._first(self._stream.read(count))

    def lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Lines by number from 1, each with its end; None for one that is longer than MAX_LINE."""
        number = 0
        with _faults(self.name):
            while raw := self._stream.readline(MAX_LINE):
                number += 1
                whole = len(raw) < MAX_LINE or raw.endswith(b"\n")
                line = self._first(raw)
                if not whole:
                    self._skip_line()
                yield number, line if whole else None

    def _skip_line(self) -> None:
        while raw := self._stream.readline(MAX_LINE):
            self.position += len(raw)
            if raw.endswith(b"\n"):
                return

    def _first(self, raw: bytes) -> bytes:
        self.position += len(raw)
        if self._begun:
            return raw
        self._begun = True
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise InputError(f"{self.name}: is UTF-16; export it as UTF-8")
        if raw.startswith(_PGP):
            raise InputError(
                f"{self.name}: is encrypted; decrypt it on the way: `gpg --decrypt FILE | ...`"
            )
        return raw.removeprefix(_BOM)


class SourceParser:
    """What parsers of one source have in common; close one, or use it as a context."""

    def __init__(self, source: Source) -> None:
        self.warnings: Counter[str] = Counter()
        self._source = source

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()

    @property
    def size(self) -> int:
        """Bytes of the file; 0: not known."""
        return self._source.size

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._source.position

    def _refused(self, why: str) -> InputError:
        return InputError(f"{self._source.name}: {why}")


def refuse_keys(name: str, unknown: Mapping[str, int], known: str) -> None:
    """InputError that names every key or column that this format does not have."""
    if not unknown:
        return
    named = sorted(unknown.items(), key=lambda found: (found[1], found[0]))
    lines = [f"{name}: line {line}: {shown(key)}: not of this format" for key, line in named]
    if len(named) > MAX_NAMED:
        lines[MAX_NAMED:] = [f"{name}: and {len(named) - MAX_NAMED} more"]
    lines.append(f"{name}: nothing was loaded; leave out whatever is not {known}")
    raise InputError("\n".join(lines))


def shown(key: str) -> str:
    """A key's name made safe for a terminal."""
    clean = "".join(c if c.isprintable() else "?" for c in key[:40])
    return clean or "without a name"


@contextlib.contextmanager
def _faults(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    except PermissionError:
        raise InputError(
            f"{name}: may not be read by user {os.geteuid()}; give that user the file, or pipe it: "
            "`kioskd-hub import -`"
        ) from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from None

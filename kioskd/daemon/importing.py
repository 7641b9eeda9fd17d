"""A feed import as its caller sees it: a child process that reports, and the report.

The work is done by `kioskd.daemon.import_worker` in a process of its own: at low priority, with
memory that is given back, and killable without harm. It reports in JSON lines on its standard
output; this module starts it and relays.

Deliberately not here: the import itself, and how progress is shown.
"""

import subprocess
import sys
from collections.abc import Callable
from typing import Final

import msgspec

from kioskd.errors import ConfigError, InputError, KioskError, StoreError, VaultError

MAX_BAD_ROWS: Final = 20  # bad rows that are named; the others are counted
WORKER: Final = "kioskd.daemon.import_worker"


class ImportRequest(msgspec.Struct, frozen=True):
    """What to import and how. feed "-" is standard input.

    hub: the snapshot of a hub on standard input, with its last line.
    """

    config: str
    feed: str
    delta: bool = False
    dry_run: bool = False
    confirm_shrink: bool = False
    hub: bool = False


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How far it is. done of total: bytes read, or rows written; total 0 is not known."""

    phase: str  # reading | writing
    done: int
    total: int


class BadLine(msgspec.Struct, frozen=True):
    """A line that was left out; `why` repeats no value of it."""

    line: int
    why: str


class ImportReport(msgspec.Struct, frozen=True, tag="done"):
    """What an import did, or in a dry run would have done.

    rows: lines with a row, bad ones included. loaded: credentials put. duplicates: rows that a
    later row of the same card replaced. deleted: of a full feed the cards marked so, of a delta
    the credentials removed. credentials, previous: in the cache after and before, previous None
    where there was none to read. cache_bytes: size of the database, 0 in a dry run. pins_removed:
    PINs of staff that went because their cards are lost or deleted, 0 in a dry run; state_fault:
    why they stay.
    """

    rows: int
    loaded: int
    bad: int
    duplicates: int
    deleted: int
    credentials: int
    previous: int | None
    verifiers: dict[str, int]
    generation: str
    cache_bytes: int
    seconds: float
    delta: bool
    dry_run: bool
    bad_rows: list[BadLine]
    pins_removed: int = 0
    state_fault: str = ""

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def bytes_per_credential(self) -> float:
        return self.cache_bytes / self.credentials if self.credentials else 0.0


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Why nothing was loaded; the old cache, if there was one, stays in use."""

    fault: str  # config | input | vault | store
    message: str

    def error(self) -> KioskError:
        """The error as its own kind again."""
        match self.fault:
            case "config":
                return ConfigError(self.message.splitlines())
            case "input":
                return InputError(self.message)
            case "vault":
                return VaultError(self.message)
            case _:
                return StoreError(self.message)


Event = Progress | ImportReport | Refused
encode_event = msgspec.json.Encoder().encode
decode_event = msgspec.json.Decoder(Event).decode


def refusal_of(error: KioskError) -> Refused:
    """An error as it crosses the pipe."""
    faults: dict[type[KioskError], str] = {
        ConfigError: "config",
        InputError: "input",
        VaultError: "vault",
    }
    found = (fault for kind, fault in faults.items() if isinstance(error, kind))
    return Refused(next(found, "store"), str(error))


def import_feed(
    request: ImportRequest, progress: Callable[[Progress], None] = lambda step: None
) -> ImportReport:
    """Run an import in a child process; blocks. KioskError: nothing was loaded."""
    ended: ImportReport | Refused | None = None
    with _started(request) as child:
        for line in child.stdout or ():
            event = decode_event(line)
            if isinstance(event, Progress):
                progress(event)
            else:
                ended = event
    if isinstance(ended, Refused):
        raise ended.error()
    if ended is None:
        raise StoreError(how_it_ended(child.returncode))
    return ended


def worker_command(request: ImportRequest) -> list[str]:
    """How the process of an import is started; it holds no secret."""
    # Not "-m" with the working directory on the path: a folder `drivers` there would be taken.
    text = msgspec.json.encode(request).decode()
    return [sys.executable, "-P", "-m", WORKER, text]


def _started(request: ImportRequest) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(worker_command(request), stdout=subprocess.PIPE)  # noqa: S603
    except OSError as error:
        raise StoreError(f"the import could not be started: {error.strerror}") from error


def how_it_ended(code: int) -> str:
    """What to tell where the process said nothing."""
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"the import was ended from outside ({how}); the cache is as it was, run it again"

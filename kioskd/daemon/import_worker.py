"""The child process of a feed import: gives up what it does not need, works, reports.

It reads configuration and key itself, so that no secret passes through an argument or a pipe.
Deliberately not here: the steps of an import (import_run).
"""

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from kioskd.config.load import load
from kioskd.daemon.import_run import run_import
from kioskd.daemon.importing import Event, ImportRequest, encode_event, refusal_of
from kioskd.daemon.line_cache_load import run_snapshot
from kioskd.daemon.privileges import drop_to_owner, may_look_into
from kioskd.errors import KioskError
from kioskd.ports import Checkpoint, pass_by

NICENESS: Final = 10  # the doors come first
OWNER_ONLY: Final = 0o077

DONE, REFUSED, INTERRUPTED = 0, 2, 130


def main(arguments: Sequence[str], checkpoint: Checkpoint = pass_by) -> int:
    """Run the import that the one argument asks for, a request as JSON; the exit code."""
    request = msgspec.json.decode(arguments[0], type=ImportRequest)
    try:
        _emit(_worked(request, checkpoint))
    except KioskError as error:
        _emit(refusal_of(error))
        return REFUSED
    except (KeyboardInterrupt, BrokenPipeError):
        return INTERRUPTED  # nobody is left to be told
    return DONE


def _worked(request: ImportRequest, checkpoint: Checkpoint) -> Event:
    config = load(Path(request.config))
    directory = config.storage.directory
    drop_to_owner(directory)
    os.umask(OWNER_ONLY)
    os.nice(NICENESS)
    if may_look_into(directory):
        os.environ["SQLITE_TMPDIR"] = str(directory)  # /tmp may be memory, and is not ours
    run = run_snapshot if request.hub else run_import
    return run(request, config, _emit, checkpoint)


def _emit(event: Event) -> None:
    sys.stdout.buffer.write(encode_event(event) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.exit(code)

"""Log lines on standard error: UTC, an event and its values; text or JSON.

`2026-11-23T08:15:30.123Z INFO kioskd ready doors=1 devices=2/3 missing=front-scanner`
Values from outside are cleaned: no escape sequence and no line break reaches a terminal.

Lines are written by a thread of their own. Whoever reads them may stop reading; a loop that waited
for it could not end a pulse. What does not fit into the queue is dropped and counted.
"""

import json
import logging
import os
import queue
import re
import threading
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from math import isfinite

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_KEEP_LINES = 2000
_FINISH_SECONDS = 1.0
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_PLAIN = re.compile(r"[^\s\"=]+")


def set_up(log_format: str) -> "LogLines":
    """Send everything of ours to standard error in this format ("text" or "json")."""
    lines = LogLines()
    lines.setFormatter(JsonLines() if log_format == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [lines]
    root.setLevel(logging.INFO)
    return lines


class LogLines(logging.Handler):
    """Writes lines to a descriptor, from a thread; never blocks who logs."""

    def __init__(self, descriptor: int = 2) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._waiting: queue.Queue[bytes | None] = queue.Queue(_KEEP_LINES)
        self._dropped = 0
        # A daemon thread: a reader that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one line."""
        try:
            self._waiting.put_nowait(self.format(record).encode(errors="replace") + b"\n")
        except queue.Full:
            self._dropped += 1

    def finish(self) -> None:
        """Write what waits, for a second at most."""
        with suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(_FINISH_SECONDS)

    def _write(self) -> None:
        # Straight to the descriptor: a thread that is stuck in a buffer would hold its lock.
        while (line := self._waiting.get()) is not None:
            if self._dropped:
                line = f"{self._dropped} log lines were dropped\n".encode() + line
                self._dropped = 0
            with suppress(OSError):
                while line:
                    line = line[os.write(self._descriptor, line) :]


def _values(record: logging.LogRecord) -> dict[str, object]:
    values = {k: v for k, v in record.__dict__.items() if k not in _STANDARD}
    if record.exc_info and record.exc_info[1] is not None:
        values.update(_fault(record.exc_info[1]))
    return values


def _fault(error: BaseException) -> dict[str, object]:
    # Where, not what: the text of an unforeseen exception may hold what a patron typed.
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in reversed(frames[-6:]))
    return {"error": type(error).__name__, "where": where}


def _at(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _clean(value: object) -> str:
    return _UNPRINTABLE.sub("?", str(value))


def _json_value(value: object) -> object:
    """A value as JSON has it: a number stays one, where JSON has a form for it."""
    number = isinstance(value, int) or (isinstance(value, float) and isfinite(value))
    return value if number else _clean(value)


class TextLines(logging.Formatter):
    """One line a record, `key=value` behind the event."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        head = f"{_at(record)} {record.levelname} {record.name} {_clean(record.getMessage())}"
        return head + "".join(f" {k}={_quoted(v)}" for k, v in _values(record).items())


class JsonLines(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        """The object."""
        head = {
            "at": _at(record),
            "level": record.levelname,
            "logger": record.name,
            "event": _clean(record.getMessage()),
        }
        values = {k: _json_value(v) for k, v in _values(record).items()}
        return json.dumps({**values, **head}, ensure_ascii=False)


def _quoted(value: object) -> str:
    text = _clean(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)

"""Log lines: their shape, what they never carry, and that nobody ever waits for them."""

import json
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from kioskd.logs import JsonLines, LogLines, TextLines


@dataclass
class Pipe:
    """A logger whose lines go into a pipe."""

    log: logging.Logger
    lines: LogLines
    reader: int

    def text(self) -> str:
        self.lines.finish()
        os.set_blocking(self.reader, False)
        return os.read(self.reader, 1 << 20).decode()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reader, writer = os.pipe()
    lines = LogLines(writer)
    lines.setFormatter(TextLines())
    log = logging.Logger("kioskd.test")
    log.addHandler(lines)
    yield Pipe(log, lines, reader)
    os.close(reader)
    os.close(writer)


def test_a_line_has_the_shape_that_others_read(pipe: Pipe) -> None:
    pipe.log.info("ready", extra={"doors": 1, "devices": "2/3", "missing": "front-scanner"})
    shape = (
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO kioskd\.test ready "
        r"doors=1 devices=2/3 missing=front-scanner\n"
    )
    assert re.fullmatch(shape, pipe.text())


def test_json_lines_carry_the_same_values() -> None:
    record = logging.makeLogRecord({"name": "kioskd", "levelname": "INFO", "msg": "ready"})
    record.doors = 1
    given = {"s": 0.5, "held": True, "lag": float("nan"), "why": "a\x9bb", "left": None}
    record.__dict__.update(given)
    line = json.loads(JsonLines().format(record))
    kept = {key: line[key] for key in given}
    assert kept == {"s": 0.5, "held": True, "lag": "nan", "why": "a?b", "left": "None"}
    assert line["held"] is True
    assert {key: line[key] for key in ("level", "logger", "event", "doors")} == {
        "level": "INFO",
        "logger": "kioskd",
        "event": "ready",
        "doors": 1,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["at"])


def test_no_escape_sequence_and_no_second_line_reaches_a_terminal(pipe: Pipe) -> None:
    pipe.log.warning("device.lost", extra={"why": "\x1b[31mred\x1b[0m\nERROR kioskd forged\x9b"})
    text = pipe.text()
    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert "\x9b" not in text


def test_the_text_of_an_unforeseen_exception_is_not_logged(pipe: Pipe) -> None:
    def fail() -> None:
        raise ValueError("could not use 4711")

    try:
        fail()
    except ValueError:
        pipe.log.exception("entry.failed")
    text = pipe.text()
    assert "4711" not in text
    assert "error=ValueError" in text
    assert "test_logs.py" in text


def test_a_reader_that_stops_reading_holds_nobody_up(pipe: Pipe) -> None:
    for number in range(10_000):  # far more than a pipe and the queue take
        pipe.log.info("notice", extra={"number": number})
    pipe.lines.finish()  # returns although nobody reads
    assert pipe.lines._thread.is_alive()
    seen = b""
    while b"number=20000" not in seen:
        seen += os.read(pipe.reader, 1 << 20)
        pipe.log.info("notice", extra={"number": 20000})
    assert b"log lines were dropped" in seen
    assert b"number=0\n" in seen

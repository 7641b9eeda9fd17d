"""kioskd sip2 decode: captured SIP2 messages, one a line, as JSON objects, one a line.

Deliberately not here: a network, a configuration, and any text of a line that is no message.
"""

import argparse
import codecs
import json
import re
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from kioskd.cli.common import writes_unicode
from kioskd.errors import InputError
from sync.sip2.charset import ENCODINGS, Charset
from sync.sip2.faults import Malformed
from sync.sip2.framing import MAX_BYTES
from sync.sip2.masking import masked
from sync.sip2.messages import Message, parse

_BLOCK: Final = 65_536  # bytes read at once
_END: Final = re.compile(rb"[\r\n]")
_JUNK: Final = b"\x00 \t"  # what some servers send before a message
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")


def run(args: argparse.Namespace) -> int:
    """0 when every line was a message, known or not; 1 when one was malformed. InputError."""
    charset, delimiter = charset_of(args.encoding), delimiter_of(args.delimiter)
    if sys.stdin is None:
        raise InputError("standard input is closed; give messages: kioskd sip2 decode < FILE")
    if sys.stdin.isatty():
        sys.stderr.write("paste messages, one a line; Ctrl-D ends\n")
    well = True
    for line in lines_of(sys.stdin.buffer):
        told = decoded(line, charset, delimiter, unmask=args.unmask)
        well = well and "error" not in told
        sys.stdout.write(_line(told))
        sys.stdout.flush()
    return 0 if well else 1


def charset_of(name: str) -> Charset:
    """By a name of an encoding in any spelling. InputError names those that there are."""
    known = {codecs.lookup(encoding).name: encoding for encoding in ENCODINGS}
    try:
        return Charset(known[codecs.lookup(name).name])
    except (LookupError, ValueError):
        raise InputError(f"--encoding: give one of {', '.join(ENCODINGS)}") from None


def delimiter_of(text: str) -> str:
    """One character that no message has elsewhere. InputError."""
    if len(text) != 1 or not text.isprintable() or text.isalnum() or text.isspace():
        raise InputError("--delimiter: give one character that is no letter, digit or blank")
    return text


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """Lines as they come, whatever ends them; blank ones are left out."""
    rest = b""
    while block := _read(stream):
        *lines, rest = _END.split(rest + block)
        yield from (line for each in lines if (line := each.lstrip(_JUNK)))
        # A line that never ends is told once, as far as a message could be one.
        rest = rest[: MAX_BYTES + 1]
    if last := rest.lstrip(_JUNK):
        yield last


def decoded(line: bytes, charset: Charset, delimiter: str, *, unmask: bool) -> dict[str, Any]:
    """A line as the object that is printed."""
    try:
        message = _parsed(line, charset, delimiter)
    except Malformed as wrong:
        told: dict[str, Any] = {"code": wrong.code, "error": wrong.what}
        return {**told, **_ending(wrong)}
    if not message.known:
        return {"code": message.code, "unknown": True, **_ending(message)}
    if not unmask:
        message = masked(message, delimiter)
    fields = [[name, value] for name, value in message.fields]
    return {
        "code": message.code,
        "fixed": dict(message.fixed),
        "fields": fields,
        **_ending(message),
    }


def _parsed(line: bytes, charset: Charset, delimiter: str) -> Message:
    if len(line) > MAX_BYTES:
        raise Malformed("endless")
    return parse(line, charset, delimiter)


def _ending(of: Message | Malformed) -> dict[str, Any]:
    return {"seq": of.seq, "checksum": of.checksum, "checksum_valid": of.checksum_valid}


def _read(stream: BinaryIO) -> bytes:
    # What is there, without waiting for more: a capture that still goes on is decoded as it comes.
    read1 = getattr(stream, "read1", stream.read)
    block: bytes = read1(_BLOCK)
    return block


def _line(told: dict[str, Any]) -> str:
    text = json.dumps(told, ensure_ascii=not writes_unicode())
    return _UNPRINTABLE.sub(_escaped, text) + "\n"


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]

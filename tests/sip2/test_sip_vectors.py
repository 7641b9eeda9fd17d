"""Messages of other programs and of the specification, read as their collectors read them."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from sync.sip2.faults import Malformed
from sync.sip2.layouts import LAYOUTS
from sync.sip2.messages import Message, encode, parse

Vector = dict[str, Any]


def vectors() -> list[Vector]:
    folder = os.environ.get("KIOSKD_VECTORS")
    if not folder:
        return []
    text = (Path(folder) / "sip2.jsonl").read_text(encoding="utf-8")
    return [json.loads(row) for row in text.splitlines()]


ROWS = vectors()
pytestmark = pytest.mark.skipif(not ROWS, reason="KIOSKD_VECTORS names no folder")


def read(vector: Vector) -> Message:
    raw = vector["raw"].encode(vector["encoding"])
    return parse(raw, delimiter=vector.get("delimiter", "|"))


def is_canonical(vector: Vector) -> bool:
    """Whether we would write it so: all of the fixed part, each field ended, AZ in capitals."""
    code, expect = vector["raw"][:2], vector["expect"]
    if code not in LAYOUTS or "fixed" not in expect or expect["checksum_valid"] is False:
        return False
    one = re.escape(vector.get("delimiter", "|"))
    shape = rf"..[^{one}]{{{LAYOUTS[code].width}}}([A-Z][A-Z0-9][^{one}]*{one})*"
    return re.fullmatch(shape + r"(AY\d)?(AZ[0-9A-F]{4})?", vector["raw"]) is not None


@pytest.mark.parametrize(
    "vector", ROWS, ids=[f"{n}-{row['raw'][:2]}" for n, row in enumerate(ROWS)]
)
def test_a_message_is_read_as_expected(vector: Vector) -> None:
    expect = vector["expect"]
    if "error" in expect:
        with pytest.raises(Malformed) as caught:
            read(vector)
        fault = caught.value
        assert fault.what == expect["error"]
        head = (fault.code, fault.seq, fault.checksum, fault.checksum_valid)
    else:
        message = read(vector)
        head = (message.code, message.seq, message.checksum, message.checksum_valid)
        assert message.known is not expect.get("unknown", False)
        assert dict(message.fixed) == expect.get("fixed", {})
        assert list(message.fixed) == list(expect.get("fixed", {}))
        assert [list(field) for field in message.fields] == expect.get("fields", [])
    assert head == tuple(expect[name] for name in ("code", "seq", "checksum", "checksum_valid"))


def test_canonical_messages_are_written_as_they_came() -> None:
    canonical = [vector for vector in ROWS if is_canonical(vector)]
    for vector in canonical:
        message = read(vector)
        again = encode(
            message,
            delimiter=vector.get("delimiter", "|"),
            seq=message.seq,
            checked=message.checksum is not None,
        )
        assert again == vector["raw"].encode(vector["encoding"])
    assert len(canonical) > 100

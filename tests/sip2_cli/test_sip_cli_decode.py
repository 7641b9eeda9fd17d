"""The command `sip2 decode`: captured lines in, JSON lines out, persons masked."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.cli import main, sip2_decode
from kioskd.cli.sip2_decode import charset_of, decoded, delimiter_of, lines_of
from kioskd.errors import InputError
from sync.sip2.charset import ENCODINGS, UTF_8
from sync.sip2.framing import MAX_BYTES
from sync.sip2.masking import CARDS, HIDDEN, PRIVATE
from tests.outside.premises import KIOSKD

VECTORS = os.environ.get("KIOSKD_VECTORS")
needs_vectors = pytest.mark.skipif(not VECTORS, reason="KIOSKD_VECTORS is not set")

LOGIN = b"9300CNkiosk|COhunter2|CPESI|AY0AZF36F"
PATRON = (
    b"64              00720261123    101500000000000000000000000000AOESI|AA167A006007|"
    b"AEVirtanen, Maija|BLY|CQY|ACterminal|AD|BDKatu 1|"
)
SECRETS = ("hunter2", "167A006007", "Virtanen", "terminal", "4321", "myPIN123")


def ran(data: bytes, *options: str, **more: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*KIOSKD, "sip2", "decode", *options],
        input=data,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, **more},
    )


def told(line: bytes, *, unmask: bool = False, delimiter: str = "|") -> dict[str, Any]:
    return decoded(line, UTF_8, delimiter, unmask=unmask)


# Stories


def test_a_message_is_told_in_its_parts_and_masked() -> None:
    done = ran(LOGIN + b"\r")
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == {
        "code": "93",
        "fixed": {"uid_algorithm": "0", "pwd_algorithm": "0"},
        "fields": [["CN", "kiosk"], ["CO", "…"], ["CP", "ESI"]],
        "seq": 0,
        "checksum": "F36F",
        "checksum_valid": False,
    }


def test_persons_and_secrets_are_masked_unless_asked_for() -> None:
    fields = dict(told(PATRON)["fields"])
    assert (fields["AA"], fields["AE"], fields["AC"]) == ("…007", "…", "…")
    assert (fields["AD"], fields["AO"], fields["BD"]) == ("", "ESI", "Katu 1")
    open_fields = dict(told(PATRON, unmask=True)["fields"])
    assert open_fields["AA"] == "167A006007"
    assert open_fields["AE"] == "Virtanen, Maija"


@pytest.mark.parametrize("sent", ["|", "^", "~"])
@pytest.mark.parametrize("asked", ["|", "^", ",", "-"])
@pytest.mark.parametrize("title", ["Kalevala", "a, b", "x|y", "A^B"])
def test_no_delimiter_that_was_asked_for_shows_a_secret(sent: str, asked: str, title: str) -> None:
    fields = ("AOESI", "AA167A006007", "AD482915", "AEMaija Virtanen", f"AF{title}", "CY167A006008")
    line = f"64{' ' * 14}00720261123    101500{'0000' * 6}{sent.join(fields)}{sent}"
    told = json.dumps(decoded(line.encode(), UTF_8, asked, unmask=False))
    assert [s for s in ("167A006007", "482915", "Virtanen", "167A006008") if s in told] == []


@pytest.mark.parametrize("name", ["\x00AD", "A\x00D", " AD"])
def test_signs_amid_the_name_of_a_field_show_no_secret(name: str) -> None:
    line = f"3520261123    101500AOESI|{name}482915|".encode()
    assert "482915" not in json.dumps(decoded(line, UTF_8, "|", unmask=False))


def test_a_closed_standard_input_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main.main(["sip2", "decode"]) == 2


def test_lines_end_in_any_way_and_blank_ones_are_nothing() -> None:
    done = ran(b"\r\n\n" + LOGIN + b"\r\n  \t\r" + LOGIN + b"\n\r\x00" + LOGIN)
    assert [json.loads(line)["code"] for line in done.stdout.splitlines()] == ["93"] * 3


def test_a_malformed_line_is_told_and_its_text_is_not() -> None:
    done = ran(b"64FOO|AD4321|AY1AZABCD\n9\nXXAD4321|\n" + LOGIN)
    first, second, third, _ = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 1
    assert first == {
        "code": "64",
        "error": "truncated_fixed_field:patron_status",
        "seq": 1,
        "checksum": "ABCD",
        "checksum_valid": False,
    }
    assert (second["code"], second["error"]) == ("9", "too_short")
    assert third == {
        "code": "XX",
        "unknown": True,
        "seq": None,
        "checksum": None,
        "checksum_valid": None,
    }
    assert b"4321" not in done.stdout + done.stderr
    assert b"FOO" not in done.stdout + done.stderr


def test_unknown_commands_alone_are_no_fault() -> None:
    assert ran(b"XXwhatever\n").returncode == 0
    assert ran(b"").returncode == 0


def test_a_line_without_an_end_is_told_once() -> None:
    done = ran(b"6" * (3 * MAX_BYTES) + b"\n" + LOGIN)
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["code"], first["error"], second["code"]) == ("", "endless", "93")
    assert done.returncode == 1


def test_a_line_without_an_end_is_not_kept() -> None:
    blocks = io.BytesIO(b"6" * (20 * MAX_BYTES))
    (line,) = lines_of(blocks)
    assert MAX_BYTES < len(line) <= 2 * MAX_BYTES + 1


def test_an_encoding_is_as_asked() -> None:
    line = "9300CNÄö|".encode("cp850")
    assert json.loads(ran(line, "--encoding", "CP850").stdout)["fields"] == [["CN", "Äö"]]
    assert "Äö".encode() in ran("9300CNÄö|".encode()).stdout  # as it is, not escaped
    ascii_only = ran("9300CNÄö|".encode(), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert json.loads(ascii_only.stdout)["fields"] == [["CN", "Äö"]]


def test_a_delimiter_is_as_asked() -> None:
    fields = json.loads(ran(b"9300CNkiosk^COhunter2^", "--delimiter", "^").stdout)["fields"]
    assert fields == [["CN", "kiosk"], ["CO", "…"]]


@pytest.mark.parametrize("name", ["ebcdic", "", "utf-16", "hex", "latin-1\0"])
def test_another_encoding_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(InputError, match="utf-8, latin-1, cp850, cp437, cp1252"):
        charset_of(name)


def test_a_wrong_option_is_a_wrong_option() -> None:
    for options in (("--encoding", "ebcdic"), ("--delimiter", "ab")):
        done = ran(LOGIN, *options)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith(options[0].encode())


@pytest.mark.parametrize("text", ["", "ab", "a", "7", " ", "\n", "\x1b", "ä"])
def test_a_delimiter_is_one_character_that_stands_nowhere_else(text: str) -> None:
    with pytest.raises(InputError, match="--delimiter"):
        delimiter_of(text)


def test_spellings_of_encodings() -> None:
    spelt = {"UTF8": "utf-8", "iso-8859-1": "latin-1", "IBM850": "cp850", "windows-1252": "cp1252"}
    for name, encoding in {**spelt, **dict(zip(ENCODINGS, ENCODINGS, strict=True))}.items():
        assert charset_of(name).encoding == encoding


def test_nothing_reaches_a_terminal_that_it_would_act_on() -> None:
    done = ran("9300CN\x1b[2J\x07|CP\x9b1m\u202e\x7f\u2028|".encode())
    assert not [c for c in done.stdout.decode() if not c.isprintable() and c != "\n"]
    assert dict(json.loads(done.stdout)["fields"])["CP"] == "\x9b1m\u202e\x7f\u2028"


def test_a_capture_that_goes_on_is_decoded_as_it_comes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = [LOGIN + b"\r\n9", b""]

    def read(stream: object) -> bytes:
        # The first line is out before anybody asks for more.
        assert capsys.readouterr().out.count("\n") == len(blocks) % 2
        return blocks.pop(0)

    with io.TextIOWrapper(io.BytesIO()) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sip2_decode, "_read", read)
        assert main.main(["sip2", "decode"]) == 1  # what is left is no message


# Values where they do not belong


@pytest.mark.parametrize(
    "line",
    [
        b"63001.00|AA167A006007|ADmyPIN123|AO001|",
        b"2300020250110081500AD|AA167A006007|ADmyPIN123|",
        b"23000202501100815000|AA167A006007|ADmyPIN123|",
        b"11YN20230101    120000|AOinst|AB123|AC|ADmyPIN123|",
        b"11YN20230101    120000|AOinst|AB123|ADmyPIN123|",
        b"64              00720261123|AO001|AA167A006007|AEVirtanen, Maija Kaarina|",
    ],
)
def test_a_fixed_part_that_was_cut_short_hides_what_slipped_into_it(line: bytes) -> None:
    shown = json.dumps(told(line), ensure_ascii=False)
    for secret in ("myPIN", "PIN123", "6007", "67A006", "Virtanen", "rtanen"):
        assert secret not in shown, shown
    said = told(line)
    assert [len(v) for v in said["fixed"].values()] == [
        len(v) for v in told(line, unmask=True)["fixed"].values()
    ]


def test_the_wrong_delimiter_shows_no_secret_either() -> None:
    for line in (
        b"9300CNkiosk^COhunter2^CPESI^",
        b"2300720261123    101500AOESI^AA167A006007^ACterminal^AD4321^",
        b"2300720261123    101500AA167A006007^ACterminal^AD4321",
    ):
        shown = json.dumps(told(line), ensure_ascii=False)
        assert not [secret for secret in (*SECRETS, "321") if secret in shown], shown
        assert "^" in told(line, unmask=True)["fields"][0][1]


def test_a_title_with_brackets_is_no_secret() -> None:
    line = b"1803020120261123    101500AB167N00000001|AJLapset (ADHD) /CO|"
    assert dict(told(line)["fields"])["AJ"] == "Lapset (ADHD) /CO"


# Properties


@given(st.binary(max_size=300), st.sampled_from(ENCODINGS), st.booleans())
def test_any_bytes_are_told_in_a_line_each(data: bytes, encoding: str, unmask: bool) -> None:
    lines = list(lines_of(io.BytesIO(data)))
    for line in lines:
        said = decoded(line, charset_of(encoding), "|", unmask=unmask)
        assert {"code", "seq", "checksum", "checksum_valid"} <= set(said)
        written = sip2_decode._line(said)
        assert written.endswith("\n")
        assert written[:-1].isprintable()
        assert json.loads(written) == said
    assert b"".join(lines).translate(None, b"\r\n\0 \t") == data.translate(None, b"\r\n\0 \t")


@given(st.lists(st.binary(min_size=1, max_size=40)), st.integers(1, 50))
def test_blocks_split_no_line(pieces: list[bytes], size: int) -> None:
    data = b"\r".join(pieces)

    class Few(io.BytesIO):
        def read1(self, _: int | None = -1, /) -> bytes:
            return self.read(size)

    assert list(lines_of(Few(data))) == list(lines_of(io.BytesIO(data)))


# Of what titles, names and places are written with: with a sign that divides it would be hidden.
_TEXT = st.text(st.characters(categories=["L", "N", "Zs"]) | st.sampled_from("()[].,/:&-'"))


@given(
    st.lists(st.tuples(st.sampled_from([*sorted(PRIVATE), "AO", "AF", "ZZ"]), _TEXT), min_size=2)
)
def test_what_is_private_is_hidden_and_the_rest_stands(fields: list[tuple[str, str]]) -> None:
    body = "".join(f"{name}{value}|" for name, value in fields)
    # An end that could be taken for a checksum would not be a field's value any more.
    said = told(f"941{body}".encode() + b"AZ0000")["fields"]
    for (name, value), (shown_name, shown) in zip(fields, said, strict=True):
        assert name == shown_name
        if name not in PRIVATE or not value:
            assert shown == value
        elif name in CARDS:
            assert shown == (HIDDEN + value[-3:] if len(value) > 6 else HIDDEN)
        else:
            assert shown == HIDDEN


# Vectors


@needs_vectors
def test_every_vector_is_told_as_expected() -> None:
    text = Path(VECTORS or "", "sip2.jsonl").read_text(encoding="utf-8")
    vectors = [json.loads(line) for line in text.splitlines()]
    same = [v for v in vectors if not v.get("delimiter") and not set(v["raw"]) & {"\r", "\n"}]
    assert len(same) > 200
    done = ran("\n".join(v["raw"] for v in same).encode() + b"\n", "--unmask")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    for vector, shown in zip(same, said, strict=True):
        for name, value in vector["expect"].items():
            assert shown[name] == value, (vector, shown)
    others = [v for v in vectors if v.get("delimiter")]
    for vector in others:
        shown = told(vector["raw"].encode(), unmask=True, delimiter=vector["delimiter"])
        assert {**shown, **vector["expect"]} == shown


@needs_vectors
def test_masked_vectors_show_nothing_private_and_all_the_rest() -> None:
    text = Path(VECTORS or "", "sip2.jsonl").read_text(encoding="utf-8")
    for vector in map(json.loads, text.splitlines()):
        expect = vector["expect"]
        delimiter = vector.get("delimiter", "|")
        said = told(vector["raw"].encode(), delimiter=delimiter)
        if "fields" not in expect or any(delimiter in v for v in expect["fixed"].values()):
            continue
        assert said["fixed"] == expect["fixed"]
        for (name, value), (_, shown) in zip(expect["fields"], said["fields"], strict=True):
            hidden = name in PRIVATE and value
            assert (shown != value) is bool(hidden), vector

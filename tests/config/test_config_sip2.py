"""[register.sip2]: where the library system is, and what it may be believed."""

from argparse import Namespace
from dataclasses import fields
from pathlib import Path

import pytest

from kioskd.cli import check_config
from kioskd.config import sip2 as table
from kioskd.config.model import SipAccess
from sync.sip2 import charset
from tests.config.sip2_lines import EXAMPLE, FAR, HERE, KEY, KOHA, SUOMI, USED, Find, Read, Write


def test_a_koha_suomi_on_this_machine_is_well(
    written: Write, good: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(f"{good}\n{EXAMPLE}")
    assert check_config.run(Namespace(file=path, config=None)) == 0
    said = capsys.readouterr()
    assert "well; 1 door" in said.out
    assert [line for line in said.err.splitlines() if "sip2" in line] == [
        f"warning: {path}: {USED}"
    ]


def test_it_is_read_as_it_says(read: Read, good: str) -> None:
    assert read(f"{good}\n{EXAMPLE}").register.sip2 == SipAccess(
        "127.0.0.1",
        tls=False,
        dialect="koha-suomi",
        user="kiosk",
        secret="credential:sip2-secret",
        institution="ESI",
    )


def test_without_the_table_there_is_no_library_system(read: Read, good: str) -> None:
    assert read(good).register.sip2 is None


def test_every_knob_is_read(read: Read, good: str) -> None:
    lines = """
[register.sip2]
host = "sip.example.invalid"
port = 6002
tls = true
ca_file = "/etc/ssl/own.pem"
dialect = "custom"
user = "kiosk"
secret = "file:/run/secret"
terminal_secret = "credential:terminal"
institution = "ESI "
location = "ESI"
login_location = "Kirjasto"
language = "sv"
answer_seconds = 2
retries = 0
encoding = "UTF-8"
fallback = "iso-8859-1"
delimiter = "^"
error_detection = false
checksum = "warn"
zone = "utc"
send_99 = false
send_35 = false
keep_alive_seconds = 0
echoes_card = false
replays = false
access_field = "PA"
access_values = ["1", "2|3"]
expiry_field = "PB"
door_flags = ["card_lost"]
lending_flags = []
screen_messages = ["Tervetuloa."]
"""
    found = read(f"{good}\n{lines}").register.sip2
    assert found == SipAccess(
        "sip.example.invalid",
        "custom",
        port=6002,
        ca_file=Path("/etc/ssl/own.pem"),
        user="kiosk",
        secret="file:/run/secret",
        terminal_secret="credential:terminal",
        institution="ESI ",
        location="ESI",
        login_location="Kirjasto",
        language="sv",
        answer_seconds=2.0,
        retries=0,
        encoding="utf-8",
        fallback="latin-1",
        delimiter="^",
        error_detection=False,
        checksum="warn",
        zone="utc",
        send_99=False,
        send_35=False,
        keep_alive_seconds=0,
        echoes_card=False,
        replays=False,
        access_field="PA",
        access_values=("1", "2|3"),
        expiry_field="PB",
        door_flags=("card_lost",),
        lending_flags=(),
        screen_messages=("Tervetuloa.",),
    )


def test_every_knob_has_a_leaf() -> None:
    assert set(table.LEAVES) == {field.name for field in fields(SipAccess)}


def test_the_words_are_those_of_the_codec() -> None:
    assert table.ENCODINGS == charset.ENCODINGS
    assert table.SINGLE_BYTE == charset.SINGLE_BYTE


# (lines, the key, what the message must say); each is the only fault
REFUSED = [
    ("[register]\nsip2 = 'here'", "", "must be a table"),
    ("[register.sip2]\ndialect = 'koha'", "host", "missing"),
    (FAR, "dialect", "missing"),
    (f"{FAR}dialect = 'kohasuomi'\ninstitution = 'ESI'", "dialect", "did you mean koha-suomi?"),
    (f"{FAR}{KOHA}ecoding = 'utf-8'", "ecoding", "did you mean encoding?"),
    (f"{FAR}{KOHA}port = 0", "port", "1 to 65535"),
    (f"{FAR}{KOHA}port = 65536", "port", "1 to 65535"),
    (f"{FAR}{KOHA}port = '6001'", "port", "whole number"),
    (f"{FAR}{KOHA}tls = 'no'", "tls", "true or false"),
    (f"{FAR}{KOHA}ca_file = 'own.pem'", "ca_file", "absolute"),
    (f"{FAR}{KOHA}language = 'de'", "language", "known: en, fi, sv"),
    (f"{FAR}{KOHA}answer_seconds = 0.1", "answer_seconds", "0.2 to 30"),
    (f"{FAR}{KOHA}answer_seconds = 31", "answer_seconds", "0.2 to 30"),
    (f"{FAR}{KOHA}retries = 10", "retries", "0 to 9"),
    (f"{FAR}{KOHA}checksum = 'loose'", "checksum", "known: off, strict, warn"),
    (f"{FAR}{KOHA}zone = 'zero'", "zone", "did you mean zeros?"),
    (f"{FAR}{KOHA}error_detection = 1", "error_detection", "true or false"),
    (f"{FAR}{KOHA}keep_alive_seconds = 4", "keep_alive_seconds", "5 to 3600, or 0 for none"),
    (f"{FAR}{KOHA}keep_alive_seconds = 3601", "keep_alive_seconds", "0 to 3600"),
    (f"{FAR}{KOHA}keep_alive_seconds = false", "keep_alive_seconds", "whole number"),
    # charsets
    (f"{FAR}{KOHA}encoding = 'utf-16'", "encoding", "did you mean utf-8?"),
    (f"{FAR}{KOHA}encoding = 'koi8-r'", "encoding", "known: cp1252, cp437, cp850, latin-1, utf-8"),
    (f"{FAR}{KOHA}fallback = 'utf-8'", "fallback", "known: cp1252, cp437, cp850, latin-1"),
    (f"{FAR}{KOHA}encoding = 'cp437'\nuser = '€'\nsecret = 'file:/s'", "user", "cp437 cannot say"),
    # delimiters, and values that hold one
    (f"{FAR}{KOHA}delimiter = ''", "delimiter", "one line"),
    (f"{FAR}{KOHA}delimiter = 'a'", "delimiter", "one sign"),
    (f"{FAR}{KOHA}delimiter = '7'", "delimiter", "one sign"),
    (f"{FAR}{KOHA}delimiter = 'a'\ninstitution = 'E|I'", "delimiter", "one sign"),
    (f"{FAR}{KOHA}delimiter = '||'", "delimiter", "one sign"),
    (f"{FAR}{KOHA}delimiter = '¦'", "delimiter", "one sign"),
    (f"{FAR}{KOHA}delimiter = ' '", "delimiter", "one line"),
    (f"{FAR}{KOHA}institution = 'E|I'", "institution", 'the delimiter "|"'),
    (f"{FAR}{KOHA}location = 'E^I'\ndelimiter = '^'", "location", 'the delimiter "^"'),
    (f"{FAR}{KOHA}login_location = '|'", "login_location", 'the delimiter "|"'),
    (f"{FAR}{KOHA}user = 'k|'\nsecret = 'file:/s'", "user", 'the delimiter "|"'),
    (f"{FAR}{KOHA}access_field = 'PA'\naccess_values = ['|']", "access_values", "the delimiter"),
    (f'{FAR}{KOHA}institution = "E\\rSI"', "institution", "one line"),
    (f'{FAR}{KOHA}institution = ""', "institution", "one line"),
    (f"{FAR}{KOHA}location = '{'x' * 201}'", "location", "1 to 200"),
    (f"{FAR}{KOHA}screen_messages = ['{'x' * 201}']", "screen_messages", "1 to 200"),
    (f"{FAR}{KOHA}screen_messages = 'Hei'", "screen_messages", "must be a list"),
    # an account
    (f"{FAR}{KOHA}user = 'kiosk'", "secret", "missing"),
    (f"{FAR}{KOHA}user = 7\nsecret = 'file:/s'", "user", "must be text"),
    (f"{FAR}{KOHA}secret = 'file:/s'", "user", "missing"),
    (f"{FAR}{KOHA}secret = ''\nuser = 'kiosk'", "secret", "credential:NAME"),
    (f"{FAR}{KOHA}secret = 'file:sip2'\nuser = 'kiosk'", "secret", "credential:NAME"),
    (f"{FAR}{KOHA}terminal_secret = 'credential:a b'", "terminal_secret", "credential:NAME"),
    # PINs in the open
    (f"{FAR}{KOHA}tls = false", "tls", 'insecure_plaintext = "why, and who accepts it"'),
    (f"{FAR}{KOHA}tls = false\ninsecure_plaintext = 'trial'", "insecure_plaintext", "10 ch"),
    (f"{FAR}{KOHA}tls = false\ninsecure_plaintext = true", "insecure_plaintext", "must be text"),
    (f"{FAR}{KOHA}tls = false\ninsecure_plaintext = '{'x' * 201}'", "insecure_plaintext", "200"),
    (f"{FAR}{KOHA}tls = false\ninsecure_plaintext = ' trial      '", "insecure_plaintext", "10"),
    # who may enter
    (f"{FAR}dialect = 'koha-suomi'", "institution", "lets everybody in"),
    (f"{FAR}dialect = 'koha-suomi'\ninstitution = 'ESI '", "institution", "lets everybody in"),
    (f"{FAR}{SUOMI}access_values = ['0', '1']", "access_values", "PA's no"),
    (f"{FAR}{SUOMI}access_field = 'PB'", "access_values", "the values of PB that say yes"),
    (f"{FAR}{SUOMI}access_values = []", "access_values", "at least 1"),
    (f"{FAR}{SUOMI}expiry_field = 'PA'", "expiry_field", "the access field already"),
    (f"{FAR}dialect = 'custom'\ndoor_flags = []", "door_flags", "at least 1"),
    (f"{FAR}{KOHA}door_flags = []", "door_flags", "at least 1"),
    (f"{FAR}dialect = 'custom'\naccess_field = 'PA'", "access_values", "say yes"),
    (f"{FAR}{KOHA}access_values = ['1']", "access_field", "missing"),
    (f"{FAR}dialect = 'aurora'\naccess_values = ['1']", "access_field", "missing"),
    (f"{FAR}{KOHA}access_field = 'pa'", "access_field", "two of A-Z and 0-9"),
    (f"{FAR}{KOHA}access_field = 'PAA'\naccess_values = ['1']", "access_field", "two of A-Z"),
    (f"{FAR}dialect = 'aurora'\naccess_field = 'BL'\naccess_values = ['Y']", "access_field",
     "another meaning"),
    (f"{FAR}{KOHA}expiry_field = 'CQ'", "expiry_field", "another meaning"),
    (f"{FAR}dialect = 'aurora'\ndoor_flags = ['card_lots']", "door_flags", "mean card_lost?"),
    (f"{FAR}{KOHA}lending_flags = 'card_lost'", "lending_flags", "must be a list"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "key", "says"), REFUSED)
def test_a_fault_is_one_line_with_the_way_out(
    faults: Find, good: str, lines: str, key: str, says: str
) -> None:
    (line,) = faults(f"{good}\n{lines}\n")
    assert line.startswith(f"{KEY}{key}".rstrip(".") + ": ")
    assert says in line


@pytest.mark.parametrize("key", ["secret", "terminal_secret"])
@pytest.mark.parametrize("value", ["'Kissa123'", "20871234", "'/etc/sip2'", "['Kissa123']"])
def test_a_secret_that_was_written_down_is_told_where_to_go(
    faults: Find, good: str, key: str, value: str
) -> None:
    more = "" if key == "secret" else "secret = 'file:/s'\n"
    (line,) = faults(f"{good}\n{FAR}{KOHA}user = 'kiosk'\n{more}{key} = {value}")
    assert line == (
        f"{KEY}{key}: is where the secret is, not the secret: write it into a file of its own "
        "and name it, file:/etc/kioskd/sip2.secret"
    )


@pytest.mark.parametrize("field", ["AA", "AO", "AE", "AD", "AC", "AY", "AZ", "BL", "CQ", "AF"])
def test_no_field_with_a_meaning_of_its_own_lets_anybody_in(
    faults: Find, good: str, field: str
) -> None:
    lines = f"{FAR}{KOHA}access_field = '{field}'\naccess_values = ['Y']"
    (line,) = faults(f"{good}\n{lines}\n")
    assert f"{field} has another meaning" in line


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("sip.example.invalid:6001", 'host = "sip.example.invalid" and port = 6001'),
        ("192.0.2.7:6001", 'host = "192.0.2.7" and port = 6001'),
        ("tcp://sip.example.invalid", "scheme"),
        ("tcp://sip.example.invalid:6001", "scheme"),
        ("[::1]:6001", "brackets"),
        ("sip example", "no name or address"),
        ("sip.example.invalid ", "no name or address"),
        ("sip..example", "no name or address"),
        ("-sip.example", "no name or address"),
        ("me:Kissa123@sip.example", "no name or address"),
        ("127.1", "no name or address"),
        ("0x7f000001", "no name or address"),
        ("2130706433", "no name or address"),
        ("192.0.2.300", "no name or address"),
        ("fe80::1%eth0", "no name or address"),
        ("x" * 64, "no name or address"),
        ("", "one line"),
        ("sip\\u0000", "one line"),
    ],
)
def test_a_host_is_a_name_or_an_address_alone(
    faults: Find, good: str, host: str, says: str
) -> None:
    (line,) = faults(f'{good}\n[register.sip2]\nhost = "{host}"\ntls = false\n{KOHA}')
    assert line.startswith(f"{KEY}host: ")
    assert says in line
    assert "Kissa" not in line


@pytest.mark.parametrize(
    "host", ["sip.example.invalid", "SIP_1", "192.0.2.7", "2001:db8::7", "3com.example"]
)
def test_names_and_addresses_are_hosts(read: Read, good: str, host: str) -> None:
    found = read(f"{good}\n[register.sip2]\nhost = '{host}'\n{KOHA}").register.sip2
    assert found is not None
    assert (found.host, found.tls) == (host, True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "LocalHost", "::1"])
def test_on_this_machine_no_tls_is_needed(told: Find, host: str) -> None:
    assert told(f"[register.sip2]\nhost = '{host}'\ntls = false\n{KOHA}") == [USED]


@pytest.mark.parametrize("host", ["localhost.example", "10.0.0.1", "::2", "::ffff:192.0.2.1"])
def test_elsewhere_it_is(faults: Find, good: str, host: str) -> None:
    (line,) = faults(f"{good}\n[register.sip2]\nhost = '{host}'\ntls = false\n{KOHA}")
    assert line.startswith(f"{KEY}tls: ")


def test_who_accepts_readable_pins_is_told_what_that_means(told: Find) -> None:
    reason = "insecure_plaintext = 'own cable, A. Virtanen'\n"
    warned = f"{KEY}insecure_plaintext: "
    assert told(f"{FAR}{KOHA}tls = false\n{reason}") == [
        USED,
        f"{warned}PINs and card numbers cross the network readably",
    ]
    assert told(f"{FAR}{KOHA}{reason}") == [USED, f"{warned}is not needed: TLS is on"]
    assert told(f"{HERE}{KOHA}{reason}") == [
        USED,
        f"{warned}is not needed: the server is on this machine",
    ]

"""[register.sip2]: where the library system is, and what it may be believed."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kioskd.cli import check_config
from kioskd.config import sip2 as table
from kioskd.config.model import Config, SipAccess
from kioskd.config.sip2 import check_sip2, is_host
from kioskd.config.sip2_checks import BY_INSTITUTION, OWN_ACCESS, is_loopback
from kioskd.config.walk import Notes, Place
from kioskd.errors import ConfigError
from sync.sip2 import charset, dialect
from sync.sip2.dialects import DIALECTS, settings_of

Read = Callable[[str], Config]
Find = Callable[[str], list[str]]
Write = Callable[[str | bytes], Path]

HERE = "[register.sip2]\nhost = '127.0.0.1'\ntls = false\n"
FAR = "[register.sip2]\nhost = 'sip.example.invalid'\n"
KOHA = "dialect = 'koha'\n"
SUOMI = "dialect = 'koha-suomi'\ninstitution = 'ESI'\n"
EXAMPLE = f"{HERE}{SUOMI}port = 6001\nuser = 'kiosk'\nsecret = 'credential:sip2-secret'\n"
USED = "register.sip2: `kioskd doctor` and `kioskd sip2 trace` use it; doors and desks do not yet"
KEY = "register.sip2."


@pytest.fixture
def told(warnings: Find, good: str) -> Find:
    """The warnings of these lines, apart from those that the good file has."""
    return lambda lines: [
        line for line in warnings(f"{good}\n{lines}") if line.startswith("register.sip2")
    ]


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
    assert table.STATUS_FLAGS == dialect.STATUS_FLAGS


def test_what_is_believed_of_a_dialect_is_so() -> None:
    assert set(table.DIALECTS) == set(DIALECTS)
    assert {name for name, one in DIALECTS.items() if one.needs_institution} == BY_INSTITUTION
    assert {n: one.access.field for n, one in DIALECTS.items() if one.access.field} == OWN_ACCESS
    assert all("0" in DIALECTS[name].access.denied for name in OWN_ACCESS)


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
    (f"{FAR}{KOHA}terminal_secret = 'Kissa123'", "terminal_secret", "credential:NAME"),
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
    (f"{FAR}dialect = 'aurora'", "access_field", 'what means "may enter"'),
    (f"{FAR}dialect = 'custom'", "access_field", 'what means "may enter"'),
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


def test_a_ca_file_without_tls_is_a_warning(told: Find) -> None:
    more = "ca_file = '/etc/ssl/own.pem'"
    assert told(f"{HERE}{KOHA}{more}") == [USED, f"{KEY}ca_file: is not used without TLS"]
    assert told(f"{FAR}{KOHA}{more}") == [USED]


def test_a_dialect_that_lets_nobody_in_says_so(told: Find) -> None:
    used, line = told(f"{FAR}dialect = 'polaris'")
    assert (used, "nobody may until" in line) == (USED, True)
    assert told(f"{FAR}dialect = 'polaris'\ndoor_flags = ['card_lost']") == [USED]


@pytest.mark.parametrize(
    "lines",
    [
        "dialect = 'aurora'\naccess_field = 'PT'\naccess_values = ['OMA', 'YÖ']",
        "dialect = 'custom'\ndoor_flags = ['charge_denied', 'card_lost']",
        f"{SUOMI}access_values = ['1', '3']",
        f"{SUOMI}access_field = 'PA'",
        "dialect = 'evergreen'",
        "dialect = 'sierra'\nexpiry_field = 'PX'",
        f"{KOHA}institution = 'E|I'\ndelimiter = '^'",
        f"{KOHA}user = 'kiösk'\nsecret = 'file:/s'\nencoding = 'latin1'",
    ],
)
def test_a_site_may_say_who_enters(told: Find, lines: str) -> None:
    assert told(FAR + lines) == [USED]


@pytest.mark.parametrize(
    ("written_", "name"),
    [
        ("UTF-8", "utf-8"),
        ("utf8", "utf-8"),
        ("ISO-8859-1", "latin-1"),
        ("iso_8859_1", "latin-1"),
        ("Latin1", "latin-1"),
        ("CP-850", "cp850"),
        ("IBM437", "cp437"),
        ("Windows-1252", "cp1252"),
    ],
)
def test_an_encoding_has_one_name(read: Read, good: str, written_: str, name: str) -> None:
    found = read(f"{good}\n{FAR}{KOHA}encoding = '{written_}'").register.sip2
    assert found is not None
    assert found.encoding == name


def test_every_fault_is_told_in_one_run(faults: Find, good: str) -> None:
    lines = """
[register.sip2]
host = "sip.example.invalid:6001"
tls = false
dialect = "koha-suomi"
user = "kiosk"
delimiter = "x"
retries = -1
acess_values = ["1"]
"""
    found = [line.removeprefix(KEY).partition(":")[0] for line in faults(f"{good}\n{lines}")]
    assert sorted(found) == [
        "acess_values", "delimiter", "host", "institution", "retries", "secret",
    ]  # fmt: skip


@pytest.mark.parametrize("part", ["kind", "verify", "circulation"])
def test_nothing_else_of_sip2_is_built(faults: Find, good: str, part: str) -> None:
    (line,) = faults(f"{good}\n[register]\n{part} = 'sip2'\n{EXAMPLE}")
    assert line.startswith(f'register.{part}: "sip2" is not built into this version')


@pytest.mark.parametrize(
    ("dialect_", "institution", "warned"),
    [
        ("koha-suomi", "ESI", False),
        ("koha-suomi", "esi", True),
        ("koha-suomi", "MUU", True),
        ("koha", "MUU", False),
    ],
)
def test_another_branch_than_the_site_is_a_warning_where_it_lets_people_in(
    read: Read, good: str, dialect_: str, institution: str, warned: bool
) -> None:
    config = read(f"{good}\n{EXAMPLE}")
    access = SipAccess("127.0.0.1", dialect=dialect_, institution=institution)
    notes = Notes("c.toml")
    register = replace(config.register, sip2=access)
    check_sip2(Place(notes), replace(config, register=register))
    assert notes.faults == []
    assert [line.startswith(f"c.toml: {KEY}institution: is not") for line in notes.warnings] == (
        [True] if warned else []
    )


def test_a_site_or_an_institution_with_a_fault_is_not_compared(read: Read, good: str) -> None:
    config = read(f"{good}\n{EXAMPLE}")
    nobody: Any = None
    access = SipAccess("127.0.0.1", dialect="koha-suomi", institution="")
    notes = Notes("c.toml")
    for odd in (
        replace(config, site=nobody),
        replace(config, site=replace(config.site, branch=nobody)),
        replace(config, register=replace(config.register, sip2=None)),
        replace(config, register=replace(config.register, sip2=access)),
    ):
        check_sip2(Place(notes), odd)
    assert notes == Notes("c.toml")


# As properties


ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["koha-suomi", "custom", "aurora", "PA", "file:/s", "127.0.0.1", "a.b"])
)
VALUES = ODD | st.lists(ODD, max_size=3) | st.dictionaries(st.text(max_size=5), ODD, max_size=2)
TABLES = st.dictionaries(st.sampled_from(sorted(table.LEAVES)), VALUES)


def noted(value: object) -> tuple[SipAccess, Notes]:
    notes = Notes("c.toml")
    return table.sip2(Place(notes, "register.sip2"), value), notes


@given(VALUES | TABLES)
@example({"host": 7, "dialect": "koha-suomi", "access_values": [None], "delimiter": 3})
def test_whatever_the_table_holds_is_read_or_told(value: object) -> None:
    access, notes = noted(value)
    assert all(line.isprintable() for line in notes.faults + notes.warnings)
    if not notes.faults:
        assert isinstance(access.host, str)
        assert access.dialect in table.DIALECTS


ACCESS = st.fixed_dictionaries(
    {"host": st.just("a.example"), "dialect": st.sampled_from(table.DIALECTS)},
    optional={
        "access_field": st.sampled_from(["PA", "PB", "BL"]),
        "access_values": st.lists(st.sampled_from(["0", "1", "Y"]), max_size=2),
        "door_flags": st.lists(st.sampled_from(["card_lost", "hold_denied"]), max_size=2),
        "institution": st.sampled_from(["ESI", ""]),
    },
)


@given(ACCESS)
def test_whoever_is_let_in_by_a_good_table_was_meant_to_be(given_: dict[str, object]) -> None:
    access, notes = noted(given_)
    if notes.faults:
        return
    settings = settings_of(
        access, password="", terminal_password="", branch="ESI", timezone="Europe/Helsinki"
    )
    told = settings.dialect.access.field or settings.dialect.door
    assert told or access.dialect == "polaris"
    by_field = bool(access.access_field and access.access_values)
    by_flags = bool(access.door_flags)
    if access.dialect in ("aurora", "custom"):
        assert by_field or by_flags
    if access.dialect == "koha-suomi":
        assert access.institution == "ESI"
        assert access.access_field in (None, "PA") or by_field
        assert access.access_field == "PB" or "0" not in (access.access_values or ())
    assert access.access_values is None or access.access_field or access.dialect == "koha-suomi"
    assert access.door_flags != () or by_field or access.dialect == "koha-suomi"


@given(
    st.sampled_from(["a.example", "127.0.0.1", "10.0.0.1", "::1", "localhost"]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, "why", "because A. Virtanen says so"]),
)
def test_no_pin_is_readable_off_this_machine_unless_somebody_said_so(
    host: str, tls: bool | None, reason: str | None
) -> None:
    keys = {"host": host, "dialect": "koha", "tls": tls, "insecure_plaintext": reason}
    access, notes = noted({key: value for key, value in keys.items() if value is not None})
    if not notes.faults:
        assert access.tls or is_loopback(host) or len(access.insecure_plaintext) >= 10
    elif reason != "why":
        assert (tls, reason, is_loopback(host)) == (False, None, False)


@given(st.text(max_size=30) | st.from_regex(r"[a-z0-9.:\[\]/%@_-]{1,30}", fullmatch=True))
@example("a:1")
@example("http://a")
@example("a b")
@example("1.2.3")
def test_a_host_holds_no_scheme_port_blank_or_control_character(text: str) -> None:
    if not is_host(text):
        return
    assert text.isascii()
    assert text.isprintable()
    assert not set(text) & set(" /@[]%")
    assert text.count(":") != 1


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_a_secret_that_was_written_down_is_not_repeated(secret: str) -> None:
    hidden = f"Kissa-{secret}-123"
    keys = {"host": "a.example", "dialect": "koha", "user": "u", "secret": hidden}
    _, notes = noted({**keys, "terminal_secret": hidden, "host": f"u:{hidden}@a.example"})
    assert len(notes.faults) == 3
    assert not any("Kissa" in line for line in notes.faults + notes.warnings)


def test_a_fault_keeps_the_file_from_being_used(read: Read, good: str) -> None:
    with pytest.raises(ConfigError):
        read(f"{good}\n{FAR}")

"""[register.sip2]: what is told of a table that can be used, and what does not fit its site."""

from dataclasses import replace
from typing import Any

import pytest

from kioskd.config.model import SipAccess
from kioskd.config.sip2 import check_sip2
from kioskd.config.walk import Notes, Place
from tests.config.sip2_lines import EXAMPLE, FAR, HERE, KEY, KOHA, SUOMI, USED, Find, Read


def test_a_ca_file_without_tls_is_a_warning(told: Find) -> None:
    more = "ca_file = '/etc/ssl/own.pem'"
    assert told(f"{HERE}{KOHA}{more}") == [USED, f"{KEY}ca_file: is not used without TLS"]
    assert told(f"{FAR}{KOHA}{more}") == [USED]


@pytest.mark.parametrize("dialect", ["polaris", "aurora", "custom"])
def test_a_dialect_that_lets_nobody_in_says_so(told: Find, dialect: str) -> None:
    used, line = told(f"{FAR}dialect = '{dialect}'")
    assert (used, "nobody may until" in line) == (USED, True)
    assert told(f"{FAR}dialect = '{dialect}'\ndoor_flags = ['card_lost']") == [USED]


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

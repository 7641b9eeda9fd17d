"""[register.sip2], whatever anybody writes there: read or told, and nobody is let in by mistake."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kioskd.config import sip2 as table
from kioskd.config.model import SipAccess
from kioskd.config.sip2 import is_host
from kioskd.config.sip2_checks import is_loopback
from kioskd.config.sip2_vendors import VENDORS
from kioskd.config.walk import Notes, Place
from kioskd.errors import ConfigError
from sync.sip2.dialects import settings_of
from tests.config.sip2_lines import FAR, Read

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
        assert access.dialect in VENDORS


ACCESS = st.fixed_dictionaries(
    {"host": st.just("a.example"), "dialect": st.sampled_from(sorted(VENDORS))},
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
    assert told or access.dialect in ("polaris", "aurora", "custom")  # then nobody enters
    by_field = bool(access.access_field and access.access_values)
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

"""What is known of each library system: a dialect is two rows, and everything else follows."""

import re
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.cli import check_config
from kioskd.config import sip2 as table
from kioskd.config import sip2_vendors
from kioskd.config.model import SipAccess
from kioskd.config.sip2 import check_sip2
from kioskd.config.sip2_vendors import STATUS_FLAGS, VENDORS, Vendor
from kioskd.config.walk import Notes, Place
from kioskd.domain.ils import Hindrance, Standing
from kioskd.errors import ConfigError
from sync.sip2 import dialects, requests
from sync.sip2.answers import verdict
from sync.sip2.dialects import BASE, SPEECH, joined, settings_of
from sync.sip2.settings import SipSettings
from tests.config.sip2_lines import EXAMPLE, FAR, KEY, USED, Find, Read, Write
from tests.sip2.scripted_ask import CARD, NOON, PIN, patron

ROW = Vendor("XA", frozenset({"N", "E"}), by_institution=True, door=frozenset({"hold_denied"}))
ROOT = Path(__file__).parents[2]
MADE_UP = f"{FAR}dialect = 'made-up'\n"


def add(patch: pytest.MonkeyPatch, vendor: Vendor) -> None:
    """What somebody does who adds a dialect: a row in each table. They are joined at import."""
    vendors = {**VENDORS, "made-up": vendor}
    speech = {**SPEECH, "made-up": replace(BASE, zone="utc")}
    patch.setattr(sip2_vendors, "VENDORS", vendors)
    patch.setattr(dialects, "DIALECTS", joined(vendors, speech))


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, ROW)


def settings(access: SipAccess | None) -> SipSettings:
    assert access is not None
    return settings_of(access, password="", terminal_password="", branch="ESI", timezone="UTC")


# A dialect that somebody adds


def test_without_its_rows_nobody_knows_it(faults: Find, good: str) -> None:
    (line,) = faults(f"{good}\n{MADE_UP}")
    assert line.startswith(f'{KEY}dialect: "made-up" is not known')


@pytest.mark.usefixtures("made_up")
def test_check_config_finds_it_well(
    written: Write, good: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(f"{good}\n{MADE_UP}institution = 'ESI'")
    assert check_config.run(Namespace(file=path, config=None)) == 0
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if "sip2" in line] == [f"warning: {path}: {USED}"]


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize(
    ("lines", "key", "says"),
    [
        ("", "institution", "lets everybody in"),
        ("institution = 'ESI '", "institution", "lets everybody in"),
        ("institution = 'ESI'\naccess_values = ['Y', 'N']", "access_values", "has N in it, which"),
        ("institution = 'ESI'\naccess_values = ['E']", "access_values", "which is XA's no"),
        ("institution = 'ESI'\naccess_field = 'PA'", "access_values", "values of PA that say yes"),
        ("institution = 'ESI'\nexpiry_field = 'XA'", "expiry_field", "the access field already"),
    ],
)
def test_check_config_finds_what_is_wrong_with_it(
    faults: Find, good: str, lines: str, key: str, says: str
) -> None:
    (line,) = faults(f"{good}\n{MADE_UP}{lines}")
    assert line.startswith(f"{KEY}{key}: ")
    assert says in line


@pytest.mark.usefixtures("made_up")
def test_its_no_is_its_own_and_0_is_none(told: Find) -> None:
    assert told(f"{MADE_UP}institution = 'ESI'\naccess_values = ['0']") == [USED]


@pytest.mark.usefixtures("made_up")
def test_another_branch_is_a_warning_with_it(read: Read, good: str) -> None:
    config, notes = read(f"{good}\n{EXAMPLE}"), Notes("c.toml")
    access = SipAccess("127.0.0.1", dialect="made-up", institution="MUU")
    check_sip2(Place(notes), replace(config, register=replace(config.register, sip2=access)))
    assert [f"{KEY}institution: is not site.branch" in line for line in notes.warnings] == [True]


@pytest.mark.usefixtures("made_up")
def test_a_connection_is_made_with_both_rows(read: Read, good: str) -> None:
    spoken = settings(read(f"{good}\n{MADE_UP}institution = 'ESI'").register.sip2).dialect
    assert (spoken.name, spoken.zone, spoken.access.field) == ("made-up", "utc", "XA")
    with pytest.raises(ConfigError, match="made-up looks up who may enter by it"):
        settings(SipAccess("127.0.0.1", dialect="made-up"))


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize(
    ("field", "flag", "door"),
    [
        ("Y", "", ()),
        ("0", "", ()),
        ("N", "", (Hindrance.NO_ACCESS,)),
        ("E", "", (Hindrance.NO_ACCESS,)),
        ("", "", (Hindrance.ACCESS_NOT_SAID,)),
        ("Y", "hold_denied", (Hindrance.HOLDS_DENIED,)),
        ("Y", "card_lost", ()),
    ],
)
def test_a_patron_is_judged_by_its_rows(field: str, flag: str, door: tuple[Hindrance, ...]) -> None:
    made = settings(SipAccess("127.0.0.1", dialect="made-up", institution="ESI"))
    request = requests.patron_information(made, NOON, CARD, pin=PIN)
    said = verdict(request, patron(("XA", field), flags=[flag]), made.dialect)
    assert said.door == door
    assert said.standing is (Standing.DENIED if door else Standing.OK)


# The rows that stand


def test_who_must_be_told_who_may_enter() -> None:
    untold = {name for name, vendor in VENDORS.items() if not vendor.tells}
    assert untold == {"polaris", "aurora", "custom"}


def test_an_access_field_of_a_dialect_is_one_that_a_site_could_name() -> None:
    fields = [vendor.access_field for vendor in VENDORS.values() if vendor.access_field]
    assert [table.field(Place(Notes("c.toml")), field) for field in fields] == fields == ["PA"]


def test_every_dialect_stands_in_the_table_of_the_manual() -> None:
    text = (ROOT / "docs/SIP2.md").read_text(encoding="utf-8")
    _, _, after = text.partition("\n| dialect |")
    rows = after.partition("\n\n")[0].splitlines()[2:]
    told = [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert sorted(told) == sorted(VENDORS)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"access_field": "PA"}, "values that say no"),
        ({"denied": frozenset({"0"})}, "values that say no"),
        ({"access_field": "PA", "denied": frozenset({" 0"})}, "no blanks around it"),
        ({"access_field": "PA", "denied": frozenset({""})}, "is not empty"),
        ({"by_institution": True}, "looked up by the institution"),
        ({"door": frozenset({"card_lost", "card_lots"})}, "no such flag: card_lots"),
    ],
)
def test_a_row_that_would_let_in_whom_it_should_not_is_no_row(
    row: dict[str, object], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        Vendor(**row)  # type: ignore[arg-type]


# As properties

VALUES = st.sampled_from(["0", "1", "N", "Y"])
FLAGS = st.frozensets(st.sampled_from(STATUS_FLAGS), max_size=2)
BY_FIELD = st.builds(Vendor, st.just("XA"), st.frozensets(VALUES, min_size=1), st.booleans(), FLAGS)
BY_FLAGS = st.builds(Vendor, door=FLAGS)
SITES = st.fixed_dictionaries(
    {"host": st.just("a.example"), "dialect": st.just("made-up")},
    optional={
        "access_field": st.sampled_from(["XA", "XB"]),
        "access_values": st.lists(VALUES, max_size=2),
        "door_flags": st.lists(st.sampled_from(STATUS_FLAGS), max_size=2),
        "institution": st.just("ESI"),
    },
)


@given(BY_FIELD | BY_FLAGS, SITES)
def test_whatever_its_row_nobody_enters_whom_row_and_site_keep_out(
    vendor: Vendor, site: dict[str, object]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        add(patch, vendor)
        notes = Notes("c.toml")
        access = table.sip2(Place(notes, "register.sip2"), site)
        if notes.faults:
            return
        spoken = settings(access).dialect
    nobody = any("nobody may until" in line for line in notes.warnings)
    assert nobody == (not spoken.access.field and not spoken.door)
    assert not vendor.by_institution or access.institution
    if spoken.access.field == vendor.access_field != "":
        assert not vendor.denied & (spoken.access.allowed or frozenset())
        assert spoken.access.denied == vendor.denied
    elif spoken.access.field:
        assert spoken.access.allowed

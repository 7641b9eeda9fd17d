"""Koha-Suomi's nightly lists in their three forms."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.errors import InputError
from sync.hub.imports import blocklist_mv, blocklist_yml
from sync.hub.imports.koha_formats import BLOCKLISTS
from tests.koha.exported import Outcome, Read

CSV, YML, XML = BLOCKLISTS
EVERYWHERE = (Restriction(RestrictionKind.SELF_SERVICE_BLOCK),)
HEADER = "borrowernumber,cardnumber,HasSelfServicePermission,BranchSpecificBlocks\n"
SCHEMA = """<?xml version="1.0" standalone="yes"?>
<NewDataSet>
  <xs:schema id="NewDataSet" xmlns="" xmlns:xs="https://example.com/XMLSchema">
    <xs:element name="NewDataSet"><xs:complexType><xs:choice>
      <xs:element name="patronaccess"><xs:complexType><xs:sequence>
        <xs:element name="patronid_pac" type="xs:string" />
        <xs:element name="type_pac" type="xs:byte" minOccurs="0" />
      </xs:sequence></xs:complexType></xs:element>
    </xs:choice></xs:complexType></xs:element>
  </xs:schema>
"""
BLOCK_OF_YML = """  - !!perl/hash:C4::SelfService::Block
    borrower_ss_block_id: 4
    borrowernumber: 17
    branchcode: {branch}
    created_by: 99
    created_on: 2026-11-01 12:00:00
    expirationdate: {until} 00:00:00
    notes: 'Riiteli: ovella'
"""


def at(branch: str, until: date | None = None) -> Restriction:
    return Restriction(RestrictionKind.SELF_SERVICE_BLOCK, until, branch)


def csv_list(*rows: tuple[str, str, str]) -> str:
    return HEADER + "".join(f"{n},{c},{p},{b}\n" for n, (c, p, b) in enumerate(rows, 1))


def yml_list(*rows: tuple[str, str, str]) -> str:
    return "---\n" + "".join(
        f"- BranchSpecificBlocks:{blocks or ' ~'}\n  HasSelfServicePermission: {permission}\n"
        f"  borrowernumber: '{number}'\n  cardnumber: {card}\n"
        for number, (card, permission, blocks) in enumerate(rows, 1)
    )


def xml_list(
    *rows: tuple[str, str, str], names: tuple[str, str] = ("patronid_pac", "type_pac")
) -> str:
    patrons = "".join(
        f"  <patronaccess>\n    <{names[0]}>{card}</{names[0]}>\n    <{names[1]}>{permission}"
        f"</{names[1]}>\n{blocks}  </patronaccess>\n"
        for card, permission, blocks in rows
    )
    return SCHEMA + patrons + "</NewDataSet>\n"


LISTS = {CSV: csv_list, YML: yml_list, XML: xml_list}


@pytest.mark.parametrize("form", BLOCKLISTS)
def test_permission_0_blocks_everywhere_and_1_lifts_what_there_was(read: Read, form: str) -> None:
    text = LISTS[form](("167A000001", "0", ""), ("167A000002", "1", ""))
    found = read(text, form).patches()
    assert found["167A000001"].blocks == EVERYWHERE
    assert found["167A000002"].blocks == ()


@pytest.mark.parametrize("form", BLOCKLISTS)
def test_a_row_that_cannot_be_taken_is_left_out_alone(read: Read, form: str) -> None:
    rows = [("167A000001", "0", ""), ("167A000002", "2", ""), ("SALAISUUS", "1", "")]
    outcome = read(LISTS[form](*rows, ("167A000004", "", "")), form)
    assert list(outcome.patches()) == ["167A000001"]
    assert [bad.card for bad in outcome.bad()] == ["167A000002", "", "167A000004"]
    assert "SALAISUUS" not in repr(outcome)


@pytest.mark.parametrize("form", BLOCKLISTS)
def test_what_is_cut_off_or_something_else_is_refused_or_gives_no_card(
    read: Read, form: str
) -> None:
    for text in ("", "\n", "<html><body>Kirjaudu</body></html>", "-----BEGIN PGP MESSAGE-----\n"):
        with pytest.raises(InputError):
            read(text, form)
    with pytest.raises(InputError, match="UTF-16"):
        read("x".encode("utf-16"), form)


@pytest.mark.parametrize("form", BLOCKLISTS)
def test_a_list_that_was_cut_off_lifts_no_block_of_the_row_that_was_cut(
    read: Read, form: str
) -> None:
    blocks = {
        CSV: "[ESI:POR]",
        YML: "\n  - ESI\n  - POR",
        XML: "<branch_blocks>[ESI:POR]</branch_blocks>",
    }
    whole = LISTS[form](("167A000001", "0", ""), ("167A000002", "1", blocks[form]))
    for end in range(whole.index("000001") + 40, len(whole.rstrip())):
        try:
            found = read(whole[:end], form).patches()
        except InputError:
            continue
        assert len(found.get("167A000002", (0, 0, (0, 0)))[2]) == 2


@pytest.mark.parametrize("form", BLOCKLISTS)
def test_a_personal_column_refuses_the_list_by_name(read: Read, form: str) -> None:
    text = LISTS[form](("167A000001", "0", ""))
    text = text.replace("borrowernumber", "emailpro").replace(
        "</patronaccess>", "<emailpro>a@example.invalid</emailpro></patronaccess>"
    )
    with pytest.raises(InputError, match="emailpro") as refused:
        read(text, form)
    assert "example.invalid" not in str(refused.value)


def test_branches_of_a_csv_list(read: Read) -> None:
    found = read(csv_list(("167A000001", "1", "[ESI:POR]"), ("167A000002", "1", "[]")), CSV)
    assert found.patches()["167A000001"].blocks == (at("ESI"), at("POR"))
    assert found.patches()["167A000002"].blocks == ()


def test_columns_may_stand_in_any_order_under_either_name(read: Read) -> None:
    text = "permission,borrowers.borrowernumber,borrowers.cardnumber\n0,1,167A000001\n"
    assert read("\ufeff" + text, CSV).patches()["167A000001"].blocks == EVERYWHERE


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("borrowernumber,HasSelfServicePermission", "cardnumber"),
        ("cardnumber;HasSelfServicePermission", "commas"),
        ("1,167A000001,0", "header stays on"),
        ("cardnumber,patronid,permission", "twice"),
        ("cardnumber,cardnumber,permission", "twice"),
    ],
)
def test_a_csv_header_that_cannot_be_used_says_what_to_do(
    read: Read, header: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read(header + "\n", CSV)


def test_a_stray_quote_spoils_one_row_of_a_csv_list(read: Read) -> None:
    text = csv_list(("167A000001", "0", ""), ('"167A000002', "0", ""), ("167A000003", "0", ""))
    outcome = read(text + "4,167A000004\n\n", CSV)
    assert list(outcome.patches()) == ["167A000001", "167A000003"]
    assert [(bad.line, bad.card) for bad in outcome.bad()] == [(3, ""), (5, "167A000004")]


def test_branches_of_a_yml_list_come_with_their_day_and_without_their_notes(read: Read) -> None:
    blocks = "".join(
        BLOCK_OF_YML.format(branch=branch, until=until)
        for branch, until in (("ESI", "2026-12-31"), ("POR", "2026-11-01"), ("SAV", "2026-11-23"))
    )
    outcome = read(yml_list(("167A000001", "1", "\n" + blocks), ("167A000002", "0", "")), YML)
    assert outcome.patches()["167A000001"].blocks == (
        at("ESI", date(2026, 12, 31)),
        at("SAV", date(2026, 11, 23)),
    )
    assert outcome.warnings == {blocklist_yml.NOTES: 3}
    assert "Riiteli" not in repr([tuple(row) for row in outcome.rows])


def test_a_block_of_a_yml_list_that_cannot_be_read_leaves_its_card_out(read: Read) -> None:
    soon = BLOCK_OF_YML.format(branch="ESI", until="soon")
    for blocks in ("\n" + soon, " {branchcode: ESI}", "\n  - - ESI", " [{expirationdate: ~}]"):
        outcome = read(yml_list(("167A000001", "1", blocks)), YML)
        assert [bad.card for bad in outcome.bad()] == ["167A000001"]


@pytest.mark.parametrize(
    "text",
    [
        "- &a {cardnumber: 167A000001}\n- *a\n",
        "cardnumber: 167A000001\n",
        "- [167A000001, 0]\n",
        "---\n- {cardnumber: 167A000001, permission: 0}\n---\n- {}\n",
        "- {? [a] : b}\n",
        "- {cardnumber: " + "[" * 5000 + "\n",
        "- {cardnumber: " + "[" * 9 + "]" * 9 + "}\n",
        "- cardnumber: 'x\n",
        "- {<<: {}, cardnumber: 167A000001}\n",
    ],
)
def test_yaml_that_such_a_list_never_has_is_refused(read: Read, text: str) -> None:
    with pytest.raises(InputError) as refused:
        read(text, YML)
    assert "167A" not in str(refused.value)


def test_a_tag_builds_nothing(read: Read) -> None:
    text = "- cardnumber: !!python/object/apply:os.abort []\n  permission: 0\n"
    assert read(text, YML).bad()
    with pytest.raises(yaml.YAMLError):  # what it would be to a reader that builds
        yaml.load(text, Loader=yaml.CSafeLoader)


def test_a_text_without_end_is_refused_before_it_fills_the_memory(read: Read) -> None:
    text = "- cardnumber: '" + "x" * (3 * blocklist_yml.MAX_AHEAD)
    with pytest.raises(InputError, match="too long"):
        read(text, YML)
    attribute = SCHEMA + "<patronaccess x='" + "x" * (4 * blocklist_mv.MAX_AHEAD)
    with pytest.raises(InputError, match="too long"):
        read(attribute, XML)


def test_a_list_of_ones_alone_could_mean_either_and_is_refused(read: Read) -> None:
    with pytest.raises(InputError, match="every type_pac in it is 1"):
        read(xml_list(("167A000001", "1", ""), ("167A000002", "1", "")), XML)
    named = xml_list(("167A000001", "1", ""), names=("patronid", "permission"))
    assert read(named, XML).patches()["167A000001"].blocks == ()


def test_no_row_of_a_list_is_given_before_it_is_told_apart(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocklist_mv, "MAX_HELD", 3)
    monkeypatch.setattr(blocklist_mv, "_PIECE", 64)
    ones = [(f"167A{n:06}", "1", "") for n in range(3)]
    with pytest.raises(InputError, match="every type_pac"):
        read(xml_list(*ones, ("167A000009", "0", "")), XML)
    outcome = read(xml_list(*ones[:2], ("167A000009", "0", ""), *ones[2:]), XML)
    assert list(outcome.patches()) == ["167A000000", "167A000001", "167A000009", "167A000002"]


def test_a_borrower_number_is_never_taken_for_a_card(read: Read) -> None:
    read.rules = read.rules.__class__((r"[0-9A-Z-]{4,32}",), (), read.rules.today, 5)
    outcome = read(xml_list(("123456", "0", ""), ("26000001234", "0", "")), XML)
    assert list(outcome.patches()) == ["26000001234"]
    assert [(bad.card, "borrower number" in bad.why) for bad in outcome.bad()] == [("", True)]


def test_branches_of_an_xml_list(read: Read) -> None:
    blocks = "<branch_blocks>[ESI:POR]</branch_blocks>"
    outcome = read(xml_list(("167A000001", "1", blocks), ("167A000002", "0", "")), XML)
    assert outcome.patches()["167A000001"].blocks == (at("ESI"), at("POR"))


def test_a_value_that_is_there_twice_leaves_its_card_out(read: Read) -> None:
    twice = "<type_pac>1</type_pac>"
    outcome = read(xml_list(("167A000001", "0", twice), ("167A000002", "0", "")), XML)
    assert [bad.card for bad in outcome.bad()] == ["167A000001"]


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE NewDataSet [<!ENTITY a "1">]><NewDataSet/>',
        '<!DOCTYPE NewDataSet SYSTEM "file:///etc/passwd"><NewDataSet/>',
        "<NewDataSet>&a;</NewDataSet>",
        "<NewDataSet>" + "<a>" * 50,
        '<?xml version="1.0" encoding="nothing"?><NewDataSet/>',
        "<NewDataSet><patronaccess><patronid_pac>167A000001</type_pac></patronaccess>",
    ],
)
def test_xml_that_such_a_list_never_has_is_refused(read: Read, text: str) -> None:
    with pytest.raises(InputError):
        read(text, XML)


CARDS = st.from_regex(r"167A[0-9]{6}", fullmatch=True)
PERMITTED = st.dictionaries(CARDS, st.booleans(), min_size=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(permitted=PERMITTED)
@pytest.mark.parametrize("form", BLOCKLISTS)
def test_every_form_says_the_same(tmp_path: Path, form: str, permitted: dict[str, bool]) -> None:
    rows = [("167B000000", "0", ""), *((card, str(int(p)), "") for card, p in permitted.items())]
    found = Read(tmp_path)(LISTS[form](*rows), form).patches()
    assert {card: row.blocks == () for card, row in found.items() if "A" in card} == permitted


GARBAGE = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode()),
    st.text(alphabet="-:{}[]&*!|>'\" \n\tcardnumberpermission01,<>/\\", max_size=120).map(
        str.encode
    ),
)
BEGINNINGS = {
    CSV: HEADER.encode(),
    YML: b"---\n- cardnumber: ",
    XML: SCHEMA.encode() + b"<patronaccess><patronid_pac>",
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=GARBAGE, after=st.booleans())
@pytest.mark.parametrize("form", BLOCKLISTS)
def test_any_bytes_give_bad_rows_or_refuse_the_list(
    tmp_path: Path, form: str, data: bytes, after: bool
) -> None:
    text = (BEGINNINGS[form] if after else b"") + data
    try:
        outcome: Outcome = Read(tmp_path)(text, form)
    except InputError:
        return
    assert len(outcome.bad()) == len(outcome.rows)

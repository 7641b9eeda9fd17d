"""Dialects: what each library system means, and what a site's configuration puts over it."""

from collections.abc import Mapping
from dataclasses import fields as fields_of
from dataclasses import replace

import pytest

from kioskd.config.model import SipAccess
from kioskd.config.sip2_vendors import VENDORS, Vendor
from kioskd.domain.ils import Hindrance, Hold, Refusal
from kioskd.errors import ConfigError
from sync.sip2.charset import Charset
from sync.sip2.dialect import STATUS_FLAGS, Access, Dialect
from sync.sip2.dialects import BASE, DIALECTS, SPEECH, dialect_of, joined, settings_of
from sync.sip2.settings import SipSettings


def access(dialect: str = "koha", **more: object) -> SipAccess:
    return SipAccess("ils.example.invalid", dialect=dialect, **more)  # type: ignore[arg-type]


def test_all_dialects_stand_under_their_own_names() -> None:
    known = "koha koha-suomi evergreen sierra polaris aurora custom"
    assert set(DIALECTS) == set(known.split())
    assert all(dialect.name == name for name, dialect in DIALECTS.items())


def test_who_may_enter_is_what_the_configuration_knows_of_it() -> None:
    for name, dialect in DIALECTS.items():
        vendor = VENDORS[name]
        assert (dialect.access.field, dialect.access.allowed) == (vendor.access_field, None)
        assert (dialect.access.denied, dialect.door) == (vendor.denied, vendor.door)
        assert dialect.access.numeric == vendor.numeric
        assert dialect.needs_institution == vendor.by_institution


@pytest.mark.parametrize(
    ("vendors", "speech"),
    [
        ({**VENDORS, "made-up": Vendor()}, SPEECH),
        (VENDORS, {**SPEECH, "made-up": BASE}),
        ({**VENDORS, "made-up": Vendor()}, {**SPEECH, "madeup": BASE}),
    ],
)
def test_a_dialect_of_one_table_alone_is_no_dialect(
    vendors: Mapping[str, Vendor], speech: Mapping[str, Dialect]
) -> None:
    with pytest.raises(ValueError, match="VENDORS and SPEECH alone: made-up"):
        joined(vendors, speech)


@pytest.mark.parametrize(
    ("said", "key"),
    [
        (replace(BASE, name="made-up"), "name"),
        (replace(BASE, door=frozenset({"card_lost"})), "door"),
        (replace(BASE, access=Access("XA")), "access"),
        (replace(BASE, needs_institution=True), "needs_institution"),
    ],
)
def test_who_may_enter_is_said_in_one_table_alone(said: Dialect, key: str) -> None:
    with pytest.raises(ValueError, match=f"made-up: {key} is said in VENDORS"):
        joined({"made-up": Vendor()}, {"made-up": said})


def test_a_row_without_a_field_has_no_number_in_it() -> None:
    with pytest.raises(ValueError, match="only an access field is a number"):
        Vendor(numeric=True)


def test_every_flag_means_something_in_every_dialect() -> None:
    for dialect in DIALECTS.values():
        assert set(dialect.status) == set(STATUS_FLAGS)
        assert dialect.door <= set(STATUS_FLAGS)
        assert dialect.lending <= set(STATUS_FLAGS)


def test_koha_cannot_tell_a_lost_card_from_an_unknown_address() -> None:
    for name in ("koha", "koha-suomi"):
        assert DIALECTS[name].status["card_lost"] is Hindrance.CARD_UNUSABLE
        assert DIALECTS[name].door == {"card_lost"}
    assert DIALECTS["evergreen"].status["card_lost"] is Hindrance.CARD_LOST


@pytest.mark.parametrize("flag", ["charge_denied", "renewal_denied", "hold_denied"])
def test_koha_says_debarred_expired_or_fees_with_three_flags(flag: str) -> None:
    assert DIALECTS["koha"].status[flag] is Hindrance.BARRED
    assert flag in DIALECTS["koha"].lending
    assert flag not in DIALECTS["koha"].door


def test_koha_sets_recall_denied_of_everybody_so_it_hinders_nobody() -> None:
    assert all("recall_denied" not in dialect.lending for dialect in DIALECTS.values())


def test_what_differs_by_name() -> None:
    assert DIALECTS["koha-suomi"].access == Access("PA", None, frozenset({"0"}), numeric=True)
    assert DIALECTS["koha-suomi"].needs_institution
    assert not DIALECTS["koha"].needs_institution
    assert DIALECTS["evergreen"].expiry_field == "PA"
    assert DIALECTS["evergreen"].access.field == ""
    assert DIALECTS["sierra"].zone == "zeros"


def test_alert_types_of_two_sorts_of_koha_mean_that_staff_must_look() -> None:
    assert DIALECTS["koha-suomi"].holds["53"] is Hold.OTHER
    assert DIALECTS["koha"].holds["98"] is Hold.OTHER
    assert DIALECTS["custom"].holds["02"] is Hold.ELSEWHERE


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        ("02", Refusal.NOT_FOR_LOAN),
        ("03", None),
        ("04", Refusal.ON_LOAN),
        ("08", Refusal.RESERVED),
        ("10", Refusal.IN_TRANSIT),
        ("12", Refusal.LOST_ITEM),
    ],
)
def test_an_items_status_says_why_it_is_not_lent(status: str, refusal: Refusal | None) -> None:
    assert BASE.item_status.get(status) is refusal


# The site's own


def test_without_knobs_a_dialect_is_as_it_is() -> None:
    assert all(dialect_of(access(name)) == dialect for name, dialect in DIALECTS.items())


def test_every_knob_goes_over_the_dialect() -> None:
    dialect = dialect_of(
        access(
            encoding="cp850",
            fallback="cp1252",
            delimiter="^",
            error_detection=False,
            checksum="off",
            zone="utc",
            send_99=False,
            send_35=False,
            keep_alive_seconds=0,
            echoes_card=False,
            replays=False,
            expiry_field="PX",
            access_field="XA",
            access_values=("1", "2"),
            door_flags=("excessive_fees",),
            lending_flags=(),
            screen_messages=("Tervetuloa",),
        )
    )
    assert dialect.charset == Charset("cp850", "cp1252")
    assert (dialect.delimiter, dialect.checksum, dialect.zone) == ("^", "off", "utc")
    assert not any(
        (
            dialect.error_detection,
            dialect.send_status,
            dialect.send_end,
            dialect.echoes_card,
            dialect.replays,
            dialect.keep_alive_seconds,
        )
    )
    assert dialect.expiry_field == "PX"
    assert dialect.access == Access("XA", frozenset({"1", "2"}), denied=frozenset())
    assert dialect.door == {"excessive_fees"}
    assert dialect.lending == frozenset()
    assert dialect.screen_messages == {"Tervetuloa"}


def test_no_key_of_the_configuration_is_forgotten() -> None:
    """A new key of SipAccess that no dialect and no settings take shows up here."""
    taken = {
        *("host", "port", "tls", "ca_file", "dialect", "user", "institution", "location"),
        *("login_location", "language", "answer_seconds", "retries", "encoding", "fallback"),
        *("delimiter", "error_detection", "checksum", "zone", "send_99", "send_35"),
        *("keep_alive_seconds", "echoes_card", "replays", "access_field", "access_values"),
        *("expiry_field", "door_flags", "lending_flags", "screen_messages"),
    }
    elsewhere = {"secret", "terminal_secret", "insecure_plaintext"}  # read, or judged, before
    assert {one.name for one in fields_of(SipAccess)} == taken | elsewhere


def test_values_alone_keep_the_dialects_own_field() -> None:
    only = dialect_of(access("koha-suomi", access_values=("1",)))
    assert only.access == Access("PA", frozenset({"1"}), numeric=True)


def test_the_dialects_own_field_by_name_changes_nothing() -> None:
    assert dialect_of(access("koha-suomi", access_field="PA")) == DIALECTS["koha-suomi"]


def test_what_one_field_calls_no_another_may_call_yes() -> None:
    said = dialect_of(access("koha-suomi", access_field="XA", access_values=("0",))).access
    assert said == Access("XA", frozenset({"0"}), denied=frozenset())


def test_an_access_field_cannot_be_switched_off() -> None:
    assert dialect_of(access("koha-suomi", access_field="")).access.field == "PA"


def test_a_field_without_values_lets_nobody_in() -> None:
    assert dialect_of(access("custom", access_field="XA")).access.allowed == frozenset()


def test_a_flag_that_nobody_knows_is_a_fault_and_not_forgotten() -> None:
    for wrong in (access(door_flags=("card_lozt",)), access(lending_flags=("card_lozt",))):
        with pytest.raises(ConfigError, match="card_lozt"):
            dialect_of(wrong)


def test_a_dialect_that_nobody_knows_is_a_fault() -> None:
    with pytest.raises(ConfigError, match="koha-suomi"):
        dialect_of(access("kohha"))


@pytest.mark.parametrize(
    ("language", "digits"), [("fi", "007"), ("sv", "006"), ("en", "001"), ("se", "000")]
)
def test_settings_are_the_access_and_its_secrets(language: str, digits: str) -> None:
    made = settings_of(
        access(user="kiosk", institution="ESI", language=language, answer_seconds=1.5),
        password="salasana",
        terminal_password="pääte",
        branch="KES",
        timezone="Europe/Stockholm",
    )
    assert (made.host, made.port, made.tls) == ("ils.example.invalid", 6001, True)
    assert (made.user, made.password, made.terminal_password) == ("kiosk", "salasana", "pääte")
    assert (made.institution, made.location, made.language) == ("ESI", "KES", digits)
    assert (made.timezone, made.answer_seconds) == ("Europe/Stockholm", 1.5)
    assert "salasana" not in repr(made)
    assert "pääte" not in repr(made)


def test_a_configured_location_goes_before_the_branch() -> None:
    made = settings_of(
        access(location="TISKI"), password="", terminal_password="", branch="ESI", timezone="UTC"
    )
    assert made.location == "TISKI"


def made(**texts: str) -> SipSettings:
    """Settings of koha, with secrets or with keys that go over it."""
    secrets = {key: texts.pop(key, "") for key in ("password", "terminal_password")}
    branch = texts.pop("branch", "ESI")
    return settings_of(access(**texts), **secrets, branch=branch, timezone="UTC")


@pytest.mark.parametrize(
    ("texts", "key"),
    [
        ({"password": "TEXT"}, "secret"),
        ({"terminal_password": "TEXT"}, "terminal_secret"),
        ({"user": "TEXT"}, "user"),
        ({"institution": "TEXT"}, "institution"),
        ({"branch": "TEXT"}, "location"),
        ({"location": "TEXT"}, "location"),
        ({"login_location": "TEXT"}, "login_location"),
    ],
)
@pytest.mark.parametrize(
    ("sign", "knobs", "says"),
    [
        ("|", {}, "the delimiter"),
        ("^", {"delimiter": "^"}, "the delimiter"),
        ("\r", {}, "a control character"),
        ("\x00", {}, "a control character"),
        ("\x85", {}, "a control character"),
        ("€", {"encoding": "cp850"}, "cannot be said in cp850"),
        ("\ud800", {}, "cannot be said in utf-8"),
        ("x" * 255, {}, "more than 255"),
    ],
)
def test_a_text_that_no_message_may_hold_is_a_fault_of_its_key(
    texts: dict[str, str], key: str, sign: str, knobs: dict[str, str], says: str
) -> None:
    said = dict.fromkeys(texts, f"sala{sign}sana")
    with pytest.raises(ConfigError, match=f"^register.sip2.{key}: .*{says}") as caught:
        made(**said, **knobs)
    assert len(caught.value.faults) == 1
    assert "sala" not in repr(caught.value)
    assert caught.value.__context__ is None


def test_each_text_that_no_message_may_hold_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        made(user="a|b", password="c|d", terminal_password="e\nf")
    keys = [fault.split(":")[0].rpartition(".")[2] for fault in caught.value.faults]
    assert keys == ["user", "secret", "terminal_secret"]


def test_a_text_that_messages_may_hold_is_taken() -> None:
    said = made(user="kiöski", password="pitkä sala^sana" * 9, encoding="cp850", branch="ÅBO")
    assert (said.user, said.location) == ("kiöski", "ÅBO")

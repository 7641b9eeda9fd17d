"""What leaves the device: fields, dates and fixed parts, as servers want them."""

import json
import os
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.errors import InputError
from sync.sip2 import requests
from sync.sip2.card_text import fit, fit_pin
from sync.sip2.dates import day, due, stamp
from sync.sip2.dialects import DIALECTS
from sync.sip2.layouts import LAYOUTS
from sync.sip2.messages import MAX_VALUE, Message, encode, limited, parse
from sync.sip2.requests import Summary
from sync.sip2.settings import SipSettings
from tests.sip2.scripted_ask import CARD, ITEM, NOON, PIN, settings

HELSINKI = "Europe/Helsinki"
HERE = settings(user="kiosk", password="salasana", location="ESI")
SECRET = replace(HERE, terminal_password="pääte")


def every_request(made: SipSettings) -> list[Message]:
    return [
        requests.login(made),
        requests.status(),
        requests.patron_status(made, NOON, CARD),
        requests.patron_information(made, NOON, CARD, pin=PIN),
        requests.patron_information(made, NOON, CARD, summary=Summary.CHARGED),
        requests.checkout(made, NOON, CARD, ITEM),
        requests.checkout(made, NOON, CARD, ITEM, fee_accepted=True, happened=NOON),
        requests.checkin(made, NOON, ITEM),
        requests.checkin(made, NOON, ITEM, happened=NOON),
        requests.renew(made, NOON, CARD, ITEM),
        requests.renew_all(made, NOON, CARD),
        requests.item_information(made, NOON, ITEM),
        requests.end_session(made, NOON, CARD),
    ]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda one: one.name)
def test_every_request_can_be_said_and_comes_back_the_same(dialect: object) -> None:
    for request in every_request(replace(SECRET, dialect=dialect)):  # type: ignore[arg-type]
        again = parse(encode(limited(request), seq=1, checked=True))
        assert (again.code, dict(again.fixed)) == (request.code, dict(request.fixed))
        assert list(again.fields) == list(request.fields)
        assert set(request.fixed) == {name for name, _, _ in LAYOUTS[request.code].parts}


def line(request: Message) -> str:
    return encode(request).decode()


def test_the_requests_letter_by_letter() -> None:
    assert [line(request) for request in every_request(HERE)] == [
        "9300CNkiosk|COsalasana|",
        "9900802.00",
        "2300720261123    140000AOESI|AA167A006007|AC|AD|",
        "6300720261123    140000          AOESI|AA167A006007|AD8642|",
        "6300720261123    140000  Y       AOESI|AA167A006007|",
        "11NN20261123    14000020261123    140000AOESI|AA167A006007|AB167N00000001|AC|BON|",
        "11NY20261123    14000020261207    235900AOESI|AA167A006007|AB167N00000001|AC|BOY|",
        "09N20261123    14000020261123    140000APESI|AOESI|AB167N00000001|AC|",
        "09Y20261123    14000020261123    140000APESI|AOESI|AB167N00000001|AC|",
        "29NN20261123    14000020261123    140000AOESI|AA167A006007|AB167N00000001|BON|",
        "6520261123    140000AOESI|AA167A006007|BON|",
        "1720261123    140000AOESI|AB167N00000001|",
        "3520261123    140000AOESI|AA167A006007|",
    ]


def test_no_request_but_23_has_an_empty_pin() -> None:
    for made in (HERE, SECRET):
        for request in every_request(made):
            empty = any(not pin.strip() for pin in request.every("AD"))
            assert empty == (request.code == "23")


def test_what_some_servers_hang_up_without_is_always_there() -> None:
    for request in every_request(HERE):
        if request.code in ("23", "11", "09"):
            assert request.first("AC") == ""
        else:
            assert request.first("AC") is None
    assert all(
        r.first("AC") == "pääte" for r in every_request(SECRET) if r.code not in ("93", "99")
    )


def test_a_checkout_never_becomes_a_renewal() -> None:
    for happened in (None, NOON):
        asked = requests.checkout(HERE, NOON, CARD, ITEM, happened=happened)
        assert asked.fixed["sc_renewal_policy"] == "N"


@pytest.mark.parametrize(("kind", "place"), [("HOLDS", 0), ("CHARGED", 2), ("UNAVAILABLE", 5)])
def test_a_63_asks_for_one_list(kind: str, place: int) -> None:
    summary = requests.patron_information(HERE, NOON, CARD, summary=Summary[kind]).fixed["summary"]
    assert len(summary) == 10
    assert [at for at, sign in enumerate(summary) if sign == "Y"] == [place]


def test_what_happened_while_nobody_answered_keeps_its_time() -> None:
    then = NOON - timedelta(hours=3)
    lent = requests.checkout(HERE, NOON, CARD, ITEM, happened=then)
    assert lent.fixed["no_block"] == "Y"
    assert lent.fixed["transaction_date"] == "20261123    110000"
    assert lent.fixed["nb_due_date"] == "20261207    235900"
    back = requests.checkin(HERE, NOON, ITEM, happened=then)
    assert (back.fixed["no_block"], back.fixed["return_date"]) == ("Y", "20261123    110000")


def test_an_offline_loan_is_due_on_the_same_local_day_over_a_change_of_clocks() -> None:
    before = datetime(2026, 10, 20, 21, 30, tzinfo=UTC)  # the 21st in Helsinki, summer time
    due_then = requests.offline_due(before, HELSINKI)
    assert due_then.isoformat() == "2026-11-04T23:59:00+02:00"


def test_a_login_location_is_said_only_where_there_is_one() -> None:
    assert requests.login(HERE).first("CP") is None
    assert requests.login(replace(HERE, login_location="1")).first("CP") == "1"


@pytest.mark.parametrize(
    "build",
    [
        lambda text: requests.patron_status(HERE, NOON, text),
        lambda text: requests.patron_information(HERE, NOON, text),
        lambda text: requests.patron_information(HERE, NOON, CARD, pin=text),
        lambda text: requests.checkout(HERE, NOON, text, ITEM),
        lambda text: requests.checkout(HERE, NOON, CARD, text),
        lambda text: requests.checkin(HERE, NOON, text),
        lambda text: requests.renew(HERE, NOON, text, ITEM),
        lambda text: requests.renew(HERE, NOON, CARD, text),
        lambda text: requests.renew_all(HERE, NOON, text),
        lambda text: requests.item_information(HERE, NOON, text),
        lambda text: requests.end_session(HERE, NOON, text),
    ],
)
@pytest.mark.parametrize("text", ["", " ", "A|ABx", "A\nB", "7" * 65])
def test_nothing_is_said_that_is_no_number(build: Callable[[str], Message], text: str) -> None:
    with pytest.raises(InputError):
        build(text)


# Card text and dates


@given(st.text(max_size=80))
def test_whatever_fits_can_be_said_in_one_field(text: str) -> None:
    for dialect in (DIALECTS["koha"], replace(DIALECTS["custom"], delimiter="^")):
        try:
            fitting = fit(text, dialect)
        except InputError:
            continue
        message = Message("17", {"transaction_date": " " * 18}, [("AB", fitting)])
        again = parse(
            encode(limited(message), delimiter=dialect.delimiter), delimiter=dialect.delimiter
        )
        assert again.first("AB") == fitting == text.strip()
        assert fitting.isascii()
        assert fitting.isprintable()
        assert len(fitting) <= MAX_VALUE


@given(st.text(max_size=70))
def test_a_pin_is_said_as_it_was_keyed_or_not_at_all(pin: str) -> None:
    try:
        assert fit_pin(pin, DIALECTS["koha"]) == pin
    except InputError:
        unseen = any(unicodedata.category(sign) in ("Mn", "Lo", "So") for sign in pin)
        assert not pin.strip() or len(pin) > 64 or "|" in pin or not pin.isprintable() or unseen
    else:
        assert pin.strip()


@pytest.mark.parametrize("pin", ["\u2800", "\u3164", "\u115f", "\u1160", "\uffa0", "8\u034f"])
def test_a_pin_of_what_nobody_sees_is_none(pin: str) -> None:
    assert pin.isprintable()
    with pytest.raises(InputError):
        fit_pin(pin, DIALECTS["koha"])


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("blanks", "20261123    140000"),
        ("zeros", "202611230000140000"),
        ("utc", "20261123   Z120000"),
    ],
)
def test_dates_are_of_the_site_or_utc(zone: str, said: str) -> None:
    assert stamp(NOON, zone, HELSINKI) == said
    assert stamp(NOON.astimezone(ZoneInfo("Asia/Tokyo")), zone, HELSINKI) == said


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(["blanks", "zeros", "utc"]),
    st.sampled_from([HELSINKI, "Europe/Stockholm", "UTC"]),
)
def test_what_we_write_we_read(at: datetime, zone: str, site: str) -> None:
    said = stamp(at, zone, site)
    read = due(said, site)
    assert len(said) == 18
    assert read is not None
    whole = at.replace(microsecond=0)
    twice_a_year = read.replace(fold=1).astimezone(UTC)  # the hour that comes twice
    assert whole in (read.astimezone(UTC), twice_a_year)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("20261207    104152", "2026-12-07T10:41:52+02:00"),
        ("202612070000104152", "2026-12-07T10:41:52+02:00"),
        ("20261207   Z104152", "2026-12-07T12:41:52+02:00"),
        ("20261207 CET104152", "2026-12-07T11:41:52+02:00"),
        ("2023-08-31 23:59:00 CEST", "2023-09-01T00:59:00+03:00"),
        ("2011-10-28 23:59:59", "2011-10-28T23:59:59+03:00"),
        ("2026-12-07T23:59:00+02:00", "2026-12-07T23:59:00+02:00"),
        ("2026-12-07T23:59:00.000Z", "2026-12-08T01:59:00+02:00"),
        ("2026-12-07 23:59", "2026-12-07T23:59:00+02:00"),
        ("2026-12-07", "2026-12-07T23:59:59+02:00"),
        ("20261207", "2026-12-07T23:59:59+02:00"),
        (" 20261207          ", "2026-12-07T23:59:59+02:00"),
        ("7.12.2026", "2026-12-07T23:59:59+02:00"),
    ],
)
def test_due_dates_in_the_forms_of_the_field(text: str, iso: str) -> None:
    read = due(text, HELSINKI)
    assert read is not None
    assert read.isoformat() == iso


@pytest.mark.parametrize(
    "text",
    [
        *("", "07/12/2026", "12/07/2026", "maanantai 7. joulukuuta", "2026-13-40", "00000000"),
        *("2026-12-07 23:59:00." + "0" * 60000, "2026-12-07" + " " * 60),
        *("20261207 XYZ104152", "20261207    256199", "2026-12-07 23:59:00 BST", "99999999"),
        *("２０２６１２０７", "2026-12-07 23:59:00 +99:00", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_other_forms_are_not_guessed_at(text: str) -> None:
    assert due(text, HELSINKI) is None


@given(
    st.one_of(
        st.text(max_size=40),
        st.from_regex(r"\A\d{8}.{4}\d{6}\Z"),
        st.from_regex(r"\A\d{4}-\d\d-\d\d[ T]\d\d:\d\d [A-Z]{1,4}\Z"),
    )
)
def test_no_due_date_raises(text: str) -> None:
    read = due(text, HELSINKI)
    assert read is None or read.tzinfo is not None


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("20501231", date(2050, 12, 31)),
        ("20501231    235959", date(2050, 12, 31)),
        ("2050-12-31", date(2050, 12, 31)),
        *((bad, None) for bad in ("", "never", "20501340", "205012311", "2050-1231")),
    ],
)
def test_a_day_is_read_from_the_front(text: str, last: date | None) -> None:
    assert day(text) == last


def test_due_dates_that_were_captured_are_read() -> None:
    folder = os.environ.get("KIOSKD_VECTORS")
    if not folder:
        pytest.skip("KIOSKD_VECTORS is not set")
    said = set()
    for text in (Path(folder) / "sip2.jsonl").read_text(encoding="utf-8").splitlines():
        wanted = json.loads(text)["expect"]
        if wanted.get("code") in ("12", "18", "30"):
            said |= {value for field, value in wanted.get("fields", ()) if field == "AH" and value}
    assert len(said) >= 4
    assert [text for text in said if due(text, HELSINKI) is None] == []

"""What support sees: whatever could be a person is gone, what tells of the device is left."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.health.redactor import GONE, Redactor

PHONE = "+358 40 123 4567"
REDACTOR = Redactor((re.compile(r"\d{3}[A-Z]\d{6}"), re.compile(r"K-[a-z]{4}")), kept=(PHONE,))


@pytest.mark.parametrize(
    "secret",
    [
        "167A006007",
        "167a006007",
        "K-abcd",
        "k-ABCD",
        "2600104874",
        "84617263",
        "maija.meikalainen@example.invalid",
        "010190-123A",
        "010190A123B",
        "+358 50 765 4321",
        "050-765 4321",
        "(09) 123 4567",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
        "kd1.device.abcdef",
        "0123456789abcdef0123456789abcdef",
        "dGhpcyBpcyBhIGtleSB0aGF0IGlzIHZlcnkgTG9uZzEyMw",
    ],
)
@pytest.mark.parametrize("around", ["{}", "why: {}; look", '"{}"', "x={},", "({})", "\n{}\n"])
def test_a_secret_goes_wherever_it_stands(secret: str, around: str) -> None:
    told = REDACTOR.text(around.format(secret))
    assert secret not in told
    assert GONE in told
    assert not re.search(r"\d{6}", told)


@pytest.mark.parametrize(
    "text",
    [
        PHONE,
        "2026-11-23T16:00:00.123456Z",
        "2026-11-23T18:00+02:00",
        "2026-12-07",
        "07:00-10:00 self-service",
        "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A5XK-if00-port0",
        "kioskd 0.1.0, Python 3.11.7, SQLite 3.40.1",
        "0198a1b2-c3d4-7e5f-8a6b-c7d8e9f0a1b2",
        "1,000,000 credentials, 2.0 h old",
        "file:/etc/kioskd/device.key",
        r"\d{3}[A-Z]\d{6}",
    ],
)
def test_what_tells_of_the_device_is_left(text: str) -> None:
    assert REDACTOR.text(text) == text


def test_numbers_are_left_only_where_they_count_something() -> None:
    told = REDACTOR.value({"seq": 1_234_567, "card": 2600104874, "n": 7, "s": 0.25, "big": 1e9})
    assert told == {"seq": "1,234,567", "card": GONE, "n": 7, "s": 0.25, "big": GONE}


def test_what_is_named_as_a_secret_must_be_a_reference() -> None:
    told = REDACTOR.value(
        {
            "device_key": "file:/k",
            "token": "hunter2",
            "hub": [{"secret": "credential:hub"}, {"password": "x"}],
            "card_only_accepted_by": "Maija Meikäläinen, 2026-01-01",
            "insecure_plaintext": "a tunnel, accepted by Maija Meikäläinen",
            "screen_messages": ["Ask Maija Meikäläinen"],
        }
    )
    assert told == {
        "device_key": "file:/k",
        "token": GONE,
        "hub": [{"secret": "credential:hub"}, {"password": GONE}],
        "card_only_accepted_by": GONE,
        "insecure_plaintext": GONE,
        "screen_messages": [GONE],
    }


def test_a_pattern_that_fits_nothing_breaks_nothing() -> None:
    assert Redactor((re.compile("x*"),)).text("abc") == "abc"


CARD = st.from_regex(r"\A[0-9]{3}[A-Z][0-9]{6}\Z")


@given(st.text(), CARD, st.text())
def test_no_card_survives_whatever_stands_around_it(before: str, card: str, after: str) -> None:
    assert card not in REDACTOR.text(f"{before}{card}{after}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | CARD,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | CARD, inner),
)


@given(JSON)
def test_no_card_survives_in_any_value(value: object) -> None:
    told = json.dumps(REDACTOR.value(value), ensure_ascii=False)
    assert not re.search(r"\d{3}[A-Z]\d{6}", told)

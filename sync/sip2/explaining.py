"""Names and meanings for people who read messages: fields, fixed parts, flags, commands. Pure.

As the published specification has them, with what libraries' own fields commonly hold.
Deliberately not here: what is decided by any of it (answers), and what may be shown (masking).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sync.sip2.dialect import STATUS_FLAGS
from sync.sip2.messages import Message

NOT_IN_SPEC: Final = "not in SIP2 2.00"

FIELD_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AA": "card",
        "AB": "item",
        "AC": "terminal password",
        "AD": "PIN",
        "AE": "name of the patron",
        "AF": "text for the screen",
        "AG": "text for the printer",
        "AH": "due date",
        "AJ": "title",
        "AL": "text for a retained card",
        "AM": "name of the library",
        "AN": "terminal",
        "AO": "institution",
        "AP": "place of the item now",
        "AQ": "home of the item",
        "AS": "reserved item",
        "AT": "overdue item",
        "AU": "item on loan",
        "AV": "item with a fine",
        "BD": "home address",
        "BE": "e-mail address",
        "BF": "telephone",
        "BG": "owner of the item",
        "BH": "currency",
        "BI": "cancel",
        "BK": "transaction",
        "BL": "card is known",
        "BM": "renewed item",
        "BN": "item not renewed",
        "BO": "fee accepted",
        "BP": "first of the list",
        "BQ": "last of the list",
        "BR": "place in the queue",
        "BS": "where to pick it up",
        "BT": "kind of fee",
        "BU": "recalled item",
        "BV": "amount",
        "BW": "last day",
        "BX": "supported messages",
        "BY": "kind of reservation",
        "BZ": "most reservations",
        "CA": "most overdue items",
        "CB": "most loans",
        "CC": "most fees",
        "CD": "reservation that cannot be met",
        "CF": "reservations of the item",
        "CG": "fee",
        "CH": "properties of the item",
        "CI": "leave security on",
        "CJ": "date of the recall",
        "CK": "kind of item",
        "CL": "sorting bin",
        "CM": "last day to pick it up",
        "CN": "account",
        "CO": "password",
        "CP": "location",
        "CQ": "PIN is right",
        "CR": "collection",
        "CS": "shelf mark",
        "CT": "destination",
        "CV": "kind of alert",
        "CY": "card of who reserved it",
        "DA": "name of who reserved it",
        "PA": "extension: right to enter, or last day",
        "PB": "extension: date of birth",
        "PC": "extension: category of the patron",
        "PI": "extension: gender",
    }
)

_YES_NO: Final = {"Y": "yes", "N": "no"}
_DONE: Final = {"1": "done", "0": "refused", "Y": "done", "N": "refused"}
_PLAIN: Final = {"0": "not encrypted"}
_MEANINGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "ok": _DONE,
        "uid_algorithm": _PLAIN,
        "pwd_algorithm": _PLAIN,
        "status_code": {"0": "well", "1": "no paper", "2": "shutting down"},
        "online_status": _YES_NO,
        "checkin_ok": _YES_NO,
        "checkout_ok": _YES_NO,
        "acs_renewal_policy": _YES_NO,
        "status_update_ok": _YES_NO,
        "offline_ok": _YES_NO,
        "end_session": _YES_NO,
        "language": {"000": "unknown", "001": "English", "006": "Swedish", "007": "Finnish"},
    }
)

_FLAG_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "charge_denied": "may not borrow",
        "renewal_denied": "may not renew",
        "recall_denied": "may not recall",
        "hold_denied": "may not reserve",
        "card_lost": "card is lost",
        "too_many_charged": "too many loans",
        "too_many_overdue": "too many overdue",
        "too_many_renewals": "too many renewals",
        "too_many_claims": "too many claims of return",
        "too_many_lost": "too many lost items",
        "excessive_fines": "fines over the limit",
        "excessive_fees": "fees over the limit",
        "recall_overdue": "recalled item overdue",
        "too_many_billed": "too many items billed",
    }
)

# Positions of BX [spec]
SUPPORT: Final = (
    *("23", "11", "09", "01", "99", "97", "93", "63"),
    *("35", "37", "17", "19", "25", "15", "29", "65"),
)
NEEDED: Final = ("63", "23", "11", "09", "29", "65", "17", "35")  # what this device asks for
_NO_TIMEOUT: Final = 999


def fixed_word(name: str, value: str) -> str:
    """What a fixed part means, in a word or two; empty where it says so itself."""
    if name == "timeout_period":
        return timeout_words(value)
    return _MEANINGS.get(name, {}).get(value, "")


def flags_set(patron_status: str) -> tuple[str, ...]:
    """Names of the flags that are set: whatever is not blank counts, as it does at a door."""
    pairs = zip(STATUS_FLAGS, patron_status, strict=False)
    return tuple(name for name, value in pairs if value != " ")


def flag_words(name: str) -> str:
    """A flag as people say it."""
    return f"{name} ({_FLAG_WORDS[name]})"


def timeout_words(value: str) -> str:
    """A time-out of 98, of tenths of a second."""
    if not (value.isascii() and value.isdigit()) or int(value) == _NO_TIMEOUT:
        return "not said"
    return f"{int(value) / 10:g} s"


def supported(message: Message) -> frozenset[str] | None:
    """The commands that BX of a 98 says yes to; None where it has none."""
    said = message.first("BX")
    if not said:
        return None
    return frozenset(code for code, value in zip(SUPPORT, said, strict=False) if value == "Y")


def encoding_of(data: bytes) -> str:
    """What a message looks as if it were written in; empty for one that is plain ASCII.

    Between the two most common single-byte ones a guess: letters of one are controls of the other.
    """
    if data.isascii():
        return ""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp850" if any(0x80 <= byte < 0xA0 for byte in data) else "latin-1"
    return "utf-8"

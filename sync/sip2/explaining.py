"""Names and meanings for people who read messages: fields, fixed parts, flags, commands. Pure.

As the published specification has them, with what libraries' own fields commonly hold, and what a
dialect makes of its own.
Deliberately not here: what is decided by any of it (answers), and what may be shown (masking).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kioskd.domain.ils import Hindrance
from sync.sip2.dialect import STATUS_FLAGS, Dialect
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

FIXED_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "acs_renewal_policy": "renewals",
        "alert": "alert",
        "available": "available",
        "card_retained": "card kept",
        "charged_items_count": "loans",
        "checkin_ok": "returns",
        "checkout_ok": "checkouts",
        "circulation_status": "stands",
        "currency_type": "currency",
        "date_time_sync": "its time",
        "desensitize": "security off",
        "end_session": "session ended",
        "fee_type": "kind of fee",
        "fine_items_count": "items with a fine",
        "hold_items_count": "reservations",
        "hold_mode": "kind of request",
        "item_properties_ok": "outcome",
        "language": "language",
        "magnetic_media": "magnetic",
        "max_print_width": "characters in a line",
        "nb_due_date": "due, if not to be refused",
        "no_block": "not to be refused",
        "offline_ok": "what happened off-line",
        "ok": "outcome",
        "online_status": "on-line",
        "overdue_items_count": "overdue",
        "patron_status": "flags",
        "payment_accepted": "payment",
        "payment_type": "kind of payment",
        "protocol_version": "SIP",
        "pwd_algorithm": "password is sent",
        "recall_items_count": "recalled",
        "renewal_ok": "renewed",
        "renewed_count": "renewed",
        "resensitize": "security on",
        "retries_allowed": "repeats",
        "return_date": "returned",
        "sc_renewal_policy": "may renew",
        "security_marker": "security marker",
        "status_code": "status",
        "status_update_ok": "changes of patrons",
        "summary": "list asked for",
        "third_party_allowed": "for others",
        "timeout_period": "time-out",
        "transaction_date": "time",
        "uid_algorithm": "account is sent",
        "unavailable_holds_count": "reservations that cannot be met",
        "unrenewed_count": "not renewed",
    }
)
NOT_SAID: Final = "not said"

_YES_NO: Final = {"Y": "yes", "N": "no"}
_DONE: Final = {"1": "done", "0": "refused", "Y": "done", "N": "refused"}
_PLAIN: Final = {"0": "not encrypted"}
_LANGUAGES: Final = {"001": "English (001)", "006": "Swedish (006)", "007": "Finnish (007)"}
_ANSWERED_YES_NO: Final = (
    *("alert", "available", "card_retained", "checkin_ok", "checkout_ok", "acs_renewal_policy"),
    *("desensitize", "end_session", "magnetic_media", "no_block", "offline_ok", "online_status"),
    *("renewal_ok", "resensitize", "sc_renewal_policy", "status_update_ok", "third_party_allowed"),
)
_MEANINGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        **dict.fromkeys(_ANSWERED_YES_NO, _YES_NO),
        "ok": _DONE,
        "item_properties_ok": _DONE,
        "payment_accepted": _DONE,
        "uid_algorithm": _PLAIN,
        "pwd_algorithm": _PLAIN,
        "status_code": {"0": "well", "1": "no paper", "2": "shutting down"},
        "language": {"000": NOT_SAID, **_LANGUAGES},
        "retries_allowed": {"999": NOT_SAID},
    }
)
_LISTS: Final = (
    *("hold_items_count", "overdue_items_count", "charged_items_count"),
    *("fine_items_count", "recall_items_count", "unavailable_holds_count"),
)
_DATE: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(.{4})(\d\d)(\d\d)(\d\d)", re.ASCII)
_UTC: Final = "Z"
_NUMBERS: Final = frozenset({"max_print_width", "retries_allowed"})

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


def field_name(name: str, dialect: Dialect) -> str:
    """What a field holds in this dialect."""
    if name == dialect.access.field:
        return "right to enter"
    if name == dialect.expiry_field:
        return "last day of the membership"
    return FIELD_NAMES.get(name, NOT_IN_SPEC)


def fixed_word(name: str, value: str, dialect: Dialect) -> str:
    """What a fixed part says, in words or as a number; as it stands where nobody knows more."""
    if name == "patron_status":
        flags = [flag_words(flag, dialect) for flag in flags_set(value)]
        return " + ".join(flags) or "none set"
    if name == "summary":
        asked = zip(_LISTS, value, strict=False)
        return " + ".join(FIXED_NAMES[one] for one, sign in asked if sign != " ") or "none"
    if not value.strip():
        return NOT_SAID
    if name == "timeout_period":
        return timeout_words(value)
    found = _DATE.fullmatch(value)
    if found:
        return _date(found)
    return _MEANINGS.get(name, {}).get(value) or _number(name, value)


def _number(name: str, value: str) -> str:
    counts = name.endswith("_count") or name in _NUMBERS
    return str(int(value)) if counts and value.isascii() and value.isdigit() else value


def _date(found: re.Match[str]) -> str:
    year, month, day, zone, hour, minute, second = found.groups()
    where = zone.strip()
    said = f"{year}-{month}-{day} {hour}:{minute}:{second}"
    return f"{said} {'UTC' if where == _UTC else where}".rstrip()


def flags_set(patron_status: str) -> tuple[str, ...]:
    """Names of the flags that are set: whatever is not blank counts, as it does at a door."""
    pairs = zip(STATUS_FLAGS, patron_status, strict=False)
    return tuple(name for name, value in pairs if value != " ")


def flag_words(name: str, dialect: Dialect) -> str:
    """A flag as people say it; where one flag stands for two things, both."""
    if dialect.status.get(name) is Hindrance.CARD_UNUSABLE:
        return f"{name} (lost, or address not known: {dialect.name} tells no more)"
    return f"{name} ({_FLAG_WORDS[name]})"


def timeout_words(value: str) -> str:
    """A time-out of 98, of tenths of a second."""
    if not (value.isascii() and value.isdigit()) or int(value) == _NO_TIMEOUT:
        return NOT_SAID
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

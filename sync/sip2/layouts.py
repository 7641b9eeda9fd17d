"""The messages of SIP2 2.00: fixed parts by name and width, and which answers which.

Names are those of the published specification, as captures and other programs write them.
Deliberately not here: variable fields (any message may carry any), and what they mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

_DATE: Final = ("transaction_date", 18)
_LENT: Final = (("ok", 1), ("renewal_ok", 1), ("magnetic_media", 1), ("desensitize", 1), _DATE)
_STATUS: Final = (("patron_status", 14), ("language", 3), _DATE)
_COUNTS: Final = tuple(
    (f"{what}_count", 4)
    for what in (
        "hold_items",
        "overdue_items",
        "charged_items",
        "fine_items",
        "recall_items",
        "unavailable_holds",
    )
)

_PARTS: Final[Mapping[str, tuple[tuple[str, int], ...]]] = {
    "01": (("card_retained", 1), _DATE),
    "09": (("no_block", 1), _DATE, ("return_date", 18)),
    "10": (("ok", 1), ("resensitize", 1), ("magnetic_media", 1), ("alert", 1), _DATE),
    "11": (("sc_renewal_policy", 1), ("no_block", 1), _DATE, ("nb_due_date", 18)),
    "12": _LENT,
    "15": (("hold_mode", 1), _DATE),
    "16": (("ok", 1), ("available", 1), _DATE),
    "17": (_DATE,),
    "18": (("circulation_status", 2), ("security_marker", 2), ("fee_type", 2), _DATE),
    "19": (_DATE,),
    "20": (("item_properties_ok", 1), _DATE),
    "23": (("language", 3), _DATE),
    "24": _STATUS,
    "25": (_DATE,),
    "26": _STATUS,
    "29": (("third_party_allowed", 1), ("no_block", 1), _DATE, ("nb_due_date", 18)),
    "30": _LENT,
    "35": (_DATE,),
    "36": (("end_session", 1), _DATE),
    "37": (_DATE, ("fee_type", 2), ("payment_type", 2), ("currency_type", 3)),
    "38": (("payment_accepted", 1), _DATE),
    "63": (("language", 3), _DATE, ("summary", 10)),
    "64": (*_STATUS, *_COUNTS),
    "65": (_DATE,),
    "66": (("ok", 1), ("renewed_count", 4), ("unrenewed_count", 4), _DATE),
    "93": (("uid_algorithm", 1), ("pwd_algorithm", 1)),
    "94": (("ok", 1),),
    "96": (),
    "97": (),
    "98": (
        ("online_status", 1),
        ("checkin_ok", 1),
        ("checkout_ok", 1),
        ("acs_renewal_policy", 1),
        ("status_update_ok", 1),
        ("offline_ok", 1),
        ("timeout_period", 3),
        ("retries_allowed", 3),
        ("date_time_sync", 18),
        ("protocol_version", 4),
    ),
    "99": (("status_code", 1), ("max_print_width", 3), ("protocol_version", 4)),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The fixed part of a command. parts: (name, start, end) in wire order, behind the code."""

    parts: tuple[tuple[str, int, int], ...]
    width: int


def _layout(parts: tuple[tuple[str, int], ...]) -> Layout:
    at, placed = 0, []
    for name, width in parts:
        placed.append((name, at, at + width))
        at += width
    return Layout(tuple(placed), at)


LAYOUTS: Final[Mapping[str, Layout]] = MappingProxyType(
    {code: _layout(parts) for code, parts in _PARTS.items()}
)

NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "01": "block patron",
        "09": "checkin",
        "10": "checkin response",
        "11": "checkout",
        "12": "checkout response",
        "15": "hold",
        "16": "hold response",
        "17": "item information",
        "18": "item information response",
        "19": "item status update",
        "20": "item status update response",
        "23": "patron status",
        "24": "patron status response",
        "25": "patron enable",
        "26": "patron enable response",
        "29": "renew",
        "30": "renew response",
        "35": "end patron session",
        "36": "end session response",
        "37": "fee paid",
        "38": "fee paid response",
        "63": "patron information",
        "64": "patron information response",
        "65": "renew all",
        "66": "renew all response",
        "93": "login",
        "94": "login response",
        "96": "request SC resend",
        "97": "request ACS resend",
        "98": "ACS status",
        "99": "SC status",
    }
)

# Request -> the answer to it. 97 asks for whatever was said last.
ANSWERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "01": "24",
        "09": "10",
        "11": "12",
        "15": "16",
        "17": "18",
        "19": "20",
        "23": "24",
        "25": "26",
        "29": "30",
        "35": "36",
        "37": "38",
        "63": "64",
        "65": "66",
        "93": "94",
        "99": "98",
    }
)

# Requests that may be made twice without anything being done twice.
READS: Final = frozenset({"17", "23", "35", "63", "93", "99"})

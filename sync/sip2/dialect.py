"""What differs from one library system to the next, as data. Pure.

A dialect is a base table and a few overrides (dialects.py), with who may enter by it from
kioskd.config.sip2_vendors; a site's configuration may override what it must. Nothing anywhere asks
for a vendor by name: code asks these knobs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kioskd.config import sip2_vendors
from kioskd.domain.ils import Hindrance, Hold, Refusal
from sync.sip2.charset import UTF_8, Charset

STATUS_FLAGS: Final = sip2_vendors.STATUS_FLAGS


@dataclass(frozen=True, slots=True)
class Access:
    """Who may enter, by a field of 64. field: empty where none tells (the flags then decide).

    allowed: its values that say yes; None: every value but those of `denied`. numeric: none but a
    number above 0 says yes. A field that is missing or empty says no in any case.
    """

    field: str = ""
    allowed: frozenset[str] | None = None
    denied: frozenset[str] = frozenset({"0"})
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one library system speaks.

    charset, delimiter: of every message. error_detection: AY and AZ on what we send. checksum:
    what a wrong one of the other side leads to, strict | warn | off. zone: the four characters
    amid a date, blanks | zeros | utc. send_status, send_end: whether 99 after the log-in, 35 after
    a patron. keep_alive_seconds: 99 after so long a silence; 0: never. echoes_card: answers repeat
    the card as it was sent. replays: a repeated message is answered and not done again.
    needs_institution: nothing may be asked with an empty AO. access: see Access. status: flag of
    patron_status -> what it means here; door, lending: flags that keep a patron out of each.
    expiry_field: a field of 64 with the membership's last day, YYYYMMDD; empty: none.
    item_status: circulation_status of 18 -> why an item is not lent. holds: CV of 10 -> what
    awaits the item. home_is_destination: without CT and CV, an alert and AQ tell where it belongs.
    screen_messages: texts of AF that may be shown, each whole and to the letter.
    """

    name: str
    charset: Charset = UTF_8
    delimiter: str = "|"
    error_detection: bool = True
    checksum: str = "strict"
    zone: str = "blanks"
    send_status: bool = True
    send_end: bool = True
    keep_alive_seconds: int = 25
    echoes_card: bool = True
    replays: bool = True
    needs_institution: bool = False
    access: Access = Access()
    status: Mapping[str, Hindrance] = field(default_factory=dict)
    door: frozenset[str] = frozenset()
    lending: frozenset[str] = frozenset()
    expiry_field: str = ""
    item_status: Mapping[str, Refusal] = field(default_factory=dict)
    holds: Mapping[str, Hold] = field(default_factory=dict)
    home_is_destination: bool = True
    screen_messages: frozenset[str] = frozenset()

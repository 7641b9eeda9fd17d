"""What a device asks a library system, as messages. Pure.

Card numbers, item numbers and PINs are checked here (card_text), so that nothing else gets into a
message. A PIN is said with a verification only; 23 alone has an empty AD, because some servers
hang up without one, and what is said of a PIN in its answer is never read.
"""

from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final
from zoneinfo import ZoneInfo

from kioskd.errors import ConfigError
from sync.sip2.card_text import fit, fit_pin
from sync.sip2.dates import stamp
from sync.sip2.dialects import no_institution
from sync.sip2.messages import Field, Message
from sync.sip2.settings import SipSettings

# What an item lent while the library system was silent is due after. The shortest loan in common
# use: who is told this day keeps no item too long, and may renew.
OFFLINE_LOAN: Final = timedelta(days=14)

_NO_SUMMARY: Final = " " * 10
_VERSION: Final = "2.00"
_PRINT_WIDTH: Final = "080"
_STATUS_OK: Final = "0"


class Summary(IntEnum):
    """The list that a 63 asks for, as its place among ten; one in each request [spec]."""

    HOLDS = 0
    CHARGED = 2
    UNAVAILABLE = 5


def login(settings: SipSettings) -> Message:
    """93: the device's account, in plain text as the protocol has it."""
    fields = [("CN", settings.user), ("CO", settings.password)]
    if settings.login_location:
        fields.append(("CP", settings.login_location))
    return Message("93", {"uid_algorithm": "0", "pwd_algorithm": "0"}, fields)


def status() -> Message:
    """99: we are well; what may we do?"""
    fixed = {
        "status_code": _STATUS_OK,
        "max_print_width": _PRINT_WIDTH,
        "protocol_version": _VERSION,
    }
    return Message("99", fixed)


def patron_status(settings: SipSettings, at: datetime, card: str) -> Message:
    """23: of a card alone. Its answer's word on a PIN (CQ) means nothing."""
    fixed = {"language": settings.language, "transaction_date": _date(settings, at)}
    fields = [*_patron(settings, card), ("AC", settings.terminal_password), ("AD", "")]
    return Message("23", fixed, fields)


def patron_information(
    settings: SipSettings,
    at: datetime,
    card: str,
    *,
    pin: str | None = None,
    summary: Summary | None = None,
) -> Message:
    """63: of a card and its PIN, with one of its lists. pin None: AD is left out."""
    fixed = {
        "language": settings.language,
        "transaction_date": _date(settings, at),
        "summary": _summary(summary),
    }
    fields = [*_patron(settings, card), *_terminal(settings)]
    if pin is not None:
        fields.append(("AD", fit_pin(pin, settings.dialect)))
    return Message("63", fixed, fields)


def checkout(
    settings: SipSettings,
    at: datetime,
    card: str,
    item: str,
    *,
    fee_accepted: bool = False,
    happened: datetime | None = None,
) -> Message:
    """11: never a renewal. happened: it was lent then, and no rule may undo it (no_block)."""
    fixed = {
        "sc_renewal_policy": "N",
        "no_block": _yes(happened is not None),
        "transaction_date": _date(settings, happened or at),
        "nb_due_date": _no_block_due(settings, at, happened),
    }
    fields = [
        *_patron(settings, card),
        _item(settings, item),
        ("AC", settings.terminal_password),
        ("BO", _yes(fee_accepted)),
    ]
    return Message("11", fixed, fields)


def checkin(
    settings: SipSettings, at: datetime, item: str, *, happened: datetime | None = None
) -> Message:
    """09: AP says where. happened: it came back then, and is only now told."""
    # The return date is honoured without no_block too, so it is never blank.
    when = _date(settings, happened or at)
    fixed = {
        "no_block": _yes(happened is not None),
        "transaction_date": when,
        "return_date": when,
    }
    fields = [
        ("AP", settings.location),
        _institution(settings),
        _item(settings, item),
        ("AC", settings.terminal_password),
    ]
    return Message("09", fixed, fields)


def renew(
    settings: SipSettings, at: datetime, card: str, item: str, *, fee_accepted: bool = False
) -> Message:
    """29: for the patron whose loan it is, nobody else."""
    fixed = {
        "third_party_allowed": "N",
        "no_block": "N",
        "transaction_date": _date(settings, at),
        "nb_due_date": _no_block_due(settings, at, None),
    }
    fields = [
        *_patron(settings, card),
        _item(settings, item),
        *_terminal(settings),
        ("BO", _yes(fee_accepted)),
    ]
    return Message("29", fixed, fields)


def renew_all(settings: SipSettings, at: datetime, card: str) -> Message:
    """65: with no consent to fees."""
    fields = [*_patron(settings, card), *_terminal(settings), ("BO", "N")]
    return Message("65", {"transaction_date": _date(settings, at)}, fields)


def item_information(settings: SipSettings, at: datetime, item: str) -> Message:
    """17: what the library system knows of an item."""
    fields = [_institution(settings), _item(settings, item), *_terminal(settings)]
    return Message("17", {"transaction_date": _date(settings, at)}, fields)


def end_session(settings: SipSettings, at: datetime, card: str) -> Message:
    """35: this patron has gone."""
    fields = [*_patron(settings, card), *_terminal(settings)]
    return Message("35", {"transaction_date": _date(settings, at)}, fields)


def offline_due(happened: datetime, timezone: str) -> datetime:
    """When an item lent then is due: the end of a local day, whatever the clocks do between."""
    day = happened.astimezone(ZoneInfo(timezone)) + OFFLINE_LOAN
    return day.replace(hour=23, minute=59, second=0, microsecond=0)


def _institution(settings: SipSettings) -> Field:
    if settings.dialect.needs_institution and not settings.institution:
        raise ConfigError([no_institution(settings.dialect)])
    return ("AO", settings.institution)


def _patron(settings: SipSettings, card: str) -> list[Field]:
    return [_institution(settings), ("AA", fit(card, settings.dialect))]


def _item(settings: SipSettings, item: str) -> Field:
    return ("AB", fit(item, settings.dialect))


def _terminal(settings: SipSettings) -> list[Field]:
    # Where it may be left out it is: an empty one is a wrong one to some servers.
    return [("AC", settings.terminal_password)] if settings.terminal_password else []


def _no_block_due(settings: SipSettings, at: datetime, happened: datetime | None) -> str:
    # Without no_block it means nothing; strict servers refuse blanks, so it is a date all the same.
    if happened is None:
        return _date(settings, at)
    return _date(settings, offline_due(happened, settings.timezone))


def _summary(summary: Summary | None) -> str:
    if summary is None:
        return _NO_SUMMARY
    return _NO_SUMMARY[:summary] + "Y" + _NO_SUMMARY[summary + 1 :]


def _date(settings: SipSettings, at: datetime) -> str:
    return stamp(at, settings.dialect.zone, settings.timezone)


def _yes(value: bool) -> str:
    return "Y" if value else "N"

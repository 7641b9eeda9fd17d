"""How the library systems that are known speak, as a base table and what differs from it. Pure.

Who may enter by each stands in kioskd.config.sip2_vendors: a dialect is a row there and one of the
same name here. A site's configuration goes over its dialect. Nobody may enter by a dialect that
does not say who may: a field that nobody named the values of, or flags that nobody named, let
nobody in.

Deliberately not here: guessing which library system answers.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from kioskd.config.model import SipAccess
from kioskd.config.sip2_vendors import VENDORS, Vendor
from kioskd.domain.ils import Hindrance, Hold, Refusal
from kioskd.errors import ConfigError
from sync.sip2.card_text import unsayable
from sync.sip2.charset import Charset
from sync.sip2.dialect import STATUS_FLAGS, Access, Dialect
from sync.sip2.settings import SipSettings

_STATUS: Final = MappingProxyType(
    {
        "charge_denied": Hindrance.BARRED,
        "renewal_denied": Hindrance.RENEWALS_DENIED,
        "recall_denied": Hindrance.RECALLS_DENIED,
        "hold_denied": Hindrance.HOLDS_DENIED,
        "card_lost": Hindrance.CARD_LOST,
        "too_many_charged": Hindrance.TOO_MANY_LOANS,
        "too_many_overdue": Hindrance.TOO_MANY_OVERDUE,
        "too_many_renewals": Hindrance.TOO_MANY_RENEWALS,
        "too_many_claims": Hindrance.TOO_MANY_CLAIMS,
        "too_many_lost": Hindrance.TOO_MANY_LOST,
        "excessive_fines": Hindrance.FEES,
        "excessive_fees": Hindrance.FEES,
        "recall_overdue": Hindrance.RECALL_OVERDUE,
        "too_many_billed": Hindrance.TOO_MANY_BILLED,
    }
)

# Renewals, recalls and holds denied say nothing of a new loan.
_LENDING: Final = frozenset(STATUS_FLAGS) - {
    "renewal_denied",
    "recall_denied",
    "hold_denied",
    "too_many_renewals",
}

# 01 (other), 03 (available) and 09 (to be reshelved) are no reason to refuse a loan.
_ITEM_STATUS: Final = MappingProxyType(
    {
        "02": Refusal.NOT_FOR_LOAN,
        "04": Refusal.ON_LOAN,
        "05": Refusal.ON_LOAN,
        "06": Refusal.NOT_FOR_LOAN,
        "07": Refusal.ON_LOAN,
        "08": Refusal.RESERVED,
        "10": Refusal.IN_TRANSIT,
        "11": Refusal.LOST_ITEM,
        "12": Refusal.LOST_ITEM,
        "13": Refusal.LOST_ITEM,
    }
)

_HOLDS: Final = MappingProxyType(
    {
        "00": Hold.NONE,
        "01": Hold.HERE,
        "02": Hold.ELSEWHERE,
        "03": Hold.INTERLIBRARY,
        "04": Hold.TRANSFER,
        "99": Hold.OTHER,
    }
)

BASE: Final = Dialect(
    name="base", status=_STATUS, lending=_LENDING, item_status=_ITEM_STATUS, holds=_HOLDS
)

_BARRED: Final = ("charge_denied", "renewal_denied", "hold_denied")

_KOHA: Final = replace(
    BASE,
    # Lost, or an address that is not known: one flag for both, so never told as lost.
    status={
        **_STATUS,
        **dict.fromkeys(_BARRED, Hindrance.BARRED),
        "card_lost": Hindrance.CARD_UNUSABLE,
    },
    lending=_LENDING.union(_BARRED),
    holds={**_HOLDS, "98": Hold.OTHER},  # its records of the loan contradict each other
)

SPEECH: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "koha": _KOHA,
        "koha-suomi": replace(_KOHA, holds={**_KOHA.holds, "53": Hold.OTHER}),
        "evergreen": replace(BASE, expiry_field="PA"),
        "sierra": replace(BASE, zone="zeros"),
        "polaris": BASE,
        "aurora": BASE,
        "custom": BASE,
    }
)


def joined(vendors: Mapping[str, Vendor], speech: Mapping[str, Dialect]) -> Mapping[str, Dialect]:
    """Whole dialects, of both tables.

    ValueError: one stands in one table alone, or `speech` says what `vendors` is there to say.
    """
    if alone := sorted(vendors.keys() ^ speech.keys()):
        raise ValueError(f"in one of VENDORS and SPEECH alone: {', '.join(alone)}")
    return MappingProxyType({name: _whole(name, vendors[name], speech[name]) for name in vendors})


def _whole(name: str, vendor: Vendor, speech: Dialect) -> Dialect:
    known: dict[str, Any] = {
        "name": name,
        "needs_institution": vendor.by_institution,
        "access": Access(vendor.access_field, denied=vendor.denied, numeric=vendor.numeric),
        "door": vendor.door,
    }
    if twice := [key for key in known if getattr(speech, key) != getattr(BASE, key)]:
        raise ValueError(f"{name}: {', '.join(twice)} is said in VENDORS, not in SPEECH")
    return replace(speech, **known)


DIALECTS: Final = joined(VENDORS, SPEECH)

_LANGUAGES: Final = {"en": "001", "sv": "006", "fi": "007"}
_UNKNOWN_LANGUAGE: Final = "000"

# Knobs of the configuration that go over a dialect's as they stand.
_KNOBS: Final = {
    "delimiter": "delimiter",
    "error_detection": "error_detection",
    "checksum": "checksum",
    "zone": "zone",
    "send_99": "send_status",
    "send_35": "send_end",
    "keep_alive_seconds": "keep_alive_seconds",
    "echoes_card": "echoes_card",
    "replays": "replays",
    "expiry_field": "expiry_field",
}


def dialect_of(access: SipAccess) -> Dialect:
    """The dialect with the site's own knobs over it; ConfigError for names that nobody knows."""
    base = DIALECTS.get(access.dialect)
    if base is None:
        raise ConfigError([f"register.sip2.dialect: no such dialect; one of {', '.join(DIALECTS)}"])
    changed: dict[str, Any] = {
        ours: value
        for theirs, ours in _KNOBS.items()
        if (value := getattr(access, theirs)) is not None
    }
    for key, flags in (("door", access.door_flags), ("lending", access.lending_flags)):
        if flags is not None:
            changed[key] = _flags(key, flags)
    return replace(
        base,
        charset=_charset(base.charset, access),
        access=_access(base.access, access),
        screen_messages=frozenset(access.screen_messages),
        **changed,
    )


def settings_of(
    access: SipAccess, *, password: str, terminal_password: str, branch: str, timezone: str
) -> SipSettings:
    """What a connection is made with. branch: the site's, said as AP unless one is configured.

    ConfigError where the dialect needs an institution and there is none, or where a text cannot
    stand in a message: with its key, never the text.
    """
    dialect = dialect_of(access)
    if dialect.needs_institution and not access.institution:
        raise ConfigError([no_institution(dialect)])
    made = SipSettings(
        host=access.host,
        port=access.port,
        dialect=dialect,
        tls=access.tls,
        ca_file=access.ca_file,
        user=access.user,
        password=password,
        terminal_password=terminal_password,
        institution=access.institution,
        location=access.location or branch,
        login_location=access.login_location,
        language=_LANGUAGES.get(access.language, _UNKNOWN_LANGUAGE),
        timezone=timezone,
        answer_seconds=access.answer_seconds,
        retries=access.retries,
    )
    if faults := _faults(made):
        raise ConfigError(faults)
    return made


def no_institution(dialect: Dialect) -> str:
    """The fault of a dialect that looks up who may enter by AO, and of a site that has none."""
    return (
        f"register.sip2.institution: {dialect.name} looks up who may enter by it; "
        "without it everybody might"
    )


def _faults(made: SipSettings) -> list[str]:
    said = {
        "user": made.user,
        "secret": made.password,
        "terminal_secret": made.terminal_password,
        "institution": made.institution,
        "location": made.location,
        "login_location": made.login_location,
    }
    return [
        f"register.sip2.{key}: {why}"
        for key, text in said.items()
        if (why := unsayable(text, made.dialect))
    ]


def _flags(key: str, flags: tuple[str, ...]) -> frozenset[str]:
    unknown = sorted(set(flags) - set(STATUS_FLAGS))
    if unknown:
        raise ConfigError([f"register.sip2.{key}_flags: no such flag: {', '.join(unknown)}"])
    return frozenset(flags)


def _charset(base: Charset, access: SipAccess) -> Charset:
    return Charset(access.encoding or base.encoding, access.fallback or base.fallback)


def _access(base: Access, access: SipAccess) -> Access:
    field = access.access_field or base.field
    values = access.access_values
    if field == base.field:
        return base if values is None else replace(base, allowed=frozenset(values))
    # Of a field that the dialect does not know, no value says yes until the site names it.
    return Access(field, frozenset(values or ()), denied=frozenset())

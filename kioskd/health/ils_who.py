"""Who is let in by a library system, as it was looked at: the rule, and what became of cards. Pure.

The gravest comes out of two answers: who says yes to a card that cannot exist or to a wrong PIN
must let nobody in. Deliberately not here: an opinion on a test card; its verdict is the core's own.
"""

from collections.abc import Iterator
from typing import Final

from kioskd.domain.ils import Standing
from kioskd.health.findings import Finding, bad, look, ok
from kioskd.health.ils_seen import Entrance, How, IlsLook, PatronSeen, Step
from kioskd.health.ils_ways import KEYS, LOG, stopped

_YES: Final = "Y"
_CHECK_PINS: Final = "have it check PINs of patrons (at some servers a setting of the account)"
_ASK_ABOUT: Final = "none given; with --card-stdin this tells what a test card is let into"
_ANYBODY: Final = "nobody may be let in by it"


def rule(entrance: Entrance) -> Finding:
    """Who may enter, by the dialect and the configuration."""
    if entrance.nobody:
        todo = f"set access_field and access_values, or door_flags, in {KEYS}"
        return bad("sip2 rule", "nothing tells who may enter: nobody may", todo)
    return ok("sip2 rule", f"with the right PIN{_rule(entrance)}")


def _rule(entrance: Entrance) -> str:
    flags = f"with the flag {' or '.join(entrance.flags)}" if entrance.flags else ""
    past = f"past the day in {entrance.last_day}" if entrance.last_day else ""
    if not entrance.field:
        out = " and ".join(f"those {what}" for what in (flags, past) if what)
        return f" everybody may enter but {out}"
    return f": {_values(entrance)}" + "".join(f", and not {what}" for what in (flags, past) if what)


def _values(entrance: Entrance) -> str:
    if entrance.allowed is not None:
        return f"{entrance.field} must be {' or '.join(entrance.allowed)}"
    number = ", and a number" if entrance.numeric else ""
    return f"{entrance.field} must be there and not {' or '.join(entrance.denied)}{number}"


def stranger(ils: IlsLook) -> Iterator[Finding]:
    """What it says of a card that cannot exist."""
    if ils.stopped is Step.STRANGER:
        yield stopped(ils, "pin", f"{LOG}: it was asked with 63")
    seen = ils.stranger
    if seen is None:
        return
    yield _of_stranger(seen)
    if ils.tested:
        return
    if seen.access is not None:
        told = f"{ils.entrance.field} is {seen.access or 'empty'} of a card that cannot exist"
        yield ok("sip2 access", f"{told}; it counts only beside a right PIN")
    yield ok("sip2 fields", f"arrived for a card that cannot exist: {_listed(seen)}")
    yield ok("sip2 test card", _ASK_ABOUT)


def _of_stranger(seen: PatronSeen) -> Finding:
    if seen.says_yes:
        told = f"the library system says yes to any card and PIN: {_ANYBODY}"
        return bad("sip2 pin", told, _CHECK_PINS)
    if seen.known == _YES:
        todo = "see whether it takes every text for a card; PINs are what keeps people out then"
        return look("sip2 pin", "a card that cannot exist is known to it, its PIN is not", todo)
    return ok("sip2 pin", f"a card that cannot exist is refused ({_said(seen)})")


def _said(seen: PatronSeen) -> str:
    return ", ".join(
        f"{name} {value if value else 'missing' if value is None else 'empty'}"
        for name, value in (("BL", seen.known), ("CQ", seen.right))
    )


def patron(ils: IlsLook) -> Iterator[Finding]:
    """What it says of a test card: with a wrong PIN, then with its own."""
    yield from _wrong_pin(ils)
    if ils.stopped is Step.PATRON:
        yield _not_answered(ils)
    seen = ils.patron
    if seen is None:
        return
    yield _verdict(ils, seen)
    if seen.standing in (Standing.OK, Standing.DENIED):
        yield ok(
            "sip2 lending", f"no loans: {', '.join(seen.lending)}" if seen.lending else "may borrow"
        )
        yield ok("sip2 flags", f"set for the test card: {', '.join(seen.flags) or 'none'}")
    yield ok("sip2 fields", f"arrived for the test card: {_listed(seen)}")


def _not_answered(ils: IlsLook) -> Finding:
    if ils.how is How.UNSAYABLE:
        todo = "give the card as it is printed, and its PIN as it is keyed"
        return bad("sip2 test card", f"not asked about: {ils.why}", todo)
    return stopped(ils, "test card", f"{LOG}: it was asked with 63")


def _wrong_pin(ils: IlsLook) -> Iterator[Finding]:
    if ils.stopped is Step.WRONG_PIN:
        todo = f"{LOG}; the try may count against the card until its right PIN is used once"
        yield stopped(ils, "wrong pin", todo)
    seen = ils.wrong_pin
    if seen is None:
        return
    if seen.says_yes:
        told = f"the library system says yes to a wrong PIN: {_ANYBODY}"
        yield bad("sip2 wrong pin", told, _CHECK_PINS)
        return
    yield ok("sip2 wrong pin", f"refused ({_said(seen)}); {_cost(ils.patron)}")


def _cost(patron: PatronSeen | None) -> str:
    if patron is None:
        return "it cost the card one try, until its right PIN is used"
    if patron.says_yes:
        return "it cost the card one try, which the right PIN, asked last, clears"
    return "with the PIN that was given it may have cost the card two tries"


def _verdict(ils: IlsLook, seen: PatronSeen) -> Finding:
    out, said = "would be kept out", _said(seen)
    if seen.fault:
        todo = f"if it writes card numbers in another way: echoes_card = false in {KEYS}"
        return bad("sip2 verdict", f"{out}: {seen.fault} ({said})", todo)
    if seen.standing is Standing.UNKNOWN:
        told = f"{out}: the card is not known ({said})"
        return bad("sip2 verdict", told, "give a card that exists")
    if seen.standing is Standing.WRONG:
        todo = f"was the PIN right? If so: {_CHECK_PINS}"
        return bad("sip2 verdict", f"{out}: its PIN is not confirmed ({said})", todo)
    if seen.standing is Standing.DENIED:
        return _denied(seen, f"{out}: {', '.join(seen.door)}")
    access = f", {ils.entrance.field} {seen.access}" if seen.access else ""
    if any(answer and answer.says_yes for answer in (ils.stranger, ils.wrong_pin)):
        told = f"would be let in by it ({said}{access}), and so would anybody"
        return look("sip2 verdict", told, "first mend what is bad above")
    return ok("sip2 verdict", f"this card would be let in by it ({said}{access})")


def _denied(seen: PatronSeen, told: str) -> Finding:
    if seen.unsaid:
        todo = f"see access_field in {KEYS}, and what the account may see at the library system"
        return bad("sip2 verdict", told, todo)
    todo = "if this card is meant to be let in: see the patron there, and sip2 rule"
    return look("sip2 verdict", told, todo)


def _listed(seen: PatronSeen) -> str:
    return "; ".join(seen.arrived) or "none"

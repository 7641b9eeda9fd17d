"""What is judged of a library system that was looked at over SIP2. Pure.

The gravest comes out of two answers: who says yes to a card that cannot exist and to any PIN must
let nobody in. Deliberately not here: looking (kioskd.daemon.ils_look).
"""

from collections.abc import Iterator
from typing import Final

from kioskd.health.findings import Finding, bad, look, ok
from kioskd.health.ils_seen import IlsLook, PatronSeen, Speech, StatusSeen, Step
from kioskd.health.line_alerts import CERTIFICATE_DAYS

_KEYS: Final = "[register.sip2] in the configuration"
_WITH_CARD: Final = "ask with a test card: `kioskd doctor --card-stdin`"
_YES: Final = "Y"


def ils_checks(ils: IlsLook) -> Iterator[Finding]:
    """Every finding, in the order in which a connection comes about."""
    yield from _way(ils)
    yield from _log_in(ils)
    if ils.logged_in:
        yield from _status(ils)
        yield from _stranger(ils)
        yield from _patron(ils)
        yield from _last(ils)
    if ils.speech.answers:
        yield _charset(ils.speech)
        yield _checksum(ils.speech)


def _stopped(ils: IlsLook, check: str, todo: str) -> Finding:
    return bad(f"sip2 {check}", ils.why, todo)


def _way(ils: IlsLook) -> Iterator[Finding]:
    """Name, port, TLS."""
    if ils.stopped is Step.NAME:
        yield _stopped(ils, "name", f"check host in {_KEYS}, and the name server")
        return
    if ils.addresses != (ils.host,):
        yield ok("sip2 name", f"{ils.host} is {', '.join(ils.addresses)}")
    if ils.stopped is Step.PORT:
        yield _stopped(ils, "port", f"see the server there, {_KEYS} and firewalls between")
        return
    yield ok("sip2 port", f"{ils.where} takes connections")
    if ils.stopped is Step.TLS:
        yield _stopped(ils, "tls", f"see what it names, and tls and ca_file in {_KEYS}")
    elif ils.plain:
        yield ok("sip2 tls", f"no TLS: {ils.plain}")
    elif ils.tls is not None:
        yield _tls(ils)


def _tls(ils: IlsLook) -> Finding:
    seen = ils.tls
    assert seen is not None  # noqa: S101
    told = f"{seen.version}, certificate of {seen.name}"
    if seen.days is None:
        return ok("sip2 tls", told)
    if seen.days < CERTIFICATE_DAYS:
        return look("sip2 tls", f"{told}, ends in {seen.days} days", "renew it there")
    return ok("sip2 tls", f"{told}, good for {seen.days} days")


def _log_in(ils: IlsLook) -> Iterator[Finding]:
    if ils.secret:
        yield look("sip2 log-in", f"not tried: {ils.secret}", "look as who may read it")
    elif ils.logged_in is False:
        todo = f"check user, secret and login_location in {_KEYS}; it may have been locked there"
        yield bad("sip2 log-in", "the library system refuses this account", todo)
    elif ils.stopped is Step.LOG_IN:
        yield _stopped(ils, "log-in", "see the log of the library system")
    elif ils.logged_in:
        yield ok("sip2 log-in", "accepted" if ils.account else "none: no user is configured")


def _status(ils: IlsLook) -> Iterator[Finding]:
    if ils.stopped is Step.STATUS:
        yield _stopped(ils, "status", f"does it know 99? If not: send_99 = false in {_KEYS}")
    elif ils.status is not None:
        yield _says(ils.status)
        yield _messages(ils.status)
        yield _institution(ils, ils.status.institution)
    elif not ils.asks_status:
        yield ok("sip2 status", "not asked: send_99 is false")


def _says(status: StatusSeen) -> Finding:
    asked = f"asks for time-outs of {status.timeout}, {status.retries} repeats"
    may = f"; takes {', '.join(status.may)}" if status.may else ""
    may_not = f"; says no to {', '.join(status.may_not)}" if status.may_not else ""
    if not status.online:
        todo = "ask those who run it; it serves no device now"
        return bad("sip2 status", f"says that it is off-line{may_not}", todo)
    if status.may_not:
        todo = "see the account's rights at the library system"
        return look("sip2 status", f"on-line{may}{may_not}; {asked}", todo)
    return ok("sip2 status", f"on-line{may}; {asked}")


def _messages(status: StatusSeen) -> Finding:
    if status.missing is None:
        return ok("sip2 messages", "does not say which it knows (no BX)")
    if status.missing:
        told = f"does not know {', '.join(status.missing)}"
        return look("sip2 messages", told, "what needs them will not be there on this device")
    return ok("sip2 messages", "knows all that this device asks for")


def _institution(ils: IlsLook, said: str | None) -> Finding:
    ours, theirs = ils.institution, (said or "").strip()
    if ours.strip() == theirs:
        return ok("sip2 institution", f"{theirs or 'none'}, on both sides")
    told = f"{theirs or 'none'} by its word, {ours or 'none'} in the configuration"
    todo = f"correct institution in {_KEYS}, or the account at the library system"
    if ils.entrance.by_institution:
        return bad("sip2 institution", f"{told}: who may enter is looked up by it", todo)
    return look("sip2 institution", told, todo)


def _stranger(ils: IlsLook) -> Iterator[Finding]:
    if ils.stopped is Step.STRANGER:
        yield _stopped(ils, "pin", "see the log of the library system: it was asked with 63")
    seen = ils.stranger
    if seen is None:
        return
    yield _of_stranger(seen)
    if not ils.tested:
        yield _access_of_stranger(ils, seen)
        yield ok("sip2 fields", _listed(seen))


def _of_stranger(seen: PatronSeen) -> Finding:
    if seen.known == _YES and seen.right == _YES:
        return bad(
            "sip2 pin",
            "the library system says yes to any card and PIN: nobody may be let in by it",
            "have it check PINs of patrons (at some servers a setting of the account)",
        )
    if seen.known == _YES:
        todo = "see whether it takes every text for a card; PINs are what keeps people out then"
        return look("sip2 pin", "a card that cannot exist is known to it, its PIN is not", todo)
    return ok("sip2 pin", f"a card that cannot exist is refused ({_said(seen)})")


def _said(seen: PatronSeen) -> str:
    return ", ".join(
        f"{name} {value if value else 'missing' if value is None else 'empty'}"
        for name, value in (("BL", seen.known), ("CQ", seen.right))
    )


def _access_of_stranger(ils: IlsLook, seen: PatronSeen) -> Finding:
    field = ils.entrance.field
    if not field:
        return _by_flags(ils)
    if seen.access is None:
        told = f"{field} is not told of a card that cannot exist; to see it, {_WITH_CARD}"
        return ok("sip2 access", told)
    counts = "it counts only beside a right PIN"
    return ok("sip2 access", f"{field} is {seen.access} of a card that cannot exist; {counts}")


def _by_flags(ils: IlsLook) -> Finding:
    if ils.entrance.flags:
        kept_out = ", ".join(ils.entrance.flags)
        return ok("sip2 access", f"no field tells who may enter; kept out by {kept_out}")
    todo = f"set access_field and access_values, or door_flags, in {_KEYS}"
    return bad("sip2 access", "nothing tells who may enter: nobody may", todo)


def _patron(ils: IlsLook) -> Iterator[Finding]:
    if ils.stopped is Step.PATRON:
        yield _stopped(ils, "test card", "see the log of the library system: it was asked with 63")
    seen = ils.patron
    if seen is None:
        return
    yield _of_patron(seen)
    yield _access(ils, seen)
    flags = ", ".join(seen.flags) or "none"
    yield ok("sip2 flags", f"set for the test card: {flags}")
    yield ok("sip2 fields", _listed(seen))


def _of_patron(seen: PatronSeen) -> Finding:
    if seen.known != _YES:
        return bad("sip2 test card", f"is not known ({_said(seen)})", "give a card that exists")
    if seen.right != _YES:
        todo = "was the PIN right? If so, have the library system check PINs of patrons"
        return bad("sip2 test card", f"its PIN is not confirmed ({_said(seen)})", todo)
    return ok("sip2 test card", f"is known, its PIN is right ({_said(seen)})")


def _access(ils: IlsLook, seen: PatronSeen) -> Finding:
    field = ils.entrance.field
    if not field:
        return _by_flags(ils)
    if not seen.access:
        what = "empty" if seen.access == "" else "missing"
        todo = f"see access_field in {_KEYS}, and what the account may see at the library system"
        return bad("sip2 access", f"{field} is {what}: nobody is let in", todo)
    enters = "may enter" if seen.enters else "may not enter"
    return ok("sip2 access", f"{field} is {seen.access} of the test card: {enters}")


def _last(ils: IlsLook) -> Iterator[Finding]:
    if ils.stopped is Step.END:
        todo = f"does it know 35? If not: send_35 = false in {_KEYS}"
        yield bad("sip2 end of session", ils.why, todo)
    elif ils.ended:
        yield ok("sip2 end of session", "answered")


def _listed(seen: PatronSeen) -> str:
    return f"arrived: {'; '.join(seen.arrived) or 'none'}"


# Encodings that a few letters cannot tell apart.
_ALIKE: Final = {"cp1252": "latin-1", "cp437": "cp850"}


def _charset(speech: Speech) -> Finding:
    ours, seen = speech.configured, speech.encodings
    if not seen:
        told = "every answer was plain ASCII, which is the same in all encodings"
        return ok("sip2 charset", told)
    if seen == {_ALIKE.get(ours, ours)}:
        return ok("sip2 charset", f"{ours}, as configured")
    looks = " and ".join(sorted(seen))
    foreign = seen - {"utf-8"}
    if ours == "utf-8" and len(seen) > 1 and foreign == {_alike(speech.fallback)}:
        return ok("sip2 charset", f"{looks}, mixed: each answer is read on its own")
    told = f"answers look like {looks}, the configuration says {ours}"
    best = min(seen) if len(seen) == 1 else "utf-8"
    keys = f'encoding = "{best}"'
    if foreign and best == "utf-8":
        keys += f' and fallback = "{min(foreign)}"'
    return look("sip2 charset", told, f"set {keys} in {_KEYS}")


def _alike(encoding: str) -> str:
    return _ALIKE.get(encoding, encoding)


def _checksum(speech: Speech) -> Finding:
    if not speech.detects and speech.good == speech.answers:
        return ok("sip2 checksum", "right in every answer, though error_detection is false")
    if not speech.detects:
        return ok("sip2 checksum", "none on our side: error_detection is false")
    if speech.wrong:
        told = f"wrong in {speech.wrong} of {speech.answers} answers"
        todo = f'if all are: checksum = "warn" in {_KEYS}; if few are, see the line'
        return look("sip2 checksum", told, todo)
    if speech.by_characters:
        told = "summed over characters in place of bytes; taken all the same"
        return look("sip2 checksum", told, "set an encoding for the account there (Koha: encoding)")
    if speech.unsummed:
        told = f"missing in {speech.unsummed} of {speech.answers} answers"
        todo = f"switch error detection on there, or set error_detection = false in {_KEYS}"
        return look("sip2 checksum", told, todo)
    return ok("sip2 checksum", "right in every answer")

"""What is judged of a library system that was looked at over SIP2. Pure.

Deliberately not here: looking (kioskd.daemon.ils_look), who is let in (ils_who), and what to do
about a conversation that came to an end (ils_ways).
"""

from collections.abc import Iterator
from typing import Final

from kioskd.health import ils_who
from kioskd.health.findings import Finding, bad, look, ok
from kioskd.health.ils_seen import How, IlsLook, Speech, StatusSeen, Step
from kioskd.health.ils_ways import KEYS, LOG, no_tls, stopped
from kioskd.health.line_alerts import CERTIFICATE_DAYS


def ils_checks(ils: IlsLook) -> Iterator[Finding]:
    """Every finding, in the order in which a connection comes about."""
    yield from _way(ils)
    yield from _log_in(ils)
    if ils.logged_in:
        yield from _status(ils)
        yield ils_who.rule(ils.entrance)
        yield from ils_who.stranger(ils)
        yield from ils_who.patron(ils)
        yield from _last(ils)
    if ils.speech.answers:
        yield _charset(ils.speech)
        yield _checksum(ils.speech)


def _way(ils: IlsLook) -> Iterator[Finding]:
    """Name, port, TLS."""
    if ils.stopped is Step.NAME:
        yield bad("sip2 name", ils.why, f"check host in {KEYS}, and the name server")
        return
    if ils.addresses != (ils.host,):
        yield ok("sip2 name", f"{ils.host} is {', '.join(ils.addresses)}")
    if ils.stopped is Step.PORT:
        yield stopped(ils, "port", f"see the server there, {KEYS} and firewalls between")
        return
    yield ok("sip2 port", f"{ils.where} takes connections")
    if ils.stopped is Step.TLS and ils.how is How.NO_TLS:
        yield no_tls(ils)
    elif ils.stopped is Step.TLS:
        yield stopped(ils, "tls", f"see what it names, and host and ca_file in {KEYS}")
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
        how, secret = bad if ils.secret.bad else look, ils.secret
        yield how("sip2 log-in", f"not tried: {secret.why}", secret.todo)
    elif ils.logged_in is False:
        todo = f"check user, secret and login_location in {KEYS}; it may have been locked there"
        yield bad("sip2 log-in", "the library system refuses this account", todo)
    elif ils.stopped is Step.LOG_IN:
        usual = f"is port that of SIP2? {LOG}: may this device connect, and is it full?"
        yield stopped(ils, "log-in", usual)
    elif ils.logged_in:
        yield ok("sip2 log-in", "accepted" if ils.account else "none: no user is configured")


def _status(ils: IlsLook) -> Iterator[Finding]:
    if ils.stopped is Step.STATUS:
        yield stopped(ils, "status", f"does it know 99? If not: send_99 = false in {KEYS}")
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
    todo = f"correct institution in {KEYS}, or the account at the library system"
    if ils.entrance.by_institution:
        return bad("sip2 institution", f"{told}: who may enter is looked up by it", todo)
    return look("sip2 institution", told, todo)


def _last(ils: IlsLook) -> Iterator[Finding]:
    if ils.stopped is Step.END:
        yield stopped(ils, "end of session", f"does it know 35? If not: send_35 = false in {KEYS}")
    elif ils.ended:
        yield ok("sip2 end of session", "answered")


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
    return look("sip2 charset", told, f"set {keys} in {KEYS}")


def _alike(encoding: str) -> str:
    return _ALIKE.get(encoding, encoding)


def _checksum(speech: Speech) -> Finding:
    if not speech.detects and speech.good == speech.answers:
        return ok("sip2 checksum", "right in every answer, though error_detection is false")
    if not speech.detects:
        return ok("sip2 checksum", "none on our side: error_detection is false")
    if speech.wrong:
        told = f"wrong in {speech.wrong} of {speech.answers} answers"
        todo = f'if all are: checksum = "warn" in {KEYS}; if few are, see the line'
        return look("sip2 checksum", told, todo)
    if speech.by_characters:
        told = "summed over characters in place of bytes; taken all the same"
        return look("sip2 checksum", told, "set an encoding for the account there (Koha: encoding)")
    if speech.unsummed:
        told = f"missing in {speech.unsummed} of {speech.answers} answers"
        todo = f"switch error detection on there, or set error_detection = false in {KEYS}"
        return look("sip2 checksum", told, todo)
    return ok("sip2 checksum", "right in every answer")

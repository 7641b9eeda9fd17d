"""The ways out of a conversation with a library system that came to an end. Pure.

What is likely first, then what else it may be: each names the key that it takes, so that nobody has
to know the protocol. Deliberately not here: what is well, and what is only odd (ils_checks).
"""

from collections.abc import Iterator
from typing import Final

from kioskd.health.findings import Finding, bad
from kioskd.health.ils_seen import How, IlsLook, Step

KEYS: Final = "[register.sip2]"
_IN: Final = f" in {KEYS}"  # said once is enough
LOG: Final = "see the log of the library system"
_ABOUT_CARDS: Final = frozenset({Step.STRANGER, Step.WRONG_PIN, Step.PATRON})
_TLS_THERE: Final = "if TLS is meant there: tls = true (take out tls = false)"


def stopped(ils: IlsLook, check: str, usual: str) -> Finding:
    """The step that failed. usual: what to do where nothing tells more."""
    if ils.speech.is_foreign:
        told = f"what answers there is no SIP2 ({ils.why})"
        return bad(f"sip2 {check}", told, f"check port in {KEYS}, and host")
    first, told, rest = "; ".join([*_likely(ils), usual]).partition(_IN)
    return bad(f"sip2 {check}", ils.why, first + told + rest.replace(_IN, ""))


def no_tls(ils: IlsLook) -> Finding:
    """Something listens, and no TLS came about with it."""
    todo = (
        f"if it is plain SIP2 there: tls = false in {KEYS}, on this machine alone (a tunnel) or "
        'with insecure_plaintext = "why"; else see port, and which versions of TLS it has'
    )
    return bad("sip2 tls", ils.why, todo)


def _likely(ils: IlsLook) -> Iterator[str]:
    if ils.how is How.LIMIT:
        yield f"`kioskd sip2 trace{' --card-stdin' if ils.tested else ''}` waits longer"
    if not ils.account and ils.status is None and ils.stranger is None:
        yield f"it may want a log-in: set user and secret in {KEYS}"
    if ils.speech.detects and ils.speech.unnumbered:
        yield f"its answers have no sequence number: error_detection = false in {KEYS}"
    if ils.how is How.MISHEARD:
        yield from _misheard(ils)
    elif ils.how is How.BROKEN and ils.speech.wrong:
        yield from _sums(ils)
    elif ils.how is How.CLOSED:
        yield from _closed(ils)


def _misheard(ils: IlsLook) -> Iterator[str]:
    if not ils.speech.detects:
        yield f"set error_detection = true in {KEYS}"
    elif ils.speech.wrong:
        yield from _sums(ils)
    else:  # what we make of its checksums changes nothing of what it makes of ours
        yield f"it may not take our checksums: error_detection = false in {KEYS}"
    yield "or it wants another encoding, or the line changes what is sent"


def _sums(ils: IlsLook) -> Iterator[str]:
    if ils.speech.policy == "strict":
        yield f'its checksums may be of another kind: checksum = "warn" in {KEYS}'
    if ils.speech.detects:
        yield "if that is not enough: error_detection = false"


def _closed(ils: IlsLook) -> Iterator[str]:
    if ils.plain and not ils.speech.answers:
        yield f"{_TLS_THERE} in {KEYS}"
    if ils.stopped in _ABOUT_CARDS:
        yield f"dialect or zone in {KEYS} may not be this server's"

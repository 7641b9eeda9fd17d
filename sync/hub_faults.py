"""What can go wrong between a device and its hub, in plain words, and whose fault it is.

    RegisterError
    └── HubFault            why: one of Why; retry_after: seconds that the hub asked for
        ├── TokenRevoked    401, 403: this device is not, or no longer, known
        ├── CursorGone      410: a position of another hub, another time or another branch
        ├── RequestRefused  400, 413: what was sent cannot be taken
        └── StreamDamaged   whole, but its count or digest is not what it says

A message names the hub's host and the way out. Of what a hub says only cleaned, bounded words go
into it, and never those of its `detail`, which might repeat a value.

Deliberately not here: exceptions of the HTTP library (sync.hub_broken).
"""

from enum import StrEnum
from typing import Final

import msgspec

from kioskd.errors import RegisterError
from sync.hub_wire import PROBLEM, Problem
from sync.retry import retry_after

_MAX_WORDS: Final = 120


class Why(StrEnum):
    """What a request failed by; `doctor` shows the word."""

    NAME = "name-not-found"
    NO_ROUTE = "no-route"
    REFUSED = "connection-refused"
    TLS = "tls"
    CERTIFICATE = "certificate"
    PROXY = "proxy"
    TIMEOUT = "time-out"
    BROKEN_OFF = "broken-off"
    NOT_THE_HUB = "not-the-hub"
    REDIRECT = "redirect"
    REVOKED = "token-revoked"
    GONE = "cursor-gone"
    BUSY = "hub-busy"
    REQUEST = "request-refused"
    HUB = "hub-fault"
    ANSWER = "bad-answer"
    DAMAGED = "bad-digest"
    CONFIG = "bad-configuration"


class HubFault(RegisterError):
    """A call that did not do what it should."""

    def __init__(
        self,
        why: Why,
        message: str,
        *,
        transient: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, transient=transient)
        self.why = why
        self.retry_after = retry_after


class TokenRevoked(HubFault):
    """The hub does not know this device, or no longer."""

    def __init__(self, message: str) -> None:
        super().__init__(Why.REVOKED, message, transient=False)


class CursorGone(HubFault):
    """The hub cannot go on from this position: take a snapshot."""

    def __init__(self, message: str) -> None:
        super().__init__(Why.GONE, message, transient=False)


class RequestRefused(HubFault):
    """What was sent cannot be taken; sending it again changes nothing."""

    def __init__(self, message: str) -> None:
        super().__init__(Why.REQUEST, message, transient=False)


class StreamDamaged(HubFault):
    """Lines came to their end, and their count or digest differs from the trailer's."""

    def __init__(self, message: str) -> None:
        super().__init__(Why.DAMAGED, message)


def bad_answer(message: str) -> HubFault:
    """An answer that is not what the contract says."""
    return HubFault(Why.ANSWER, message)


def not_the_hub(host: str, said: str) -> HubFault:
    """Something else answers in the hub's place."""
    return HubFault(
        Why.NOT_THE_HUB,
        f"{host}: answered with {cleaned(said)}, which a hub never sends; a captive portal or a "
        "proxy stands in between: log this network in, or correct the address",
    )


def fault_of(host: str, status: int, kind: str, asked: str | None, body: bytes) -> HubFault:
    """The fault that a status other than 200 stands for.

    kind: the media type. asked: Retry-After as it came. body: of the answer, at most a few kB.
    """
    if 300 <= status < 400:
        return _redirected(host, status)
    if status == 401:
        return TokenRevoked(_revoked(host, status))
    if kind != PROBLEM:
        return _without_problem(host, status, kind, asked)
    return _with_problem(host, status, asked, said_by(body))


def said_by(body: bytes) -> str:
    """Title and field of a problem document, cleaned; empty when it is none."""
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    said = cleaned(problem.title)
    return f"{said} ({cleaned(problem.field)})" if problem.field else said


def cleaned(text: str) -> str:
    """A text from outside as a message may show it: bounded, printable."""
    shown = "".join(c if c.isprintable() else "?" for c in text[:_MAX_WORDS])
    return shown.strip() or "nothing"


def _with_problem(host: str, status: int, asked: str | None, said: str) -> HubFault:
    if status == 403:
        return TokenRevoked(_revoked(host, status))
    if status == 410:
        return CursorGone(f"{host}: the position is of another hub, branch or time")
    if status in (400, 413, 415, 422):
        return RequestRefused(f"{host}: refused what was sent ({status}): {said}")
    if status in (429, 503):
        return _busy(host, status, asked)
    return HubFault(
        Why.HUB, f"{host}: answered {status}: {said}", transient=status >= 500 or status == 409
    )


def _without_problem(host: str, status: int, kind: str, asked: str | None) -> HubFault:
    # A proxy in front of the hub says these in words of its own.
    if status in (429, 503):
        return _busy(host, status, asked)
    if status == 413:
        return RequestRefused(f"{host}: a proxy in front of the hub takes no body of this size")
    if status in (502, 504):
        return HubFault(Why.HUB, f"{host}: a proxy answers ({status}), the hub behind it does not")
    return not_the_hub(host, f"status {status} and {kind}")


def _busy(host: str, status: int, asked: str | None) -> HubFault:
    wait = retry_after(asked)
    when = "" if wait is None else f"; again in {wait:.0f} s"
    return HubFault(Why.BUSY, f"{host}: the hub is busy ({status}){when}", retry_after=wait)


def _redirected(host: str, status: int) -> HubFault:
    return HubFault(
        Why.REDIRECT,
        f"{host}: answered with a redirect ({status}), which is never followed; "
        "correct url in [register.hub], or log this network in to its captive portal",
    )


def _revoked(host: str, status: int) -> str:
    return (
        f"{host}: token revoked or not known ({status}); "
        "enrol the device again: `kioskd setup --join CODE`"
    )

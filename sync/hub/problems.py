"""Every refusal of the hub as RFC 9457 says it, and which error becomes which status.

    Refused       what a handler raises itself: status, detail, field, when to come again
    KioskError    what the rooms behind it raise: refusal_of() says what a device is told

Nothing else gets out: an unforeseen exception is a plain 500, and its text stays here.

Deliberately not here: logging (answering), and the bytes that are no HTTP at all (front).
"""

import json
from http import HTTPStatus
from math import ceil
from typing import Final

import msgspec
from aiohttp import web

from kioskd.errors import (
    InputError,
    KioskError,
    RegisterError,
    StoreDamaged,
    StoreError,
    StoreFull,
    VaultError,
)
from sync.hub.join import WrongCode
from sync.hub.pull_standing import Gone, OtherRules
from sync.hub.slowing import TooOften
from sync.hub_wire import PROBLEM, Problem

RETRY_SECONDS: Final = 10  # what a device waits after a fault of the hub
RETRY_MOST: Final = 3600  # no answer sends a device away for longer
_DETAIL_MOST: Final = 500


class Refused(KioskError):
    """A request that is answered with a problem. field: of the request, empty when none is."""

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        title: str = "",
        field: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.problem = Problem(
            title=title or HTTPStatus(status).phrase, status=status, detail=detail, field=field
        )
        self.retry_after = retry_after


def respond(refused: Refused) -> web.Response:
    """The answer, with the headers that its status asks for."""
    response = web.Response(
        status=refused.status, body=msgspec.json.encode(refused.problem), content_type=PROBLEM
    )
    if refused.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="kioskd-hub"'
    if refused.retry_after is not None:
        seconds = min(max(1, ceil(refused.retry_after)), RETRY_MOST)
        response.headers["Retry-After"] = str(seconds)
    return response


def refusal_of(error: Exception) -> Refused:
    """What a device is told about an error of the rooms behind; 500 for what nobody foresaw."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, Gone):
        return Refused(410, str(error), title="Take a snapshot")
    if isinstance(error, TooOften):
        return Refused(429, str(error)[:_DETAIL_MOST], retry_after=error.retry_after)
    if isinstance(error, WrongCode):
        return Refused(400, str(error), title="No such code", field="code")
    if isinstance(error, InputError):
        return Refused(400, str(error)[:_DETAIL_MOST])
    return _own_fault(error)


def _own_fault(error: Exception) -> Refused:
    # Details of the hub's own faults are for its log: they name files and hosts.
    if isinstance(error, StoreFull):
        title = "The hub has no space left"
        return Refused(503, "nothing can be kept now", title=title, retry_after=60)
    if isinstance(error, StoreError | RegisterError):
        return Refused(503, _fault_said(error), retry_after=RETRY_SECONDS)
    if isinstance(error, VaultError):
        return Refused(500, "the hub's key does not open what is stored")
    return Refused(500, "a fault of the hub; its log has it")


def _fault_said(error: KioskError) -> str:
    if isinstance(error, OtherRules):
        return "this hub's configuration has other rules for the branch than its database"
    if isinstance(error, StoreDamaged):
        return "the hub's database is damaged"
    return "the hub's database does not answer"


def of_http(error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals (404, 405, 413) in the same words as ours; Allow stays."""
    response = respond(Refused(error.status))
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def raw_problem(status: int, detail: str) -> bytes:
    """A whole HTTP/1.1 answer for a connection that is closed before any request is read."""
    title = HTTPStatus(status).phrase
    body = json.dumps({"title": title, "status": status, "detail": detail}).encode()
    head = (
        f"HTTP/1.1 {status} {title}\r\nContent-Type: {PROBLEM}\r\nContent-Length: {len(body)}\r\n"
        f"Retry-After: {RETRY_SECONDS}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body

"""A line of a client as it is read, and the answers that say no.

Deliberately not here: sending them (connection), and refusals of verbs (verbs).
"""

import logging
from typing import Final

from kioskd import wire

log = logging.getLogger("kioskd.control")

_MOST_TOLD: Final = 10_000  # characters of a refusal; of whatever kind, they fit a line


def refusal(number: int | None, code: str, message: str) -> bytes:
    """An answer that says no, as a line. number: None where it could not be read."""
    told = {"code": code, "message": message[:_MOST_TOLD]}
    try:
        return wire.line({"id": number, "error": told})
    except wire.WireError:
        return wire.line({"id": number, "error": {"code": code, "message": ascii(message)[:4000]}})


def read(text: bytes) -> wire.Request | bytes | None:
    """What a line asks; or the answer to one that asks nothing, None where it needs none."""
    try:
        asked = wire.request_of(text)
    except wire.WireError as error:
        return refusal(error.id, wire.BAD_REQUEST, str(error))
    return _other_version(asked) if isinstance(asked, wire.Hello) else asked


def _other_version(hello: wire.Hello) -> bytes | None:
    if hello.protocol == wire.PROTOCOL:
        return None
    message = (
        f"the client ({hello.version or 'of an unknown version'}) speaks protocol "
        f"{hello.protocol}, this daemon protocol {wire.PROTOCOL}; restart the older one"
    )
    return refusal(None, wire.BAD_REQUEST, message)


def broken(asked: wire.Request, error: Exception) -> bytes:
    """The answer to a verb that failed by a fault of ours, which goes to the log."""
    # Where it happened, never what it says: that may be a card number or a PIN.
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at is not None else "?"
    why = f"{type(error).__name__} at {where}"
    log.error("control.verb_failed", extra={"verb": asked.verb, "why": why})
    message = f"{asked.verb} failed by a fault of the program; see control.verb_failed in its log"
    return refusal(asked.id, wire.FAILED, message)

"""Cursors: where a device stands in the changes of its hub, as opaque text. Pure.

A cursor says which hub, branch and rules it is of, the newest change that was delivered, and that
change's nonce: a database that was restored from a backup counts on with the same numbers and
other nonces, and is told apart by them. Where a page ends inside a change, the cursor also says at
which row and of which stream; the change itself is then not delivered yet.

It is no secret and proves nothing: whoever makes one up can only ask for rows of its own branch.

Deliberately not here: what a cursor is compared with (pulls).
"""

import base64
import re
from enum import IntEnum
from typing import Annotated, Final

import msgspec

MAX_TEXT: Final = 512
MAX_CHANGE: Final = 2**63 - 1
_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{1,512}")

_Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{0,32}\Z")]
_Code = Annotated[str, msgspec.Meta(max_length=64)]
_Index = Annotated[bytes, msgspec.Meta(max_length=16)]


class Within(IntEnum):
    """Which stream's order a place inside a change is of; NOTHING: all of it was delivered."""

    NOTHING = 0
    CREDENTIALS = 1
    RESTRICTIONS = 2


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """generation: digest of hub, branch and the rules of its rights. change 0: nothing yet.

    nonce: of that change's batch, empty for 0. card, feed: the last row that was delivered, where
    `within` is a stream.
    """

    version: Annotated[int, msgspec.Meta(ge=1, le=1)]
    hub: _Hex
    branch: _Code
    generation: _Hex
    change: Annotated[int, msgspec.Meta(ge=0, le=MAX_CHANGE)]
    nonce: _Hex
    within: Within
    card: _Index
    feed: _Code


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Cursor).decode


def text_of(cursor: Cursor) -> str:
    """The cursor as text of at most 512 letters, digits, - and _."""
    return base64.urlsafe_b64encode(_encode(cursor)).rstrip(b"=").decode()


def cursor_of(text: str) -> Cursor | None:
    """The cursor in a text; None for anything that `text_of` does not make."""
    if not _TEXT.fullmatch(text):
        return None
    try:
        found = _decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, msgspec.MsgspecError):
        return None
    return found if text_of(found) == text else None

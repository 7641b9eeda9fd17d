"""What the daemon and its child of the line say to each other: JSON lines over a socket pair.

The child asks, the daemon answers by the same id; two messages need no answer: the child tells how
the line is, the daemon tells it to look now.

Deliberately not here: what goes over the network (sync.hub_wire).
"""

from datetime import datetime
from typing import Final

import msgspec

from kioskd.config.model import Config, Register
from sync.hub_wire import DoorSays, PublishedConfig

NOT_TRIED: Final = "not tried yet"
MAX_LINE: Final = 4 * 1024 * 1024  # bytes; a published configuration with its lists


class Delivered(msgspec.Struct, frozen=True, tag="delivered"):
    """The hub has everything up to this row; dead: (seq, reason) of those that it will not have."""

    id: int
    journal: str
    through: int
    dead: list[tuple[int, str]] = []


class Told(msgspec.Struct, frozen=True, tag="told"):
    """The hub has these activities; keys as the journal names them."""

    id: int
    keys: list[bytes]


class Pulse(msgspec.Struct, frozen=True, tag="pulse"):
    """How is the site? For a heartbeat."""

    id: int


class Drop(msgspec.Struct, frozen=True, tag="drop"):
    """Forget the credential cache and its keys: the hub says so."""

    id: int


class Publish(msgspec.Struct, frozen=True, tag="publish"):
    """A published configuration whose signature was right. key: of whoever signed it."""

    id: int
    config: PublishedConfig
    key: str = ""


class LineState(msgspec.Struct, frozen=True, tag="state", omit_defaults=True):
    """How the line is, whenever that changes.

    up: the last try came through; why: it did not, for people. pulled: the last complete pull.
    hints: the hub tells of changes at once; else it is asked now and then. waiting, dead: events.
    certificate_days: until the hub's certificate ends. skew_seconds: this clock minus the hub's.
    refused: the hub does not know this device, or no longer. held: the cache was dropped on the
    hub's word, and is not filled again before it says so. rows: of the pull that this tells of.
    config_why: why what the hub published is not in force.
    """

    up: bool = False
    why: str = ""
    pulled: datetime | None = None
    hints: bool = False
    waiting: int = 0
    dead: int = 0
    certificate_days: int | None = None
    skew_seconds: float | None = None
    refused: bool = False
    held: bool = False
    rows: int = 0
    config_why: str = ""


Question = Delivered | Told | Pulse | Drop | Publish
Asked = Question | LineState


class SiteParts(msgspec.Struct, frozen=True):
    """What a heartbeat tells of the site; journal empty: there is none."""

    version: str
    journal: str = ""
    seq: int = 0
    hash: str = ""
    doors: list[DoorSays] = []
    alerts: list[str] = []
    config_version: int = 0
    config_key: str = ""


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The answer. fault: why it was not done; transient: it may be tried again."""

    id: int
    fault: str = ""
    transient: bool = True
    parts: SiteParts | None = None


class Now(msgspec.Struct, frozen=True, tag="now"):
    """Pull and push at once: somebody asked for it."""


def line_arguments(config: Config, log_format: str) -> list[str]:
    """The child's arguments: the file, and the register as it is in force, which may not be it."""
    register = msgspec.json.encode(config.register, enc_hook=_plain).decode()
    return [str(config.path), log_format, register]


def register_of(argument: str) -> Register:
    """The register of those arguments."""
    return msgspec.json.decode(argument, type=Register, dec_hook=lambda kind, text: kind(text))


def _plain(value: object) -> str | list[object]:
    return list(value) if isinstance(value, frozenset) else str(value)


Answered = Done | Now
encode = msgspec.json.Encoder().encode
asked = msgspec.json.Decoder(Asked).decode
answered = msgspec.json.Decoder(Answered).decode

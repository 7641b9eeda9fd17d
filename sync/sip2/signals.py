"""What a connection asks of the transport, and what it tells it. Pure.

Deliberately not here: when any of it is said (connection).
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from sync.sip2.messages import Message


class Timer(Enum):
    """ANSWER: a request has waited long enough. IDLE: nothing was said for long enough."""

    ANSWER = auto()
    IDLE = auto()


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes to be sent, with their terminator. Not shown: they may hold a PIN."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Arm:
    """Start this timer; whichever was running, of either kind, no longer counts."""

    timer: Timer
    seconds: float


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to the request in flight."""

    message: Message


@dataclass(frozen=True, slots=True)
class Told:
    """A 98 that the caller did not ask for, the answer to a keep-alive among them."""

    message: Message


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that the library system does its own way; once a connection for each kind."""

    what: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The link is to be closed: nothing more comes of it. why: words without any value."""

    why: str


Signal = Send | Arm | Answered | Told | Noted | Failed

"""A library system as it was looked at over SIP2, as frozen values.

Nothing here says who a patron is: values of fields are told only where they are known to be
harmless. Deliberately not here: anything that looks (kioskd.daemon.ils_look), and any opinion
(ils_checks).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LOOPBACK: Final = "loopback"  # why there is no TLS, where it needs no reason


class Step(StrEnum):
    """What is looked at one after the other; the first that fails is the last."""

    NAME = "name"
    PORT = "port"
    TLS = "tls"
    LOG_IN = "log-in"
    STATUS = "status"
    STRANGER = "stranger"  # a card that cannot exist
    PATRON = "patron"  # a test card
    END = "end"


@dataclass(frozen=True, slots=True)
class TlsSeen:
    """name: whom the certificate is for. days: how long it is good, None where it says nothing."""

    version: str
    name: str
    days: int | None


@dataclass(frozen=True, slots=True)
class StatusSeen:
    """The answer 98.

    institution: its AO, None without one. timeout: in words. missing: commands that this device
    needs and that BX says no to, in words; None without a BX. may: what it takes, in words;
    may_not: what it says no to.
    """

    online: bool
    may: tuple[str, ...]
    may_not: tuple[str, ...]
    timeout: str
    retries: str
    institution: str | None
    missing: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class PatronSeen:
    """The answer 64. known: BL; right: CQ; None where they are missing.

    access: value of the field that tells who may enter, None where it is missing. enters: whether
    that value says yes. arrived: each field in words, masked. flags: those set, in words.
    """

    known: str | None
    right: str | None
    access: str | None = None
    enters: bool = False
    arrived: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Speech:
    """How messages were written and summed. configured, fallback, policy, detects: by the dialect.

    encodings: what answers looked like; plain ASCII looks like nothing. answers: how many came,
    and of those good, by_characters (wrong over bytes), wrong, and the rest without a checksum.
    """

    configured: str
    fallback: str
    policy: str
    detects: bool
    encodings: frozenset[str] = frozenset()
    answers: int = 0
    good: int = 0
    by_characters: int = 0
    wrong: int = 0

    @property
    def unsummed(self) -> int:
        """Answers without a checksum."""
        return self.answers - self.good - self.by_characters - self.wrong


@dataclass(frozen=True, slots=True)
class Entrance:
    """What tells who may enter: a field of 64, or flags. by_institution: looked up by AO."""

    field: str
    flags: tuple[str, ...]
    by_institution: bool = False


@dataclass(frozen=True, slots=True)
class IlsLook:
    """The library system of [register.sip2], as far as it could be looked at.

    plain: why there is no TLS; empty where there is. secret: why the secrets could not be read.
    stopped, why: the step that failed. account: one is configured. logged_in: None before.
    refused: the account was. asks_status: 99 is sent. tested: a test card was given. ended: the
    patron's session was.
    """

    host: str
    port: int
    institution: str
    entrance: Entrance
    speech: Speech
    plain: str = ""
    account: bool = False
    asks_status: bool = True
    tested: bool = False
    addresses: tuple[str, ...] = ()
    tls: TlsSeen | None = None
    secret: str = ""
    stopped: Step | None = None
    why: str = ""
    logged_in: bool | None = None
    status: StatusSeen | None = None
    stranger: PatronSeen | None = None
    patron: PatronSeen | None = None
    ended: bool = False

    @property
    def where(self) -> str:
        """host:port."""
        return f"{self.host}:{self.port}"

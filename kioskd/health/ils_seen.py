"""A library system as it was looked at over SIP2, as frozen values.

Nothing here says who a patron is: values of fields are told only where they are known to be
harmless. Deliberately not here: anything that looks (kioskd.daemon.ils_look), and any opinion
(ils_checks).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kioskd.domain.ils import Standing

LOOPBACK: Final = "loopback"  # why there is no TLS, where it needs no reason


class Step(StrEnum):
    """What is looked at one after the other; the first that fails is the last."""

    NAME = "name"
    PORT = "port"
    TLS = "tls"
    LOG_IN = "log-in"
    STATUS = "status"
    STRANGER = "stranger"  # a card that cannot exist
    WRONG_PIN = "wrong pin"  # a test card, with a PIN that is not its own
    PATRON = "patron"  # a test card
    END = "end"


class How(StrEnum):
    """In what way a step failed, as far as the way out hangs on it."""

    OTHERWISE = "otherwise"
    LIMIT = "limit"  # the doctor waits no longer; the library system might answer yet
    CLOSED = "closed"  # the other side closed the connection
    MISHEARD = "misheard"  # it asked for the same again (96) until the end
    BROKEN = "broken"  # its answer could not be read, and not be had again
    UNSAYABLE = "unsayable"  # it was not asked: no message may carry that
    NO_TLS = "no tls"  # something listens, and no TLS came about


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A secret that could not be read. bad: not only for whoever looks here."""

    why: str
    todo: str
    bad: bool = True


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

    access: value of the field that tells who may enter, None where it is missing. arrived: each
    field in words, masked. flags: those set, in words. standing: the verdict of this device, None
    where the answer could be none to what was asked; fault: why. door: what keeps the patron out,
    in words; unsaid: that it was not said who may enter. lending: flags that keep loans from them.
    """

    known: str | None
    right: str | None
    access: str | None = None
    arrived: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    standing: Standing | None = None
    fault: str = ""
    door: tuple[str, ...] = ()
    lending: tuple[str, ...] = ()
    unsaid: bool = False

    @property
    def says_yes(self) -> bool:
        """Whether the library system says that it knows the card, and that the PIN is right."""
        return self.known == "Y" and self.right == "Y"


@dataclass(frozen=True, slots=True)
class Speech:
    """How messages were written and summed. configured, fallback, policy, detects: by the dialect.

    encodings: what answers looked like; plain ASCII looks like nothing. answers: how many came,
    and of those good, by_characters (wrong over bytes), wrong, and the rest without a checksum;
    unnumbered: without a sequence number. foreign: lines that are no answer of SIP2.
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
    unnumbered: int = 0
    foreign: int = 0

    @property
    def unsummed(self) -> int:
        """Answers without a checksum."""
        return self.answers - self.good - self.by_characters - self.wrong

    @property
    def is_foreign(self) -> bool:
        """Whether what answers speaks, and no SIP2."""
        return self.foreign > 0 and not self.answers


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who may enter: by a field of 64, by flags, by a last day.

    flags: in words; who has one is kept out. by_institution: the field is looked up by AO.
    allowed: its values that say yes; None: all but `denied`. numeric: none but a number above 0.
    last_day: a field that holds one.
    """

    field: str
    flags: tuple[str, ...]
    by_institution: bool = False
    allowed: tuple[str, ...] | None = None
    denied: tuple[str, ...] = ()
    numeric: bool = False
    last_day: str = ""

    @property
    def nobody(self) -> bool:
        """Whether nothing could ever say yes."""
        return self.allowed == () if self.field else not self.flags


@dataclass(frozen=True, slots=True)
class IlsLook:
    """The library system of [register.sip2], as far as it could be looked at.

    plain: why there is no TLS; empty where there is. secret: one that could not be read.
    stopped, how, why: the step that failed. account: one is configured. logged_in: None before.
    asks_status: 99 is sent. tested: a test card was given. wrong_pin:
    the answer about it with a wrong PIN. ended: the patron's session was.
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
    secret: Unreadable | None = None
    stopped: Step | None = None
    how: How = How.OTHERWISE
    why: str = ""
    logged_in: bool | None = None
    status: StatusSeen | None = None
    stranger: PatronSeen | None = None
    wrong_pin: PatronSeen | None = None
    patron: PatronSeen | None = None
    ended: bool = False

    @property
    def where(self) -> str:
        """host:port."""
        return f"{self.host}:{self.port}"

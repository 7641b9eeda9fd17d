"""What a connection to a library system is made with: an address, an account, a dialect. Pure.

Made from the configuration and the secrets that it points at by whoever may read them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sync.sip2.dialect import Dialect


class Way(StrEnum):
    """Which way a message went."""

    SENT = "sent"
    RECEIVED = "received"


# Sees every message as bytes, without terminator. It must mask what it shows, and never raises.
Watcher = Callable[[Way, bytes], None]


@dataclass(frozen=True, slots=True)
class SipSettings:
    """password: CO. terminal_password: AC. institution: AO. location: AP. login_location: CP.

    language: three digits. timezone: of the dates in messages. answer_seconds: for one try.
    """

    host: str
    port: int
    dialect: Dialect
    tls: bool = True
    ca_file: Path | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    terminal_password: str = field(default="", repr=False)
    institution: str = ""
    location: str = ""
    login_location: str = ""
    language: str = "007"
    timezone: str = "Europe/Helsinki"
    answer_seconds: float = 3.0
    retries: int = 3

    @property
    def where(self) -> str:
        """host:port, as messages name it."""
        return f"{self.host}:{self.port}"

"""A move of the demo's day: its library system is asked over SIP2, as a desk would.

Deliberately not here: a client that would try again (sync.sip2.client); this is a plain socket.
"""

import socket
from contextlib import closing
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from kioskd.cli.demo_config import BRANCH, TIMEZONE
from kioskd.cli.demo_ils import HOST, MISSING
from kioskd.cli.demo_script import BEFORE, Step
from kioskd.cli.demo_stage import PATIENCE_SECONDS, Stage, Unexpected
from kioskd.errors import RegisterError
from sync.demo_ils.catalogue import BROTHERS
from sync.demo_ils.people import PIN, USER, WITH_LOANS
from sync.sip2.framing import Framer
from sync.sip2.messages import Field, Message, encode, parse

TITLE: Final = "Seitsemän veljestä"
_FINNISH: Final = "007"
_LOANS: Final = "  Y       "  # of the lists of a patron
_BLOCK: Final = 4096


class Conversation:
    """A connection on which one thing is said at a time. OSError, RegisterError."""

    def __init__(self, line: socket.socket) -> None:
        self._line, self._framer, self._seq = line, Framer(), 0

    def ask(self, code: str, fixed: dict[str, str], *fields: Field) -> Message:
        """The answer to a message."""
        data = encode(Message(code, fixed, fields), seq=self._seq, checked=True)
        self._seq = (self._seq + 1) % 10
        self._line.sendall(data + b"\r")
        while not (whole := self._framer.feed(self._read())):
            pass
        return parse(whole[0])

    def _read(self) -> bytes:
        data = self._line.recv(_BLOCK)
        if not data:
            raise ConnectionResetError("hung up")
        return data


def asks_ils(stage: Stage) -> None:
    """Log-in, status, a patron with the PIN, and the title of one of their loans."""
    stage.mark("SIP2: log-in, status, patron, item")
    if stage.ils is None:
        stage.say(MISSING)
        return
    if not stage.ils.port:
        raise Unexpected("the library system did not begin to listen")
    try:
        with closing(socket.create_connection((HOST, stage.ils.port), PATIENCE_SECONDS)) as line:
            stage.say(_answered(Conversation(line), stage.ils.password))
    except (OSError, RegisterError) as error:
        raise Unexpected(f"the library system: {error}") from None


def _answered(line: Conversation, password: str) -> str:
    account = (("CN", USER), ("CO", password))
    told = line.ask("93", {"uid_algorithm": "0", "pwd_algorithm": "0"}, *account)
    _expect("log-in", told.fixed.get("ok"), "1")
    fixed = {"status_code": "0", "max_print_width": "080", "protocol_version": "2.00"}
    told = line.ask("99", fixed)
    _expect("status", told.fixed.get("online_status"), "Y")
    fixed = {"language": _FINNISH, "transaction_date": _now(), "summary": _LOANS}
    who = (("AO", BRANCH), ("AA", WITH_LOANS), ("AC", ""), ("AD", PIN))
    patron = line.ask("63", fixed, *who)
    _expect("card and PIN", (patron.first("BL"), patron.first("CQ")), ("Y", "Y"))
    _expect("a loan", BROTHERS in patron.every("AU"), True)
    item = line.ask("17", {"transaction_date": _now()}, ("AO", BRANCH), ("AB", BROTHERS))
    _expect("its title", item.first("AJ"), TITLE)
    return f"{len(patron.every('AU'))} loans, {TITLE}"


def _expect(what: str, said: object, meant: object) -> None:
    if said != meant:
        raise Unexpected(f"the library system: {what}: expected {meant!r}, got {said!r}")


def _now() -> str:
    return f"{datetime.now(ZoneInfo(TIMEZONE)):%Y%m%d    %H%M%S}"


ASKS_ILS: Final = Step("the library system answers", (asks_ils,), BEFORE)

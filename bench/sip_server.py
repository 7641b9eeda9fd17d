"""A SIP2 server for the benchmark, and a plain blocking client of it: `python -m bench.sip_server`.

The server is pysip2's, with one patron; it prints its port. Deliberately not here: the demo's
catalogue, whose rules would be in what is measured.
"""

import socket
import sys
import time
from typing import Final

import anyio
from pysip2 import PATRON_INFORMATION, PatronInformationResponse, SIP2Server
from pysip2.models import PatronInformationRequest

from sync.sip2.messages import Message, encode

CARD: Final = "167A006007"
PIN: Final = "4711"
_DATE: Final = "20261123    101500"


class RawAsker:
    """The same 63 over and over on a blocking socket; the answer is read and not looked at."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fixed = {"language": "007", "transaction_date": _DATE, "summary": " " * 10}
        fields = (("AO", "ESI"), ("AA", CARD), ("AC", ""), ("AD", PIN))
        message = Message("63", fixed, fields)
        # Two that take turns: the same one twice in a row would be answered from memory.
        self._lines = [encode(message, seq=seq, checked=True) + b"\r" for seq in range(10)]
        self._number = 0

    def took_ms(self) -> float:
        """Milliseconds from the first byte out to the last byte in."""
        self._number = (self._number + 1) % 10
        began = time.perf_counter_ns()
        self._socket.sendall(self._lines[self._number])
        answer = b""
        while not answer.endswith(b"\r"):
            answer += self._socket.recv(65_536)
        return (time.perf_counter_ns() - began) / 1e6


def patron_information(request: PatronInformationRequest) -> PatronInformationResponse:
    """What the server says of anybody."""
    return PatronInformationResponse(
        patron_status=" " * 14,
        language=request.language,
        transaction_date=_DATE,
        hold_items_count="0000",
        overdue_items_count="0000",
        charged_items_count="0000",
        fine_items_count="0000",
        recall_items_count="0000",
        unavailable_holds_count="0000",
        institution_id=request.institution_id,
        patron_identifier=request.patron_identifier,
        personal_name="",
        valid_patron="Y",
        valid_patron_password="Y" if request.patron_password == PIN else "N",
    )


async def _serve() -> None:
    app = SIP2Server(institution_id="ESI", encoding="utf-8")

    async def answered(
        request: PatronInformationRequest, context: object
    ) -> PatronInformationResponse:
        return patron_information(request)

    app.route(PATRON_INFORMATION)(answered)
    async with app.start() as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(_serve)

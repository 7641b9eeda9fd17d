"""The demo's library as a SIP2 server: two desks behind PyPI pysip2, on the loopback.

    async with serving(Library(now())) as port: ...

pysip2 answers a message that comes twice on one connection with what it said before, and does
nothing twice. Deliberately not here: a process (main).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from anyio.abc import Listener, SocketAttribute, SocketStream
from msgspec.structs import replace
from pysip2 import (
    BLOCK_PATRON,
    CHECKIN,
    CHECKOUT,
    END_PATRON_SESSION,
    FEE_PAID,
    HOLD,
    ITEM_INFORMATION,
    ITEM_STATUS_UPDATE,
    LOGIN,
    PATRON_ENABLE,
    PATRON_INFORMATION,
    PATRON_STATUS,
    RENEW,
    RENEW_ALL,
    ACSStatusResponse,
    SCStatusRequest,
    SIP2Server,
)

from sync.demo_ils.catalogue import HERE
from sync.demo_ils.loan_desk import LoanDesk
from sync.demo_ils.patron_desk import PatronDesk
from sync.demo_ils.people import PASSWORD, USER
from sync.demo_ils.rules import Library
from sync.demo_ils.saying import Now, stamp

HOST: Final = "127.0.0.1"
ZONE: Final = ZoneInfo("Europe/Helsinki")


def wall() -> datetime:
    """Now, where the library stands."""
    return datetime.now(ZONE)


class DemoServer(SIP2Server):
    """A pysip2 server on a clock of its own, serving a listener that somebody else closes.

    The listener that `start` makes is never closed, and 98 would tell the time of the machine.
    """

    def __init__(self, now: Now, **options: Any) -> None:
        super().__init__(**options)
        self._now = now

    def build_acs_status(self, request: SCStatusRequest) -> ACSStatusResponse:
        """98."""
        return replace(super().build_acs_status(request), date_time_sync=stamp(self._now()))

    async def answer(self, listener: Listener[SocketStream]) -> None:
        """Serve who connects, until cancelled."""
        await listener.serve(self._handle_connection)


def build(
    library: Library,
    *,
    encoding: str = "utf-8",
    error_detection: str = "auto",
    login: tuple[str, str] | None = (USER, PASSWORD),
    institution: str = HERE,
    login_required: bool = True,
    idle_timeout: float | None = None,
    now: Now = wall,
) -> DemoServer:
    """A server that answers from this library. login: None takes any name and password.

    error_detection: auto, or required: a message without a checksum is asked for again.
    idle_timeout: seconds after which a silent client is hung up on; None: never.
    """
    server = DemoServer(
        now,
        encoding=encoding,
        error_detection=error_detection,
        institution_id=institution,
        library_name="Esittelykirjasto",
        terminal_location=institution,
        login_required=login_required,
        idle_timeout=idle_timeout,
    )
    _ask_patrons(server, PatronDesk(library, now, institution, login))
    _ask_items(server, LoanDesk(library, now, institution))
    return server


def _ask_patrons(server: SIP2Server, desk: PatronDesk) -> None:
    server.route(LOGIN)(desk.login)
    server.route(PATRON_STATUS)(desk.patron_status)
    server.route(PATRON_INFORMATION)(desk.patron)
    server.route(END_PATRON_SESSION)(desk.end_session)
    server.route(FEE_PAID)(desk.fee_paid)
    server.route(BLOCK_PATRON)(desk.block)
    server.route(PATRON_ENABLE)(desk.enable)


def _ask_items(server: SIP2Server, desk: LoanDesk) -> None:
    server.route(CHECKOUT)(desk.checkout)
    server.route(CHECKIN)(desk.checkin)
    server.route(RENEW)(desk.renew)
    server.route(RENEW_ALL)(desk.renew_all)
    server.route(ITEM_INFORMATION)(desk.item)
    server.route(HOLD)(desk.hold)
    server.route(ITEM_STATUS_UPDATE)(desk.item_update)


@asynccontextmanager
async def serving(library: Library, *, port: int = 0, **options: Any) -> AsyncIterator[int]:
    """The port on which it is served, for the length of a block. options: those of `build`.

    OSError where that port cannot be had.
    """
    server = build(library, **options)
    async with await server.listen(HOST, port) as listener:
        bound = int(listener.extra(SocketAttribute.local_port))  # noqa: S610 - anyio's
        task = asyncio.create_task(server.answer(listener), name="demo ILS")
        try:
            yield bound
        finally:
            task.cancel()
            await asyncio.wait([task])

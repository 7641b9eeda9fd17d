"""A client on one side, the demo's library behind pysip2 on the other, a meddler between them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sync.demo_ils.people import PASSWORD
from sync.demo_ils.rules import Library
from sync.demo_ils.server import serving
from sync.sip2.charset import Charset
from sync.sip2.circulate import SipCirculation, SipPatronDesk
from sync.sip2.client import SipClient
from sync.sip2.dialects import DIALECTS
from sync.sip2.verify import SipVerifier
from tests.sip2.meddler import Meddler, Plan, passes
from tests.sip2_end.sip_end_client import CLOCK, running, settings

ZONE: Final = ZoneInfo("Europe/Helsinki")
PAUSE: Final = 0.3  # seconds between two looks at what was lost
_TURNS: Final = 50  # of the loop, in which a server reads what has arrived


@dataclass(frozen=True, slots=True)
class Setting:
    """encoding: of both sides. detection: of pysip2, auto or required. numbered: AY and AZ of ours.

    idle: seconds after which the server hangs up on a silent client. koha: lending somebody what
    they have already renews it, so that a loan which is asked for twice is seen.
    """

    encoding: str = "utf-8"
    detection: str = "auto"
    numbered: bool = True
    idle: float | None = None
    koha: bool = False


SETTINGS: Final = (
    Setting("utf-8", "auto"),
    Setting("utf-8", "required"),
    Setting("cp850", "auto"),
    Setting("cp850", "required"),
)


@dataclass(frozen=True, slots=True)
class World:
    """All that speaks and listens. meddler.port is where the client connects to."""

    library: Library
    meddler: Meddler
    client: SipClient
    verifier: SipVerifier
    circulation: SipCirculation
    desk: SipPatronDesk


@asynccontextmanager
async def world(
    setting: Setting = SETTINGS[0],
    plan: Plan = passes,
    *,
    late: float = 0.25,
    pause: float = PAUSE,
) -> AsyncIterator[World]:
    """Everything runs, and nothing of it is left: what was held up has arrived by then.

    late: seconds for which the meddler holds a message up. pause: between two looks.
    """
    library = Library(datetime.now(ZONE), renews_own_loans=setting.koha)
    served = serving(
        library,
        encoding=setting.encoding,
        error_detection=setting.detection,
        idle_timeout=setting.idle,
    )
    dialect = replace(
        DIALECTS["koha"],
        charset=Charset(setting.encoding),
        error_detection=setting.numbered,
    )
    async with served as port, Meddler(port, plan, late=late) as meddler:
        made_with = replace(settings(meddler.port, dialect), password=PASSWORD)
        async with running(made_with) as client:
            yield World(
                library,
                meddler,
                client,
                SipVerifier(client, made_with, CLOCK),
                SipCirculation(client, made_with, CLOCK, pause_seconds=pause),
                SipPatronDesk(client, made_with, CLOCK),
            )
        await _arrived(meddler, late)


async def _arrived(meddler: Meddler, late: float) -> None:
    """The client is gone; what it said and the meddler holds up goes on to the server."""
    held = set(meddler._running)
    if held:
        await asyncio.wait(held, timeout=late)
    for _ in range(_TURNS):
        await asyncio.sleep(0)

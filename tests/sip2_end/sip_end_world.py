"""A client on one side, the demo's library behind pysip2 on the other, a meddler between them."""

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
GRACE: Final = 0.3  # seconds; longer than anything is late here


@dataclass(frozen=True, slots=True)
class Setting:
    """encoding: of both sides. detection: of pysip2, auto or required. numbered: AY and AZ of ours.

    idle: seconds after which the server hangs up on a silent client.
    """

    encoding: str = "utf-8"
    detection: str = "auto"
    numbered: bool = True
    idle: float | None = None


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
    setting: Setting = SETTINGS[0], plan: Plan = passes, *, through: int = 0, late: float = 0.25
) -> AsyncIterator[World]:
    """Everything runs, and nothing of it is left. through: another port to connect to."""
    library = Library(datetime.now(ZONE))
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
                SipCirculation(client, made_with, CLOCK, grace_seconds=GRACE),
                SipPatronDesk(client, made_with, CLOCK),
            )

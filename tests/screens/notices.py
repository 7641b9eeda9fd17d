"""Every notice in every form that it takes, and the place where they are told."""

from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from kioskd.domain.notice import Notice, Shown
from kioskd.words.notices import Place

NOW: Final = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)
LANGUAGES: Final = ("fi", "sv", "en")
SIZES: Final = ((93, 28), (72, 22), (60, 16), (40, 12))
PLACE: Final = Place(
    ZoneInfo("Europe/Helsinki"),
    "+358 44 123 4567",
    15,
    {"fi": "Esimerkkilän kirjasto", "sv": "Exempelby bibliotek", "en": "Example Library"},
)
LAST_DAY: Final = date(2026, 12, 30)

SHOWN: Final = (
    *(Shown(notice) for notice in Notice),
    *(Shown(notice, until=LAST_DAY) for notice in (Notice.USE_BAN, Notice.SELF_SERVICE_BLOCK)),
    *(Shown(Notice.ENTER_PIN, digits=digits) for digits in (3, 12)),
    *(Shown(Notice.TRY_LATER, minutes=minutes) for minutes in (1, 60)),
    Shown(Notice.CLOSED, opens=datetime(2026, 11, 23, 15, tzinfo=UTC)),
    Shown(Notice.CLOSED, opens=datetime(2026, 11, 25, 7, tzinfo=UTC)),
    Shown(Notice.CLOSED, opens=datetime(2026, 12, 28, 7, 30, tzinfo=UTC)),
    Shown(Notice.FAULT, code="61"),
)

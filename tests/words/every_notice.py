"""Every notice, in every form that its words take, for tests that walk them all."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from kioskd.domain.notice import Notice, Shown
from kioskd.words import Place

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # a Monday, 10.00 in Helsinki
PLACE = Place(
    ZoneInfo("Europe/Helsinki"),
    phone="+358 40 123 4567",
    minimum_age=15,
    name={"fi": "Esimerkkilän kirjasto", "sv": "Exempelby bibliotek"},
)
_OPENINGS = [None, *(NOW + timedelta(days=days, minutes=90) for days in (0, 1, 2, 6, 7, 30))]
_FORMS = {
    Notice.ENTER_PIN: [Shown(Notice.ENTER_PIN, digits=digits) for digits in (0, 1, 4, 16)],
    Notice.TRY_LATER: [Shown(Notice.TRY_LATER, minutes=n) for n in (1, 2, 60, 1440)],
    Notice.CLOSED: [Shown(Notice.CLOSED, opens=opens) for opens in _OPENINGS],
    Notice.FAULT: [Shown(Notice.FAULT, code=code) for code in ("", "11", "61")],
    **{
        notice: [Shown(notice, until=until) for until in (None, date(2026, 12, 31))]
        for notice in (Notice.USE_BAN, Notice.SELF_SERVICE_BLOCK)
    },
}


def every_shown() -> list[Shown]:
    """Each notice at least once, each of its forms, and how a door stands while it is idle."""
    found = [shown for notice in Notice for shown in _FORMS.get(notice, [Shown(notice)])]
    standing = {Notice.CLOSED, Notice.LOCKDOWN, Notice.FAULT}
    return found + [replace(shown, standing=True) for shown in found if shown.notice in standing]

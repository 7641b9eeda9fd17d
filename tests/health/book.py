"""An alert book with everything that it wrote and told, and how a site may stand."""

from collections.abc import Mapping
from dataclasses import replace

from drivers.fakes import FakeClock
from kioskd.domain.record import NO_DETAIL, Kind, Record
from kioskd.health.alert_book import AlertBook, Earlier, Told
from kioskd.health.alerts import Conditions, Disk, DoorNow

Row = tuple[str, str | None, Mapping[str, object]]
WELL = Conditions(
    doors={"front": DoorNow(shut=True)},
    devices={"scanner": True},
    disk=Disk(10**10, 3 * 10**10),
)
AJAR = replace(WELL, doors={"front": DoorNow(shut=False)})
UNPLUGGED = replace(WELL, devices={"scanner": False})


class Book:
    """An alert book that is looked at every 5 s, and everything that it wrote and told."""

    def __init__(self, clock: FakeClock, *earlier: Earlier) -> None:
        self.clock = clock
        self.rows: list[Row] = []
        self.told: list[Told] = []
        self.book = AlertBook(clock, self.note, self.told.append, earlier)

    def note(
        self, kind: Kind, door: str | None = None, detail: Mapping[str, object] = NO_DETAIL
    ) -> None:
        self.rows.append((kind.value.removeprefix("alert."), door, detail))
        self.book.observe(self.record(kind, door or ""))

    def record(self, kind: Kind, door: str = "front") -> Record:
        return Record(self.clock.new_id(), self.clock.moment().wall, kind, door=door or None)

    def happens(self, kind: Kind, door: str = "front") -> None:
        self.book.observe(self.record(kind, door))

    async def during(self, seconds: float, now: Conditions) -> list[str]:
        """Look every 5 s for so long; what was told, as "raised device-lost scanner"."""
        before = len(self.told)
        for _ in range(int(seconds / 5)):
            await self.clock.advance(5.0)
            self.book.poll(now)
        return [as_text(one) for one in self.told[before:]]

    def current(self) -> list[str]:
        return [f"{a['alert']} {a['subject']}".strip() for a in self.book.current()]


def as_text(told: Told) -> str:
    """Such as "raised device-lost scanner"."""
    return f"{'raised' if told.raised else 'cleared'} {told.alert} {told.subject}".strip()

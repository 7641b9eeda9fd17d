"""Whatever happens to a site, its alerts are told in turn and not too often."""

import asyncio
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from drivers.fakes import FakeClock
from kioskd.domain.record import Kind
from kioskd.health.alerts import RULES, Conditions, Disk, DoorNow
from tests.health.book import Book

CONDITIONS = st.builds(
    Conditions,
    doors=st.dictionaries(st.sampled_from(["front", "back"]), st.builds(DoorNow)),
    devices=st.dictionaries(st.sampled_from(["a", "b"]), st.booleans()),
    feed_age=st.sampled_from([None, timedelta(0), timedelta(hours=30), timedelta(hours=300)]),
    maintenance=st.booleans(),
    disk=st.none() | st.builds(Disk, st.integers(0, 10**9), st.just(10**9)),
    clock_trusted=st.booleans(),
    stores=st.frozensets(st.sampled_from(["journal", "state"])),
    lockdown=st.booleans(),
)
EVENTS = st.tuples(
    st.sampled_from([Kind.DOOR_FORCED, Kind.DOOR_HELD, Kind.DOOR_CLOSED, Kind.DOOR_OPENED]),
    st.sampled_from(["front", "back"]),
)
STEPS = st.lists(st.tuples(st.floats(0, 900), CONDITIONS | EVENTS), max_size=25)


@given(STEPS)
def test_whatever_happens_each_alert_is_raised_and_cleared_in_turn(
    steps: list[tuple[float, Conditions | tuple[Kind, str]]],
) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[tuple[float, Conditions | tuple[Kind, str]]]) -> None:
    clock = FakeClock()
    book = Book(clock)
    raised: dict[tuple[str, str], float] = {}
    standing: set[tuple[str, str]] = set()
    for seconds, step in steps:
        await clock.advance(seconds)
        before = len(book.told)
        if isinstance(step, Conditions):
            book.book.poll(step)
        else:
            book.happens(*step)
        for told in book.told[before:]:
            key = (told.alert, told.subject)
            assert told.raised is (key not in standing)
            standing ^= {key}
            if told.raised:
                gap = clock.monotonic() - raised.get(key, float("-inf"))
                assert gap >= RULES[told.alert].damped
                raised[key] = clock.monotonic()
        current = {(a["alert"], a["subject"]) for a in book.book.current()}
        assert standing <= current
        assert len(book.told) == len(book.rows)

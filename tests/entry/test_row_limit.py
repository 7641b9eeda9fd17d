"""Rows of a contact that bounces: bounded, counted, and the last one is how the door stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.record import Kind
from kioskd.entry.row_limit import BURST, EVERY_SECONDS, RowLimit

Row = tuple[Kind, dict[str, object]]
KINDS = [Kind.DOOR_OPENED, Kind.DOOR_CLOSED, Kind.DOOR_FORCED]


class Rows:
    """What got written."""

    def __init__(self) -> None:
        self.written: list[Row] = []
        self.limit = RowLimit("front", lambda kind, detail: self.written.append((kind, {**detail})))

    def left_out(self) -> int:
        return sum(n for _, d in self.written if isinstance(n := d.get("left_out", 0), int))


def test_an_ordinary_day_is_written_as_it_comes() -> None:
    rows, now = Rows(), 0.0
    for _ in range(500):
        rows.limit.note(Kind.DOOR_OPENED, now, {"entry": "x"})
        now += EVERY_SECONDS
    assert rows.written == [(Kind.DOOR_OPENED, {"entry": "x"})] * 500


def test_what_waits_is_written_when_there_is_room_with_what_it_stands_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = Rows()
    for _ in range(BURST):
        rows.limit.note(Kind.DOOR_CLOSED, 0.0)
    for kind in (Kind.DOOR_FORCED, Kind.DOOR_CLOSED) * 10:
        rows.limit.note(kind, 0.1)
    assert len(rows.written) == BURST
    rows.limit.beat(0.1 + EVERY_SECONDS)
    rows.limit.beat(0.1 + 2 * EVERY_SECONDS)
    assert rows.written[BURST:] == [
        (Kind.DOOR_FORCED, {"left_out": 9}),
        (Kind.DOOR_CLOSED, {"left_out": 9}),
    ]
    assert [r.message for r in caplog.records] == ["door.flapping"]


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0, 4)), max_size=300))
def test_no_more_than_the_burst_and_one_in_five_seconds_and_nothing_goes_uncounted(
    events: list[tuple[Kind, float]],
) -> None:
    rows, now = Rows(), 0.0
    for kind, later in events:
        now += later
        rows.limit.note(kind, now)
        assert len(rows.written) <= BURST + now / EVERY_SECONDS + 1e-6
    rows.limit.beat(now + EVERY_SECONDS * len(KINDS))
    assert len(rows.written) + rows.left_out() == len(events)
    last = {kind: n for n, (kind, _) in enumerate(events)}
    written = [kind for kind, _ in rows.written]
    seen_last = {kind: len(written) - written[::-1].index(kind) for kind in set(written)}
    assert sorted(seen_last, key=lambda k: seen_last[k]) == sorted(last, key=lambda k: last[k])

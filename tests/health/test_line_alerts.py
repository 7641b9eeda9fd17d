"""When the line to the hub is something for staff, and when it is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kioskd.domain.line import LineView
from kioskd.health.alerts import RULES, Conditions

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
UP = LineView("hub", up=True, pulled=NOW, hints=True, certificate_days=90, skew_seconds=0.2)
OURS = [
    "line-refused", "cache-held", "hub-config", "events-undelivered", "events-rejected",
    "hub-certificate", "hub-clock",
]  # fmt: skip


def raised(line: LineView | None, *, already: bool = False) -> list[str]:
    conditions = Conditions(line=line, at=NOW)
    found = []
    for name in OURS:
        standing = RULES[name].standing
        assert standing is not None
        if list(standing(conditions, already)):
            found.append(name)
    return found


@pytest.mark.parametrize(
    "line",
    [
        None,
        UP,
        replace(UP, up=False, why="no network", pulled=NOW - timedelta(days=6), waiting=40),
        replace(UP, waiting=90_000),
        replace(UP, certificate_days=14, skew_seconds=60.0),
        replace(UP, pulled=None, certificate_days=None, skew_seconds=None),
    ],
)
def test_storms_and_excavators_are_no_alert(line: LineView | None) -> None:
    assert raised(line) == []


@pytest.mark.parametrize(
    ("line", "alert"),
    [
        (replace(UP, refused=True), "line-refused"),
        (replace(UP, held=True), "cache-held"),
        (replace(UP, config_why="not signed"), "hub-config"),
        (replace(UP, dead=1), "events-rejected"),
        (replace(UP, certificate_days=13), "hub-certificate"),
        (replace(UP, certificate_days=-1), "hub-certificate"),
        (replace(UP, skew_seconds=-60.1), "hub-clock"),
        (
            replace(UP, up=False, pulled=NOW - timedelta(days=7, seconds=1), waiting=1),
            "events-undelivered",
        ),
    ],
)
def test_what_staff_must_know(line: LineView, alert: str) -> None:
    assert raised(line) == [alert]


def test_what_waits_for_a_week_goes_on_over_a_restart_that_knows_no_pull() -> None:
    line = replace(UP, up=False, pulled=None, waiting=3)
    assert raised(line) == []
    assert raised(line, already=True) == ["events-undelivered"]

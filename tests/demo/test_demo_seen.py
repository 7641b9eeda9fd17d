"""What a step is held against: every difference is told, and nothing else."""

from typing import Any

import pytest

from kioskd.cli.demo_day import DAY, IMPOSSIBLE, reasons_of, unseen
from kioskd.cli.demo_devices import OFF, ON, Frame
from kioskd.cli.demo_script import granted, released
from kioskd.cli.demo_script_hub import HUB_DAY
from kioskd.cli.demo_seen import NOTHING, Expected, Seen, seen_in
from kioskd.domain.decision import Reason

WENT_IN = Seen(
    decided=("granted OK",),
    relay=("on", "off"),
    pulses=(0.2,),
    journal=("strike.released", "door.opened", "strike.secured", "door.closed"),
    notice="granted",
    lamps=("wait", "green"),
    texts=("Enter your PIN", "Access granted. Make sure that nobody enters with you."),
)


def row(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "detail": {}, **more}


def test_what_came_out_as_expected_has_no_faults() -> None:
    assert granted(display="Access granted").faults(WENT_IN) == []


@pytest.mark.parametrize(
    ("expected", "fault"),
    [
        (Expected(("denied EXPIRED",)), "decided: expected denied EXPIRED, got granted OK"),
        (Expected(), "to the relay: expected nothing, got on, off"),
        (Expected(journal=("door.forced",)), "in the journal: expected door.forced, got strike."),
        (Expected(notice="fault 22"), "the notice: expected fault 22, got granted"),
        (Expected(lamp="red"), "the lamp red did not burn; wait, green did"),
        (Expected(display="Closed"), "the display shows 'Access granted. Make sure that nobody"),
        (Expected(alerts=("door-held",)), "no alert door-held"),
        (Expected(pulse=1.0), "a pulse of 0.20 s instead of 1 s"),
        (Expected(opened=0.1), "a pulse of 0.20 s, though the door was opened"),
        (Expected(unwritten=("denied STORE_FAILED",)), "decided without a row: expected denied"),
    ],
)
def test_every_difference_is_told(expected: Expected, fault: str) -> None:
    assert any(one.startswith(fault) for one in expected.faults(WENT_IN)), expected.faults(WENT_IN)


def test_rows_that_come_in_no_one_order_are_compared_without_it() -> None:
    turned = Seen(journal=("door.closed", "door.opened"))
    rows = ("door.opened", "door.closed")
    assert Expected(journal=rows).faults(turned) != []
    assert Expected(journal=rows, in_order=False).faults(turned) == []
    assert Expected(journal=rows[:1], in_order=False).faults(turned) != []


def test_rows_that_come_as_often_as_they_come_are_compared_apart() -> None:
    expected = Expected(journal=("door.closed",), often=("sync.done",), maybe=("sync.failed",))
    for rows in (("sync.done", "door.closed"), ("sync.done", "door.closed", "sync.done")):
        assert expected.faults(Seen(journal=rows)) == []
    assert expected.faults(Seen(journal=("sync.failed", "sync.done", "door.closed"))) == []
    assert expected.faults(Seen(journal=("door.closed",))) == ["no row sync.done"]
    (fault,) = expected.faults(Seen(journal=("sync.done", "door.closed", "door.opened")))
    assert fault.startswith("in the journal: expected door.closed, got door.closed, door.opened")


def test_a_release_that_is_cut_short_is_a_fault() -> None:
    seen = Seen(
        decided=("granted OK",),
        relay=("on", "off"),
        pulses=(0.5,),
        journal=("strike.released", "door.not_opened", "strike.secured"),
        notice="granted",
    )
    assert released(0.5).faults(seen) == []
    assert released(1.0).faults(seen) == ["a pulse of 0.50 s instead of 1 s"]


def test_rows_and_frames_are_read_as_they_came() -> None:
    rows = [
        row("entry.decided", decision="granted", reason="OK"),
        row("strike.released"),
        row("alert.raised", detail={"alert": "door-forced"}),
        row("alert.cleared", detail={"alert": "door-forced"}),
    ]
    frames = [Frame(1.0, OFF), Frame(2.0, OFF), Frame(3.0, ON), Frame(3.5, OFF)]
    seen = seen_in(rows, frames)
    assert seen.decided == ("granted OK",)
    assert seen.journal == ("strike.released",)
    assert seen.alerts == ("door-forced", "door-forced: all clear")
    assert seen.relay == ("off", "on", "off")
    assert seen.pulses == (0.5,)
    assert NOTHING.faults(Seen()) == []


def test_a_day_without_a_reason_names_it() -> None:
    seen = [Seen(decided=("granted OK", "denied EXPIRED")), Seen(unwritten=("denied FEES",))]
    reasons = reasons_of(seen)
    assert reasons == {Reason.OK: 1, Reason.EXPIRED: 1, Reason.FEES: 1}
    assert set(unseen(reasons)) == set(Reason) - set(reasons) - set(IMPOSSIBLE)


def test_the_script_expects_every_reason_that_can_be_brought_about() -> None:
    told = [Seen(decided=s.expected.decided, unwritten=s.expected.unwritten) for s in DAY]
    assert unseen(reasons_of(told)) == []
    whole = (*DAY, *HUB_DAY)
    assert len({step.title for step in whole}) == len(whole)

"""The ledger notices what it is there for: on values, and on daemons with a fault put in."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kill.conftest import PIN
from tests.kill.ledger import OFF, ON, Book, Decided, Life, faults
from tests.kill.running import KILLED
from tests.kill.site import Site, card

AT = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
A, B = "aa" * 16, "bb" * 16


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def life(
    *frames: tuple[float, bytes], since: int = 0, tried: str = "", told: Sequence[str] = ()
) -> Life:
    return Life(since, [(at(t), data) for t, data in frames], tried.split(), list(told))


def book(*rows: tuple[int, float, str, str], failures: dict[str, int] | None = None) -> Book:
    decided = [Decided(seq, at(t), card, reason) for seq, t, card, reason in rows]
    counts = {row.reason: sum(r.reason == row.reason for r in decided) for row in decided}
    return Book(decided, failures or {}, counts)


def test_a_grant_and_its_pulse_fit() -> None:
    lived = life((0, OFF), (2, ON), (2.5, OFF), tried=A)
    assert faults([lived], book((1, 1, A, "OK"))) == []


def test_a_release_without_its_grant_is_found() -> None:
    lived = life((0, OFF), (2, ON), tried=A)
    told = "life 1: release 1 has no grant in the journal (0 by then)"
    assert told in faults([lived], book())
    assert told in faults([lived], book((1, 3, A, "OK")))  # it came later
    assert told in faults([lived], book((1, 1, A, "WRONG_PIN"), failures={A: 1}))


def test_the_grant_of_another_life_does_not_count() -> None:
    lives = [life((0, OFF)), life((9, OFF), (10, ON), since=1)]
    assert faults(lives, book((1, 1, A, "OK"))) != []
    assert faults(lives, book((2, 9.5, A, "OK"))) == []


def test_a_life_begins_with_the_off_frame_and_speaks_in_frames() -> None:
    assert "the first frame is a0 01 01 a2" in faults([life((0, ON), (0, OFF))], book())[0]
    assert "the first frame is 00" in faults([life((0, b"\0" + OFF))], book())[0]
    assert "no frame of a strike: a0 01" in faults([life((0, OFF + OFF[:2]))], book())[0]


@given(st.lists(st.sampled_from([OFF, OFF + ON, ON]), max_size=6), st.data())
def test_how_the_wire_was_cut_into_reads_does_not_matter(
    written: list[bytes], data: st.DataObject
) -> None:
    wire = OFF + b"".join(written)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(wire) - 1))))
    parts = [wire[i:j] for i, j in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    lived = life(*((number, part) for number, part in enumerate(parts)))
    assert len(lived.releases()) == lived.frames().count(ON)
    assert b"".join(lived.frames()) == wire
    grants = [(seq, 0.0, A, "OK") for seq in range(1, wire.count(ON) + 1)]
    assert faults([lived], book(*grants)) == []
    assert len(faults([lived], book(*grants[1:]))) == min(1, len(grants))


def test_failures_since_the_last_grant_must_stand() -> None:
    rows = [(1, 1.0, A, "WRONG_PIN"), (2, 2.0, A, "OK"), (3, 3.0, A, "WRONG_PIN")]
    lived = life((0, OFF), tried=f"{A} {A} {A}")
    assert faults([lived], book(*rows, failures={A: 1})) == []
    for failures in ({}, {A: 2}, {A: 1, B: 1}):
        assert len(faults([lived], book(*rows, failures=failures))) == 1


def test_a_try_that_was_cut_off_may_be_charged_and_must_be_when_it_was_told() -> None:
    told = life((0, OFF), tried=A, told=["charged"])
    untold = life((0, OFF), tried=A)
    assert faults([untold], book()) == []
    assert faults([untold], book(failures={A: 1})) == []
    assert faults([told], book(failures={A: 1})) == []
    assert faults([told], book()) == ["card aaaaaaaa: 0 failures, expected 1 to 1"]
    assert len(faults([untold], book(failures={A: 2}))) == 1


def test_a_scan_of_a_locked_card_is_not_charged() -> None:
    rows = [(seq, 1.0, A, "WRONG_PIN") for seq in range(1, 6)]
    lived = life((0, OFF), tried=" ".join([A] * 6))
    locked = (6, 2.0, A, "LOCKED_OUT")
    assert faults([lived], book(*rows, locked, failures={A: 5})) == []
    assert len(faults([lived], book(*rows, locked, failures={A: 6}))) == 1


def test_counts_are_those_of_the_rows() -> None:
    rows = book((1, 1, A, "OK"), (2, 2, B, "OK"))
    assert faults([], Book(rows.decided, {}, {"OK": 1})) == ["OK: 2 rows and a count of 1"]
    assert faults([], Book(rows.decided, {}, {"OK": 2, "CLOSED": 1})) == [
        "CLOSED: 0 rows and a count of 1"
    ]


@pytest.mark.kill
def test_a_daemon_that_releases_before_the_commit_is_found_out(site: Site) -> None:
    cut = site.stopping("after-on-frame", program="run-late")
    assert site.cut_off(cut, card(0), PIN) == KILLED
    site.run()
    assert site.faults() == ["life 1: release 1 has no grant in the journal (0 by then)"]


@pytest.mark.kill
def test_a_daemon_that_does_not_charge_is_found_out(site: Site) -> None:
    cut = site.stopping("before-commit", program="run-uncharged")
    assert site.cut_off(cut, card(0), PIN) == KILLED
    site.run()
    found = site.faults()
    assert len(found) == 1
    assert found[0].endswith("0 failures, expected 1 to 1")

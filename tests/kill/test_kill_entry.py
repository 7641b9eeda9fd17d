"""A daemon that is killed in the middle of an entry, at each point of it; then the next one."""

import pytest

from tests.kill.conftest import OTHER_PIN as WRONG
from tests.kill.conftest import PIN
from tests.kill.ledger import OFF, ON
from tests.kill.running import KILLED
from tests.kill.site import Site, card

pytestmark = pytest.mark.kill


@pytest.mark.parametrize("point", ["charged", "verified", "before-commit"])
def test_four_kills_buy_no_guess(site: Site, point: str) -> None:
    """Whoever cuts the power before the answer has used up his tries all the same."""
    for pin in (WRONG, PIN, WRONG, PIN):
        cut = site.stopping(point)
        assert site.cut_off(cut, card(0), pin) == KILLED
        assert ON not in cut.life.frames()
    after = site.run()
    assert site.decided(card(0)) == []
    assert site.faults() == []
    charged = site.failures(card(0))
    # The PIN is verified while the charge is being written: killed just then, it may be missing.
    assert charged == 4 or point == "verified"
    for _ in range(5 - charged):
        assert site.enter(after, card(0), WRONG) == "wrong-card-or-pin"
    assert site.enter(after, card(0), "") == "try-later"
    after.kill_after(0)
    again = site.run()
    assert site.enter(again, card(0), "") == "try-later"
    assert site.enter(again, card(1), PIN) == "granted"
    assert site.failures(card(0)) == 5
    assert site.faults() == []


def test_killed_between_commit_and_strike(site: Site) -> None:
    pins = (PIN, WRONG, PIN)
    for number, pin in enumerate(pins):
        cut = site.stopping("after-commit")
        assert site.cut_off(cut, card(number), pin) == KILLED
        assert ON not in cut.life.frames()
    after = site.run()
    assert site.faults() == []
    for number, pin in enumerate(pins):
        assert site.decided(card(number)) == ["OK" if pin == PIN else "WRONG_PIN"]
        assert site.failures(card(number)) == (0 if pin == PIN else 1)
    assert site.enter(after, card(0), PIN) == "granted"


def test_killed_while_the_strike_is_released(site: Site) -> None:
    for number in range(3):
        cut = site.stopping("after-on-frame")
        assert site.cut_off(cut, card(number), PIN) == KILLED
        assert cut.life.frames()[-1] == ON
        after = site.run()
        assert ON not in after.life.frames()
        assert site.decided(card(number)) == ["OK"]
        after.kill_after(0)
    assert site.faults() == []


def test_what_comes_after_a_kill_is_an_ordinary_day(site: Site) -> None:
    site.cut_off(site.stopping("after-on-frame"), card(0), PIN)
    after = site.run()
    assert site.enter(after, card(1), PIN) == "granted"
    after.secured_after(releases=1)
    assert site.enter(after, card(1), WRONG) == "wrong-card-or-pin"
    assert after.terminate() == 0
    assert after.life.frames().count(ON) == 1
    assert after.life.frames()[-1] == OFF
    assert site.faults() == []


def test_a_right_pin_forgets_what_kills_have_charged(site: Site) -> None:
    for _ in range(2):
        site.cut_off(site.stopping("before-commit"), card(0), WRONG)
    after = site.run()
    assert site.failures(card(0)) == 2
    assert site.enter(after, card(0), PIN) == "granted"
    after.kill_after(0)
    again = site.run()
    assert site.failures(card(0)) == 0
    assert site.enter(again, card(0), WRONG) == "wrong-card-or-pin"
    assert site.enter(again, card(0), PIN) == "granted"
    assert site.faults() == []


def test_daemons_that_are_killed_as_they_start_have_secured_the_strike(site: Site) -> None:
    site.cut_off(site.stopping("after-on-frame"), card(0), PIN)
    for _ in range(3):
        cut = site.start()
        cut.until(cut.life.frames, "frame")
        cut.kill_after(0)
        assert set(cut.life.frames()) == {OFF}
    site.run()
    assert site.faults() == []

"""Any cards and keys in any order, against a model that is plain words and no machine."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kioskd.access.lockout import LockoutPolicy
from kioskd.access.pace import PaceLimits
from kioskd.domain.notice import Notice
from kioskd.entry.access_point import Timing

if TYPE_CHECKING:
    from tests.entry.conftest import World

PINS = {"167A006007": "2580", "167A000002": "11110"}
CODES = [*PINS, "167A999999", "9789511234567"]
NO_LOCKOUT = LockoutPolicy(tries=10**6)
NO_PACE = Timing(pace=PaceLimits(failed=10**6))

scans = st.tuples(st.just("scan"), st.sampled_from(CODES))
keys = st.tuples(st.just("press"), st.sampled_from([*PINS.values(), *"0128*#", "2580#", "11110#"]))
waits = st.tuples(st.just("wait"), st.sampled_from(["0.4", "1.1", "29", "31"]))
visits = st.lists(st.one_of(scans, keys, waits), max_size=25)


@dataclass
class Model:
    """Who stands at the door, what they have typed, and who was let in."""

    now: float = 0.0
    card: str = ""
    digits: str = ""
    last: float = 0.0
    read: dict[str, float] = field(default_factory=dict)
    let_in: list[str] = field(default_factory=list)

    def scan(self, code: str) -> None:
        if code == "9789511234567":
            return
        again = self.now - self.read.get(code, -9.0) < 1.0
        self.read = {code: self.now}
        if not again and not self.card:
            self.card, self.digits, self.last = code, "", self.now

    def press(self, keys: str) -> None:
        for key in keys:
            if self.card:
                self.last = self.now
                self._key(key)

    def _key(self, key: str) -> None:
        if key == "*" and self.digits:
            self.digits = ""
        elif key == "*":
            self.card = ""
        elif key == "#" and self.digits:
            if PINS.get(self.card) == self.digits:
                self.let_in.append(self.card)
            self.card = ""
        elif key != "#" and len(self.digits) == 12:
            self.card = ""
        elif key != "#":
            self.digits += key

    def wait(self, seconds: str) -> None:
        self.now += float(seconds)
        if self.now - self.last >= 30:
            self.card = ""


async def played(new_world: "type[World]", visit: list[tuple[str, str]]) -> None:
    async with new_world(lockout=NO_LOCKOUT, timing=NO_PACE) as world:
        world.state.enrol("167A000002", PINS["167A000002"])
        model = Model()
        for act, what in visit:
            if act == "wait":
                model.wait(what)
                await world.wait(float(what))
                continue
            await world.wait(0.1)  # apart, so that no key and card come at the same instant
            model.wait("0.1")
            getattr(model, act)(what)
            await getattr(world, act)(what)
            await world.wait(0.6)  # a denial has been shown
            model.wait("0.6")
        indices = [world.index.keys_of(card).state[0] for card in model.let_in]
        granted = [row.card for row in world.decisions if row.decision and row.decision.granted]
        assert granted == indices
        assert world.strike.commands.count("on") == len(indices)
        assert world.notices.count(Notice.GRANTED) == len(indices)
        await world.wait(120)
        assert world.strike.commands[-1:] != ["on"]
        assert world.point._session.pin == ""
        assert world.point._session.card == ""


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(visits)
def test_who_is_let_in_has_scanned_their_card_and_typed_its_pin(
    new_world: "type[World]", visit: list[tuple[str, str]]
) -> None:
    asyncio.run(played(new_world, visit))

"""Whatever happens, a released strike has an end that is running, and no release ends too early."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from drivers.fakes import FakeClock, FakeStrike, settle
from kioskd.access.door_table import OPEN_STATES, RELEASED_STATES, DoorState
from kioskd.entry.doorway import Doorway
from kioskd.entry.fakes import FakeClockTrust, FakeJournal
from kioskd.entry.notebook import Notebook
from kioskd.errors import DeviceError

RETRY = 0.5  # seconds within which a relay that works again is secured
HOLD = 3.0  # seconds for which an unlock is held at a time

seconds = st.sampled_from([0.5, 1.0, 5.0, 15.0])
steps = st.sampled_from([0.0, 0.1, 0.5, 0.9, 2.9, 4.9, 5.0, 16.0])


class KeptStrike(RuleBasedStateMachine):
    """The door machine with a contact, the keeper, and a relay that comes and goes."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.strike = FakeStrike(self.clock)
        self.notebook = Notebook(FakeJournal(), self.clock, FakeClockTrust())
        self.doorway = Doorway(
            "front",
            self.strike,
            self.clock,
            self.notebook,
            has_contact=True,
            strike_there=lambda: not self.strike.absent,
        )
        self.pulse_ends = self.unlock_ends = 0.0
        self.frames = 0  # that release, and were taken
        self.watching = self.loop.create_task(self.doorway.keeper.watch())
        self.owner = self._new_owner()
        self._run(settle())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    def _new_owner(self) -> "asyncio.Task[object]":
        return self.loop.create_task(self._own())

    async def _own(self) -> object:
        return await asyncio.Event().wait()

    @property
    def works(self) -> bool:
        return not self.strike.failing and not self.strike.absent

    @property
    def now(self) -> float:
        return self.clock.monotonic()

    @property
    def ends_at(self) -> float:
        return max(self.pulse_ends, self.unlock_ends)

    def _all_ended(self) -> None:
        self.pulse_ends = self.unlock_ends = 0.0

    def _release(self, work: Coroutine[Any, Any, bool]) -> bool:
        """Whether the relay took the frame; if not, nothing is released any more."""
        try:
            released = self.loop.run_until_complete(work)
        except DeviceError:
            assert not self.works
            self._all_ended()
            return False
        assert released
        self.frames += 1
        return True

    @property
    def locks(self) -> int:
        return self.doorway.locks

    @rule(seconds=seconds)
    def grant(self, seconds: float) -> None:
        if self._release(self.doorway.release(seconds, "entry", self.owner, self.locks)):
            self.pulse_ends = max(self.pulse_ends, self.now + seconds)
        self._run(settle())

    @rule()
    @precondition(lambda self: self.now >= self.unlock_ends)
    def the_schedule_unlocks(self) -> None:
        unlock = self.doorway.unlock(HOLD, "row", self.owner, self.locks, "not held")
        if self._release(unlock):
            self.unlock_ends = self.now + HOLD
        self._run(settle())

    @rule()
    def the_unlock_is_held_again(self) -> None:
        held = self.doorway.keeper.hold_again(HOLD, "not held")
        assert held == (self.now < self.unlock_ends)
        if held:
            self.unlock_ends = self.now + HOLD

    @rule()
    def the_unlock_is_over(self) -> None:
        self.doorway.end_unlock("schedule")
        self.unlock_ends = 0.0
        self._run(settle())

    @rule(seconds=steps)
    def time_passes(self, seconds: float) -> None:
        self._run(self.clock.advance(seconds))
        self.doorway.beat()

    @rule()
    def end_early(self) -> None:
        self.doorway.keeper.end_now()
        self._all_ended()
        self._run(settle())

    @rule()
    def staff_lock(self) -> None:
        try:
            self._run(self.doorway.lock())
        except DeviceError:
            assert not self.works
        self._all_ended()
        self._run(settle())

    @rule(ago=st.integers(1, 3))
    def what_was_asked_for_before_a_lock_comes_after_it(self, ago: int) -> None:
        locks = self.locks
        self.doorway.locks += ago
        release = self.doorway.release(1.0, "entry", self.owner, locks)
        unlock = self.doorway.unlock(HOLD, "row", self.owner, locks, "not held")
        assert not self.loop.run_until_complete(release)
        assert not self.loop.run_until_complete(unlock)

    @rule(closed=st.booleans(), first=st.booleans())
    def the_contact_tells(self, closed: bool, first: bool) -> None:
        opens = self.doorway.closed is True and not closed and not first
        if opens and self.doorway.state is DoorState.RELEASED:
            self._all_ended()
        self.doorway.contact(closed=closed, at=self.now, first=first)
        self._run(settle())

    @rule()
    def the_contact_is_lost(self) -> None:
        self.doorway.contact_lost()
        self._run(settle())

    @rule()
    def the_button_inside_is_pressed(self) -> None:
        self.doorway.rex(self.now)

    @rule()
    def the_door_task_dies_and_begins_anew(self) -> None:
        self.owner.cancel()
        self._run(settle())
        self.owner = self._new_owner()
        self._all_ended()
        self._run(settle())

    @rule()
    @precondition(lambda self: self.works)
    def the_relay_fails(self) -> None:
        self.strike.failing = True

    @rule()
    @precondition(lambda self: self.works)
    def the_relay_is_unplugged(self) -> None:
        # It comes back secured, and nobody releases it again.
        self.strike.absent = True
        self.doorway.strike_lost()
        self._all_ended()
        self._run(settle())

    @rule()
    @precondition(lambda self: not self.works)
    def the_relay_works_again(self) -> None:
        self.strike.failing = self.strike.absent = False
        self._run(self.clock.advance(RETRY))

    @invariant()
    def a_released_strike_has_an_end(self) -> None:
        if self._is_released():
            assert self.doorway.keeper.released
            assert not self.watching.done()
            if self.works:
                assert self.now < self.ends_at

    @invariant()
    def a_release_has_its_whole_time(self) -> None:
        if self.works and self.now < self.ends_at:
            assert self._is_released()

    @invariant()
    def each_release_is_one_frame(self) -> None:
        assert self.strike.commands.count("on") == self.frames

    @invariant()
    def the_door_stands_as_strike_and_contact_say(self) -> None:
        state = self.doorway.state
        assert (state in RELEASED_STATES) <= self.doorway.keeper.released
        if state is not DoorState.UNKNOWN:
            assert (state in OPEN_STATES) == (self.doorway.closed is False)

    def _is_released(self) -> bool:
        return self.strike.commands[-1:] == ["on"]

    def teardown(self) -> None:
        self.strike.failing = self.strike.absent = False
        self.watching.cancel()
        self.owner.cancel()
        self._run(self.clock.advance(RETRY))
        assert self.strike.commands[-1] == "off"
        assert self.watching.done()
        self.loop.close()


KeptStrike.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestKeptStrike = KeptStrike.TestCase

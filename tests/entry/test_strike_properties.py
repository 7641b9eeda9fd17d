"""Whatever happens, a released strike has an end that is running, and no grant ends too early."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from drivers.fakes import FakeClock, FakeStrike, settle
from kioskd.entry.doorway import Doorway
from kioskd.entry.fakes import FakeClockTrust, FakeJournal
from kioskd.entry.notebook import Notebook
from kioskd.errors import DeviceError

RETRY = 0.5  # seconds within which a relay that works again is secured

seconds = st.sampled_from([0.5, 1.0, 5.0, 15.0])
steps = st.sampled_from([0.0, 0.1, 0.5, 0.9, 4.9, 5.0, 20.0])


class KeptStrike(RuleBasedStateMachine):
    """The door machine, the keeper and a relay that comes and goes."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.strike = FakeStrike(self.clock)
        trust = FakeClockTrust()
        self.notebook = Notebook(FakeJournal(), self.clock, trust)
        self.doorway = Doorway("front", self.strike, self.clock, self.notebook, has_contact=False)
        self.ends_at = 0.0
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

    @rule(seconds=seconds)
    def grant(self, seconds: float) -> None:
        try:
            self._run(self.doorway.release(seconds, "entry", self.owner))
        except DeviceError:
            assert not self.works
            self.ends_at = 0.0
        else:
            self.ends_at = max(self.ends_at, self.now + seconds)
        self._run(settle())

    @rule(seconds=steps)
    def time_passes(self, seconds: float) -> None:
        self._run(self.clock.advance(seconds))

    @rule()
    def end_early(self) -> None:
        self.doorway.keeper.end_now()
        self.ends_at = 0.0
        self._run(settle())

    @rule()
    def the_door_task_dies_and_begins_anew(self) -> None:
        self.owner.cancel()
        self._run(settle())
        self.owner = self._new_owner()
        self.ends_at = 0.0
        self._run(settle())

    @rule()
    @precondition(lambda self: self.works)
    def the_relay_fails(self) -> None:
        self.strike.failing = True

    @rule()
    @precondition(lambda self: self.works)
    def the_relay_is_unplugged(self) -> None:
        self.strike.absent = True

    @rule()
    @precondition(lambda self: not self.works)
    def the_relay_works_again(self) -> None:
        # Unplugged in the middle of a pulse, it comes back secured and nobody releases it again.
        self.ends_at = 0.0 if self.strike.absent else self.ends_at
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
    def a_grant_has_its_whole_time(self) -> None:
        if self.works and self.now < self.ends_at:
            assert self._is_released()

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


KeptStrike.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestKeptStrike = KeptStrike.TestCase

"""The panel before the lamps: which light, which tone, and what a session sounds like."""

import logging

import pytest

from drivers.fakes import FakeClock, FakeIndicator
from kioskd.domain.face import Light, Tone
from kioskd.domain.notice import Notice, Shown
from kioskd.entry.faces import AGAIN_SECONDS, IndicatorPanel
from tests.devices.tasks import held


async def test_every_key_of_a_session_sounds_the_same(clock: FakeClock) -> None:
    """Digits, the key that clears them, the one that ends, the one that cancels."""
    lamps = FakeIndicator()
    panel = IndicatorPanel("front", lamps, clock)
    pressed = [
        Shown(Notice.ENTER_PIN, digits=1),
        Shown(Notice.ENTER_PIN, digits=2),
        Shown(Notice.ENTER_PIN, digits=0),
        Shown(Notice.ENTER_PIN, digits=1),
        Shown(Notice.WAIT),
    ]
    async with held(panel.run()):
        await clock.advance(0.1)
        for shown in [Shown(Notice.ENTER_PIN), *pressed, Shown(Notice.IDLE)]:
            panel.show(shown)
            await clock.advance(0.1)
        assert [tone for _, tone in lamps.shown] == [Tone.NONE, Tone.PLEASE, *[Tone.KEY] * 6]


async def test_lamps_go_out_when_the_door_is_idle_again(clock: FakeClock) -> None:
    lamps = FakeIndicator()
    panel = IndicatorPanel("front", lamps, clock)
    async with held(panel.run()):
        for shown in (Shown(Notice.FULL), Shown(Notice.IDLE)):
            panel.show(shown)
            await clock.advance(1)
        assert lamps.shown == [(Light.RED, Tone.DENIED), (Light.OFF, Tone.NONE)]


async def test_lamps_go_out_when_their_door_ends(clock: FakeClock) -> None:
    lamps = FakeIndicator()
    panel = IndicatorPanel("front", lamps, clock)
    panel.show(Shown(Notice.GRANTED))
    async with held(panel.run()):
        await clock.advance(1)
    assert lamps.shown == [(Light.GREEN, Tone.GRANTED), (Light.OFF, Tone.NONE)]


async def test_lamps_that_are_away_when_their_door_ends_hold_up_nobody(clock: FakeClock) -> None:
    lamps = FakeIndicator()
    lamps.failing = True
    async with held(IndicatorPanel("front", lamps, clock).run()):
        await clock.advance(1)
    assert lamps.shown == []


async def test_the_same_denial_twice_sounds_twice(clock: FakeClock) -> None:
    lamps = FakeIndicator()
    panel = IndicatorPanel("front", lamps, clock)
    async with held(panel.run()):
        for _ in range(2):
            panel.show(Shown(Notice.CLOSED))
            await clock.advance(1)
        assert lamps.shown == [(Light.RED, Tone.DENIED)] * 2


async def test_lamps_that_are_away_are_told_of_once_and_lit_without_a_sound_when_back(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="kioskd.panel")
    lamps = FakeIndicator()
    lamps.failing = True
    panel = IndicatorPanel("front", lamps, clock)
    async with held(panel.run()):
        panel.show(Shown(Notice.GRANTED))
        await clock.advance(AGAIN_SECONDS * 3)
        lamps.failing = False
        await clock.advance(AGAIN_SECONDS)
        assert lamps.shown == [(Light.GREEN, Tone.NONE)]
    assert [r.getMessage() for r in caplog.records] == ["panel.failed", "panel.back"]

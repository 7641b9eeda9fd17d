"""Lamps and tones at a door: one lamp at a time, the same for every denial, off at the end."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.fakes import FakeClock, FakeWatch, settle
from drivers.relay_indicator import AGAIN_SECONDS, BOARD_SECONDS, OUTPUTS, PATTERNS, RelayIndicator
from drivers.simulated import running
from kioskd.config.model import DeviceConfig
from kioskd.domain.face import Light, Tone
from kioskd.entry.faces import IndicatorPanel
from kioskd.errors import DeviceError
from kioskd.words import face
from tests.devices.tasks import held
from tests.words.every_notice import every_shown

CONFIG = DeviceConfig("lamps", "relay-indicator", "", relay="relay", red=2, green=3, wait=4, tone=5)
LAMPS = {"red", "green", "wait"}


@dataclass
class Board:
    """Switches by name, what burns, and every change with its time."""

    clock: FakeClock
    away: bool = False
    burning: set[str] = field(default_factory=set)
    log: list[tuple[float, str, bool]] = field(default_factory=list)
    most_lamps: int = 0

    def switches(self, *names: str) -> "dict[str, BoardSwitch]":
        return {name: BoardSwitch(self, name) for name in names or OUTPUTS}

    def set(self, name: str, on: bool) -> None:
        if self.away:
            raise DeviceError("relay: not connected; plug it in")
        if on is not (name in self.burning):
            self.log.append((self.clock.monotonic(), name, on))
        (self.burning.add if on else self.burning.discard)(name)
        self.most_lamps = max(self.most_lamps, len(self.burning & LAMPS))

    def beeps(self) -> list[float]:
        """How long each sound lasted, in seconds."""
        times = [at for at, name, _ in self.log if name == "tone"]
        return [round(off - on, 3) for on, off in zip(times[::2], times[1::2], strict=True)]


@dataclass
class BoardSwitch:
    """A Switch of a Board."""

    board: Board
    name: str

    async def turn(self, *, on: bool) -> None:
        self.board.set(self.name, on)


@pytest.fixture
def board(clock: FakeClock) -> Board:
    return Board(clock)


@pytest.fixture
def watch() -> FakeWatch:
    return FakeWatch()


@pytest.fixture
def lamps(board: Board, clock: FakeClock, watch: FakeWatch) -> RelayIndicator:
    return RelayIndicator(CONFIG, board.switches(), clock, watch)


# Every notice on lamps


async def test_every_notice_lights_its_lamp_and_sounds_its_tone(
    lamps: RelayIndicator, board: Board, clock: FakeClock
) -> None:
    for shown in every_shown():
        board.log.clear()
        panel = IndicatorPanel("front", lamps, clock)
        panel.show(shown)
        async with running(lamps), held(panel.run()):
            await clock.advance(1.5)
            light, tone = face(shown).light, face(shown).tone
            assert board.burning == ({light.value} & LAMPS), shown
            assert board.beeps() == [on for on, _ in PATTERNS[tone]], shown
    assert board.most_lamps == 1


async def test_a_denial_sounds_twice_and_an_entry_long(
    lamps: RelayIndicator, board: Board, clock: FakeClock
) -> None:
    sounds = {}
    async with running(lamps):
        for tone in Tone:
            board.log.clear()
            await lamps.indicate(Light.OFF, tone)
            await clock.advance(2)
            sounds[tone] = board.beeps()
    assert len(sounds[Tone.DENIED]) == 2
    assert [len(sounds[tone]) for tone in (Tone.NONE, Tone.KEY, Tone.PLEASE, Tone.GRANTED)] == [
        0,
        1,
        1,
        1,
    ]
    assert sounds[Tone.KEY][0] < sounds[Tone.PLEASE][0] < sounds[Tone.GRANTED][0]


async def test_all_is_off_when_it_starts_and_when_it_ends(
    lamps: RelayIndicator, board: Board, clock: FakeClock
) -> None:
    board.burning = set(OUTPUTS)
    async with running(lamps):
        assert board.burning == set()
        await lamps.indicate(Light.GREEN, Tone.GRANTED)
        await settle()
        assert board.burning == {"green", "tone"}
    assert board.burning == set()


async def test_a_new_notice_cuts_the_sound_of_the_last_one_short(
    lamps: RelayIndicator, board: Board, clock: FakeClock
) -> None:
    async with running(lamps):
        await lamps.indicate(Light.GREEN, Tone.GRANTED)
        await clock.advance(0.1)
        await lamps.indicate(Light.RED, Tone.NONE)
        await clock.advance(2)
        assert board.beeps() == [0.1]
        assert board.burning == {"red"}


async def test_an_output_that_is_not_wired_stays_dark(board: Board, clock: FakeClock) -> None:
    lamps = RelayIndicator(CONFIG, board.switches("red"), clock, FakeWatch())
    async with running(lamps):
        await lamps.indicate(Light.WAIT, Tone.PLEASE)
        assert board.burning == set()
        await lamps.indicate(Light.RED, Tone.DENIED)
        await clock.advance(1)
        assert board.burning == {"red"}


async def test_what_should_burn_is_sent_again(
    lamps: RelayIndicator, board: Board, clock: FakeClock
) -> None:
    """The board forgets: its power was away, and nobody was told."""
    async with running(lamps):
        await lamps.indicate(Light.GREEN, Tone.NONE)
        board.burning.clear()
        await clock.advance(AGAIN_SECONDS * 1.1)
        assert board.burning == {"green"}


async def test_a_lost_board_is_told_once_and_burns_again_when_it_is_back(
    lamps: RelayIndicator, board: Board, clock: FakeClock, watch: FakeWatch
) -> None:
    async with running(lamps):
        await lamps.indicate(Light.RED, Tone.NONE)
        board.away = True
        await clock.advance(AGAIN_SECONDS * 5)
        assert not lamps.present
        with pytest.raises(DeviceError, match="lamps: its relay board is away"):
            await lamps.indicate(Light.WAIT, Tone.PLEASE)
        board.away = False
        board.burning.clear()
        await clock.advance(5)
        assert board.burning == {"wait"}
    assert watch.events == [("lost", "lamps"), ("back", "lamps")]
    assert board.beeps() == []  # a sound that was missed is not made up for


async def test_the_call_during_which_the_board_is_lost_says_so(
    lamps: RelayIndicator, board: Board
) -> None:
    async with running(lamps):
        board.away = True
        with pytest.raises(DeviceError, match="not connected"):
            await lamps.indicate(Light.RED, Tone.DENIED)


async def test_a_board_that_is_opened_a_moment_later_was_never_lost(
    lamps: RelayIndicator, board: Board, clock: FakeClock, watch: FakeWatch
) -> None:
    board.away = True
    async with held(lamps.run()):
        await clock.advance(BOARD_SECONDS / 2)
        board.away = False
        await clock.advance(BOARD_SECONDS / 2)
        assert await lamps.tried()
    assert watch.events == []


async def test_a_board_that_is_not_there_is_told_after_it_was_tried(
    lamps: RelayIndicator, board: Board, clock: FakeClock, watch: FakeWatch
) -> None:
    board.away = True
    async with held(lamps.run()):
        await clock.advance(BOARD_SECONDS + 0.2)
        assert not await lamps.tried()
    assert watch.events == [("lost", "lamps")]


moments = st.lists(
    st.tuples(
        st.sampled_from(Light), st.sampled_from(Tone), st.floats(0, 3), st.booleans() | st.none()
    ),
    max_size=12,
)


@given(moments)
def test_there_is_one_lamp_at_most_and_no_sound_goes_on(
    played: list[tuple[Light, Tone, float, bool | None]],
) -> None:
    """Whatever is asked for, whenever, on a board that goes and comes."""

    async def play() -> None:
        clock = FakeClock()
        board = Board(clock)
        lamps = RelayIndicator(CONFIG, board.switches(), clock, FakeWatch())
        async with held(lamps.run()):
            for light, tone, seconds, away in played:
                board.away = board.away if away is None else away
                asked = asyncio.create_task(lamps.indicate(light, tone))
                await clock.advance(seconds)
                await asyncio.gather(asked, return_exceptions=True)
                assert len(board.burning & LAMPS) <= 1
            board.away = False
            await clock.advance(10)
            last = played[-1][0].value if played else "off"
            assert board.burning == {last} & LAMPS
        assert board.burning == set()

    asyncio.run(play())

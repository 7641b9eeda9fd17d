"""Every notice on a text display, read as a person would read it; and the panel behind it."""

import logging
import unicodedata
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from drivers.fakes import FakeClock, FakeDisplay, FakePanel, FakeWatch
from drivers.serial_display import SerialDisplay
from drivers.simulated import SimulatedPty, SimulatedServer, running
from kioskd.config.model import DeviceConfig
from kioskd.domain.notice import Notice, Shown
from kioskd.entry.faces import AGAIN_SECONDS, TURN_SECONDS, DisplayPanel, FanPanel
from kioskd.errors import ConfigError, DeviceError
from kioskd.words import languages, said, site_name, time_text
from tests.devices.display_model import DisplayModel
from tests.devices.tasks import held
from tests.words.every_notice import NOW, PLACE, every_shown

Until = Callable[[Callable[[], bool]], Awaitable[None]]
Line = SimulatedPty | SimulatedServer
FI, SV, EN = "Lue kirjastokortti", "Läs in bibliotekskortet", "Scan your library card"


class Door:
    """A display on a line, and a person who reads it."""

    def __init__(self, line: Line, clock: FakeClock, watch: FakeWatch, rom: str) -> None:
        self._line = line
        self.screen = DisplayModel(rom)
        config = DeviceConfig("front-display", "serial-display", line.port, characters=rom)
        self.display = SerialDisplay(config, clock, watch)

    def reads(self) -> str:
        """All that it shows, as one line of words."""
        self.screen.feed(self._line.received())
        return self.screen.text()

    def rows(self) -> list[str]:
        """Its rows, without the spaces at their ends."""
        self.screen.feed(self._line.received())
        return [row.rstrip() for row in self.screen.rows()]

    def replaced(self) -> None:
        """Another display of the same kind is plugged in, with what its memory happens to hold."""
        self.screen.feed(b"@" * 20)
        self.screen.strays.clear()


@pytest.fixture(params=["pty", "tcp"])
def line(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Line]:
    with SimulatedPty(tmp_path / "port") if request.param == "pty" else SimulatedServer() as found:
        yield found


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def watch() -> FakeWatch:
    return FakeWatch()


class Recorder(FakeDisplay):
    """A display that also counts how often it was tried."""

    tries = 0

    async def write(self, lines: Sequence[str]) -> None:
        self.tries += 1
        await super().write(lines)

    @property
    def words(self) -> str:
        """What it shows now."""
        return " ".join(" ".join(self.pages[-1]).split())


def panel(display: SerialDisplay | Recorder, clock: FakeClock, *spoken: str) -> DisplayPanel:
    return DisplayPanel("front", display, PLACE, spoken or ("fi", "sv", "en"), clock)


# Every notice, in every language, on every kind of display


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("rom", ["hd44780-a00", "hd44780-a02", "ascii"])
async def test_every_notice_is_read_whole(
    line: Line, clock: FakeClock, watch: FakeWatch, until: Until, rom: str, language: str
) -> None:
    door = Door(line, clock, watch, rom)
    shows = panel(door.display, clock, language)
    async with running(door.display), held(shows.run()):
        for shown in every_shown():
            shows.show(shown)
            await until(lambda shown=shown: door.reads() == _expected(shown, clock, language, rom))  # type: ignore[misc]
    assert door.screen.strays == []
    assert watch.events == []


def _expected(shown: Shown, clock: FakeClock, language: str, rom: str) -> str:
    words = said(shown, language, PLACE, clock.wall).short
    if shown.notice is Notice.IDLE:
        words = f"{site_name(PLACE, language)} {words}"
    if shown.notice is Notice.FAULT:
        words += f" {time_text(clock.wall, language, PLACE.zone)}"
    words = " ".join([*words.split(), "*" * shown.digits]).strip()
    return words if rom != "ascii" else _plain(words)


def _plain(words: str) -> str:
    apart = unicodedata.normalize("NFD", words)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


async def test_a_pin_is_dots_and_no_digit(
    line: Line, clock: FakeClock, watch: FakeWatch, until: Until
) -> None:
    door = Door(line, clock, watch, "hd44780-a00")
    shows = panel(door.display, clock, "fi")
    async with running(door.display), held(shows.run()):
        for digits in (0, 1, 2, 3):
            shows.show(Shown(Notice.ENTER_PIN, digits=digits))
        await until(lambda: door.rows() == ["Syötä tunnusluku", "", "", "***"])


async def test_an_idle_door_names_its_library(
    line: Line, clock: FakeClock, watch: FakeWatch, until: Until
) -> None:
    door = Door(line, clock, watch, "hd44780-a00")
    async with running(door.display), held(panel(door.display, clock, "sv").run()):
        await until(
            lambda: door.rows() == ["Exempelby bibliotek", "", "Läs in", "bibliotekskortet"]
        )


async def test_a_fault_shows_whom_to_call_its_code_and_the_time(
    line: Line, clock: FakeClock, watch: FakeWatch, until: Until
) -> None:
    door = Door(line, clock, watch, "hd44780-a00")
    shows = panel(door.display, clock, "fi")
    shows.show(Shown(Notice.FAULT, code="31"))
    async with running(door.display), held(shows.run()):
        rows = ["Ovi ei juuri nyt", "toimi. Soita", "+358 40 123 4567.", "Koodi 31.  klo 10.00"]
        await until(lambda: door.rows() == rows)


async def test_a_display_that_comes_back_shows_what_is_to_be_shown_then(
    line: Line, clock: FakeClock, watch: FakeWatch, until: Until
) -> None:
    door = Door(line, clock, watch, "hd44780-a00")
    shows = panel(door.display, clock, "fi")
    async with running(door.display), held(shows.run()):
        await until(lambda: FI in door.reads())
        line.unplug()
        await until(lambda: not door.display.present)
        shows.show(Shown(Notice.LOCKDOWN))
        door.replaced()
        line.plug()
        await until(lambda: door.reads() == "Kirjasto on toistaiseksi suljettu.")
    assert watch.events == [("lost", "front-display"), ("back", "front-display")]


async def test_a_display_that_was_replaced_while_nothing_changed_is_painted_again(
    line: Line, clock: FakeClock, watch: FakeWatch, until: Until
) -> None:
    door = Door(line, clock, watch, "hd44780-a00")
    async with running(door.display), held(panel(door.display, clock, "fi").run()):
        await until(lambda: FI in door.reads())
        line.unplug()
        door.replaced()
        line.plug()
        await until(lambda: watch.events == [("lost", "front-display"), ("back", "front-display")])
        await until(lambda: door.reads() == f"Esimerkkilän kirjasto {FI}")


async def test_writing_to_a_display_that_is_away_says_so(
    tmp_path: Path, clock: FakeClock, watch: FakeWatch
) -> None:
    config = DeviceConfig("front-display", "serial-display", str(tmp_path / "port"))
    display = SerialDisplay(config, clock, watch)
    async with running(display) as there:
        assert not there
        for lines in (["Odota hetki."], []):
            with pytest.raises(DeviceError, match="front-display: not connected"):
                await display.write(lines)


async def test_what_a_display_says_is_not_listened_to(
    line: Line, clock: FakeClock, watch: FakeWatch, until: Until
) -> None:
    door = Door(line, clock, watch, "ascii")
    async with running(door.display), held(panel(door.display, clock, "en").run()):
        await until(lambda: EN in door.reads())
        line.send(b"\x1b[31m\xfe" * 1000)
        await clock.advance(1)
        assert door.display.present


def test_characters_that_no_display_has_are_refused(clock: FakeClock, watch: FakeWatch) -> None:
    config = DeviceConfig("front-display", "serial-display", "/dev/null", characters="koi8")
    with pytest.raises(ConfigError, match="front-display: characters 'koi8': use hd44780-a00"):
        SerialDisplay(config, clock, watch)


# The panel: languages in turn, and the newest notice


async def test_languages_take_turns(clock: FakeClock) -> None:
    display = Recorder()
    async with held(panel(display, clock).run()):
        read = []
        for _ in range(4):
            await clock.advance(0.1)
            read.append(display.words)
            await clock.advance(TURN_SECONDS - 0.1)
    assert [words.removeprefix("Esimerkkilän kirjasto ") for words in read] == [
        FI,
        f"Exempelby bibliotek {SV}",
        EN,
        FI,
    ]


async def test_a_session_begins_with_the_first_language_and_keeps_its_turn(
    clock: FakeClock,
) -> None:
    display = Recorder()
    shows = panel(display, clock)
    async with held(shows.run()):
        await clock.advance(TURN_SECONDS * 1.5)
        assert SV in display.words
        shows.show(Shown(Notice.ENTER_PIN))
        await clock.advance(TURN_SECONDS * 0.9)
        assert display.words == "Syötä tunnusluku"
        shows.show(Shown(Notice.ENTER_PIN, digits=1))
        await clock.advance(TURN_SECONDS * 0.2)
        assert display.words == "Ange PIN-kod *"
        shows.show(Shown(Notice.WRONG_CARD_OR_PIN))
        await clock.advance(0.1)
        assert display.words == "Kortti tai tunnusluku on väärä."


async def test_an_answer_like_the_state_of_the_door_begins_with_the_first_language(
    clock: FakeClock,
) -> None:
    display = Recorder()
    shows = panel(display, clock)
    shows.show(Shown(Notice.LOCKDOWN, standing=True))
    async with held(shows.run()):
        await clock.advance(TURN_SECONDS * 1.1)
        assert display.words == "Biblioteket är stängt tills vidare."
        shows.show(Shown(Notice.LOCKDOWN))
        await clock.advance(0.1)
        assert display.words == "Kirjasto on toistaiseksi suljettu."


async def test_tomorrow_becomes_today_at_midnight(clock: FakeClock) -> None:
    display = Recorder()
    shows = panel(display, clock, "en")
    clock.wall = NOW.replace(hour=21, minute=59, second=50)  # ten seconds to midnight in Helsinki
    shows.show(Shown(Notice.CLOSED, opens=NOW.replace(day=24, hour=5), standing=True))
    async with held(shows.run()):
        await clock.advance(5)
        assert display.words == "The library is closed. Next open tomorrow, 07:00."
        await clock.advance(10)
        assert display.words == "The library is closed. Next open today, 07:00."


async def test_a_door_that_ends_leaves_nothing_on_its_display(
    line: Line, clock: FakeClock, watch: FakeWatch, until: Until
) -> None:
    """Its door went from the configuration; the display stays, and says nothing."""
    door = Door(line, clock, watch, "hd44780-a00")
    async with running(door.display):
        async with held(panel(door.display, clock, "en").run()):
            await until(lambda: EN in door.reads())
        await until(lambda: door.reads() == "")
        assert door.display.present


async def test_a_display_that_is_let_go_is_blank_though_nobody_asked(
    line: Line, clock: FakeClock, watch: FakeWatch, until: Until
) -> None:
    door = Door(line, clock, watch, "hd44780-a00")
    async with running(door.display):
        await door.display.write(["Welcome."])
        await until(lambda: door.reads() == "Welcome.")
    await until(lambda: door.reads() == "")


async def test_the_newest_notice_wins(clock: FakeClock) -> None:
    display = Recorder()
    shows = panel(display, clock, "en")
    async with held(shows.run()):
        await clock.advance(1)
        before = len(display.pages)
        for notice in (Notice.WAIT, Notice.GRANTED, Notice.FULL):
            shows.show(Shown(notice))
        await clock.advance(0.1)
        assert len(display.pages) == before + 1
        assert display.words.startswith("The library is full.")


async def test_a_display_that_is_away_is_told_of_once_and_tried_again(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="kioskd.panel")
    display = Recorder()
    display.failing = True
    async with held(panel(display, clock, "en").run()):
        await clock.advance(AGAIN_SECONDS * 10)
        assert display.tries >= 10
        assert _events(caplog) == ["panel.failed"]
        display.failing = False
        await clock.advance(AGAIN_SECONDS)
        assert EN in display.words
    assert _events(caplog) == ["panel.failed", "panel.back"]
    assert caplog.records[0].__dict__["door"] == "front"


def _events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("size", [(16, 2), (20, 4), (40, 1)])
async def test_what_does_not_fit_is_cut_and_nothing_else(
    clock: FakeClock, size: tuple[int, int]
) -> None:
    display = Recorder(*size)
    shows = panel(display, clock, "fi")
    async with held(shows.run()):
        for shown in every_shown():
            shows.show(shown)
            await clock.advance(0.1)
            lines = display.pages[-1]
            assert len(lines) <= size[1]
            assert max(map(len, lines)) <= size[0]


# Several panels at one door


class Broken:
    """A Panel that fails."""

    def show(self, shown: Shown) -> None:
        raise RuntimeError("broken")


def test_a_panel_that_fails_keeps_no_other_from_showing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, last = FakePanel(), FakePanel()
    fan = FanPanel([first, Broken(), last])
    for notice in (Notice.WAIT, Notice.GRANTED):
        fan.show(Shown(notice))
    assert first.shown == last.shown == [Shown(Notice.WAIT), Shown(Notice.GRANTED)]
    assert _events(caplog) == ["panel.failed"]

"""The door's screen in Textual's own test bench: what it draws, and what nobody can do to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from textual.pilot import Pilot
from textual.strip import Strip

from kioskd.client import AskError
from kioskd.domain.notice import Notice, Shown
from kioskd.words.notices import said
from tests.screens.doorkeeper import SITE, Doorkeeper
from tests.screens.notices import LANGUAGES, NOW, PLACE, SHOWN, SIZES
from tests.screens.reading import told
from ui.panel.door import OTHER_VERSION, DeveloperScreen, DoorScreen
from ui.panel.drawing import Band, Row
from ui.panel.following import Following, Scene
from ui.panel.site import Site, site_of
from ui.widgets import Board

LEAVING = ("ctrl+q", "ctrl+c", "ctrl+p", "ctrl+z", "ctrl+d", "escape", "f1", "q", "tab", "enter")


class Still(Following):
    """Nobody to follow: the test shows scenes itself."""

    def __init__(self) -> None:
        super().__init__("front", [])
        self.fails: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, tell: object) -> None:
        await self.fails


class Wall:
    """A clock on the wall that the test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def scene(shown: Shown) -> Scene:
    return Scene("front", site_of(SITE), shown, connected=True)


def rows(screen: DoorScreen) -> tuple[Row, ...]:
    """What stands on the terminal, cell by cell."""
    strips = screen.screen._compositor.render_strips()
    texts = []
    for strip in strips:
        cells = ""
        for segment in strip:
            reverse = segment.style is not None and segment.style.reverse
            cells += segment.text.replace(" ", "█") if reverse else segment.text
        texts.append(cells)
    return tuple(Row(text, Band.MIDDLE) for text in texts)


@asynccontextmanager
async def screen(
    size: tuple[int, int] = (93, 28), kind: type[DoorScreen] = DoorScreen
) -> AsyncIterator[tuple[DoorScreen, Pilot[int], Wall]]:
    wall = Wall()
    application = kind(Still(), wall)
    async with application.run_test(size=size) as pilot:
        yield application, pilot, wall


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_every_notice_stands_on_the_terminal_and_nothing_is_cut_off(
    size: tuple[int, int],
) -> None:
    async with screen(size) as (application, pilot, _):
        board = application.query_one(Board)
        for shown in SHOWN:
            application.show(scene(shown))
            for language in LANGUAGES:
                await pilot.pause()
                words = said(shown, language, PLACE, NOW).text.replace("\u00a0", " ")
                assert words in told(rows(application))
                assert board.region == application.screen.region == (0, 0, *size)
                application.turn()


async def test_languages_take_turns_and_a_new_notice_begins_with_the_first() -> None:
    async with screen() as (application, pilot, _):
        heads = []
        application.show(scene(Shown(Notice.IDLE)))
        for _ in range(4):
            await pilot.pause()
            heads.append(rows(application)[1].text.split("  ")[1].strip())
            application.turn()
        assert heads == [
            "Esimerkkilän kirjasto",
            "Exempelby bibliotek",
            "Example Library",
            heads[0],
        ]
        application.show(scene(Shown(Notice.ENTER_PIN)))
        await pilot.pause()
        assert "Esimerkkilän" in rows(application)[1].text
        application.turn()
        application.show(scene(Shown(Notice.ENTER_PIN, digits=1)))
        await pilot.pause()
        assert "Exempelby" in rows(application)[1].text


async def test_the_time_goes_on() -> None:
    async with screen() as (application, pilot, wall):
        application.show(scene(Shown(Notice.IDLE)))
        wall.now += timedelta(minutes=61)
        application.turn()
        await pilot.pause()
        assert "kl. 15.06" in rows(application)[1].text


async def test_no_time_is_shown_before_the_sites_own_is_known() -> None:
    async with screen() as (application, pilot, _):
        application.show(Scene("front", Site(), Shown(Notice.WAIT), connected=False))
        await pilot.pause()
        assert not any(c.isdigit() for c in rows(application)[1].text)
        application.show(scene(Shown(Notice.IDLE)))
        await pilot.pause()
        assert "klo 14.05" in rows(application)[1].text


async def test_nobody_leaves_or_opens_anything_from_the_keyboard() -> None:
    async with screen() as (application, pilot, _):
        application.show(scene(Shown(Notice.IDLE)))
        await pilot.pause()
        before = rows(application)
        await pilot.press(*LEAVING)
        await pilot.pause()
        assert application.is_running
        assert application.focused is None
        assert len(application.screen_stack) == 1
        assert rows(application) == before


async def test_nothing_can_be_selected() -> None:
    async with screen() as (application, pilot, _):
        application.show(scene(Shown(Notice.IDLE)))
        await pilot.mouse_down(offset=(2, 1))
        await pilot.hover(offset=(40, 20))
        await pilot.mouse_up(offset=(40, 20))
        await pilot.pause()
        assert application.screen.selections == {}


async def test_a_developer_can_leave() -> None:
    async with screen(kind=DeveloperScreen) as (application, pilot, _):
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert not application.is_running


async def test_a_screen_that_becomes_too_small_says_so_and_recovers() -> None:
    async with screen() as (application, pilot, _):
        application.show(scene(Shown(Notice.FULL)))
        await pilot.resize_terminal(30, 8)
        await pilot.pause()
        assert "30 x 8 is too small: 40 x 12" in told(rows(application))
        await pilot.resize_terminal(60, 16)
        await pilot.pause()
        assert "Kirjasto on täynnä." in told(rows(application))


async def test_only_rows_that_changed_are_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async with screen() as (application, pilot, _):
        application.show(scene(Shown(Notice.ENTER_PIN, digits=2)))
        await pilot.pause()
        board, drawn = application.query_one(Board), list[int]()
        render = board.render_line

        def noted(y: int) -> Strip:
            drawn.append(y)
            return render(y)

        monkeypatch.setattr(board, "render_line", noted)
        application.show(scene(Shown(Notice.ENTER_PIN, digits=3)))
        await pilot.pause()
        dots = [y for y, row in enumerate(rows(application)) if "▗██▖" in row.text]
        assert dots
        assert set(drawn) <= {*dots, dots[0] + 1}


async def test_the_screen_ends_with_a_message_when_the_daemon_is_of_another_version() -> None:
    wall = Wall()
    still = Still()
    application = DoorScreen(still, wall)
    async with application.run_test() as pilot:
        still.fails.set_exception(AskError("other-version", "restart the older one"))
        await pilot.pause()
    assert (application.return_value, application.why) == (OTHER_VERSION, "restart the older one")


async def test_a_notice_of_a_real_daemon_reaches_the_screen(keeper: Doorkeeper) -> None:
    async with keeper.serving():
        keeper.show(Shown(Notice.CLOSED))
        follows = Following("front", [keeper.path])
        await follows.begin()
        application = DoorScreen(follows)
        async with application.run_test(size=(93, 28)) as pilot:
            async with asyncio.timeout(20):
                while "Kirjasto on suljettu." not in told(rows(application)):
                    await pilot.pause()
                keeper.show(Shown(Notice.GRANTED))
                while "Pääsy sallittu." not in told(rows(application)):
                    await pilot.pause()

"""Makes the pictures of the documents: python -m tests.screens.pictures [FOLDER]

One picture a notice in Finnish, a sheet of all of them in every language, and the demo's panel
with somebody let in and somebody denied. They are made of the real programs, in a real terminal
on a virtual display, with few colours so that they stay small. Needs ImageMagick's convert and
xdotool.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from kioskd.domain.notice import Notice, Shown
from tests.screens.doorkeeper import SITE, Doorkeeper
from tests.screens.glass import Colour, Display, Picture
from tests.screens.stagehand import AfarTheatre, Play, Theatre

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "pictures"
LARGEST: Final = 60_000  # bytes
_OPENS: Final = datetime.now(UTC).replace(hour=5, minute=0, second=0) + timedelta(days=3)

PANEL: Final = (sys.executable, "-P", "-m", "ui.panel.demo")
PANEL_PIXELS: Final = (1260, 760)
PANEL_GROUND: Final = (0x10, 0x15, 0x1B)
ASKING: Final = (0x1A, 0x4F, 0x94)
GRANTED: Final = (0x0A, 0x6B, 0x2D)
DENIED: Final = (0x98, 0x13, 0x1F)

SHOWN: Final[Mapping[str, Shown]] = {
    "idle": Shown(Notice.IDLE),
    "pin": Shown(Notice.ENTER_PIN, digits=3),
    "granted": Shown(Notice.GRANTED),
    "denied": Shown(Notice.SELF_SERVICE_BLOCK),
    "closed": Shown(Notice.CLOSED, opens=_OPENS),
    "fault": Shown(Notice.FAULT, code="41"),
}


def main(folder: Path = FOLDER) -> int:
    """Make them all; 0, or 1 when one is too large for the repository."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kioskd-pictures-") as scratch, Display() as display:
        for language in SITE["languages"]:
            _take(display, Path(scratch), language)
        _save(Path(scratch), folder)
        _demo(Path(scratch), folder)
    made = sorted(folder.glob("*.png"))
    sys.stdout.writelines(f"{file.name} {file.stat().st_size}\n" for file in made)
    return int(any(file.stat().st_size > LARGEST for file in made))


def _take(display: Display, scratch: Path, language: str) -> None:
    keeper = Doorkeeper(scratch / f"{language}.sock")
    keeper.site["languages"] = [language, *(x for x in SITE["languages"] if x != language)]
    with (
        keeper.in_a_thread() as daemon,
        display.terminal("--door", "front", "--socket", str(keeper.path)),
    ):
        before = display.picture().ground()
        for name, shown in SHOWN.items():
            daemon.show(shown)
            before = display.picture_once(partial(_is_other, before)).ground()
            display.save(scratch / f"{name}-{language}.png")


def _is_other(ground: Colour, picture: Picture) -> bool:
    return picture.ground() != ground


def _save(scratch: Path, folder: Path) -> None:
    for name in SHOWN:
        _convert(scratch / f"{name}-fi.png", *_few(24), folder / f"door-{name}.png")
    frame = ("-resize", "280x", "-bordercolor", "white", "-border", "4")
    rows: list[str | Path] = []
    for name in SHOWN:
        each = [scratch / f"{name}-{language}.png" for language in SITE["languages"]]
        rows += ["(", *each, *frame, "+append", ")"]
    _convert(*rows, "-append", *_few(48), folder / "door-languages.png")  # six grounds and bars


@contextmanager
def demo_panel(display: Display, theatre: Theatre, cells: str = "140x40") -> Iterator[AfarTheatre]:
    """The demo's panel before a theatre; it stands there, and nobody has come yet."""
    places = ("--socket", str(theatre.control), "--demo", str(theatre.stage.path))
    with (
        AfarTheatre(theatre).playing() as afar,
        display.terminal(*places, "--door", "front", points=11, cells=cells, program=PANEL),
    ):
        display.picture_once(lambda picture: picture.ground() == PANEL_GROUND)
        yield afar


def door_colour(picture: Picture) -> Colour:
    """The colour of the door's own screen, upper left in the panel."""
    return picture.part(0, 40, PANEL_PIXELS[0] // 4, 200).ground()


def _demo(scratch: Path, folder: Path) -> None:
    theatre = Theatre(scratch)
    theatre.now = partial(datetime.now, UTC)
    Play(theatre)
    with Display(*PANEL_PIXELS) as display, demo_panel(display, theatre):
        for letter, name, ground in (("e", "demo-denied", DENIED), ("a", "demo", GRANTED)):
            display.type(letter)
            display.picture_once(lambda picture: door_colour(picture) == ASKING)
            display.type("space")
            display.picture_once(partial(_has_door, ground))
            display.save(scratch / f"{name}.png")
            _convert(scratch / f"{name}.png", *_few(48), folder / f"{name}.png")


def _has_door(ground: Colour, picture: Picture) -> bool:
    return door_colour(picture) == ground


def _few(colours: int) -> tuple[str, ...]:
    """Options that keep a picture small."""
    kept = ("+dither", "-colors", str(colours), "-strip")
    return (*kept, "-define", "png:compression-level=9")


def _convert(*arguments: str | Path) -> None:
    program = shutil.which("convert-im6") or "convert"
    subprocess.run([program, *map(str, arguments)], check=True)


if __name__ == "__main__":
    raise SystemExit(main(*map(Path, sys.argv[1:2])))

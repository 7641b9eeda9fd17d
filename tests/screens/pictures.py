"""Makes the pictures of the documents: python -m tests.screens.pictures [FOLDER]

One picture a notice in Finnish, and a sheet of all of them in every language. They are made of
the real program, in a real terminal on a virtual display, with few colours so that they stay
small. Needs ImageMagick's convert besides what the tests need.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from kioskd.domain.notice import Notice, Shown
from tests.screens.doorkeeper import SITE, Doorkeeper
from tests.screens.glass import Colour, Display, Picture

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "pictures"
_FEW: Final = ("+dither", "-colors", "24", "-strip", "-define", "png:compression-level=9")
LARGEST: Final = 60_000  # bytes
_OPENS: Final = datetime.now(UTC).replace(hour=5, minute=0, second=0) + timedelta(days=3)

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
        _convert(scratch / f"{name}-fi.png", *_FEW, folder / f"door-{name}.png")
    frame = ("-resize", "280x", "-bordercolor", "white", "-border", "4")
    rows: list[str | Path] = []
    for name in SHOWN:
        each = [scratch / f"{name}-{language}.png" for language in SITE["languages"]]
        rows += ["(", *each, *frame, "+append", ")"]
    few = ("48" if option == "24" else option for option in _FEW)  # six grounds and their bars
    _convert(*rows, "-append", *few, folder / "door-languages.png")


def _convert(*arguments: str | Path) -> None:
    program = shutil.which("convert-im6") or "convert"
    subprocess.run([program, *map(str, arguments)], check=True)


if __name__ == "__main__":
    raise SystemExit(main(*map(Path, sys.argv[1:2])))

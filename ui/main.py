"""The commands `kiosk-ui` (patron screen) and `kiosk-console` (staff screen).

The screen of a door is built; that of a desk and the staff screen say that they are not. Textual
is imported only once the door is known to exist, and never with --json.
"""

import argparse
import asyncio
import io
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from kioskd.client import AskError, NoPlace, sockets
from ui.panel.following import Following, NoSuchDoorError, Scene

STOPPED, NOT_WELL, WRONG_USAGE = 0, 1, 2  # as everywhere in this project
NOT_BUILT = WRONG_USAGE


def kiosk_ui(arguments: Sequence[str] | None = None) -> int:
    """Show a door to patrons until told to stop; the exit code."""
    args = _parser().parse_args(arguments)
    if args.desk is not None:
        return _say(NOT_BUILT, "--desk: not built into this version")
    if not args.json and not (sys.stdin.isatty() and sys.stderr.isatty()):
        return _say(
            WRONG_USAGE,
            "a screen needs a terminal on its input and error output; say --json for lines",
        )
    try:
        following = Following(args.door, sockets(args.socket, args.config, os.environ))
        return asyncio.run(_follow(following, as_json=args.json, allow_exit=args.allow_exit))
    except (NoPlace, NoSuchDoorError) as error:
        return _say(WRONG_USAGE, str(error))
    except AskError as error:
        return _say(NOT_WELL, str(error))
    except (BrokenPipeError, KeyboardInterrupt):
        # Whoever read our lines went away, or had enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_WELL


def kiosk_console(arguments: Sequence[str] | None = None) -> int:
    """Say that the staff screen is not built into this version; the exit code is 2."""
    name = "kiosk-console"
    about = "The staff screen of a device. Not built into this version."
    argparse.ArgumentParser(prog=name, description=about).parse_known_args(arguments)
    print(f"{name}: not built into this version", file=sys.stderr)
    return NOT_BUILT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kiosk-ui", allow_abbrev=False, description="The screen that patrons see."
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--door", metavar="NAME", help="the screen of a door (default: the only one)")
    what.add_argument("--desk", metavar="NAME", help="of a desk; not built into this version")
    parser.add_argument("--socket", type=Path, metavar="PATH", help="the daemon's control socket")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="a configuration that says where the socket is"
    )
    parser.add_argument("--json", action="store_true", help="each notice as a line, no screen")
    parser.add_argument(
        "--allow-exit", action="store_true", help="ctrl+q leaves; for a developer's terminal"
    )
    return parser


async def _follow(following: Following, *, as_json: bool, allow_exit: bool) -> int:
    await following.begin()
    if as_json:
        return await _print(following)
    for stale in ("COLUMNS", "LINES"):  # of the shell that started it; the terminal knows better
        os.environ.pop(stale, None)
    from ui.panel.door import DeveloperScreen, DoorScreen

    screen = (DeveloperScreen if allow_exit else DoorScreen)(following)
    await screen.run_async()
    code = screen.return_code or STOPPED  # 1 where it broke: Textual has told how
    return _say(code, screen.why) if screen.why else code


async def _print(following: Following) -> int:
    from ui.panel.lines import line

    def tell(scene: Scene) -> None:
        sys.stdout.write(f"{line(scene, datetime.now(UTC))}\n")
        sys.stdout.flush()

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as JSON is, whatever the terminal's letters are
    printing = asyncio.create_task(following.run(tell), name="lines")
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, printing.cancel)
    with _unread(printing.cancel) as unread, suppress(asyncio.CancelledError):
        await printing
    if unread.is_set():
        raise BrokenPipeError
    return STOPPED


@contextmanager
def _unread(stop: Callable[[], object]) -> Iterator[asyncio.Event]:
    """Stop once nobody reads our lines any more; then the event is set.

    Without it that would be found only with the next notice.
    """
    loop, unread = asyncio.get_running_loop(), asyncio.Event()

    def gone() -> None:
        loop.remove_reader(ends.fileno())
        unread.set()
        stop()

    with select.epoll() as ends:
        with suppress(PermissionError):  # a file, which is never left
            ends.register(sys.stdout.fileno(), 0)  # asks for nothing: the end is told anyway
        loop.add_reader(ends.fileno(), gone)
        try:
            yield unread
        finally:
            loop.remove_reader(ends.fileno())


def _say(code: int, message: str) -> int:
    print(f"kiosk-ui: {message}", file=sys.stderr)
    return code

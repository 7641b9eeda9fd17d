"""How far a long command is: bars on a terminal, a few plain lines elsewhere, nothing for JSON.

Deliberately not here: what is counted.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

Show = Callable[[str, int, int], None]  # phase, done, total (0: not known)

_PLAIN_STEP: Final = 25  # per cent between two lines


@contextmanager
def progress(*, quiet: bool) -> Iterator[Show]:
    """Something to call with every step."""
    if quiet:
        yield lambda phase, done, total: None
    elif sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield _plain_lines()


@contextmanager
def _bars() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.completed:,.0f}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=None)
            bars.update(tasks[phase], completed=done, total=total or None)

        yield show


def _plain_lines() -> Show:
    told: dict[str, int] = {}

    def show(phase: str, done: int, total: int) -> None:
        percent = min(100, 100 * done // total) if total else 0
        if percent >= told.get(phase, 0) + _PLAIN_STEP:
            told[phase] = percent
            sys.stderr.write(f"{phase} {percent} %\n")
            sys.stderr.flush()

    return show

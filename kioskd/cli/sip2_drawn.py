"""How a conversation and its findings stand on a terminal: lines, hanging indents, colours.

A line breaks between words, and between parts where it can. Where nobody watches (a pipe, a file)
nothing is coloured, and a line has as many characters as a report has.
Deliberately not here: what is shown of a message (sip2_shown).
"""

import io
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from kioskd.cli.common import printable
from kioskd.cli.sip2_shown import Shown
from kioskd.health.findings import Finding, Word
from sync.sip2.settings import Way

ARROW: Final = {Way.SENT: "→", Way.RECEIVED: "←"}
_STYLE: Final = {Way.SENT: "cyan", Way.RECEIVED: "green"}
_COLOUR: Final = {Word.OK: "green", Word.LOOK: "yellow", Word.BAD: "bold red"}
WIDTH: Final = 100  # characters, where there is no terminal
_LEAST: Final = 40  # characters; on a narrower terminal it is the terminal that breaks lines
_BETWEEN: Final = "; "
_HANGS: Final = "  "


class Paper:
    """What is written on: standard output as it is now."""

    def __init__(self) -> None:
        self._console = _console()

    def message(self, at: str, way: Way, shown: Shown) -> str:
        """A message with its parts below, hanging under what comes after the arrow."""
        first, *rest = lines(f"{at} {ARROW[way]}", shown, self._console.width)
        text = Text(first, style=_STYLE[way])
        return self._drawn(Text("\n").join([text, *map(Text, rest)]))

    def findings(self, findings: Sequence[Finding]) -> str:
        """A table, as the doctor's."""
        table = Table("check", "", "what", box=None, pad_edge=False)
        for finding in findings:
            # Text, not str: what the other side says is never taken for markup.
            what = Text(printable(finding.what))
            if finding.todo:
                what.append(f"\n→ {printable(finding.todo)}", style="cyan")
            word = Text(finding.word.value, style=_COLOUR[finding.word])
            table.add_row(Text(printable(finding.check)), word, what)
        return self._drawn(table)

    def _drawn(self, what: RenderableType) -> str:
        # Drawn first and written afterwards: an output that goes away is the caller's to hear of.
        with self._console.capture() as drawn:
            self._console.print(what)
        return "\n".join(line.rstrip() for line in drawn.get().splitlines())


def lines(before: str, shown: Shown, width: int) -> Iterator[str]:
    """Lines of at most `width` characters; what is longer than one is broken between words."""
    hang = " " * (len(before) + 1)
    room = max(width, _LEAST) - len(hang)
    first, *rest = _broken(printable(shown.head), room)
    yield f"{before} {first}"
    for line in rest:
        yield hang + line
    for line in _joined([printable(part) for part in shown.fixed], room):
        yield hang + line
    for field in shown.fields:
        for line in _broken(printable(field), room):
            yield hang + line


def _joined(parts: Sequence[str], room: int) -> Iterator[str]:
    """Parts on a line as long as they fit; one that fits on none has lines of its own."""
    line = ""
    for part in parts:
        if line and len(line) + len(_BETWEEN) + len(part) > room:
            yield from _broken(line, room)
            line = ""
        line = f"{line}{_BETWEEN if line else ''}{part}"
    if line:
        yield from _broken(line, room)


def _broken(text: str, room: int) -> list[str]:
    found = textwrap.wrap(
        text, room, subsequent_indent=_HANGS, break_long_words=False, break_on_hyphens=False
    )
    return found or [""]


def _watched() -> bool:
    return sys.stdout.isatty()


def _console() -> Console:
    watched = _watched()
    return Console(
        file=sys.stdout if watched else io.StringIO(),
        width=None if watched else WIDTH,
        force_terminal=watched,
        highlight=False,
        markup=False,
        emoji=False,
    )

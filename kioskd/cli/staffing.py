"""What the commands of staff share: a new PIN, a table, a line."""

import sys
from collections.abc import Sequence
from typing import Final

from kioskd.cli.common import printable, unseen
from kioskd.errors import InputError

_ID: Final = "id"
_AS_WIDE_AS_IT_IS: Final = 10_000  # columns, for a file or a pipe


def read_new_pin() -> str:
    """A PIN: the next line of standard input; at a terminal asked for twice and not shown.

    InputError. Whether it will do is the verb's to say.
    """
    if not sys.stdin.isatty():
        pin = sys.stdin.readline(1024).rstrip("\r\n")
        if not pin:
            raise InputError("standard input: give the card in the first line, the PIN in the next")
        return pin
    pin = unseen("New PIN: ")
    if unseen("The same again: ") != pin:
        raise InputError("the two PINs differ; nothing was changed")
    return pin


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """A table for people, or what to say where there is nothing."""
    if not rows:
        say(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in columns:
        # Nothing is cut: an id is typed again, and a time without its end is another one.
        table.add_column(column, overflow="fold", no_wrap=column == _ID)
    for row in rows:
        # Text, not str: what somebody wrote is never taken for markup.
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    Console(width=None if sys.stdout.isatty() else _AS_WIDE_AS_IT_IS).print(table)


def say(*lines: str) -> None:
    """Lines for people, without what a terminal would act on."""
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines if line))

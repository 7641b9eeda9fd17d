"""What the commands of staff share: a new PIN, whole lists page by page, a table, a line."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from kioskd.cli.asking import ask
from kioskd.cli.common import printable, unseen
from kioskd.config.model import Config
from kioskd.errors import InputError


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


def ask_all(config: Config, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """The answer with the entries of all its pages."""
    answer = ask(config, verb, args)
    entries = list(answer["entries"])
    while answer.get("next") is not None:
        answer = ask(config, verb, {**args, "from": answer["next"]})
        entries += answer["entries"]
    rest = {name: value for name, value in answer.items() if name not in ("next", "total")}
    return {**rest, "entries": entries}


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """A table for people, or what to say where there is nothing."""
    if not rows:
        say(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in rows:
        # Text, not str: what somebody wrote is never taken for markup.
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    Console().print(table)


def say(*lines: str) -> None:
    """Lines for people, without what a terminal would act on."""
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines if line))

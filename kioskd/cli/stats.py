"""kioskd stats: anonymous counts of log-ins and denials, fit to be published.

A table for each door (log-ins by day or month and hour) and one of denials (by reason and door).
Log-ins are counted, not visitors: who holds the door for another is not seen. Counts were made
with each decision and outlive the journal's persons.

Deliberately not here: which cells are withheld (kioskd.domain.statistics).
"""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from kioskd.cli.common import add_config, config_of, print_json
from kioskd.cli.times import day
from kioskd.domain.decision import Reason
from kioskd.domain.statistics import SMALLEST_SHOWN, Table, published, table_of
from kioskd.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table as RichTable

WITHHELD = ".."  # as Statistics Finland marks what is subject to secrecy
MOST_DAYS = 62  # a longer period is counted by month, unless asked for otherwise
EXACT = "exact counts, for internal use only: not for publication"
TOTAL = "total"
_SHADES = ("white on grey23", "white on dark_green", "black on green3", "black on green1")

Tally = tuple[str, int, str, str, int]  # day, hour, door, what, n


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of the report: what it counts, where, and what its rows and columns are."""

    what: str  # log-ins | denials
    door: str  # empty: the columns are the doors
    rows: str
    columns: str
    table: Table


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "stats",
        help="anonymous counts of entries",
        description="Counts of log-ins by day or month and hour, and of denials by reason. Counts "
        f"of 1 to {SMALLEST_SHOWN - 1} are withheld, and others with them, so that none can be "
        "computed back. Publish a period in one grouping only: two may tell more than either.",
    )
    add_config(parser)
    parser.add_argument("--from", dest="first", required=True, metavar="DATE", help="first day")
    parser.add_argument("--to", dest="last", required=True, metavar="DATE", help="last day")
    parser.add_argument("--by", choices=("day", "month"), help="default: by the period's length")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table")
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument("--exact", action="store_true", help=EXACT)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 with the counts of the period, which may be none."""
    from kioskd.daemon.privileges import drop_to_owner, may_look_into
    from kioskd.store.journal_read import JournalReader

    first, last = day(args.first), day(args.last)
    if last < first:
        raise InputError(f"--to {last} is before --from {first}; give the first day first")
    config = config_of(args)
    drop_to_owner(config.storage.directory)
    may_look_into(config.storage.directory)
    with closing(JournalReader(config.storage.directory)) as reader:
        tallies = reader.tallies(first.isoformat(), last.isoformat())
    by = args.by or ("day" if last - first < timedelta(days=MOST_DAYS) else "month")
    exact = sheets(tallies, by)
    found = exact if args.exact else [_publishable(sheet) for sheet in exact]
    if args.exact:
        sys.stderr.write(f"{EXACT}\n")
    _write("json" if args.json else args.format, found, first, last, exact=args.exact)
    return 0


def sheets(tallies: Iterable[Tally], by: str) -> list[Sheet]:
    """Exact tables: one of log-ins for each door, one of denials."""
    granted: dict[str, Counter[tuple[str, str]]] = {}
    denied: Counter[tuple[str, str]] = Counter()
    for at, hour, door, what, n in tallies:
        if what == Reason.OK:
            period = at if by == "day" else at[:7]
            granted.setdefault(door, Counter())[period, f"{hour:02}"] += n
        else:
            denied[what, door] += n
    made = [
        Sheet("log-ins", door, by, "hour", _table(counts))
        for door, counts in sorted(granted.items())
    ]
    return [*made, Sheet("denials", "", "reason", "door", _table(denied))] if denied else made


def _table(counts: Counter[tuple[str, str]]) -> Table:
    rows, columns = ({key[side] for key in counts} for side in (0, 1))
    return table_of(counts, sorted(rows), sorted(columns))


def _publishable(sheet: Sheet) -> Sheet:
    return Sheet(sheet.what, sheet.door, sheet.rows, sheet.columns, published(sheet.table))


def _write(form: str, found: list[Sheet], first: date, last: date, *, exact: bool) -> None:
    if form == "json":
        tables = [_as_json(sheet) for sheet in found]
        print_json({"from": str(first), "to": str(last), "exact": exact, "tables": tables})
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("what", "row", "column", "door", "n"))
        for sheet in found:
            writer.writerows(_lines(sheet))
    else:
        _draw(found, first, last)


def _as_json(sheet: Sheet) -> dict[str, object]:
    lines = [
        {"row": row, "cells": dict(zip(sheet.table.columns, cells, strict=False)), "total": total}
        for row, (*cells, total) in zip((*sheet.table.rows, TOTAL), sheet.table.cells, strict=True)
    ]
    return {
        "what": sheet.what,
        "door": sheet.door or None,
        "rows": sheet.rows,
        "columns": sheet.columns,
        "lines": lines[:-1],
        "totals": lines[-1],
    }


def _lines(sheet: Sheet) -> Iterator[tuple[str, str, str, str, str]]:
    table = sheet.table
    for row, cells in zip((*table.rows, TOTAL), table.cells, strict=True):
        for column, n in zip((*table.columns, TOTAL), cells, strict=True):
            door = sheet.door or column
            yield (sheet.what, row, column if sheet.door else "", door, _shown(n))


def _shown(n: int | None) -> str:
    return WITHHELD if n is None else str(n)


def _draw(found: list[Sheet], first: date, last: date) -> None:
    from rich.console import Console

    console = Console()
    if not found:
        console.print(f"nothing was counted from {first} to {last}")
    for sheet in found:
        where = f"{sheet.door}: " if sheet.door else ""
        title = f"{where}{sheet.what} by {sheet.rows} and {sheet.columns}"
        console.print(title, style="bold", markup=False, highlight=False)
        console.print(_drawn(sheet))
    if any(None in line for sheet in found for line in sheet.table.cells):
        console.print(f"{WITHHELD}  withheld: 1 to {SMALLEST_SHOWN - 1}, or what would tell it")


def _drawn(sheet: Sheet) -> "RichTable":
    from rich.markup import escape
    from rich.table import Table as RichTable

    table = sheet.table
    drawn = RichTable(padding=(0, 0))
    drawn.add_column(sheet.rows, no_wrap=True)
    for column in (*table.columns, TOTAL):
        drawn.add_column(escape(column), justify="right", no_wrap=True)
    most = max((n or 0 for *line, _ in table.cells[:-1] for n in line), default=0)
    for row, (*cells, total) in zip(table.rows, table.cells[:-1], strict=True):
        drawn.add_row(row, *(_shaded(n, most) for n in cells), f"[bold]{_shown(total)}[/]")
    drawn.add_section()
    drawn.add_row(TOTAL, *map(_shown, table.cells[-1]), style="bold")
    return drawn


def _shaded(n: int | None, most: int) -> str:
    if not n:
        return "[dim]·[/]" if n == 0 else f"[dim]{WITHHELD}[/]"
    shade = _SHADES[min(len(_SHADES) - 1, n * len(_SHADES) // (most + 1))]
    return f"[{shade}] {n} [/]"

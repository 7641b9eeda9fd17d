"""kioskd-hub stats: a year's counts as they may be published.

Deliberately not here: which counts are withheld (sync.hub.stats), CSV, JSON and the picture.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kioskd.config.walk import did_you_mean
from kioskd.domain.statistics import SMALLEST_SHOWN
from kioskd.errors import InputError, StoreError
from sync.hub.cli.common import (
    add_config,
    branch_of,
    config_of,
    now,
    opened,
    print_json,
    say,
    wide_console,
)
from sync.hub.model import HubConfig
from sync.hub.stats import BRANCH, Sheet, Tally, Town, sheets
from sync.hub.stats_forms import TOTAL, WITHHELD, as_csv, as_json, shown
from sync.hub.stats_plot import heat_maps
from sync.hub.stats_read import tallies

if TYPE_CHECKING:
    from rich.table import Table

_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 9999


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "stats",
        help="a year's anonymous counts, fit to be published",
        description="Log-ins, loans, returns, renewals and denials of a year: by branch and "
        f"month, and by weekday and hour. Counts of 1 to {SMALLEST_SHOWN - 1} are withheld, and "
        "others with them, so that none can be computed back. Publish a year once, when it is "
        "over.",
    )
    add_config(parser)
    parser.add_argument("--year", type=int, required=True, metavar="YEAR")
    parser.add_argument("--municipality", metavar="NAME", help="of this one's branches alone")
    parser.add_argument("--branch", metavar="CODE", help="hours of this branch alone")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table")
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE.svg", help="draw weekdays by hours of each branch too"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 with the counts of the year, which may be none."""
    year = args.year
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise InputError(f"--year {year}: give a year like {now().year - 1}")
    config = config_of(args)
    _check_names(args, config)
    counted = asyncio.run(_read(config, year))
    _remark(config, counted, year)
    found = _wanted(args, sheets(counted, _towns(config), year))
    _write("json" if args.json else args.format, found, year)
    if args.plot is not None:
        _draw_to(args.plot, heat_maps(found, year))
    return 0


async def _read(config: HubConfig, year: int) -> list[Tally]:
    async with opened(config) as database:
        return await tallies(database, year)


def _towns(config: HubConfig) -> list[Town]:
    return [
        Town(town.name, tuple(b.code for b in config.branches if b.municipality == town.name))
        for town in config.municipalities
    ]


def _check_names(args: argparse.Namespace, config: HubConfig) -> None:
    towns = [town.name for town in config.municipalities]
    if args.municipality is not None and args.municipality not in towns:
        meant = did_you_mean(args.municipality, towns)
        raise InputError(f"--municipality: {config.path} has none of that name; {meant}")
    if args.branch is not None:
        branch_of(config, args.branch)


def _remark(config: HubConfig, counted: list[Tally], year: int) -> None:
    if year >= now().year:
        say(
            f"{year} is not over: for your own eyes; counts published now and again later may "
            "tell together what neither tells alone"
        )
    known = {branch.code for branch in config.branches}
    gone = sorted({tally.branch for tally in counted} - known)
    if gone:
        say(f"left out, because no municipality answers for them: {', '.join(gone)}")


def _wanted(args: argparse.Namespace, found: list[Sheet]) -> list[Sheet]:
    """A part of what is published; what is withheld does not depend on the part."""
    return [
        sheet
        for sheet in found
        if args.municipality in (None, sheet.municipality) and args.branch in (None, sheet.branch)
    ]


def _write(form: str, found: list[Sheet], year: int) -> None:
    if form == "json":
        print_json(as_json(found, year))
    elif form == "csv":
        sys.stdout.flush()
        sys.stdout.buffer.write(as_csv(found).encode("utf-8"))  # as it is: lines end in CR LF
        sys.stdout.buffer.flush()
    else:
        _draw(found, year)


def _draw(found: list[Sheet], year: int) -> None:
    console = wide_console(always=True)
    if not found:
        console.print(f"nothing was counted in {year}")
    for group in _grouped(found):
        console.print(_title(group[0], year), style="bold", markup=False)
        if group[0].withheld:
            console.print("too few to show beside the other tables")
        else:
            console.print(_drawn(group, year))
    if any(None in line for sheet in found for line in sheet.table.cells):
        console.print(f"{WITHHELD}  withheld: 1 to {SMALLEST_SHOWN - 1}, or what would tell it")


def _grouped(found: list[Sheet]) -> list[list[Sheet]]:
    """Sheets that are drawn as one table: those of the months, a row for each branch."""
    groups: list[list[Sheet]] = []
    for sheet in found:
        last = groups[-1][0] if groups else None
        same = last and (last.municipality, last.what, last.rows) == (
            sheet.municipality,
            sheet.what,
            BRANCH,
        )
        if same and sheet.rows == BRANCH:
            groups[-1].append(sheet)
        else:
            groups.append([sheet])
    return groups


def _title(sheet: Sheet, year: int) -> str:
    if sheet.rows == BRANCH or not sheet.branch:
        return f"{sheet.municipality}: {sheet.what} of {year} by {sheet.rows} and {sheet.columns}"
    where = f"{sheet.municipality}, {sheet.branch}"
    return f"{where}: {sheet.what} of {year} by {sheet.rows} and {sheet.columns}"


def _drawn(group: list[Sheet], year: int) -> "Table":
    from rich.table import Table
    from rich.text import Text

    first = group[0]
    drawn = Table(padding=(0, 0))
    drawn.add_column(first.rows, no_wrap=True)
    # A year stands in the title already, and twelve months have to fit side by side.
    columns = [column.removeprefix(f"{year}-") for column in first.table.columns]
    for column in (*columns, TOTAL):
        drawn.add_column(Text(column), justify="right", no_wrap=True)
    for table in (sheet.table for sheet in group):
        for row, (*cells, total) in zip(table.rows, table.cells[:-1], strict=True):
            drawn.add_row(Text(row), *("·" if n == 0 else shown(n) for n in cells), shown(total))
    if first.rows != BRANCH:
        drawn.add_section()
        drawn.add_row(TOTAL, *map(shown, first.table.cells[-1]), style="bold")
    return drawn


def _draw_to(path: Path, picture: str) -> None:
    try:
        path.write_text(picture, encoding="utf-8")
        path.chmod(0o644)  # it is made to be published
    except OSError as error:
        raise StoreError(f"--plot: {path}: {error.strerror}", transient=False) from error
    say(f"{path}: drawn")

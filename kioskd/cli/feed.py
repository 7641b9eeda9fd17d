"""`kioskd feed import FILE`: load a register's export into the credential cache.

Exit code 0: everything loaded. 1: loaded, but rows were bad, or PINs of staff that had to go
could not be removed. 2: nothing was loaded.
Deliberately not here: the import (kioskd.daemon.importing).
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from kioskd.cli.common import add_config
from kioskd.config.load import load
from kioskd.daemon.importing import ImportReport, ImportRequest, Progress, import_feed
from kioskd.errors import ConfigError, KioskError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

DONE, BAD_ROWS, REFUSED = 0, 1, 2
INTERRUPTED: Final = 130
_PLAIN_STEP: Final = 25  # per cent between two lines where there is no terminal

Show = Callable[[Progress], None]


def add_parser(subparsers: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `feed` with its commands."""
    feed = subparsers.add_parser(
        "feed",
        help="load a register's export into the cache",
        description="Credentials of patrons from a register's export. For root and the user that "
        "kioskd runs as.",
    )
    commands = feed.add_subparsers(dest="feed_command", required=True, metavar="COMMAND")
    load = commands.add_parser(
        "import",
        help="load a feed file, JSON lines or CSV",
        description="Load a feed file, JSON lines or CSV, beside a running daemon or without one. "
        "Exit code 0: everything loaded; 1: loaded, but rows were bad, or PINs of staff for lost "
        "or deleted cards could not be removed; 2: nothing was loaded.",
    )
    load.add_argument("file", metavar="FILE", help="the feed, or - for standard input")
    add_config(load)
    load.add_argument("--delta", action="store_true", help="changes and tombstones only")
    load.add_argument("--dry-run", action="store_true", help="read and count, change nothing")
    load.add_argument(
        "--confirm-shrink",
        action="store_true",
        help="load it even though more than half of the credentials would be gone",
    )
    load.add_argument("--json", action="store_true", help="the summary as one JSON object")
    load.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Import and say what came of it; the exit code."""
    request = ImportRequest(
        config=str(args.config),
        feed=args.file,
        delta=args.delta,
        dry_run=args.dry_run,
        confirm_shrink=args.confirm_shrink,
    )
    _warn_of_hub(args.config)
    try:
        with _progress(quiet=args.json) as show:
            report = import_feed(request, show)
    except KioskError as error:
        _tell_refusal(error, as_json=args.json)
        return REFUSED
    except KeyboardInterrupt:
        print("interrupted; the cache is as it was", file=sys.stderr)
        return INTERRUPTED
    print(_as_json(report) if args.json else summary(report))
    if report.state_fault:
        print(report.state_fault, file=sys.stderr)
    return BAD_ROWS if report.bad or report.state_fault else DONE


def _warn_of_hub(config: Path) -> None:
    with suppress(ConfigError):  # the import tells it
        if load(config).register.credentials == "hub":
            print(
                "warning: this site has its credentials from a hub; a file counts until the next "
                "pull, which takes a whole new copy",
                file=sys.stderr,
            )


def summary(report: ImportReport) -> str:
    """The report for people."""
    speed = f"{report.seconds:.1f} s, {report.rows_per_second:,.0f} rows/s"
    lines = [
        _headline(report),
        f"  rows         {report.rows:>12,}   {speed}",
        f"  loaded       {report.loaded:>12,}",
        f"  bad          {report.bad:>12,}",
        f"  duplicates   {report.duplicates:>12,}   the last row of a card was taken",
        f"  deleted      {report.deleted:>12,}",
        f"  in the cache {report.credentials:>12,}   {_before(report)}",
    ]
    if report.cache_bytes:
        size = f"{report.cache_bytes / 1e6:,.1f} MB"
        lines.append(f"  size         {size:>12}   {report.bytes_per_credential:.0f} bytes each")
    if report.pins_removed:
        why = "lost or deleted cards: their PINs of staff were removed"
        lines.append(f"  PINs removed {report.pins_removed:>12,}   {why}")
    lines += [f"  {count:>12,} with {kind}" for kind, count in sorted(report.verifiers.items())]
    return "\n".join(lines + _bad_rows(report))


def _headline(report: ImportReport) -> str:
    kind = "delta" if report.delta else "full feed"
    if report.dry_run:
        return f"dry run of a {kind}: nothing was changed"
    return f"{kind} loaded"


def _before(report: ImportReport) -> str:
    return "" if report.previous is None else f"{report.previous:,} before"


def _bad_rows(report: ImportReport) -> list[str]:
    lines = [f"line {row.line}: {row.why}" for row in report.bad_rows]
    if report.bad > len(report.bad_rows):
        lines.append(f"and {report.bad - len(report.bad_rows):,} more bad rows")
    return lines


def _as_json(report: ImportReport) -> str:
    fields = msgspec.to_builtins(report)
    fields.pop("type")
    fields["rows_per_second"] = round(report.rows_per_second)
    fields["bytes_per_credential"] = round(report.bytes_per_credential, 1)
    fields["seconds"] = round(report.seconds, 3)
    return json.dumps(fields)


def _tell_refusal(error: KioskError, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"refused": str(error)}))
    print(str(error), file=sys.stderr)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Show]:
    if quiet:
        yield lambda step: None
    elif sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield _plain_lines()


@contextmanager
def _bars() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(step: Progress) -> None:
            if step.phase not in tasks:
                tasks[step.phase] = bars.add_task(step.phase, total=step.total or None)
            bars.update(tasks[step.phase], completed=step.done)

        yield show


def _plain_lines() -> Show:
    told: dict[str, int] = {}

    def show(step: Progress) -> None:
        percent = 100 * step.done // step.total if step.total else 0
        if percent >= told.get(step.phase, 0) + _PLAIN_STEP:
            told[step.phase] = percent
            print(f"{step.phase} {percent} %", file=sys.stderr)

    return show

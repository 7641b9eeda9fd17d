"""kioskd-hub import: load what a register exported, then wrap its PIN hashes.

Exit code 0: everything is loaded. 1: loaded, but rows were bad or cards were kept back. 2: nothing
was loaded. The file holds card numbers and hashes: give it over standard input, or let --delete
remove it once everything is loaded.
Deliberately not here: formats and the import itself (sync.hub.imports), wrapping.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from kioskd.errors import InputError, KioskError, StoreError
from sync.hub.accounts import account
from sync.hub.cli.common import (
    Hub,
    add_config,
    add_json,
    add_key_file,
    config_of,
    feed_of,
    now,
    opened_with_keys,
    print_json,
    printable,
    say,
)
from sync.hub.cli.progress import Show, progress
from sync.hub.imports import koha_formats
from sync.hub.imports.feed import FeedParser
from sync.hub.imports.report import ImportProgress, ImportReport, ImportRequest
from sync.hub.imports.rows import Parser, ParserRules
from sync.hub.imports.run import run_import
from sync.hub.imports.source import Source
from sync.hub.model import HubConfig
from sync.hub.wrapping import waiting, wrap

FEED: Final = "feed"
STANDARD_INPUT: Final = Path("-")
DONE, LEFT_OUT = 0, 1  # 2, by way of the errors: nothing was loaded
INTERRUPTED: Final = 130


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "import",
        help="load what a register exported",
        description="Load what a register exported, beside a serving hub or without one. Exit "
        "code 0: everything is loaded; 1: loaded, but rows were bad or cards were kept back; 2: "
        "nothing was loaded.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the export, or - for stdin")
    parser.add_argument("--feed", required=True, metavar="FEED", help="whose it is")
    parser.add_argument("--format", choices=(FEED, *koha_formats.FORMATS), default=FEED)
    parser.add_argument("--delta", action="store_true", help="changes and tombstones only")
    parser.add_argument(
        "--confirm-shrink",
        action="store_true",
        help="drop who is missing, even though more than half of the feed would be gone",
    )
    parser.add_argument(
        "--no-wait", action="store_true", help="leave the wrapping of PIN hashes to serve"
    )
    parser.add_argument(
        "--delete", action="store_true", help="remove FILE once everything in it is loaded"
    )
    add_config(parser)
    add_key_file(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Import and say what came of it; the exit code."""
    _check_usage(args)
    config = config_of(args)
    feed_of(config, args.feed)
    written = asyncio.Event()
    try:
        _check_file(args)
        report = asyncio.run(_import(args, config, written))
    except KioskError as error:
        if args.json:
            print_json({"refused": str(error)})
        if isinstance(error, StoreError) and not written.is_set():
            raise InputError(str(error)) from error  # nothing was loaded
        raise
    except KeyboardInterrupt:
        say("interrupted; what is in the hub is whole: import again to have the rest")
        return INTERRUPTED
    _tell(args, report)
    return _end(args, report)


async def _import(
    args: argparse.Namespace, config: HubConfig, written: asyncio.Event
) -> ImportReport:
    """written: set once something of the file may be in the database."""

    request = ImportRequest(
        feed=args.feed,
        format=args.format,
        full=not args.delta,
        confirm_shrink=args.confirm_shrink,
    )
    async with opened_with_keys(config) as hub:
        with progress(quiet=args.json) as show:

            def told(step: ImportProgress) -> None:
                if step.stage == "writing":
                    written.set()
                show(step.stage, step.done, step.total)

            report = await run_import(
                hub.database,
                hub.keys,
                config,
                request,
                _parser_for(args.file, request, config),
                now,
                told,
            )
            written.set()
            return await _wrapped(hub, report, show, wait=not args.no_wait)


async def _wrapped(hub: Hub, report: ImportReport, show: Show, *, wait: bool) -> ImportReport:
    """Wrap what waits in the feed; the report with what waits then."""
    if not wait or not report.waiting_to_wrap:
        return report
    await wrap(
        hub.database,
        hub.keys,
        progress=lambda step: show("wrapping", step.done, step.total),
    )
    left = await waiting(hub.database, report.feed)
    return msgspec.structs.replace(report, waiting_to_wrap=left)


def _parser_for(
    path: Path, request: ImportRequest, config: HubConfig
) -> Callable[[ParserRules], Parser]:
    """How the file is opened once the import knows its rules."""

    def opened(rules: ParserRules) -> Parser:
        if request.format == FEED:
            return FeedParser.open(path, rules)
        source = Source.open(path)
        return koha_formats.koha_parser(
            request.format, source, rules, config.koha, full=request.full
        )

    return opened


def _check_usage(args: argparse.Namespace) -> None:
    if args.file == STANDARD_INPUT and sys.stdin.isatty():
        raise InputError("-: standard input is a terminal; give it a file: ... import - < FILE")
    if args.file == STANDARD_INPUT and args.delete:
        raise InputError("--delete: standard input is no file that could be removed")


def _check_file(args: argparse.Namespace) -> None:
    """InputError: the account that this now is may not read the file; whoever may, pipes it."""
    if args.file == STANDARD_INPUT:
        return
    try:
        with args.file.open("rb"):
            pass
    except PermissionError:
        form = "" if args.format == FEED else f" --format {args.format}"
        raise InputError(
            f"{args.file}: the account {account()} may not read it; pipe it: kioskd-hub import - "
            f"--feed {args.feed}{form} < {args.file}"
        ) from None
    except OSError:
        return  # whoever reads it says what is wrong


def _end(args: argparse.Namespace, report: ImportReport) -> int:
    """The exit code, once the file is removed where that was asked for."""
    code = DONE if report.well else LEFT_OUT
    if args.file == STANDARD_INPUT:
        return code
    if not args.delete:
        say(f"{args.file}: is kept; it holds card numbers and PIN hashes (--delete removes it)")
        return code
    if not report.well:
        say(f"{args.file}: is kept, because not everything in it is loaded")
        return code
    try:
        args.file.unlink()
    except OSError as error:
        say(f"{args.file}: could not be removed: {error.strerror}; remove it by hand")
        return LEFT_OUT
    return code


def _tell(args: argparse.Namespace, report: ImportReport) -> None:
    if args.json:
        print_json({**msgspec.to_builtins(report), "well": report.well})
    else:
        sys.stdout.write("".join(f"{line}\n" for line in summary(report)))
        sys.stdout.flush()
    say(*map(printable, report.advice()))


def summary(report: ImportReport) -> list[str]:
    """The report for people."""
    kind = "list" if report.format.startswith("blocklist") else "feed" if report.full else "delta"
    counts = [
        ("rows", report.rows, f"{report.seconds:.1f} s"),
        ("applied", report.applied, "new or changed"),
        ("unchanged", report.unchanged, ""),
        ("bad", report.bad, ""),
        ("duplicates", report.duplicates, "the last row of a card was taken"),
        ("deleted", report.deleted, "the file says so"),
        ("dropped", report.dropped, "not in the feed, or their line could not be read"),
        ("withdrawn", report.withdrawn, "their last row was bad"),
        ("kept back", report.kept_back, "to be dropped, and were not"),
        ("patched", report.patched, ""),
        ("unknown", report.unknown_patches, "listed, but not in the feed"),
        ("to wrap", report.waiting_to_wrap, "PIN hashes that no device has until then"),
    ]
    always = {"rows", "applied", "unchanged", "bad"}
    lines = [f"{report.feed}: {'full ' if kind == 'feed' else ''}{kind} loaded"]
    lines += [
        f"  {name:<11}{count:>12,}   {told}".rstrip()
        for name, count, told in counts
        if count or name in always
    ]
    lines += [f"  {count:>22,} rows: {printable(text)}" for text, count in report.warnings.items()]
    lines += [f"line {fault.line}: {printable(fault.why)}" for fault in report.faults]
    if report.bad > len(report.faults):
        lines.append(f"and {report.bad - len(report.faults):,} more bad rows")
    return lines

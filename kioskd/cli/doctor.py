"""kioskd doctor: looks at everything and says what to do, a line a check.

With --card-stdin the library system of [register.sip2] is asked about a test card as well.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kioskd.cli.common import DEFAULT_CONFIG, add_config, add_json, print_json, printable
from kioskd.health.findings import Finding, Word, as_json, is_bad

if TYPE_CHECKING:
    from kioskd.daemon.ils_talk import Patron

_COLOUR = {Word.OK: "green", Word.LOOK: "yellow", Word.BAD: "bold red"}


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "doctor",
        help="look at everything and say what to do",
        description="Look at everything, with the daemon or without it, and say what to do. What "
        "this account may not read is left to root. Exit code 1 when something is bad.",
    )
    add_config(parser)
    parser.add_argument(
        "--card-stdin",
        action="store_true",
        help="ask the library system (register.sip2) about a test card too: card and PIN from "
        "two lines of standard input; a wrong PIN is tried first, which costs it one attempt",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when nothing is bad, else 1; a configuration with faults is looked past."""
    patron = None
    if args.card_stdin:
        from kioskd.cli.sip2_patron import read_patron

        patron = read_patron()
    if not args.json:
        # Now: once root is given up, what it could import may be out of reach.
        import rich.console
        import rich.table
        import rich.text  # noqa: F401
    findings = look_around(Path(args.config), patron)
    if args.json:
        print_json(as_json(findings))
    else:
        _print(findings)
    return 1 if is_bad(findings) else 0


def look_around(path: Path, patron: "Patron | None" = None) -> tuple[Finding, ...]:
    """Every finding about the site of a configuration file. patron: a test card."""
    from kioskd.daemon.doctoring import examine
    from kioskd.health.checks import judge

    return judge(examine(path, is_default=path == DEFAULT_CONFIG, patron=patron))


def _print(findings: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("check", "", "what", box=None, pad_edge=False)
    for finding in findings:
        # Text, not str: what a file or a device says is never taken for markup.
        what = Text(printable(finding.what))
        if finding.todo:
            what.append(f"\n→ {printable(finding.todo)}", style="cyan")
        word = Text(finding.word.value, style=_COLOUR[finding.word])
        table.add_row(Text(printable(finding.check)), word, what)
    console = Console()
    console.print(table)
    console.print(_summed_up(findings))


def _summed_up(findings: Sequence[Finding]) -> str:
    counts = {word: sum(f.word is word for f in findings) for word in Word}
    return ", ".join(f"{counts[word]} {word.value}" for word in Word)

"""The demo's table, a row as each step ends, so that people see it go on; reasons, the verdict.

Colour never stands alone: each outcome is a word too.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.columns import Columns
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kioskd.cli.demo_day import IMPOSSIBLE
from kioskd.cli.demo_seen import Seen
from kioskd.domain.decision import Reason

_PLAIN_WIDTH: Final = 140  # where there is no terminal to ask
_NAMES: Final = ("", "what happens", "scanned and typed", "decided", "relay", "journalled", "")
_WIDE: Final = (3, 29, 26, 25, 12, 16, 11)
_NARROW: Final = (3, 13, 10, 18, 11, 16, 2)  # fits 80 columns
_WIDE_GAP, _NARROW_GAP = 2, 1
_WIDE_TOTAL: Final = sum(_WIDE) + _WIDE_GAP * len(_WIDE)
_FRAMES: Final = {"on": "A0 01 01 A2", "off": "A0 01 00 A1"}


class Report:
    """Prints the table to a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._wide = console.width >= _WIDE_TOTAL
        self._number = 0

    def head(self, title: str = "") -> None:
        """The names of the columns. title: of an act that is not the first."""
        if title:
            self._console.rule(f"[bold]{title}[/]")
        table = self._table()
        table.add_row(*(f"[bold]{name}[/]" for name in _NAMES))
        self._console.print(table)
        self._console.rule()

    def row(self, title: str, seen: Seen, faults: Sequence[str]) -> None:
        """One step, and what came out otherwise."""
        self._number += 1
        told = [*seen.decided, *seen.unwritten]
        decided = "\n".join([*map(_coloured, told), *map(escape, seen.said), *_shown(seen)])
        journal = ["entry.decided"] * len(seen.decided) + list(seen.journal)
        journal += [f"[dim]{escape(alert)}[/]" for alert in seen.alerts]
        table = self._table()
        cells = (str(self._number), escape(title), escape(seen.done), decided)
        table.add_row(*cells, _relay(seen), "\n".join(journal), self._outcome(faults))
        self._console.print(table)
        for fault in faults:
            self._console.print(f"    [red]{escape(fault)}[/]")

    def reasons(self, seen: Mapping[Reason, int]) -> None:
        """Every reason that there is: how often it decided, or why it cannot."""
        possible = [reason for reason in Reason if reason not in IMPOSSIBLE]
        there = sum(1 for reason in Reason if seen.get(reason))
        self._console.rule()
        self._console.print(f"[bold]Reasons: {there} of {len(Reason)} seen[/]")
        counted = (f"{reason.value} {_times(seen.get(reason, 0))}" for reason in possible)
        self._console.print(Columns(counted, equal=True, padding=(0, 3)))
        for reason, why in IMPOSSIBLE.items():
            self._console.print(f"[dim]{reason.value}: {why}[/]")

    def verdict(self, seconds: float, failed: Sequence[str], why: Sequence[str]) -> None:
        """The last line; with a failure what the daemon complained about."""
        took = f"{self._number} steps in {seconds:.0f} s"
        if failed:
            names = "; ".join(failed)
            for line in why:
                self._console.print(f"    [dim]{escape(line)}[/]")
            self._console.print(f"\n[red]NOT WELL[/] {took}: not as expected: {escape(names)}")
        else:
            self._console.print(f"\n[green]WELL[/] {took}: every step came out as expected")

    def _table(self) -> Table:
        gap = _WIDE_GAP if self._wide else _NARROW_GAP
        table = Table(box=None, show_header=False, padding=(0, gap, 0, 0), pad_edge=False)
        for width in _WIDE if self._wide else _NARROW:
            table.add_column(width=width, overflow="fold")
        return table

    def _outcome(self, faults: Sequence[str]) -> str:
        if self._wide:
            return "[red]NOT as\nexpected[/]" if faults else "[green]as expected[/]"
        return "[red]NO[/]" if faults else "[green]ok[/]"


def console_of() -> Console:
    """Standard output as it is; without a terminal plain, and wide enough for the table."""
    console = Console(highlight=False)
    if console.is_terminal:
        return console
    return Console(highlight=False, force_terminal=False, no_color=True, width=_PLAIN_WIDTH)


def _times(count: int) -> str:
    return f"[green]{count}x[/]" if count else "[red]not seen[/]"


def _shown(seen: Seen) -> list[str]:
    lamp = next((lamp for lamp in reversed(seen.lamps) if lamp in ("red", "green")), "")
    if seen.notice in ("", "enter-pin"):  # a question is no answer
        return []
    return [f"[dim]reads {seen.notice}" + (f", {lamp} lamp" if lamp else "") + "[/]"]


def _coloured(decided: str) -> str:
    return f"[green]{decided}[/]" if decided.startswith("granted") else f"[yellow]{decided}[/]"


def _relay(seen: Seen) -> str:
    if not seen.relay:
        return "nothing"
    pulses = iter(seen.pulses)
    lines = []
    for before, name in zip(("", *seen.relay), seen.relay, strict=False):
        lines.append(_FRAMES.get(name, name))
        if (before, name) == ("on", "off"):
            lines.append(f"after {next(pulses):.1f} s")
    return "\n".join(lines)

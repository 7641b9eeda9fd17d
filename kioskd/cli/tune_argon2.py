"""kioskd tune-argon2: what a PIN check costs on this device, and what it could bear.

Changes nothing: a verifier keeps the cost that it was made with. Those of patrons come with the
register's feed; those that staff enrol take the cost that most of the feed has.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kioskd.cli.common import add_config, add_json, config_of, print_json
from kioskd.config.model import Policy
from kioskd.errors import ConfigError

if TYPE_CHECKING:
    from kioskd.vault.measuring import Measured
    from kioskd.vault.verifiers import Argon2Parameters

SHARE_OF_MEMORY: Final = 4  # no more than a quarter of what is free, for both threads together
_THREADS: Final = 2
_MEMINFO: Final = Path("/proc/meminfo")
_WHERE: Final = (
    "Verifiers of patrons have the cost that their feed gives them: register or hub set it.",
    "Verifiers that staff enrol here take the cost that most of the feed has.",
)


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "tune-argon2",
        help="what a PIN check costs on this device",
        description="What a PIN check costs on this device, and what it could bear. Changes "
        "nothing; takes some seconds of its processor.",
    )
    add_config(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 with a recommendation; 1 when even the least cost takes too long here."""
    from kioskd.vault.measuring import TRIED, measure

    deny_after = _policy(args).deny_after_ms / 1000
    room = free_kib() // SHARE_OF_MEMORY
    fitting = [cost for cost in TRIED if cost.memory_kib * _THREADS <= room]
    found: list[Measured] = []
    for number, cost in enumerate(fitting, start=1):
        _progress(f"{number}/{len(fitting)}: {_named(cost)}")
        found.append(measure(cost))
    _progress("")
    best = recommended(found, deny_after / 2)
    if args.json:
        print_json(_as_json(found, best, deny_after, len(TRIED) - len(fitting)))
    else:
        _print(found, best, deny_after, len(TRIED) - len(fitting))
    return 0 if best else 1


def recommended(found: "Sequence[Measured]", limit: float) -> "Argon2Parameters | None":
    """The cost that is dearest for a thief and still under `limit` seconds; None for none.

    Dearest is most memory times passes: that is what each guess costs whoever has the hashes.
    """
    fast = [m.parameters for m in found if m.beside < limit]
    return max(fast, key=lambda p: (p.memory_kib * p.time_cost, p.memory_kib), default=None)


def free_kib() -> int:
    """Memory that can be had without swapping, in KiB."""
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024


def _policy(args: argparse.Namespace) -> Policy:
    try:
        return config_of(args).policy
    except ConfigError as wrong:
        sys.stderr.write(f"{wrong.faults[0]}; measuring against the default deny_after_ms\n")
        return Policy()


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text:<40}" + ("\r" if not text else ""))
        sys.stderr.flush()


def _named(cost: "Argon2Parameters") -> str:
    from kioskd.vault.kdf import SITE_PARAMETERS

    mark = " (default)" if cost == SITE_PARAMETERS else ""
    return f"{cost.memory_kib / 1024:g} MiB, {cost.time_cost} passes{mark}"


def _as_json(
    found: "Sequence[Measured]", best: "Argon2Parameters | None", deny_after: float, left_out: int
) -> dict[str, Any]:
    from kioskd.vault.kdf import SITE_PARAMETERS

    def cost(parameters: "Argon2Parameters") -> dict[str, int]:
        return {"memory_kib": parameters.memory_kib, "time_cost": parameters.time_cost}

    measured = [
        {
            **cost(m.parameters),
            "alone_ms": round(m.alone * 1000, 1),
            "beside_another_ms": round(m.beside * 1000, 1),
            "default": m.parameters == SITE_PARAMETERS,
            "fits": m.beside < deny_after / 2,
        }
        for m in found
    ]
    return {
        "deny_after_ms": round(deny_after * 1000),
        "measured": measured,
        "left_out_for_memory": left_out,
        "recommended": cost(best) if best else None,
        "where": list(_WHERE),
    }


def _print(
    found: "Sequence[Measured]", best: "Argon2Parameters | None", deny_after: float, left_out: int
) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("argon2id", "one check", "two at once", "", box=None, pad_edge=False)
    for m in found:
        word = "[green]fits[/]" if m.beside < deny_after / 2 else "[yellow]slow[/]"
        row = (_named(m.parameters), f"{m.alone * 1000:.1f} ms", f"{m.beside * 1000:.1f} ms")
        table.add_row(*row, word)
    console.print(table)
    if left_out:
        console.print(f"{left_out} left out: they would take over a quarter of the free memory")
    half = f"half of deny_after_ms ({deny_after * 500:g} ms)"
    if best:
        console.print(f"the dearest under {half}: {_named(best)}")
    else:
        console.print(f"none is under {half}: raise policy.deny_after_ms")
    for sentence in _WHERE:
        console.print(sentence)

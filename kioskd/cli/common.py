"""What commands share: the configuration option, reading a card, printing JSON."""

import argparse
import json
import re
import sys
from pathlib import Path

from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.domain.card import CodeKind, CodePatterns, canonical, masked
from kioskd.errors import InputError

DEFAULT_CONFIG = Path("/etc/kioskd/kioskd.toml")
_NOT_ASCII = re.compile(r"[^\x20-\x7e\n]")


def add_config(parser: argparse.ArgumentParser) -> None:
    """The option that every command has."""
    parser.add_argument(
        "--config",
        type=Path,
        default=DEFAULT_CONFIG,
        metavar="FILE",
        help=f"configuration file (default: {DEFAULT_CONFIG})",
    )


def config_of(args: argparse.Namespace) -> Config:
    """The configuration that the options name. ConfigError."""
    return load(Path(args.config))


def read_card(config: Config) -> str:
    """A canonical card number from the first line of standard input. InputError."""
    line = sys.stdin.readline(1024)
    number = canonical(line)
    kind = CodePatterns(config.cards.patron, config.cards.item).classify(number)
    if kind not in (CodeKind.PATRON, CodeKind.PATRON_OR_ITEM):
        shown = masked(number) if number else "(nothing)"
        raise InputError(
            f"standard input: {shown} fits no pattern of cards.patron; give one card number"
        )
    return number


def print_json(value: object) -> None:
    """One JSON document on standard output; what a terminal would act on is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    sys.stdout.write(_NOT_ASCII.sub(_escaped, text) + "\n")


def printable(text: str) -> str:
    """Text from a feed or a file as a terminal may show it."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]

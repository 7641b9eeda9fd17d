"""What commands share: the configuration option, reading a card, printing JSON."""

import argparse
import json
import sys
from pathlib import Path

from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.domain.card import CodeKind, CodePatterns, canonical, masked
from kioskd.errors import InputError

DEFAULT_CONFIG = Path("/etc/kioskd/kioskd.toml")


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
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")

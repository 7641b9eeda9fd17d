"""What commands share: the configuration option, reading a card, printing JSON."""

import argparse
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from getpass import getpass
from pathlib import Path

from kioskd.config.load import load
from kioskd.config.model import Config, Secrets
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


def add_place(parser: argparse.ArgumentParser) -> None:
    """The options of commands that ask the daemon: where the site is."""
    add_config(parser)
    parser.add_argument(
        "--socket",
        type=Path,
        metavar="PATH",
        help="the daemon's control socket, in place of a configuration file",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option that every command with an answer has."""
    parser.add_argument(
        "--json", action="store_true", help="print the answer as JSON, for other programs"
    )


def who_may(verb: str) -> str:
    """Which roles of control.roles may do what a command does, as a sentence of its help."""
    from kioskd.control.people import allowed

    return _for(allowed(verb))


def who_may_hear(topic: str) -> str:
    """The same of commands that listen."""
    from kioskd.control.people import allowed_topic

    return _for(allowed_topic(topic))


def _for(roles: Iterable[str]) -> str:
    return f"Roles that may: {', '.join(sorted(roles))}."


def config_of(args: argparse.Namespace) -> Config:
    """The configuration that the options name. ConfigError."""
    return load(Path(args.config))


def add_key_file(parser: argparse.ArgumentParser) -> None:
    """The option of commands that need keys where no daemon runs."""
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="the device key, where no daemon runs and secrets.device_key is a credential",
    )


def keyed_config_of(args: argparse.Namespace) -> Config:
    """The configuration that the options name, with the key that they name. ConfigError."""
    config = config_of(args)
    if args.key_file is None:
        return config
    return replace(config, secrets=Secrets(f"file:{args.key_file}"))


def read_card(config: Config | None) -> str:
    """A canonical card number from the first line of standard input. InputError.

    config: its patterns are looked at; None: any number will do, the daemon judges it.
    At a terminal it is asked for and not shown: what stands on a screen is read by others.
    """
    line = unseen("Card number: ") if sys.stdin.isatty() else sys.stdin.readline(1024)
    number = canonical(line)
    if not number or (config is not None and not _is_patron(config, number)):
        shown = masked(number) if number else "(nothing)"
        raise InputError(
            f"standard input: {shown} fits no pattern of cards.patron; give one card number"
        )
    return number


def _is_patron(config: Config, number: str) -> bool:
    kind = CodePatterns(config.cards.patron, config.cards.item).classify(number)
    return kind in (CodeKind.PATRON, CodeKind.PATRON_OR_ITEM)


def unseen(prompt: str) -> str:
    """What is typed at a terminal, which does not show it. InputError when nothing comes."""
    try:
        return getpass(prompt)
    except EOFError:
        raise InputError("nothing was typed; nothing was changed") from None


def print_json(value: object) -> None:
    """One JSON document on standard output; what a terminal would act on is escaped."""
    text = json.dumps(value, ensure_ascii=not writes_unicode(), indent=2)
    sys.stdout.write(_NOT_ASCII.sub(_escaped, text) + "\n")


def writes_unicode() -> bool:
    """Whether standard output has every character; JSON escapes those that it would lose."""
    return (sys.stdout.encoding or "").lower().startswith("utf")


def printable(text: str) -> str:
    """Text from a feed or a file as a terminal may show it."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]

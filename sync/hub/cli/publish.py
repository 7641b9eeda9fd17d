"""kioskd-hub config: what the hub tells a branch's devices: hours, lists, texts, help phone.

Deliberately not here: what may stand in the file, and the signature (sync.hub.publishing).
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from kioskd.domain.card import masked
from kioskd.errors import InputError
from sync.hub.cli.common import (
    Hub,
    add_config,
    add_json,
    add_key_file,
    branch_of,
    config_of,
    now,
    opened_with_keys,
    print_json,
    say,
)
from sync.hub.model import HubConfig
from sync.hub.publishing import Publishing
from sync.hub_wire import PublishedConfig

MAX_BYTES: Final = 1_000_000
_STANDARD_INPUT: Final = Path("-")


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The commands and their options."""
    config = commands.add_parser(
        "config",
        help="what a branch's devices are told: config publish, config show",
        description="What the hub tells a branch's devices: hours, lists, texts, help phone.",
    )
    under = config.add_subparsers(dest="config_command", required=True, metavar="COMMAND")
    publish = under.add_parser(
        "publish",
        help="give a branch's devices a new one",
        description="Check, sign and publish a TOML file with any of [schedule], help_phone, "
        "[texts.ID], [[lists.allow]] and [[lists.deny]]. Devices take it within seconds. What is "
        "not in it is ruled by the device's own file again.",
    )
    publish.add_argument("file", type=Path, metavar="FILE", help="or - for standard input")
    show = under.add_parser(
        "show",
        help="what is in force, cards masked",
        description="What is in force, cards masked.",
    )
    for parser, run in ((publish, run_publish), (show, run_show)):
        parser.add_argument("--branch", required=True, metavar="CODE")
        add_config(parser)
        add_key_file(parser)
        add_json(parser)
        parser.set_defaults(run=run)


def run_publish(args: argparse.Namespace) -> int:
    """0 once devices can get it; 2 with a line for each fault of the file."""
    config = config_of(args)
    code = branch_of(config, args.branch).code
    version = asyncio.run(_publish(config, code, args.file))
    if args.json:
        print_json({"branch": code, "version": version})
    else:
        say(f"{code}: version {version} is published")
    return 0


def run_show(args: argparse.Namespace) -> int:
    """0 with what is in force, be it nothing."""
    config = config_of(args)
    code = branch_of(config, args.branch).code
    published = asyncio.run(_published(config, code))
    if published is not None:
        print_json(_masked(published))
    elif args.json:
        print_json({"branch": code, "version": 0})
    else:
        say(f"{code}: nothing was published; the devices' own files rule")
    return 0


async def _publish(config: HubConfig, code: str, path: Path) -> int:
    text = _text(path)
    named = "standard input" if path == _STANDARD_INPUT else str(path)
    async with opened_with_keys(config) as hub:
        publishing = _publishing(hub)
        say(*(await publishing.check(code, text, named)).warnings)
        return await publishing.publish(code, text, named)


async def _published(config: HubConfig, code: str) -> PublishedConfig | None:
    async with opened_with_keys(config) as hub:
        return await _publishing(hub).published(code)


def _publishing(hub: Hub) -> Publishing:
    return Publishing(hub.database, hub.keys, hub.config, now)


def _masked(published: PublishedConfig) -> dict[str, object]:
    told: dict[str, Any] = msgspec.to_builtins(published)
    for name in ("allow", "deny"):
        for entry in told.get(name) or ():
            entry["card"] = masked(entry["card"])
    return told


def _text(path: Path) -> str:
    try:
        if path == _STANDARD_INPUT:
            raw = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
    except OSError as wrong:
        raise InputError(f"{path}: cannot be read: {wrong.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise InputError(f"{path}: is larger than {MAX_BYTES} bytes; is it this file?")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise InputError(f"{path}: is not UTF-8 at byte {wrong.start}") from None

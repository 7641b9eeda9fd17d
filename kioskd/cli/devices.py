"""kioskd devices: what is plugged in, who uses it, and lines for the configuration."""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kioskd.cli.common import (
    DEFAULT_CONFIG,
    add_config,
    add_json,
    config_of,
    print_json,
    printable,
)
from kioskd.config.model import Config
from kioskd.errors import ConfigError


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "devices",
        help="what is plugged in, with configuration lines",
        description="What is plugged in, which device of the configuration uses it, and lines for "
        "the configuration. Needs no daemon. Exit code 1 when a configured device is missing.",
    )
    add_config(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when every configured port is there, else 1. Without a good configuration: ports alone."""
    config = _config_if_good(args)
    listed = _listed(config)
    if args.json:
        print_json(listed)
    else:
        _print(listed)
    return 1 if listed["missing"] else 0


def _config_if_good(args: argparse.Namespace) -> Config | None:
    """None for a new device, on which nothing is configured yet, and for a file with faults."""
    try:
        return config_of(args)
    except ConfigError as wrong:
        known = "is not used for this list"
        sys.stderr.write(f"{printable(wrong.faults[0])}; the configuration {known}\n")
        if Path(args.config) != DEFAULT_CONFIG and not os.path.lexists(args.config):
            raise
        return None


def _listed(config: Config | None) -> dict[str, Any]:
    from kioskd.daemon.asked import ask_running
    from kioskd.daemon.device_list import device_list

    if config is None:
        return device_list(None)
    told = ask_running(config, is_default=config.path == DEFAULT_CONFIG)
    return device_list(config, told.device)


def _print(listed: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if listed["ports"]:
        table = Table("port", "what", "used by", box=None, pad_edge=False)
        for port in listed["ports"]:
            table.add_row(*_row(port))
        console.print(table)
    else:
        console.print("no serial port is there")
    for device in listed["missing"]:
        why = f": {printable(device['why'])}" if device["why"] else ""
        console.print(_text(f"missing: {device['name']} at {device['port']}{why}", "bold red"))
    if listed["lines"]:
        console.print(_text("\nnot used yet; for the configuration:\n", "cyan"))
        sys.stdout.write("\n".join(printable_lines(text) for text in listed["lines"]))
    for hint in listed["hints"]:
        console.print(_text(f"→ {hint}", "cyan"))


def printable_lines(text: str) -> str:
    """Several lines as a terminal may show them."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _row(port: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    name = port["port"] if port["port"] == port["node"] else f"{port['port']}\n{port['node']}"
    said = " ".join(part for part in (port["usb"], port["maker"], port["model"]) if part)
    what = "\n".join(part for part in (said, port["likely"]) if part)
    used = ", ".join(f"{u['name']}{_PRESENT[u['present']]}" for u in port["used_by"])
    return _text(printable_lines(name)), _text(printable_lines(what)), _text(used or "nobody")


_PRESENT = {True: " (in use)", False: " (not in use: see kioskd doctor)", None: ""}


def _text(text: str, style: str = "") -> Any:
    from rich.text import Text

    # Text, not str: what a device says of itself is never taken for markup.
    return Text(printable_lines(text), style=style)

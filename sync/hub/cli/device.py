"""kioskd-hub device: who may ask this hub, and what a device is told to do.

A token or a join code is printed alone on standard output, and nowhere a second time.
Deliberately not here: what is kept of them (sync.hub.devices).
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sync.hub.cli.ages import ago
from sync.hub.cli.common import (
    add_config,
    add_json,
    branch_of,
    config_of,
    now,
    opened,
    print_json,
    printable,
    say,
    wide_console,
)
from sync.hub.device_faults import is_dropped
from sync.hub.device_rows import DeviceRow
from sync.hub.devices import KINDS, Devices
from sync.hub.join import LIFETIME
from sync.hub.model import HubConfig

if TYPE_CHECKING:
    from rich.table import Table

Act = Callable[[argparse.Namespace, HubConfig, Devices], Awaitable[int]]


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The commands and their options."""
    device = commands.add_parser(
        "device", help="devices of this hub", description="Devices of this hub."
    )
    under = device.add_subparsers(dest="device_command", required=True, metavar="COMMAND")
    add = _one(under, "add", "a new device; prints its token, nothing else", _add)
    add.add_argument("--branch", required=True, metavar="CODE", help="where it stands")
    _one(under, "revoke", "take a device's token; its next request is refused", _revoke)
    code = _one(under, "join-code", "a one-time code for `kioskd setup --join`, for 24 h", _code)
    code.add_argument("--branch", required=True, metavar="CODE", help="where it stands")
    tell = _one(under, "command", "what a device is to do when it asks next", _command)
    tell.add_argument("kind", choices=KINDS)
    _one(under, "clear-alarm", "somebody has looked at what was wrong with its journal", _clear)
    listed = under.add_parser("list", help="all devices", description="All devices by name.")
    add_config(listed)
    add_json(listed)
    listed.set_defaults(run=run, act=_list)


def run(args: argparse.Namespace) -> int:
    """Do what the command says."""
    config = config_of(args)
    return asyncio.run(_run(args, config))


async def _run(args: argparse.Namespace, config: HubConfig) -> int:
    async with opened(config) as database:
        act: Act = args.act
        return await act(args, config, Devices(database, now))


def _one(under: Any, name: str, told: str, act: Act) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = under.add_parser(name, help=told, description=told)
    parser.add_argument("name", metavar="NAME")
    add_config(parser)
    add_json(parser)
    parser.set_defaults(run=run, act=act)
    return parser


async def _add(args: argparse.Namespace, config: HubConfig, devices: Devices) -> int:
    branch = branch_of(config, args.branch)
    token = await devices.add(args.name, branch.code)
    if args.json:
        print_json({"name": args.name, "branch": branch.code, "token": token})
    else:
        sys.stdout.write(f"{token}\n")
    return 0


async def _code(args: argparse.Namespace, config: HubConfig, devices: Devices) -> int:
    branch = branch_of(config, args.branch)
    code = await devices.join_code(args.name, branch.code)
    if args.json:
        print_json({"name": args.name, "branch": branch.code, "code": code})
    else:
        sys.stdout.write(f"{code}\n")
        until = (now() + LIFETIME).astimezone(ZoneInfo(config.timezone))
        say(f"good until {until:%Y-%m-%d %H:%M}: kioskd setup --join CODE --hub URL")
    return 0


async def _revoke(args: argparse.Namespace, config: HubConfig, devices: Devices) -> int:
    await devices.revoke(args.name)
    return _did(args, {"name": args.name, "revoked": True}, f"{args.name}: revoked")


async def _command(args: argparse.Namespace, config: HubConfig, devices: Devices) -> int:
    told = await devices.command(args.name, args.kind)
    done = {"name": args.name, "command": args.kind, "id": told}
    return _did(args, done, f"{args.name}: is told to {args.kind}")


async def _clear(args: argparse.Namespace, config: HubConfig, devices: Devices) -> int:
    had = any(row.alarm for row in await devices.listed() if row.name == args.name)
    await devices.clear_alarm(args.name)
    if not had:
        done = {"name": args.name, "alarm": "", "cleared": False}
        return _did(args, done, f"{args.name}: there was no alarm")
    return _did(
        args, {"name": args.name, "alarm": "", "cleared": True}, f"{args.name}: alarm cleared"
    )


async def _list(args: argparse.Namespace, config: HubConfig, devices: Devices) -> int:
    rows = await devices.listed()
    if args.json:
        print_json({"devices": [as_json(row) for row in rows]})
        return 0
    if not rows:
        say("no device yet; kioskd-hub device add NAME --branch CODE")
        return 0
    wide_console().print(drawn(rows))
    return 0


def as_json(row: DeviceRow) -> dict[str, object]:
    """A device as JSON has it: times in RFC 3339, ages in seconds."""
    return {
        "name": row.name,
        "branch": row.branch,
        "created": row.created.isoformat(),
        "revoked": row.revoked.isoformat() if row.revoked else None,
        "seen": row.seen.isoformat() if row.seen else None,
        "version": row.version,
        "cache_dropped": is_dropped(row),
        "cache_age_seconds": _seconds(row.cache_age),
        "clock_ahead_seconds": _seconds(row.skew),
        "alarm": row.alarm,
        "alerts": list(row.alerts),
        "waiting": row.waiting,
        "dead": row.dead,
        "config_version": row.config_version,
    }


def drawn(rows: list[DeviceRow]) -> "Table":
    """Devices as a table for people."""
    from rich.table import Table
    from rich.text import Text

    heads = ("device", "branch", "seen", "version", "cache", "waiting", "dead", "well?")
    table = Table(*heads, box=None, pad_edge=False)
    at = now()
    for row in rows:
        seen = "never" if row.seen is None else ago(at - row.seen)
        cache = _cache(row)
        told = (row.name, row.branch, seen, row.version, cache, str(row.waiting), str(row.dead))
        table.add_row(*(Text(printable(text)) for text in (*told, _word(row))))
    return table


def _cache(row: DeviceRow) -> str:
    if is_dropped(row):
        return "dropped"
    return "" if row.cache_age is None else ago(row.cache_age)


def _word(row: DeviceRow) -> str:
    if row.revoked is not None:
        return "revoked"
    return row.alarm or ", ".join(row.alerts)


def _seconds(age: timedelta | None) -> float | None:
    return None if age is None else round(age.total_seconds(), 1)


def _did(args: argparse.Namespace, done: dict[str, object], line: str) -> int:
    if args.json:
        print_json(done)
    else:
        say(line)
    return 0

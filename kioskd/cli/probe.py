"""kioskd probe DEVICE: what a reader or keypad sends, masked; beside the daemon or without it."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from kioskd.cli.common import add_place, printable, who_may_hear
from kioskd.config.model import DeviceConfig
from kioskd.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from kioskd.cli.asking import Site
    from kioskd.config.model import Config

_NOTHING: Final = (
    "nothing came. Check, in this order:",
    "  the cable and the power: kioskd devices",
    "  that the device sends at all: a scanner has to beep, a keypad to click",
    "  baud: a wrong one gives nothing or bytes that are bad",
    "  that a scanner sends to its serial port and not as a keyboard: its own codes set that",
)
_SENT: Final = frozenset({"scan", "keys"})
_MOST_SECONDS: Final = 86_400.0


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "probe",
        help="what a reader or keypad sends, masked",
        description="What a reader or keypad sends, masked: shapes of codes and kinds of keys, "
        "never a card number or a digit. Doors go on meanwhile. " + who_may_hear("probe"),
    )
    add_place(parser)
    parser.add_argument("device", metavar="DEVICE", help="its name in [devices]")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after so long")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when something came before the time was over or Ctrl-C was pressed, else 1."""
    from kioskd.cli.asking import Site
    from kioskd.daemon.probing import device_of

    site = Site.of(args)
    # Where the file has faults the daemon knows the device all the same.
    device = device_of(site.config, args.device) if site.config else None
    if args.seconds is not None and not 0 < args.seconds <= _MOST_SECONDS:
        raise InputError(f"--seconds: give more than 0 and at most {_MOST_SECONDS:g}")
    seen = Seen(args.device, device, as_json=args.json)
    if not args.json:
        sys.stderr.write(f"{args.device}: scan or type now; Ctrl-C ends\n")
    with suppress(KeyboardInterrupt):
        asyncio.run(_listen(site, args.device, seen, args.seconds))
    if not seen.any:
        sys.stderr.write("".join(f"{line}\n" for line in _NOTHING))
    return 0 if seen.any else 1


class Seen:
    """Prints what comes; remembers whether the device sent anything."""

    def __init__(self, name: str, device: DeviceConfig | None, *, as_json: bool) -> None:
        self._name = name
        self._device = device
        self._as_json = as_json
        self.any = False

    def __call__(self, event: Mapping[str, Any]) -> None:
        """One masked event."""
        self.any = self.any or event.get("kind") in _SENT
        if self._as_json:
            text = json.dumps({"device": self._name, **event})
        else:
            text = printable(told(event, self._device))
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


async def _listen(site: "Site", name: str, seen: Seen, seconds: float | None) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _from_somewhere(site, name, seen)


async def _from_somewhere(site: "Site", name: str, seen: Seen) -> None:
    from kioskd.cli.asking import NotThere

    try:
        with site.reached() as daemon:
            path = daemon.path
    except NotThere:
        if site.config is None:
            raise
        await _alone(site.config, name, seen)
    else:
        await _from_daemon(path, name, seen)


async def _alone(config: "Config", name: str, seen: Seen) -> None:
    from kioskd.daemon.offline import become_owner
    from kioskd.daemon.probing import probe_alone

    become_owner(config.storage.directory)
    await probe_alone(config, name, seen)


async def _from_daemon(path: "Path", name: str, seen: Seen) -> None:
    from kioskd.client import open_link

    async with await open_link(path) as link:
        await link.subscribe([f"probe:{name}"])
        async for event in link.events():
            seen({key: value for key, value in event.items() if key != "event"})


def told(event: Mapping[str, Any], device: DeviceConfig | None) -> str:
    """An event in one line. device: None where no file says how it is set."""
    left_out = f"; {event['left_out']} more left out" if event.get("left_out") else ""
    match event.get("kind"):
        case "scan":
            return _scan(event, device) + left_out
        case "keys":
            bad = f", {event.get('bad')} bytes that are no key" if event.get("bad") else ""
            return f"keys: {' '.join(event.get('keys', ())) or 'none'}{bad}{left_out}"
        case "there":
            return "the device is there"
        case "lost":
            return f"not there: {event.get('why', '')}"
    return "something that this version does not know"


def _scan(event: Mapping[str, Any], device: DeviceConfig | None) -> str:
    parts = [
        f"{event.get('what')}, {event.get('length')} characters: {event.get('shape')}",
        f"ends {event.get('last')}",
        f"then {event.get('end') or 'nothing: no terminator came'}",
        f"{event.get('between_ms')} ms between characters",
    ]
    if event.get("bad"):
        baud = f"baud {device.baud}" if device else "baud"
        parts.append(f"{event['bad']} bytes that no scanner means: is {baud} right?")
    if device and _ends_otherwise(str(event.get("end") or ""), device.terminator):
        parts.append(f'the door waits for terminator = "{device.terminator}": it sees no code')
    return "; ".join(parts)


def _ends_otherwise(end: str, wanted: str) -> bool:
    ended_by = {"CR": {"any", "cr"}, "LF": {"any", "lf"}, "CR LF": {"any", "cr", "lf", "crlf"}}
    return wanted not in ended_by.get(end, set())

"""kioskd status: doors, devices, hours and alerts at a glance, as the running daemon sees them.

Each line begins with a word, so that nothing hangs on a colour. Deliberately not here: what is to
be done about it (kioskd doctor).
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from kioskd.cli.asking import Site
from kioskd.cli.common import add_json, add_place, print_json, printable, who_may
from kioskd.errors import InputError, KioskError

if TYPE_CHECKING:
    from rich.console import RenderableType

WATCH_SECONDS: Final = 2.0
OLD_SECONDS: Final = 24 * 3600  # as the alert
OK, INFO, LOOK, BAD = "ok", "info", "look", "bad"
_COLOURS: Final = {OK: "green", INFO: "cyan", LOOK: "yellow", BAD: "bold red"}
_RANK: Final = {BAD: 0, LOOK: 1}  # what is first on a small terminal
_DOOR_WORDS: Final = {"held": LOOK, "forced": BAD, "unknown": LOOK}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: how it stands, what it is about, and what there is to say."""

    word: str
    about: str
    told: str


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "status",
        help="doors, devices, hours, alerts at a glance",
        description="Doors, devices, hours and alerts as the running daemon sees them; what is bad "
        "comes first. Exit code 1 when something is bad. " + who_may("status"),
    )
    add_place(parser)
    add_json(parser)
    parser.add_argument("--watch", action="store_true", help="look again every 2 s, until Ctrl-C")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when nothing is bad, 1 when something is, or when the daemon does not answer."""
    site = Site.of(args)
    if args.watch:
        return _watch_json(site) if args.json else _watch(site)
    answer = site.ask("status", {})
    if args.json:
        print_json(answer)
    else:
        from rich.console import Console

        Console(highlight=False).print(_table(answer))
    return _code(answer)


def _watch(site: Site) -> int:
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    if not console.is_terminal:
        raise InputError("--watch needs a terminal; leave it out, or add --json")
    code = 1
    with Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                shown, code = _look(site)
                live.update(shown, refresh=True)
                time.sleep(WATCH_SECONDS)
        except KeyboardInterrupt:
            return code


def _look(site: Site) -> "tuple[RenderableType, int]":
    from rich.text import Text

    try:
        answer = site.ask("status", {}, patience=0.0)
    except KioskError as error:
        return Text(printable(str(error))), 1
    return _table(answer), _code(answer)


def _watch_json(site: Site) -> int:
    """One line a look, for other programs."""
    while True:
        answer = site.ask("status", {}, patience=0.0)
        sys.stdout.write(json.dumps(answer, ensure_ascii=True) + "\n")
        sys.stdout.flush()
        time.sleep(WATCH_SECONDS)


def _code(answer: Mapping[str, Any]) -> int:
    return int(any(line.word == BAD for line in lines_of(answer)))


def _table(answer: Mapping[str, Any]) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for line in sorted(lines_of(answer), key=lambda line: _RANK.get(line.word, len(_RANK))):
        word = Text(line.word, style=_COLOURS[line.word])
        table.add_row(word, Text(printable(line.about)), Text(printable(line.told)))
    return table


def lines_of(answer: Mapping[str, Any]) -> list[Line]:
    """The table of an answer to `status`."""
    return [
        *_site(answer),
        *(_door(door) for door in answer["doors"]),
        *(_device(device) for device in answer["devices"]),
        _cache(answer["cache"]),
        *line_of(answer),
        *_journal(answer),
        *_alerts(answer),
        *_more(answer),
    ]


def _site(answer: Mapping[str, Any]) -> Iterator[Line]:
    up = _lasting(answer["uptime_seconds"])
    yield Line(OK, "kioskd", f"{answer['version']}, {answer['branch']}, up {up}")
    hours, change = answer["hours"]["state"], answer["hours"]["next_change"]
    yield Line(OK, "hours", f"{hours} until {_minute(change)}" if change else hours)
    if answer["lockdown"]:
        yield Line(LOOK, "lockdown", "on: nobody but the allow-list is let in")
    clock = answer["clock"]
    told = "trusted" if clock["trusted"] else f"not trusted: {clock['why']}"
    yield Line(OK if clock["trusted"] else BAD, "clock", f"{_minute(answer['at'])}, {told}")


def _door(door: Mapping[str, Any]) -> Line:
    state = door["state"]
    told = f"{state} since {_minute(door['since'])}"
    if door["contact"] == "unknown":
        told += ", contact not known"
    elif door["contact"] in ("open", "closed") and door["contact"] != state:
        told += f", {door['contact']}"
    if door["awaits_first_person"]:
        told += ", unlocks with the first person in"
    if door["fault"]:
        return Line(BAD, f"door {door['name']}", f"{told}; fault {door['fault']}")
    return Line(_DOOR_WORDS.get(state, OK), f"door {door['name']}", told)


def _device(device: Mapping[str, Any]) -> Line:
    name = f"device {device['name']}"
    since = _minute(device["since"])
    if device["present"]:
        return Line(OK, name, f"{device['driver']}, there since {since}")
    why = f": {device['why']}" if device["why"] else ""
    return Line(BAD, name, f"{device['driver']}, away since {since}{why}")


def _cache(cache: Mapping[str, Any]) -> Line:
    if not cache["readable"]:
        return Line(BAD, "credentials", "none that can be read: nobody is let in")
    count, age = f"{cache['credentials']:,}", cache["age_seconds"]
    if age is None:
        return Line(BAD, "credentials", f"{count}, of an age that no clock can tell")
    word = OK if age <= OLD_SECONDS else LOOK if age <= cache["good_for_seconds"] else BAD
    return Line(word, "credentials", f"{count}, {_lasting(age)} old")


def line_of(answer: Mapping[str, Any]) -> Iterator[Line]:
    """The line to the hub; nothing where there is none."""
    line = answer.get("line")
    if line is None:
        return
    if line["up"]:
        pulled = f", last pull {_minute(line['pulled'])}" if line["pulled"] else ""
        how = "changes come at once" if line["hints"] else "asked now and then"
        yield Line(OK, "hub", f"{line['hub']}: up, {how}{pulled}")
    else:
        yield Line(BAD if line["refused"] else LOOK, "hub", f"{line['hub']}: {line['why']}")
    if line["held"]:
        told = "dropped on the hub's word, and wait for it: nobody is let in"
        yield Line(BAD, "credentials", told)
    if line["config_why"]:
        yield Line(BAD, "published", f"is not in force here: {line['config_why']}")
    if line["waiting"] or line["dead"]:
        word = LOOK if line["dead"] else INFO
        yield Line(word, "events", f"{line['waiting']} waiting, {line['dead']} refused by the hub")
    days = line["certificate_days"]
    if days is not None:
        yield Line(OK if days >= 14 else LOOK, "hub certificate", f"good for {days} days")


def _journal(answer: Mapping[str, Any]) -> Iterator[Line]:
    journal = answer["journal"]
    if journal["writes"]:
        yield Line(OK, "journal", f"row {journal['seq']}")
    else:
        yield Line(BAD, "journal", "takes no rows: nobody is let in")
    if answer["late"]:
        yield Line(BAD, "tasks", f"do not go on: {', '.join(answer['late'])}")


def _alerts(answer: Mapping[str, Any]) -> Iterator[Line]:
    for alert in answer["alerts"]:
        word = alert["level"] if alert["level"] in _COLOURS else LOOK
        subject = f" {alert['subject']}" if alert["subject"] else ""
        told = f"{alert['words']} (since {_minute(alert['since'])})"
        yield Line(word, f"alert {alert['alert']}{subject}", told)


def _more(answer: Mapping[str, Any]) -> Iterator[Line]:
    for name, count in answer.get("more", {}).items():
        yield Line(INFO, name, f"and {count} more than an answer has room for")


def _minute(written: str) -> str:
    return f"{datetime.fromisoformat(written):%a %d %b %H:%M}"


def _lasting(seconds: float) -> str:
    minutes = int(seconds) // 60
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"

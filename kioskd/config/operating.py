"""The tables of those who operate the site: [control], [alerts], [metrics], maintenance windows.

Deliberately not here: whether a group, a command or a directory exists (`kioskd doctor`).
"""

import re
from pathlib import Path

from kioskd.config.leaves import directory, loopback, many, one_of, text, time_of_day
from kioskd.config.model import Alerts, Control, Maintenance, Metrics
from kioskd.config.socket import too_long
from kioskd.config.walk import Place, Table, Unfit, kind, quoted, read

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# In the order of what they may do; the last may do everything. kioskd.control.people has the same.
ROLES = ("screen", "technician", "viewer", "operator", "administrator")
_PROGRAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_GROUP = re.compile(r"(?!\d+\Z)[^\s:,/-][^:,/]{0,63}")  # getgrnam(3) takes what group(5) can hold


def control(place: Place, value: object) -> Control:
    """[control]: the socket, and which unix group has which role; one group may have several."""
    return read(place, value, {"socket": socket, "roles": roles}).build(Control)


def socket(place: Place, value: object) -> Path:
    """An absolute path that a socket can have."""
    path = directory(place, value)
    wrong = too_long(path)
    if wrong:
        raise Unfit(wrong)
    return path


def roles(place: Place, value: object) -> dict[str, str] | None:
    """[control.roles]: role -> the name of a unix group."""
    table = read(place, value, dict.fromkeys(ROLES, group))
    return table.values if isinstance(value, dict) and table.sound(*ROLES) else None


def group(place: Place, value: object) -> str:
    """The name of a unix group."""
    name = text(place, value)
    if not _GROUP.fullmatch(name):
        raise Unfit(f"{quoted(name)} is no name of a unix group; `getent group` lists them")
    return name


def alerts(place: Place, value: object) -> Alerts:
    """[alerts]: what is run with each alert."""
    return read(place, value, {"command": command}).build(Alerts)


def command(place: Place, value: object) -> tuple[str, ...] | None:
    """A program and its arguments, a text each; empty: none."""
    if isinstance(value, str):
        raise Unfit('must be a list, a text for each part, like ["/usr/local/bin/alert", "--all"]')
    parts: tuple[str, ...] | None = many(text)(place, value)
    if parts and not (parts[0].startswith("/") or _PROGRAM.fullmatch(parts[0])):
        raise Unfit(
            f"{quoted(parts[0])} is no program: give its absolute path or its bare name, and each "
            'argument as a text of its own, like ["mail", "-s", "Door"]'
        )
    return parts


def metrics(place: Place, value: object) -> Metrics:
    """[metrics]: where figures can be read, on loopback only."""
    return read(place, value, {"listen": loopback}).build(Metrics)


def maintenance(place: Place, value: object) -> tuple[Maintenance, ...] | None:
    """[[register.maintenance]]: weekly windows in which no feed is missed."""
    if not isinstance(value, list):
        raise Unfit(f"must be tables, [[{place.key}]], not {kind(value)}")
    windows = tuple(_window(place.nth(index), window) for index, window in enumerate(value))
    return None if None in windows else tuple(w for w in windows if w is not None)


def _window(place: Place, value: object) -> Maintenance | None:
    leaves = {"days": many(one_of(*WEEKDAYS), least=1), "from": time_of_day, "to": time_of_day}
    table = read(place, value, leaves, required=leaves)
    return _between(table) if table.sound(*leaves) else None


def _between(table: Table) -> Maintenance | None:
    start, end = _minute(table.values["from"]), _minute(table.values["to"])
    if start == 1440:
        table.place.of("from").fault("is the end of a day; write 00:00 and name the next day")
    elif start == end:
        table.place.of("to").fault("is the same as from; a whole day is 00:00 to 24:00")
    else:
        days = frozenset(WEEKDAYS.index(day) for day in table.values["days"])
        return Maintenance(days, start, end)
    return None


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)

"""The configuration of a demo's site: one door with everything that this version has.

Its control socket stands in the demo's directory, wherever the daemon was started from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from kioskd.cli.demo_display import ROM

TIMEZONE: Final = "Europe/Helsinki"
SOCKET: Final = "control.sock"
OFFSET: Final = "offset"  # how far the demo's clock is from the real one; beside the configuration
SAID: Final = "commands.txt"  # all that commands wrote
BRANCH: Final = "ESI"
PATRON: Final = r"""['\d{3}[A-Z]\d{6}', '26\d{8}']"""  # patterns of cards
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALWAYS: Final = ("00:00-24:00 self-service",)
FILES: Final = """\
[register]
kind = "file"
"""
_HUB: Final = """\
[register]
kind = "hub"
[register.hub]
url = "{url}"
token = "file:{directory}/hub.token"
pull_seconds = 5
"""
_CONFIG: Final = """\
[site]
name = {{ en = "Demo library", fi = "Esittelykirjasto", sv = "Demobiblioteket" }}
branch = "{branch}"
timezone = "{timezone}"
languages = ["en", "fi", "sv"]
help_phone = "+358 9 1234 567"
[storage]
directory = "{directory}/storage"
retention_days = 14
[secrets]
device_key = "file:{directory}/device.key"
[cards]
patron = {patron}
item = ['\\d{{3}}N\\d{{8}}']
double_read_ms = 100
[clock]
source = "assume"
[control]
socket = "{directory}/{socket}"
{register}
[devices.front-scanner]
driver = "serial-scanner"
port = "{directory}/front-scanner"
[devices.front-keypad]
driver = "serial-keypad"
port = "{directory}/front-keypad"
[devices.front-relay]
driver = "lcus-relay"
port = "{directory}/front-relay"
[devices.front-lamps]
driver = "relay-indicator"
relay = "front-relay"
red = 2
green = 3
wait = 4
tone = 5
[devices.front-display]
driver = "serial-display"
port = "{directory}/front-display"
characters = "{rom}"
[devices.front-lines]
driver = "simulated-inputs"
port = "{directory}/front-lines"
[doors.front]
reader = "front-scanner"
keypad = "front-keypad"
strike = {{ device = "front-relay", channel = 1, lock = "fail-secure" }}
indicator = "front-lamps"
display = "front-display"
panel = true
contact = {{ device = "front-lines", line = 1 }}
rex = {{ device = "front-lines", line = 2 }}
staff_button = {{ device = "front-lines", line = 3 }}
staffed = "unlocked"
categories = ["ADULT"]
release_seconds = {times.release}
long_release_seconds = {times.long_release}
pin_timeout_seconds = {times.pin_timeout}
held_warn_seconds = {times.held_warn}
held_seconds = {times.held}
[policy]
online = "never"
deny_after_ms = 500
debarred_blocks_door = false
fees_block_door = false
[schedule]
holidays = ""
[schedule.weekly]
{weekly}
"""


@dataclass(frozen=True, slots=True)
class Times:
    """The door's times in seconds."""

    release: float
    long_release: float
    pin_timeout: float
    held_warn: float
    held: float


PLAYED: Final = Times(1.0, 2.0, 5.0, 1.0, 1.5)  # nobody watches; 5 s is the shortest for a PIN
WATCHED: Final = Times(5.0, 15.0, 30.0, 10.0, 20.0)


def from_hub(directory: Path, url: str) -> str:
    """The table of a register that is a hub; its token is written into the directory."""
    return _HUB.format(directory=directory, url=url)


def config_text(
    directory: Path, times: Times, hours: Iterable[str] = ALWAYS, register: str = FILES
) -> str:
    """The file. hours: of every day; register: the table of that name."""
    day = ", ".join(f'"{span}"' for span in hours)
    return _CONFIG.format(
        directory=directory,
        branch=BRANCH,
        patron=PATRON,
        register=register,
        timezone=TIMEZONE,
        socket=SOCKET,
        rom=ROM,
        times=times,
        weekly="\n".join(f"{name} = [{day}]" for name in _DAYS),
    )


def today() -> date:
    """The site's local day, whatever zone the machine is in."""
    return datetime.now(ZoneInfo(TIMEZONE)).date()


def hours_around(now: datetime) -> tuple[str, ...]:
    """Hours for who moves the clock by the hour: staffed two hours on, closed six hours on.

    now: local. Each lasts two hours; self-service is all the rest.
    """
    states = {(now.hour + ahead) % 24: "staffed" for ahead in (2, 3)}
    states |= {(now.hour + ahead) % 24: "" for ahead in (6, 7)}
    spans: list[tuple[int, int, str]] = []
    for hour in range(24):
        state = states.get(hour, "self-service")
        if spans and spans[-1][2] == state:
            spans[-1] = (spans[-1][0], hour + 1, state)
        else:
            spans.append((hour, hour + 1, state))
    return tuple(f"{start:02}:00-{end:02}:00 {state}" for start, end, state in spans if state)

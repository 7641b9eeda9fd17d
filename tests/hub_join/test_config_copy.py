"""The copy of a configuration: it reads again as the same, and what is private is not in it."""

import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kioskd.config.load import load
from kioskd.config.model import Alerts, Config
from kioskd.daemon.config_copy import WITHHELD, ConfigCopy, copy_of, toml

EXAMPLES = sorted((Path(__file__).parents[2] / "config").glob("example-*.toml"))
ALL = r"""
# the janitor is Matti, 040 1234567
[site]
name = { fi = "Kirjasto \"K\" \\ ä", en = "Library" }
branch = "ESI"
timezone = "Europe/Stockholm"
languages = ["sv"]
help_phone = "1"
[storage]
directory = "/srv/a b"
retention_days = 14
[secrets]
device_key = "credential:device-key"
[cards]
patron = ['\d{3}[A-Z"]\d{6}', "\u007f\t[a-z]"]
item = ['\d{3}N']
double_read_ms = 5
[clock]
source = "rtc"
[control]
socket = "/run/k.sock"
[control.roles]
viewer = "some group"
[register]
kind = "hub"
learned_days = 5
[[register.maintenance]]
days = ["sunday", "monday"]
from = "23:00"
to = "04:30"
[[register.maintenance]]
days = ["friday"]
from = "00:00"
to = "24:00"
[register.hub]
url = "https://hub.example.invalid/a"
token = "credential:hub-token"
ca_file = "/etc/ca.pem"
proxy = "http://proxy.example.invalid:3128"
config_key = "AAAA"
pull_seconds = 60
[register.sip2]
host = "sip.example.invalid"
port = 6002
tls = false
insecure_plaintext = "a tunnel of Maija's own"
ca_file = "/etc/sip.pem"
dialect = "koha-suomi"
user = "kiosk"
secret = "credential:sip2-secret"
terminal_secret = "credential:sip2-terminal"
institution = "ESI"
location = "ESI2"
login_location = "KIOSK1"
language = "sv"
answer_seconds = 2.5
retries = 2
encoding = "cp850"
fallback = "cp437"
delimiter = "^"
error_detection = false
checksum = "warn"
zone = "zeros"
send_99 = false
send_35 = false
keep_alive_seconds = 50
echoes_card = false
replays = false
access_field = "PA"
access_values = ["1", "2"]
expiry_field = "PB"
door_flags = ["card_lost"]
lending_flags = ["charge_denied", "excessive_fees"]
screen_messages = ["Tervetuloa"]
[devices.scanner]
driver = "serial-scanner"
port = "socket://192.0.2.1:4001"
baud = 19200
terminator = "crlf"
idle_timeout_ms = 500
[devices.pad]
driver = "serial-keypad"
port = "/dev/pad"
[devices.relay]
driver = "lcus-relay"
port = "/dev/relay"
[devices.lamps]
driver = "relay-indicator"
relay = "relay"
red = 2
tone = 3
[devices.display]
driver = "serial-display"
port = "/dev/display"
characters = "ascii"
[devices.inputs]
driver = "simulated-inputs"
port = "/dev/inputs"
[devices.planned]
driver = "osdp-reader"
key = "S3cret"
[doors.front]
reader = "scanner"
strike = { device = "relay", channel = 4, lock = "fail-safe" }
indicator = "lamps"
display = "display"
panel = true
contact = { device = "inputs", line = 1, closed = "high" }
rex = { device = "inputs", line = 2, pressed = "high" }
staff_button = { device = "inputs", line = 3 }
keypad = "pad"
release_seconds = 0.5
long_release_seconds = 14.5
pin_min = 5
pin_max = 11
pin_timeout_seconds = 29.0
held_warn_seconds = 20
held_seconds = 50
pin = "never"
card_only_accepted_by = "Maija Virtanen, 2026-11-01"
staffed = "unlocked"
categories = ["A", "B"]
minimum_age = 0
[schedule]
holidays = "FI-01"
holiday_hours = ["10:00-12:00 self-service"]
[[schedule.exceptions]]
date = 2026-12-24
hours = []
[[schedule.exceptions]]
date = 2026-12-25
title = { fi = "Joulu" }
hours = ["18:00-02:00 staffed", "10:00-12:00 self-service"]
[schedule.weekly]
sunday = ["18:00-02:00 self-service"]
[retention]
undelivered_days = 44
unknown_card_hours = 23
row_days = 100
staff_action_months = 11
incident_hold_max_days = 80
[lockout]
tries = 4
steps_minutes = [1, 7]
[policy]
stale = "allow-recent"
debarred_blocks_door = true
max_credential_age_hours = 100
clock_untrusted = "allow"
deny_after_ms = 400
fees_block_door = true
capacity = 30
[metrics]
listen = "127.0.0.1:9100"
[alerts]
command = ["/usr/bin/curl", "-u", "alarm:S3cret"]
"""
SECTIONS = (
    "site",
    "storage",
    "secrets",
    "cards",
    "clock",
    "control",
    "metrics",
    "register",
    "schedule",
    "retention",
    "lockout",
    "policy",
)
PRIVATE = ("Maija", "Matti", "040", "S3cret", "alarm", "curl", "#")


def unsaid(part: Any) -> list[str]:
    """The keys of a part that have their defaults."""
    blank = {
        field.name: field.default_factory() if callable(field.default_factory) else field.default
        for field in fields(part)
    }
    return [name for name, default in blank.items() if getattr(part, name) == default]


def bare(config: Config) -> Config:
    """A configuration without what a copy leaves out."""
    doors = tuple(
        replace(door, card_only_accepted_by=door.card_only_accepted_by and WITHHELD)
        for door in config.doors
    )
    register, sip2 = config.register, config.register.sip2
    if sip2 is not None:
        hidden = replace(sip2, insecure_plaintext=sip2.insecure_plaintext and WITHHELD)
        register = replace(register, sip2=hidden)
    return replace(
        config, path=Path(), warnings=(), alerts=Alerts(), doors=doors, register=register
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_read_again_as_the_same(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.toml"
    copy.write_text(copy_of(load(path)), encoding="utf-8")
    assert bare(load(copy)) == bare(load(path))


def test_all_that_a_file_can_say_reads_again_and_nothing_private_is_in_it(tmp_path: Path) -> None:
    path, again = tmp_path / "kioskd.toml", tmp_path / "again.toml"
    path.write_text(ALL, encoding="utf-8")
    copy = copy_of(load(path))
    again.write_text(copy, encoding="utf-8")
    assert bare(load(again)) == bare(load(path))
    assert copy_of(load(again)) == copy, "a copy of a copy is the same"
    assert [word for word in PRIVATE if word in copy] == []


def test_the_whole_example_says_every_key_of_the_model(tmp_path: Path) -> None:
    """A new key of a configuration must be put into ALL, so that its copy is tried."""
    path = tmp_path / "kioskd.toml"
    path.write_text(ALL, encoding="utf-8")
    config = load(path)
    parts = [getattr(config, name) for name in SECTIONS]
    parts += [config.register.hub, config.register.sip2, *config.doors]
    left = {f"{type(part).__name__}.{name}" for part in parts for name in unsaid(part)}
    assert left == set()


def test_a_file_that_cannot_be_used_has_no_copy(tmp_path: Path) -> None:
    path = tmp_path / "kioskd.toml"
    path.write_text(ALL, encoding="utf-8")
    copy = ConfigCopy(path)
    text = copy.text()
    assert "hub.example.invalid" in text
    for wrong in (ALL + 'comand = "S3cret"\n', "no TOML", ""):
        path.write_text(wrong, encoding="utf-8")
        assert copy.text() == ""
    path.write_text(ALL + "# changed\n", encoding="utf-8")
    assert copy.text() == text


@pytest.mark.parametrize("part", ["credentials", "events", "hours"])
def test_a_part_that_is_not_of_its_kind_stays_so(tmp_path: Path, part: str) -> None:
    path, again = tmp_path / "kioskd.toml", tmp_path / "again.toml"
    way = "file" if part == "credentials" else "none"
    path.write_text(ALL.replace('kind = "hub"', f'kind = "hub"\n{part} = "{way}"'), "utf-8")
    again.write_text(copy_of(load(path)), encoding="utf-8")
    assert getattr(load(again).register, part) == way
    assert bare(load(again)) == bare(load(path))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_one_line_that_reads_again(text: str) -> None:
    line = toml(text)
    assert "\n" not in line
    assert tomllib.loads(f"x = {line}")["x"] == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    name=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=60),
    age=st.integers(0, 99),
    seconds=st.floats(0.5, 5.0),
)
def test_values_of_any_kind_read_again(tmp_path: Path, name: str, age: int, seconds: float) -> None:
    path, again = tmp_path / "kioskd.toml", tmp_path / "again.toml"
    text = ALL.replace("minimum_age = 0", f"minimum_age = {age}")
    text = text.replace("\nrelease_seconds = 0.5", f"\nrelease_seconds = {seconds!r}")
    path.write_text(text.replace('en = "Library"', f"en = {toml(name)}"), encoding="utf-8")
    again.write_text(copy_of(load(path)), encoding="utf-8")
    assert bare(load(again)) == bare(load(path))

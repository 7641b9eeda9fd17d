"""One fault, one line: the key, what is wrong, the way out."""

from collections.abc import Callable

import pytest

from kioskd.config.model import Config

Read = Callable[[str], Config]
Find = Callable[[str], list[str]]
Change = Callable[[str, str], str]


# (what to change, into what, the key, what the message must say)
REFUSED = [
    # missing and unknown
    ('branch = "ESI"', "", "site.branch", "missing"),
    ("retention_days = 14", "", "storage.retention_days", "missing"),
    ('reader = "scanner"', "", "doors.front.reader", "missing"),
    ('driver = "lcus-relay"', "", "devices.relay.driver", "missing"),
    ('port = "/dev/pad"', "", "devices.pad.port", "missing"),
    ('{ device = "relay" }', "{ channel = 1 }", "doors.front.strike.device", "missing"),
    ("[site]", "[sites]", "sites", "did you mean site?"),
    ("retention_days = 14", "retention_days = 14\nzzz = 1", "storage.zzz", "known: directory"),
    ('driver = "lcus-relay"', 'driver = "lcus-rely"', "devices.relay.driver", "lcus-relay?"),
    ('driver = "serial-keypad"', 'driver = "serial-keypad"\nterminator = "cr"',
     "devices.pad.terminator", "unknown key"),
    # types and ranges
    ("retention_days = 14", "retention_days = true", "storage.retention_days", "true or false"),
    ("retention_days = 14", "retention_days = 14.0", "storage.retention_days", "whole number"),
    ("retention_days = 14", "retention_days = 366", "storage.retention_days", "1 to 365"),
    ('branch = "ESI"', "branch = 7", "site.branch", "must be text"),
    ('branch = "ESI"', 'branch = "a\\u001bb"', "site.branch", "one line"),
    ('branch = "ESI"', 'branch = "ESI "', "site.branch", '"ESI " is not a code'),
    ('branch = "ESI"', 'branch = "E SI"', "site.branch", "without a blank"),
    ('branch = "ESI"', 'branch = "E\\u200bSI"', "site.branch", "one line"),
    ('branch = "ESI"', f'branch = "{"x" * 33}"', "site.branch", "1 to 32"),
    ('"Esimerkkilän kirjasto"', '{ de = "x" }', "site.name.de", "unknown key"),
    ('branch = "ESI"', 'branch = "ESI"\ntimezone = "Europe/Helsinky"', "site.timezone",
     "did you mean Europe/Helsinki?"),
    ('branch = "ESI"', 'branch = "ESI"\ntimezone = "Europe"', "site.timezone", "not a time zone"),
    ('branch = "ESI"', 'branch = "ESI"\ntimezone = "../etc/passwd"', "site.timezone", "not a time"),
    ('branch = "ESI"', 'branch = "ESI"\nlanguages = ["fi", "fi"]', "site.languages", "twice"),
    ('branch = "ESI"', 'branch = "ESI"\nlanguages = []', "site.languages", "at least 1"),
    ('"/var/lib/kioskd"', '"lib"', "storage.directory", "absolute"),
    ("'\\d{3}[A-Z]\\d{6}'", "'[[a]'", "cards.patron", "not a regular expression"),
    ("['\\d{3}[A-Z]\\d{6}']", "[]", "cards.patron", "at least 1"),
    ("['\\d{3}[A-Z]\\d{6}']", "'x'", "cards.patron", "must be a list"),
    ("[cards]", "[cards]\ndouble_read_ms = -1", "cards.double_read_ms", "out of range"),
    # ports and devices
    ('"/dev/pad"', '"ttyS0"', "devices.pad.port", "socket://host:port"),
    ("127.0.0.1:4001", "127.0.0.1", "devices.relay.port", "socket://host:port"),
    ("127.0.0.1:4001", "127.0.0.1:70000", "devices.relay.port", "socket://host:port"),
    ('"/dev/pad"', '"/dev/scanner"', "devices.pad.port", "devices.scanner already"),
    ('"/dev/pad"', '"//dev/./pts/..//scanner"', "devices.pad.port", "devices.scanner already"),
    ('"/dev/pad"', '"/dev/pad"\nbaud = 9601', "devices.pad.baud", "9600"),
    ("[devices.pad]", '[devices."p d"]', 'devices.p d', "a name has"),
    # doors
    ('keypad = "pad"', "", "doors.front.keypad", "nobody can enter a PIN"),
    ('keypad = "pad"', 'keypad = "relay"', "doors.front.keypad", "is a relay (lcus-relay)"),
    ('{ device = "relay" }', '{ device = "pad" }', "doors.front.strike.device", "not a relay"),
    ('{ device = "relay" }', '{ device = "rely" }', "doors.front.strike.device", "mean relay?"),
    ('{ device = "relay" }', '{ device = "relay", channel = 0 }', "doors.front.strike.channel",
     "1 to 16"),
    ('{ device = "relay" }', '{ device = "relay", lock = "open" }', "doors.front.strike.lock",
     "fail-secure"),
    ('{ device = "relay" }', '"relay"', "doors.front.strike", "must be a table"),
    # secrets
    ("file:/etc/kioskd/device.key", "file:device.key", "secrets.device_key", "credential:NAME"),
    ("file:/etc/kioskd/device.key", "credential:../x", "secrets.device_key", "credential:NAME"),
    # hours
    ("00:00-24:00 self-service", "24:00-01:00 staffed", "schedule.weekly.monday", "24:00-01:00"),
    ('monday = ["00', 'monady = ["00', "schedule.weekly.monady", "did you mean monday?"),
    ('holidays = ""', 'holidays = "Finland"', "schedule.holidays", '"FI"'),
    ('holidays = ""', 'holidays = ""\nholiday_hours = ["x"]', "schedule.holiday_hours", '"x"'),
    ('["00:00-24:00 self-service"]', '["07:00-10:00 staffed", "09:00-12:00 staffed"]',
     "schedule.weekly.monday", '"09:00-12:00 staffed" overlaps "07:00-10:00 staffed"'),
    ('monday = ["00:00-24:00 self-service"]',
     'sunday = ["20:00-02:00 staffed"]\nmonday = ["01:00-03:00 staffed"]',
     "schedule.weekly.monday", "of sunday, which runs on past midnight"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "says"), REFUSED)
def test_a_fault_is_one_line_that_names_the_key_and_the_way_out(
    faults: Find, changed: Change, old: str, new: str, key: str, says: str
) -> None:
    found = [line for line in faults(changed(old, new)) if line.startswith(f"{key}: ")]
    assert len(found) == 1
    assert says in found[0]


ADDED = [
    ('[clock]\nsource = "gps"', "clock.source", "assume"),
    ("[lockout]\nsteps_minutes = [5, 1]", "lockout.steps_minutes", "ascend"),
    ("[lockout]\nsteps_minutes = [1, 1]", "lockout.steps_minutes", "ascend"),
    ("[lockout]\nsteps_minutes = []", "lockout.steps_minutes", "at least 1"),
    ("[lockout]\ntries = 0", "lockout.tries", "1 to 20"),
    ("[policy]\ndeny_after_ms = 99", "policy.deny_after_ms", "100 to 5000"),
    ('[policy]\nstale = "allow"', "policy.stale", "allow-recent"),
    ("[policy]\nfees_block_door = 1", "policy.fees_block_door", "true or false"),
    ("[policy]\nonline_deadline_seconds = nan", "policy.online_deadline_seconds", "out of range"),
    (f"[policy]\nonline_deadline_seconds = 1{'0' * 400}", "policy.online_deadline_seconds",
     "out of range"),
    (f"[policy]\nmax_credential_age_hours = 1{'0' * 400}", "policy.max_credential_age_hours",
     "a number this long is out of range"),
    (f"[policy]\nmax_credential_age_hours = -1{'0' * 400}", "policy.max_credential_age_hours",
     "a number this long is out of range"),
    ("[retention]\nrow_days = 13", "retention.row_days", "less than storage.retention_days"),
    ("[retention]\nincident_hold_max_days = 91", "retention.incident_hold_max_days", "1 to 90"),
    ("[[schedule.exceptions]]\ndate = '2026-12-06'\nhours = []", "schedule.exceptions[1].date",
     "without quotes"),
    ("[[schedule.exceptions]]\ndate = 2026-12-06", "schedule.exceptions[1].hours", "missing"),
    ("[[schedule.exceptions]]\ndate = 2026-12-06\nhours = []\n" * 2,
     "schedule.exceptions[2].date", "there already"),
    ("[schedule.exceptions]\ndate = 2026-12-06", "schedule.exceptions", "[[schedule.exceptions]]"),
    ("[metrics]\nlisten = '0.0.0.0:9100'", "metrics.listen", "loopback"),
    ("[metrics]\nlisten = '[::]:9100'", "metrics.listen", "loopback"),
    ("[metrics]\nlisten = '127.0.0.1'", "metrics.listen", "127.0.0.1:9100"),
    ("[metrics]\nlisten = '127.0.0.1:0'", "metrics.listen", "127.0.0.1:9100"),
    ("[metrics]\nlisten = 9100", "metrics.listen", "loopback"),
    ("[alerts]\ncommand = 'mail root'", "alerts.command", '["/usr/local/bin/alert", "--all"]'),
    ("[alerts]\ncommand = ['./alert']", "alerts.command", "absolute path or its bare name"),
    ("[alerts]\ncommand = ['mail -s x']", "alerts.command", "each argument as a text of its own"),
    ("[alerts]\ncommand = ['-x']", "alerts.command", "is no program"),
    ("[alerts]\ncommand = ['mail', 1]", "alerts.command", "must be text"),
    ("[alerts]\ncomand = ['mail']", "alerts.comand", "did you mean command?"),
    ("[control]\nsocket = 'x'", "control.socket", "absolute"),
    (f"[control]\nsocket = '/{'x' * 107}'", "control.socket", "at most 107 bytes and this one 108"),
    (f"[control]\nsocket = '/{'ä' * 54}'", "control.socket", "at most 107 bytes and this one 109"),
    ("[control]\nroles = 'staff'", "control.roles", "must be a table"),
    ("[control.roles]\noperater = 'staff'", "control.roles.operater", "did you mean operator?"),
    ("[control.roles]\nviewer = 27", "control.roles.viewer", "must be text"),
    ("[control.roles]\nviewer = '27'", "control.roles.viewer", "getent group"),
    ("[control.roles]\nviewer = 'a:b'", "control.roles.viewer", "getent group"),
    ("[control.roles]\nroot = 'wheel'", "control.roles.root", "known: administrator"),
    ("[desks.lending]\nreader = 'scan'", "desks.lending.reader", "no device"),
    ("[[register.maintenance]]\ndays = ['sunday']\nfrom = '2'\nto = '04:00'",
     "register.maintenance[1].from", "time of day"),
    ("[register.maintenance]\ndays = ['sunday']", "register.maintenance",
     "[[register.maintenance]]"),
    ("[[register.maintenance]]\ndays = []\nfrom = '02:00'\nto = '04:00'",
     "register.maintenance[1].days", "at least 1"),
    ("[[register.maintenance]]\ndays = ['sonday']\nfrom = '02:00'\nto = '04:00'",
     "register.maintenance[1].days", "did you mean sunday?"),
    ("[[register.maintenance]]\ndays = ['sunday']\nfrom = '02:00'",
     "register.maintenance[1].to", "missing"),
    ("[[register.maintenance]]\ndays = ['sunday']\nfrom = '02:00'\nto = '02:00'",
     "register.maintenance[1].to", "a whole day is 00:00 to 24:00"),
    ("[[register.maintenance]]\ndays = ['sunday']\nfrom = '24:00'\nto = '02:00'",
     "register.maintenance[1].from", "write 00:00"),
    # indicators, displays and inputs
    ("[devices.lamps]\ndriver = 'relay-indicator'\nred = 2", "devices.lamps.relay", "missing"),
    ("[devices.lamps]\ndriver = 'relay-indicator'\nrelay = 'pad'\nred = 2",
     "devices.lamps.relay", "is a keypad (serial-keypad), not a relay"),
    ("[devices.lamps]\ndriver = 'relay-indicator'\nrelay = 'rely'\nred = 2",
     "devices.lamps.relay", "did you mean relay?"),
    ("[devices.lamps]\ndriver = 'relay-indicator'\nrelay = 'relay'", "devices.lamps", "no lamp"),
    ("[devices.lamps]\ndriver = 'relay-indicator'\nrelay = 'relay'\ntone = 2",
     "devices.lamps", "no lamp"),
    ("[devices.lamps]\ndriver = 'relay-indicator'\nrelay = 'relay'\nred = 2\ntone = 2",
     "devices.lamps.tone", 'channel 2 of "relay" is devices.lamps.red already'),
    ("[devices.lamps]\ndriver = 'relay-indicator'\nrelay = 'relay'\nred = 17",
     "devices.lamps.red", "1 to 16"),
    ("[devices.lamps]\ndriver = 'relay-indicator'\nrelay = 'relay'\nred = 2\nport = '/dev/x'",
     "devices.lamps.port", "unknown key"),
    ("[devices.lamps]\ndriver = 'relay-indicator'\nrelay = 'relay'\nred = 1",
     "doors.front.strike", 'channel 1 of "relay" is devices.lamps.red already'),
    ("[devices.text]\ndriver = 'serial-display'\nport = '/dev/text'\ncharacters = 'utf-8'",
     "devices.text.characters", "known: ascii, hd44780-a00, hd44780-a02"),
    ("[devices.text]\ndriver = 'serial-display'", "devices.text.port", "missing"),
    ("[devices.box]\ndriver = 'simulated-inputs'", "devices.box.port", "missing"),
    ("[devices.box]\ndriver = ['simulated-inputs']\nport = '/dev/box'", "devices.box.driver",
     "must be text"),
    # not built into this version, and somebody would rely on it
    ("[register]\nkind = 'koha'", "register.kind", "not built into this version"),
    ("[register]\nkind = 'files'", "register.kind", "did you mean file?"),
    ("[register]\nverify = 'sip2'", "register.verify", "not built into this version"),
    ("[register]\ncredentials = 'none'", "register.credentials", "not built into this version"),
    # a hub
    ("[register]\ncredentials = 'hub'", "register.hub", "missing"),
    ("[register]\nkind = 'hub'", "register.hub", "missing"),
    ("[register]\nkind = 'hub'\n[register.hub]\nurl = 'https://h.example'", "register.hub.token",
     "missing"),
    (("[register]\nkind = 'hub'\n[register.hub]\nurl = 'http://h.example'\n"
     "token = 'file:/t'"), "register.hub.url", "https"),
    (("[register]\nkind = 'hub'\n[register.hub]\nurl = 'https://me:pw@h.example'\n"
     "token = 'file:/t'"), "register.hub.url", "user"),
    (("[register]\nkind = 'hub'\n[register.hub]\nurl = 'https://h.example/?x=1'\n"
     "token = 'file:/t'"), "register.hub.url", "before ?"),
    (("[register]\nkind = 'hub'\n[register.hub]\nurl = 'hub'\n"
     "token = 'file:/t'"), "register.hub.url", "no address"),
    (("[register]\nkind = 'hub'\n[register.hub]\nurl = 'https://h.example:99999'\n"
     "token = 'file:/t'"), "register.hub.url", "no address"),
    (("[register]\nkind = 'hub'\n[register.hub]\nurl = 'https://h.example'\n"
     "token = 'kd1.x.y'"), "register.hub.token", "file:"),
    (("[register]\nkind = 'hub'\n[register.hub]\nurl = 'https://h.example'\n"
     "token = 'file:/t'\nproxy = 'socks5://p:1'"), "register.hub.proxy", "http://proxy"),
    (("[register]\nkind = 'hub'\n[register.hub]\nurl = 'https://h.example'\n"
     "token = 'file:/t'\npull_seconds = 1"), "register.hub.pull_seconds", "5 to 3600"),
    ("[policy]\nonline = 'confirm'", "policy.online", "not built into this version"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "key", "says"), ADDED)
def test_a_table_with_a_fault_is_one_line_too(
    faults: Find, good: str, lines: str, key: str, says: str
) -> None:
    (line,) = faults(f"{good}\n{lines}\n")
    assert line.startswith(f"{key}: ")
    assert says in line


BOX = "[devices.box]\ndriver = 'simulated-inputs'\nport = '/dev/box'\n"
DOOR_LINES = [
    ("release_seconds = 0.4", "release_seconds", "0.5 to 60"),
    ("release_seconds = inf", "release_seconds", "out of range"),
    ("release_seconds = nan", "release_seconds", "out of range"),
    (f"release_seconds = 1{'0' * 400}", "release_seconds", "out of range; 0.5 to 60"),
    (f"pin_timeout_seconds = -1{'0' * 400}", "pin_timeout_seconds", "out of range"),
    (f"held_seconds = 1{'0' * 400}", "held_seconds", "out of range"),
    ('categories = ["ADULT", "A B"]', "categories", '"A B" is not a code'),
    ("release_seconds = 20", "long_release_seconds", "less than release_seconds (20)"),
    ("pin_min = 0", "pin_min", "1 to 16"),
    ("pin_max = 17", "pin_max", "1 to 16"),
    ("pin_min = 6\npin_max = 5", "pin_max", "less than pin_min (6)"),
    ("held_seconds = 10", "held_seconds", "less than held_warn_seconds (30)"),
    ("minimum_age = -1", "minimum_age", "0 to 99"),
    ("categories = 'ADULT'", "categories", "list"),
    ("pin = 'sometimes'", "pin", "always"),
    ("pin = { closed = 'never' }", "pin.closed", "unknown key"),
    ("pin = 'never'", "pin", 'card_only_accepted_by = "name, date"'),
    ("pin = { self-service = 'never' }", "pin", 'card_only_accepted_by = "name, date"'),
    ("pin = 'never'\ncard_only_accepted_by = 'yes'", "card_only_accepted_by", "name, date"),
    ("staffed = 'unlockd'", "staffed", "did you mean unlocked?"),
    ("panel = 'x'", "panel", "true or false"),
    ("indicator = 'relay'", "indicator", "is a relay (lcus-relay), not an indicator"),
    ("display = 'dsplay'", "display", 'no device "dsplay"'),
    ("contact = { device = 'relay', line = 1 }", "contact.device", "not an inputs device"),
    ("contact = { device = 'box', closed = 'lo' }", "contact.closed", "did you mean low?"),
    (
        "contact = { device = 'box', pressed = 'low' }",
        "contact.pressed",
        "known: closed, device, line",
    ),
    ("rex = { device = 'box', line = 17 }", "rex.line", "1 to 16"),
    ("staff_button = 'box'", "staff_button", "must be a table"),
    ("tamper = { device = 'relay', line = 1 }", "tamper", "not built into this version"),
    ("exit_reader = 'scanner'", "exit_reader", "not built into this version"),
]


@pytest.mark.parametrize(("lines", "key", "says"), DOOR_LINES)
def test_a_door_with_a_fault_is_one_line_too(
    faults: Find, changed: Change, lines: str, key: str, says: str
) -> None:
    (line,) = faults(changed("[doors.front]", f"{BOX}[doors.front]\n{lines}"))
    assert line.startswith(f"doors.front.{key}: ")
    assert says in line

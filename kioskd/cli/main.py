"""`kioskd COMMAND ...`: finds the command's module, imports only that, and ends with its code.

Exit codes: 0 done, 1 the thing asked about is not well, 2 wrong usage, configuration or input.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from kioskd import __version__
from kioskd.daemon.privileges import no_core_dumps
from kioskd.errors import ConfigError, InputError, KioskError, VaultError

COMMANDS = {
    "run": ("run", "run the daemon until it is told to stop"),
    "demo": ("demo", "a door to play with; --headless: a day that plays itself"),
    "check-config": ("check_config", "list every fault of a configuration file"),
    "keygen": ("keygen", "make a device key"),
    "rekey": ("rekey", "change the device key and seal everything anew"),
    "feed": ("feed", "import credentials: feed import FILE"),
    "explain": ("explain", "every rule for a card at a door, without its PIN"),
    "journal": ("journal", "journal export, journal verify"),
    "status": ("status", "doors, devices, hours, alerts at a glance"),
    "doctor": ("doctor", "look at everything and say what to do"),
    "devices": ("devices", "what is plugged in, with lines for the configuration"),
    "probe": ("probe", "what a reader or keypad sends, masked"),
    "open": ("doors", "release a door once: open DOOR --reason TEXT"),
    "lock": ("doors", "end a release or an unlock: lock DOOR"),
    "lockdown": ("lockdown", "let nobody in: lockdown on|off"),
    "lockout": ("lockout", "cards with too many wrong PINs: lockout list|clear"),
    "list": ("lists", "allow-list and deny-list: list add|remove|show allow|deny"),
    "enrol": ("enrol", "give a card of staff its own PIN"),
    "schedule": ("schedule", "opening hours: schedule show, schedule except"),
    "clock": ("clock", "clock accept: believe the clock as it is now"),
    "why": ("why", "the last attempt at a door, in plain words"),
    "reload": ("reload", "read the configuration anew"),
    "tune-argon2": ("tune_argon2", "what a PIN check costs on this device"),
    "support-bundle": ("support_bundle", "what support needs to see, without persons"),
    "sync": ("sync", "the line to the hub: sync now, sync status"),
    "sip2": ("sip2", "SIP2 messages: sip2 decode, sip2 trace"),
    "setup": ("setup", "join a hub: setup --join CODE"),
    "secure": ("secure", "drive every strike safe, without the daemon"),
    "stats": ("stats", "anonymous counts of entries"),
}
PLANNED = frozenset(
    {
        "subject",
        "hold",
        "breach-report",
        "backup",
        "restore",
        "salvage",
        "tag",
        "desk",
    }
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    # Whatever a command writes is for the user that it runs as, and for nobody else.
    os.umask(0o077)
    no_core_dumps()
    _take_any_character()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except ConfigError as error:
        return _say(2, *error.faults)
    except (InputError, VaultError) as error:
        return _say(2, str(error))
    except KioskError as error:
        return _say(1, str(error))
    except BrokenPipeError:
        # The reader of our output went away, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        # The last net: whoever runs a command is told in a line, whatever was forgotten below.
        return _say(1, _told(error))
    except KeyboardInterrupt:
        return _say(1, "stopped")


def _take_any_character() -> None:
    # A terminal without UTF-8 shows a question mark, and a pipe with junk is refused as a card.
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _told(error: OSError) -> str:
    what = f"{error.filename}: " if error.filename is not None else ""
    way_out = "; run the command as root, or as who it belongs to"
    told = f"{what}{error.strerror or error}{way_out if isinstance(error, PermissionError) else ''}"
    return "".join(c if c.isprintable() else "?" for c in told)


def _dispatch(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name in PLANNED:
        return _say(2, f"kioskd {name}: not built into this version")
    if name not in COMMANDS:
        return _without_command(arguments)
    module = import_module(f"kioskd.cli.{COMMANDS[name][0]}")
    parser = argparse.ArgumentParser(prog="kioskd", allow_abbrev=False)
    module.add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(arguments)
    return int(args.run(args))


def _without_command(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        sys.stdout.write(f"kioskd {__version__}\n")
        return 0
    lines = ["usage: kioskd COMMAND [options]", ""]
    room = max(map(len, COMMANDS)) + 2
    lines += [f"  {name:<{room}}{told}" for name, (_, told) in COMMANDS.items()]
    lines += ["", "kioskd COMMAND --help tells more of each, and which role may."]
    if arguments and arguments[0] in ("-h", "--help"):
        sys.stdout.write("\n".join(lines) + "\n")
        return 0
    if arguments:
        lines.insert(0, f"kioskd: {arguments[0]!r} is no command{_guess(arguments[0])}")
    return _say(2, *lines)


def _guess(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, [*COMMANDS, *PLANNED], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _say(code: int, *lines: str) -> int:
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return code

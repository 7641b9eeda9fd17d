"""`kioskd-hub COMMAND ...`: finds the command's module, imports only that, and ends with its code.

Exit codes: 0 done, 1 the thing asked about is not well, 2 wrong usage, configuration or input.

Deliberately not here: the commands (cli).
"""

import argparse
import io
import os
import resource
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final

from kioskd import __version__
from kioskd.errors import ConfigError, InputError, KioskError, VaultError

COMMANDS: Final = {
    "init": ("init", "make the key, where it is a file, and the tables"),
    "serve": ("serve", "answer devices until it is told to stop"),
    "check-config": ("check_config", "list every fault of a configuration file"),
    "status": ("status", "imports, devices, alarms and certificate at a glance"),
    "device": ("device", "device add|list|revoke|join-code|command|clear-alarm"),
    "config": ("publish", "what a branch's devices are told: config publish, config show"),
    "import": ("importing", "load what a register exported"),
    "activity": ("activity", "cards that were used, for the register: activity export"),
    "person": ("person", "what the hub holds of a card: person show"),
    "stats": ("stats", "a year's anonymous counts, fit to be published"),
}
PLANNED: Final = frozenset({"recovery-key"})
DONE: Final = 0
NOT_WELL: Final = 1
WRONG: Final = 2


class _Parser(argparse.ArgumentParser):
    """Options are written out: what is short for one today may be short for another tomorrow."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)  # its subcommands are of this class too


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    os.umask(0o077)  # whatever a command writes is for the account that it runs as
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # keys stay out of files
    _take_any_character()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except ConfigError as error:
        return _say(WRONG, *error.faults)
    except (InputError, VaultError) as error:
        return _say(WRONG, str(error))
    except KioskError as error:
        return _say(NOT_WELL, str(error))
    except BrokenPipeError:
        # The reader of our output went away, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_WELL
    except OSError as error:
        # The last net: whoever runs a command is told in a line, whatever was forgotten below.
        return _say(NOT_WELL, _told(error))
    except KeyboardInterrupt:
        return _say(NOT_WELL, "stopped")


def _dispatch(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name in PLANNED:
        return _say(WRONG, f"kioskd-hub {name}: not built into this version")
    if name not in COMMANDS:
        return _without_command(arguments)
    module = import_module(f"sync.hub.cli.{COMMANDS[name][0]}")
    parser = _Parser(prog="kioskd-hub")
    module.add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(arguments)
    return int(args.run(args))


def _without_command(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        sys.stdout.write(f"kioskd-hub {__version__}\n")
        return DONE
    lines = ["usage: kioskd-hub COMMAND [options]", ""]
    room = max(map(len, COMMANDS)) + 2
    lines += [f"  {name:<{room}}{told}" for name, (_, told) in COMMANDS.items()]
    lines += ["", "kioskd-hub COMMAND --help tells more of each."]
    if arguments and arguments[0] in ("-h", "--help"):
        sys.stdout.write("\n".join(lines) + "\n")
        return DONE
    if arguments:
        lines.insert(0, f"kioskd-hub: {arguments[0]!r} is no command{_guess(arguments[0])}")
    return _say(WRONG, *lines)


def _guess(name: str) -> str:
    near = get_close_matches(name, [*COMMANDS, *PLANNED], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _take_any_character() -> None:
    # A terminal without UTF-8 shows a question mark in place of what it does not have.
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _told(error: OSError) -> str:
    what = f"{error.filename}: " if error.filename is not None else ""
    way_out = "; run the command as root, or as who it belongs to"
    told = f"{what}{error.strerror or error}{way_out if isinstance(error, PermissionError) else ''}"
    return "".join(c if c.isprintable() else "?" for c in told)


def _say(code: int, *lines: str) -> int:
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return code

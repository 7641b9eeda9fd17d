"""kioskd sip2 decode, kioskd sip2 trace: what this device and the library system say."""

import argparse
from typing import Any

from kioskd.cli.common import add_config, add_json


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "sip2",
        help="SIP2 messages: sip2 decode, sip2 trace",
        description="The messages between this device and the library system: captured ones, "
        "explained, and a live conversation. Persons are masked.",
    )
    kinds = parser.add_subparsers(dest="sip2_command", required=True, metavar="COMMAND")
    _add_decode(kinds)
    _add_trace(kinds)


def _add_decode(kinds: "argparse._SubParsersAction[Any]") -> None:
    decode = kinds.add_parser(
        "decode",
        help="captured messages as JSON",
        description="Read SIP2 messages from standard input, one a line (the bare message, with "
        "nothing of a log before it: sip2 decode < FILE), and print a JSON object for each. Card "
        "numbers, PINs, passwords and names of persons are masked. Exit code 1 when a line was "
        "malformed.",
    )
    decode.add_argument(
        "--encoding",
        default="utf-8",
        metavar="E",
        help="utf-8 (default), latin-1, cp850, cp437 or cp1252",
    )
    decode.add_argument(
        "--delimiter", default="|", metavar="D", help="what ends a field (default: |)"
    )
    decode.add_argument(
        "--unmask", action="store_true", help="show card numbers, PINs, passwords and names"
    )
    decode.add_argument("--config", metavar="FILE", help="not needed; accepted")
    decode.set_defaults(run=_decode)


def _add_trace(kinds: "argparse._SubParsersAction[Any]") -> None:
    trace = kinds.add_parser(
        "trace",
        help="talk with the library system and show each message",
        description="Connect to the library system of register.sip2, log in, ask for its status, "
        "and show each message as it passes, masked, then what it means. A card that cannot exist "
        "is asked about, with --card-stdin a test patron as well. Exit code 1 when it did not all "
        "answer, or something that it said is bad.",
    )
    add_config(trace)
    trace.add_argument(
        "--card-stdin",
        action="store_true",
        help="read a test patron's card and PIN from two lines of standard input",
    )
    add_json(trace)
    trace.set_defaults(run=_trace)


def _decode(args: argparse.Namespace) -> int:
    from kioskd.cli.sip2_decode import run

    return run(args)


def _trace(args: argparse.Namespace) -> int:
    from kioskd.cli.sip2_trace import run

    return run(args)

"""kioskd schedule show, kioskd schedule except.

Both ask the running daemon; without one the files are read, or written, by the command itself.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from kioskd.cli.asking import Site
from kioskd.cli.common import add_json, add_place, print_json, printable, who_may
from kioskd.cli.times import day
from kioskd.config.hours import spans_of
from kioskd.errors import InputError

DAYS: Final = 14
MOST_DAYS: Final = 31  # as kioskd.control.hours
CLOSED: Final = "closed"
# Where the next span begins in "07:00-10:00 self-service 10:00-18:00 staffed".
_NEXT = re.compile(r"[\s,]+(?=\d{1,2}:\d{2}\s*-)", re.ASCII)


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "schedule",
        help="opening hours",
        description="Opening hours: show them, give a date others.",
    )
    verbs = parser.add_subparsers(required=True)
    show = verbs.add_parser(
        "show",
        help="two weeks as a picture",
        description="The opening hours of some days as a picture, with holidays and exceptions. "
        + who_may("schedule-show"),
    )
    add_place(show)
    show.add_argument("--days", type=int, default=DAYS, metavar="N", help=f"1 to {MOST_DAYS}")
    show.add_argument("--from", dest="first", metavar="DATE", help="default: today")
    add_json(show)
    show.set_defaults(run=run_show)
    _add_except(verbs)


def _add_except(verbs: "argparse._SubParsersAction[Any]") -> None:
    parser = verbs.add_parser(
        "except",
        help="give one date other hours",
        description="Gives one date other hours, above those of the file, from this moment on. "
        'Example: schedule except 2026-12-07 "10:00-14:00 staffed" --reason stocktaking. '
        + who_may("schedule-except"),
    )
    add_place(parser)
    parser.add_argument("date", metavar="DATE", help="as 2026-12-07")
    parser.add_argument(
        "hours", nargs="*", metavar="HOURS", help='"07:00-10:00 self-service" each, or: closed'
    )
    parser.add_argument("--title", default="", metavar="TEXT", help="what the date is called")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the journal")
    parser.add_argument("--remove", action="store_true", help="back to the hours of the file")
    add_json(parser)
    parser.set_defaults(run=run_except)


def run_show(args: argparse.Namespace) -> int:
    """0 with the hours of some days."""
    if not 1 <= args.days <= MOST_DAYS:
        raise InputError(f"--days {args.days}: give a number from 1 to {MOST_DAYS}")
    asked: dict[str, Any] = {"days": args.days}
    if args.first is not None:
        asked["from"] = day(args.first).isoformat()
    answer = Site.of(args).ask("schedule-show", asked)
    if args.json:
        print_json(answer)
        return 0
    from kioskd.cli.schedule_picture import draw

    draw(answer)
    return 0


def run_except(args: argparse.Namespace) -> int:
    """0 once the date has these hours."""
    asked = _asked(args)
    site = Site.of(args)
    if site.config is not None:
        zone = ZoneInfo(site.config.site.timezone)
        _refuse_past(day(args.date), datetime.now(zone).date())
    answer = site.ask("schedule-except", asked)
    if args.json:
        print_json(answer)
    else:
        sys.stdout.write(f"{asked['date']}: {_told(asked)}\n")
    return 0


def _asked(args: argparse.Namespace) -> dict[str, Any]:
    for name in ("title", "reason"):
        if not getattr(args, name).isprintable():
            raise InputError(f"--{name}: leave out control characters")
    if args.remove and (args.hours or args.title):
        raise InputError("--remove takes the hours away; give it no HOURS and no --title")
    if not args.remove and not args.reason.strip():
        raise InputError("--reason: say why, for the journal")
    return {
        "date": day(args.date).isoformat(),
        "hours": [] if args.remove else _hours(args.hours),
        "title": args.title,
        "reason": args.reason,
        "remove": args.remove,
    }


def _hours(written: Sequence[str]) -> list[str]:
    """Spans as the journal writes them, from arguments that may have lost their quotes."""
    if not written:
        raise InputError('give the hours of the date, like "10:00-14:00 staffed", or: closed')
    joined = " ".join(written).strip()
    if joined == CLOSED:
        return []
    try:
        return [str(span) for span in spans_of(_NEXT.split(joined))]
    except ValueError as wrong:
        raise InputError(str(wrong)) from None


def _refuse_past(on: date, today: date) -> None:
    if on < today:
        raise InputError(f"{on} is past; an exception is for today ({today}) or later")


def _told(asked: dict[str, Any]) -> str:
    if asked["remove"]:
        return "the hours of the file again"
    title = f" ({printable(asked['title'])})" if asked["title"] else ""
    return (", ".join(asked["hours"]) or CLOSED) + title

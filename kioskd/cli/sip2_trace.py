"""kioskd sip2 trace: a live conversation with the library system, each message as it passes.

Then what it means, in the doctor's words.
Deliberately not here: how a message is shown (sip2_shown), and anything that changes a loan.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from kioskd.cli.common import config_of, printable
from kioskd.cli.sip2_patron import read_patron
from kioskd.cli.sip2_shown import as_json, as_text
from kioskd.clock.system import SystemClock
from kioskd.config.model import Config, SipAccess
from kioskd.daemon.ils_look import looked
from kioskd.daemon.ils_secret import secret_of
from kioskd.daemon.ils_talk import Plan
from kioskd.daemon.privileges import drop_to_owner
from kioskd.errors import InputError
from kioskd.health.findings import Finding
from kioskd.health.findings import as_json as findings_as_json
from kioskd.health.ils_checks import ils_checks
from sync.sip2.dialect import Dialect
from sync.sip2.dialects import dialect_of
from sync.sip2.settings import Way

SECONDS: Final = 30.0  # for all of it; each answer has a time-out of its own
_ARROW: Final = {Way.SENT: "→", Way.RECEIVED: "←"}


def run(args: argparse.Namespace) -> int:
    """0 when all that was asked was answered, else 1. ConfigError, InputError, VaultError."""
    config = config_of(args)
    access = _access(config)
    patron = read_patron() if args.card_stdin else None
    drop_to_owner(config.storage.directory)
    # Here, because nothing is worth seeing without them; a doctor looks on.
    secret_of(access.secret)
    secret_of(access.terminal_secret)
    passing = Passing(dialect_of(access), _now(config), as_json=args.json)
    plan = Plan(SECONDS, stranger=False, patron=patron, ends=True)
    seen = looked(config, access, plan, passing)
    passing.check()
    answered = seen.stopped is None
    _tell(tuple(ils_checks(seen)), answered=answered, as_json=args.json)
    return 0 if answered else 1


class Passing:
    """Prints each message as it passes; never raises while the conversation goes on."""

    def __init__(self, dialect: Dialect, now: Callable[[], datetime], *, as_json: bool) -> None:
        self._dialect = dialect
        self._now = now
        self._as_json = as_json
        self._fault: OSError | None = None

    def __call__(self, way: Way, line: bytes) -> None:
        """A message, without its terminator."""
        if self._fault is not None:
            return
        try:
            _print(self._json(way, line) if self._as_json else self._text(way, line))
        except OSError as fault:
            self._fault = fault

    def check(self) -> None:
        """OSError of a print that failed."""
        if self._fault is not None:
            raise self._fault

    def _text(self, way: Way, line: bytes) -> str:
        at = self._now().isoformat(timespec="milliseconds")[11:23]
        return printable(f"{at} {_ARROW[way]} {as_text(line, self._dialect)}")

    def _json(self, way: Way, line: bytes) -> str:
        at = self._now().isoformat(timespec="milliseconds")
        return _dumped({"at": at, "way": way.value, **as_json(line, self._dialect)})


def _access(config: Config) -> SipAccess:
    access = config.register.sip2
    if access is None:
        raise InputError(f"{config.path}: register.sip2: missing, so there is nobody to talk with")
    return access


def _now(config: Config) -> Callable[[], datetime]:
    clock, zone = SystemClock(), ZoneInfo(config.site.timezone)
    return lambda: clock.moment().wall.astimezone(zone)


def _tell(findings: Sequence[Finding], *, answered: bool, as_json: bool) -> None:
    if as_json:
        _print(_dumped({"answered": answered, **findings_as_json(findings)}))
        return
    _print("")
    for finding in findings:
        _print(printable(f"{finding.word.value:<5}{finding.check}: {finding.what}"))
        if finding.todo:
            _print(printable(f"     → {finding.todo}"))


def _dumped(told: dict[str, Any]) -> str:
    return json.dumps(told)  # of ASCII alone: nothing that a terminal would act on


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

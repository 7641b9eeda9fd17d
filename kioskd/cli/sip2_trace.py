"""kioskd sip2 trace: a live conversation with the library system, each message as it passes.

Then what it means, in the doctor's words. Without a card it is a card that cannot exist that is
asked about; a test card is asked about with its own PIN alone, because a trace is of one patron.
Deliberately not here: what of a message is shown (sip2_shown), and anything that changes a loan.
"""

import argparse
import json
import sys
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from kioskd.cli.common import config_of
from kioskd.cli.sip2_drawn import Paper
from kioskd.cli.sip2_patron import read_patron
from kioskd.cli.sip2_shown import as_json, in_words
from kioskd.clock.system import SystemClock
from kioskd.config.model import Config, SipAccess
from kioskd.daemon.ils_look import looked, owner_of
from kioskd.daemon.ils_secret import secret_of
from kioskd.daemon.ils_talk import Plan
from kioskd.daemon.privileges import drop_to_owner
from kioskd.errors import InputError
from kioskd.health.findings import as_json as findings_as_json
from kioskd.health.findings import is_bad
from kioskd.health.ils_checks import ils_checks
from sync.sip2.dialect import Dialect
from sync.sip2.dialects import dialect_of
from sync.sip2.settings import Way

SECONDS: Final = 30.0  # for all of it; each answer has a time-out of its own


def run(args: argparse.Namespace) -> int:
    """0 when all was answered and nothing is bad, else 1. ConfigError, InputError, VaultError."""
    config = config_of(args)
    access = _access(config)
    patron = read_patron() if args.card_stdin else None
    paper = None if args.json else Paper()
    drop_to_owner(config.storage.directory)
    # Here, because nothing is worth seeing without them; a doctor looks on.
    owner = owner_of(config.storage.directory)
    never = [secret_of(reference, owner) for reference in (access.secret, access.terminal_secret)]
    never += [patron.card, patron.pin] if patron else []
    passing = Passing(dialect_of(access), _now(config), paper, never)
    seen = looked(config, access, Plan(SECONDS, patron, ends=True), passing)
    passing.check()
    findings, answered = tuple(ils_checks(seen)), seen.stopped is None
    if paper is None:
        _print(_dumped({"answered": answered, **findings_as_json(findings)}))
    else:
        _print(f"\n{paper.findings(findings)}")
    return 0 if answered and not is_bad(findings) else 1


class Passing:
    """Prints each message as it passes; never raises while the conversation goes on.

    paper: for people; None: JSON. never: card, PIN and passwords, shown in no way.
    """

    def __init__(
        self,
        dialect: Dialect,
        now: Callable[[], datetime],
        paper: Paper | None,
        never: Collection[str] = (),
    ) -> None:
        self._dialect = dialect
        self._never = never
        self._now = now
        self._paper = paper
        self._fault: OSError | None = None

    def __call__(self, way: Way, line: bytes) -> None:
        """A message, without its terminator."""
        if self._fault is not None:
            return
        try:
            _print(self._text(self._paper, way, line) if self._paper else self._json(way, line))
        except OSError as fault:
            self._fault = fault

    def check(self) -> None:
        """OSError of a print that failed."""
        if self._fault is not None:
            raise self._fault

    def _text(self, paper: Paper, way: Way, line: bytes) -> str:
        at = self._now().isoformat(timespec="milliseconds")[11:23]
        return paper.message(at, way, in_words(line, self._dialect, self._never))

    def _json(self, way: Way, line: bytes) -> str:
        at = self._now().isoformat(timespec="milliseconds")
        return _dumped({"at": at, "way": way.value, **as_json(line, self._dialect, self._never)})


def _access(config: Config) -> SipAccess:
    access = config.register.sip2
    if access is None:
        raise InputError(f"{config.path}: register.sip2: missing, so there is nobody to talk with")
    return access


def _now(config: Config) -> Callable[[], datetime]:
    clock, zone = SystemClock(), ZoneInfo(config.site.timezone)
    return lambda: clock.moment().wall.astimezone(zone)


def _dumped(told: dict[str, Any]) -> str:
    return json.dumps(told)  # of ASCII alone: nothing that a terminal would act on


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

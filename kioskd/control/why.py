"""The last attempt at a door in plain words: why.

    {"door": "front", "language": "fi"}     language: of the notice, the site's first by default

    {"door", "at": ISO or null, "granted", "reason", "decided_by", "why": [sentence, ...], "todo",
     "seen": [{"notice", "code", "title", "text"}], "strike": "released|not-released",
     "happened": [sentence, ...]}

Without an attempt `at`, `granted` and `reason` are null and `why` says so. It is a look at what
somebody did, so it is journalled with who looked and which row before it is answered.

Deliberately not here: whose card it was. What the notice said beside its words (a date, minutes)
is not in the journal either, so it is told without.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from kioskd import wire
from kioskd.access.notices import FAULT_CODE, NOTICE_OF, STRIKE_FAULT_CODE
from kioskd.config.model import Config, Door
from kioskd.control.acts import Acts
from kioskd.control.meanings import MEANINGS
from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Refusal, Run, only, text
from kioskd.domain.attempt import Attempt, PastRow
from kioskd.domain.decision import Reason
from kioskd.domain.notice import Notice, Shown
from kioskd.domain.record import Kind
from kioskd.words import Place, languages, said

_NOBODY: Final = "Nobody has tried this door since the journal began, or its rows are deleted."
_NOT_ACTED_ON: Final[Mapping[str, str]] = {
    "late": "The journal took too long, so the grant had lapsed and the strike stayed secured.",
    "strike": "The relay did not take the release, so the strike stayed secured.",
    "stopping": "The daemon was stopping, so the strike stayed secured.",
    "fault": "A fault in the daemon kept the strike secured.",
    "locked": "Staff locked the door at that moment, so the strike stayed secured.",
    "not opened": "Nobody opened the door while the strike was released.",
}
_STRIKE_FAILED: Final = frozenset({"late", "strike"})
_HAPPENED: Final[Mapping[str, str]] = {
    Kind.DOOR_OPENED: "The door was opened.",
    Kind.DOOR_CLOSED: "The door was closed.",
    Kind.DOOR_HELD: "The door was held open for too long.",
    Kind.DOOR_FORCED: "The door was opened without a release.",
    Kind.DOOR_TAILGATING: "The door was opened more than once: possibly somebody followed.",
    Kind.DEVICE_LOST: "A device of the door was lost.",
}


class Attempts(Protocol):
    """The journal's last attempts, read off the loop. StoreError."""

    async def last(self, door: str) -> Attempt | None: ...


def why_verbs(config: Config, attempts: Attempts, acts: Acts) -> Mapping[str, Run]:
    """The verb, for a daemon or for a command without one."""

    async def why(person: Person, args: Arguments) -> Answer:
        only(args, "door", "language")
        door = _door(config, text(args, "door"))
        language = _language(config, args)
        found = await attempts.last(door.name)
        detail = {"entry": found.entry.id} if found else {}
        await acts.write(person, "why", door=door.name, detail=detail)
        return told(config, door, found, language)

    return {"why": why}


def told(config: Config, door: Door, attempt: Attempt | None, language: str) -> dict[str, Any]:
    """The answer, as the module says."""
    if attempt is None:
        nothing = dict.fromkeys(("at", "granted", "reason", "decided_by"))
        return {
            "door": door.name,
            **nothing,
            "why": [_NOBODY],
            "todo": "",
            "seen": [],
            "strike": "not-released",
            "happened": [],
        }
    entry, happened = attempt.entry, list(_happened(attempt, door))
    reason = _reason(entry.reason)
    meaning = MEANINGS.get(reason) if reason else None
    return {
        "door": door.name,
        "at": _local(entry.at, config.site.timezone),
        "granted": entry.decision == "granted",
        "reason": entry.reason,
        "decided_by": entry.decided_by,
        "why": [*_why(entry, reason)],
        "todo": meaning.todo if meaning else "See the documentation of the version that wrote it.",
        "seen": [_seen(config, door, shown, language) for shown in _shown(attempt, reason)],
        "strike": "released" if _release(attempt) else "not-released",
        "happened": happened,
    }


def _door(config: Config, name: str) -> Door:
    for door in config.doors:
        if door.name == name:
            return door
    known = ", ".join(door.name for door in config.doors) or "none"
    raise Refusal(wire.NOT_FOUND, f"door {name!r}: not configured; doors: {known}")


def _language(config: Config, args: Arguments) -> str:
    language = text(args, "language", most=20, default=config.site.languages[0])
    if language not in languages():
        known = ", ".join(sorted(languages()))
        raise Refusal(wire.BAD_ARGUMENT, f"language {language!r}: no words in it; use {known}")
    return language


def _reason(text_of_it: str | None) -> Reason | None:
    try:
        return Reason(text_of_it or "")
    except ValueError:
        return None


def _why(entry: PastRow, reason: Reason | None) -> Iterator[str]:
    if reason is None:
        yield f"The reason {entry.reason} is none that this version knows."
        return
    yield MEANINGS[reason].why
    if entry.decided_by == "list" and reason is Reason.OK:
        yield "The card is on the allow-list."
    if entry.detail.get("clock") == "untrusted" and reason is not Reason.CLOCK_UNTRUSTED:
        yield "The clock was not trusted at that moment, so the time may be wrong."


def _shown(attempt: Attempt, reason: Reason | None) -> Iterator[Shown]:
    """What the person may have read; more than one where the journal cannot tell."""
    if reason is None:
        return
    own = (row for row in attempt.after if row.detail.get("entry") == attempt.entry.id)
    kept_out = {_not_opened(row) for row in own}
    if reason is Reason.OK and _STRIKE_FAILED & kept_out:
        yield Shown(Notice.FAULT, code=STRIKE_FAULT_CODE)
        return
    if reason is Reason.OK and "locked" in kept_out:
        yield Shown(Notice.DENIED)
        return
    yield Shown(NOTICE_OF[reason], code=FAULT_CODE.get(reason, ""))
    if reason is Reason.DENY_LISTED:  # with a wrong PIN it is told like any wrong PIN
        yield Shown(Notice.WRONG_CARD_OR_PIN)


def _seen(config: Config, door: Door, shown: Shown, language: str) -> dict[str, str]:
    site = config.site
    place = Place(ZoneInfo(site.timezone), site.help_phone, door.minimum_age, site.name)
    words = said(shown, language, place)
    return {
        "notice": shown.notice.value,
        "code": shown.code,
        "title": words.title,
        "text": words.text,
    }


def _happened(attempt: Attempt, door: Door) -> Iterator[str]:
    release = _release(attempt)
    if release is not None:
        seconds = release.detail.get("seconds")
        yield (
            f"The strike was released for {seconds:g} s."
            if isinstance(seconds, int | float)
            else "The strike was released."
        )
    elif not any(_not_opened(row) for row in attempt.after):
        yield "The strike stayed secured."
    for row in attempt.after:
        if why := _not_opened(row):
            yield _NOT_ACTED_ON.get(why, "The grant was not acted on.")
        elif row.kind in _HAPPENED:
            yield _HAPPENED[row.kind]
    if release is not None and door.contact is None:
        yield "Whether the door was opened is not known: it has no contact."


def _release(attempt: Attempt) -> PastRow | None:
    for row in attempt.after:
        if row.kind == Kind.STRIKE_RELEASED and row.detail.get("entry") == attempt.entry.id:
            return row
    return None


def _not_opened(row: PastRow) -> str:
    """Why a grant came to nothing; empty for other rows."""
    return str(row.detail.get("why") or "fault") if row.kind == Kind.DOOR_NOT_OPENED else ""


def _local(at: str, zone: str) -> str:
    try:
        return datetime.fromisoformat(at).astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")
    except ValueError:
        return at

"""What `kioskd-hub config publish` takes: a TOML file with a part of a branch's configuration.

    help_phone = "+358 ..."
    [schedule]                              # as in the device's file
    [texts."granted.text"]                  # ids of kioskd.words; fi, sv, en
    fi = "Tervetuloa"
    [[lists.deny]]                          # or lists.allow; each list replaces the one before
    card = "..."
    until = 2026-12-01
    reason = "lost card"

Every fault is told in one run, as `FILE: key: text`. No message repeats a card number. Pure.

Deliberately not here: versions, sealing and signing (publishing).
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from string import Formatter
from typing import Any, Final

import msgspec

from kioskd.config.hours import schedule
from kioskd.config.leaves import LANGUAGES, day, optional_text, text
from kioskd.config.walk import Notes, Place, Unfit, did_you_mean, kind, quoted, read
from kioskd.domain.card import CodeKind, CodePatterns, canonical
from kioskd.domain.staff import Which
from kioskd.errors import ConfigError
from kioskd.words.texts import book
from sync.hub_wire import PublishedCard

MAX_BYTES: Final = 256 * 1024
MAX_LIST: Final = 500  # cards of one list
MAX_SHORT: Final = 80  # a display of 4 rows of 20
LONGEST: Final = {Which.ALLOW: timedelta(days=366), Which.DENY: timedelta(days=14)}
_PATRON: Final = (CodeKind.PATRON, CodeKind.PATRON_OR_ITEM)
_SHORT: Final = ".short"


@dataclass(frozen=True, slots=True)
class PublishedPart:
    """A file without faults. None: it says nothing of that. warnings: what staff should know."""

    schedule: dict[str, object] | None = None
    help_phone: str | None = None
    texts: dict[str, dict[str, str]] | None = None
    allow: list[PublishedCard] | None = None
    deny: list[PublishedCard] | None = None
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "PublishedPart()"


def read_published(toml_text: str, file: str, cards: Sequence[str], today: date) -> PublishedPart:
    """The file's content. ConfigError with a line for every fault. today: local."""
    notes = Notes(file)
    root = Place(notes)
    tables = _tables(toml_text, file)
    lists = _Lists(CodePatterns([re.compile(p) for p in cards]), today)
    leaves = {
        "schedule": _schedule,
        "help_phone": optional_text,
        "texts": _texts,
        "lists": lists.leaf,
    }
    found = read(root, tables, leaves).values
    if not tables:
        notes.faults.append(f"{file}: says nothing; give schedule, help_phone, texts or lists")
    if notes.faults:
        raise ConfigError(notes.faults)
    listed = found.pop("lists", {})
    return PublishedPart(**found, **listed, warnings=tuple(notes.warnings))


def _tables(toml_text: str, file: str) -> dict[str, Any]:
    if len(toml_text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ConfigError([f"{file}: longer than {MAX_BYTES} bytes"])
    try:
        return tomllib.loads(toml_text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        # Only where: what it says of a value may be a card number.
        where = re.search(r"\(at [^()]*\)$", str(error))
        place = f" {where[0]}" if where else ""
        raise ConfigError([f"{file}: not TOML{place}"]) from None


def _schedule(place: Place, value: object) -> object:
    """[schedule] as it is written, once it is known to be right; days as ISO texts."""
    before = len(place.notes.faults)
    schedule(place, value)
    return None if len(place.notes.faults) > before else msgspec.to_builtins(value)


def _texts(place: Place, value: object) -> dict[str, dict[str, str]] | None:
    """[texts.ID]: quoted, "granted.text", or as a table in a table."""
    if not isinstance(value, dict):
        raise Unfit(f'must be tables, [texts."granted.text"], not {kind(value)}')
    known = book(LANGUAGES[0]).words
    found: dict[str, dict[str, str]] = {}
    for id_, table in _flat(value):
        if id_ not in known:
            place.of(id_).fault(f"no such text; {did_you_mean(id_, known.keys())}")
        elif (said := _languages(place.of(id_), id_, table)) is not None:
            found[id_] = said
    return found


def _flat(value: dict[str, Any]) -> list[tuple[str, object]]:
    flat: list[tuple[str, object]] = []
    for key, table in value.items():
        nested = isinstance(table, dict) and any(isinstance(t, dict) for t in table.values())
        flat += [(f"{key}.{k}", t) for k, t in table.items()] if nested else [(key, table)]
    return flat


def _languages(place: Place, id_: str, table: object) -> dict[str, str] | None:
    def leaf(at: Place, value: object) -> str:
        return _words(id_, text(at, value))

    taken = read(place, table, dict.fromkeys(LANGUAGES, leaf))
    if isinstance(table, dict) and not table:
        place.fault("says nothing; give fi, sv or en")
    return taken.values if taken.values and taken.sound(*LANGUAGES) else None


def _words(id_: str, said: str) -> str:
    """The text, if a device can say it: no value in it but those that the built-in text has."""
    if id_.endswith(_SHORT) and len(said) > MAX_SHORT:
        raise Unfit(f"has at most {MAX_SHORT} characters: it goes on a display of 4 rows of 20")
    built_in = [book(language).words.get(id_, "") for language in LANGUAGES]
    known = {name for words in built_in for name in _values(words)}
    for name in _values(said):
        if name not in known:
            there = ", ".join("{" + k + "}" for k in sorted(known)) or "no values"
            raise Unfit(f"{quoted('{' + name + '}')} is no value of this text; it has {there}")
    return said


def _values(words: str) -> list[str]:
    """The names in braces; Unfit for anything but a bare name: a format can do more than say."""
    try:
        parts = list(Formatter().parse(words))
    except ValueError:
        raise Unfit("a brace is not closed; write {{ for a brace itself") from None
    for _, name, form, conversion in parts:
        if name is not None and (form or conversion or not name.isidentifier()):
            raise Unfit("write values as bare names in braces, like {date}")
    return [name for _, name, _, _ in parts if name is not None]


@dataclass(frozen=True, slots=True)
class _Lists:
    """Reads [lists] by the cards of this hub, on this day."""

    cards: CodePatterns
    today: date

    def leaf(self, place: Place, value: object) -> dict[str, list[PublishedCard]]:
        """Both lists; a card is on one of them, once."""
        leaves = {
            "allow": lambda at, given: self._list(at, given, Which.ALLOW),
            "deny": lambda at, given: self._list(at, given, Which.DENY),
        }
        found: dict[str, list[PublishedCard]] = read(place, value, leaves).values
        allowed = {entry.card for entry in found.get("allow", ())}
        for place_, entry in enumerate(found.get("deny", ())):
            if entry.card in allowed:
                place.of("deny").nth(place_).fault("this card is on the allow-list too")
        return found

    def _list(self, place: Place, value: object, which: Which) -> list[PublishedCard] | None:
        if not isinstance(value, list):
            raise Unfit(f"must be tables, [[{place.key}]], not {kind(value)}")
        if len(value) > MAX_LIST:
            raise Unfit(f"has at most {MAX_LIST} cards")
        entries = [self._entry(place.nth(n), given, which) for n, given in enumerate(value)]
        seen: set[str] = set()
        for number, entry in enumerate(entries):
            if entry is not None and entry.card in seen:
                place.nth(number).fault("this card is there already; one table for a card")
            seen.update([entry.card] if entry is not None else [])
        return [entry for entry in entries if entry is not None] if all(entries) else None

    def _entry(self, place: Place, value: object, which: Which) -> PublishedCard | None:
        leaves = {
            "card": self._card,
            "until": lambda at, given: self._until(at, given, which),
            "reason": text,
        }
        table = read(place, value, leaves, required=leaves)
        return PublishedCard(**table.values) if table.sound(*leaves) else None

    def _card(self, place: Place, value: object) -> str:
        number = canonical(value) if isinstance(value, str) else ""
        if self.cards.classify(number) not in _PATRON:
            raise Unfit("fits none of the patterns of hub.cards")
        return number

    def _until(self, place: Place, value: object, which: Which) -> date:
        last = day(place, value)
        latest = self.today + LONGEST[which] - timedelta(days=1)
        if last < self.today:
            raise Unfit("is over; give today or a day after it")
        if last > latest:
            why = {
                Which.ALLOW: "the allow-list takes at most 366 days",
                Which.DENY: "the deny-list takes at most 14 days: a ban is the register's business",
            }
            raise Unfit(f"{why[which]}; {latest} is the last day that can be given")
        return last

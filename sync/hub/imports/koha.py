"""`--format koha-patrons`: what config/koha/patrons-full.sql and patrons-delta.sql print.

    {"koha_patrons": 1, "kind": "full", ...}      the header: what this is, with which settings
    {"card": ..., "ref": ..., ...}                a patron, or {"card", "ref", "deleted"} of a delta
    {"end": "koha-patrons", "patrons": 123}       the trailer

The whole export is refused, and nothing of it may be loaded, when
- there is no header, or a delta is given as a full export;
- it was made with other attribute codes than [hub.koha] has: a ban would go unseen;
- the self-service plugin is installed and its branch blocks could not be read;
- there is a key that nobody asked for, be it in one line only;
- the trailer is missing or counts otherwise: a connection that was cut must not remove patrons.
What can only be seen at the end is refused at the end: whoever loads rows must be able to abandon
them until rows() has ended by itself.

Deliberately not here: what a column means (koha_rows), and block lists (blocklist).
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from kioskd.domain.card import CodePatterns
from sync.feed_json import NOT_JSON
from sync.feed_rows import BadField, BadRow
from sync.hub.imports.koha_rows import (
    KEYS,
    BranchBlock,
    Debarment,
    PatronLine,
    card_of,
    identity_of,
    person_of,
)
from sync.hub.imports.rows import ParserRules, PersonRow, Row
from sync.hub.imports.source import Source, SourceParser, refuse_keys
from sync.hub.model import KohaConfig

FORMAT: Final = "koha-patrons"
STALE_DAYS: Final = 2
STALE: Final = f"export older than {STALE_DAYS} days: what was blocked since is not in it"
NO_BLOCKS: Final = "export made without branch blocks (@ss_blocks = 'none')"

_NESTED: Final = {
    "debarments": frozenset(Debarment.__struct_fields__),
    "blocks": frozenset(BranchBlock.__struct_fields__),
}
_REMOVED: Final = frozenset({"card", "ref", "deleted"})
_FAULT_PATH = re.compile(r"at `\$\.([a-z_]+)")


class Header(msgspec.Struct, forbid_unknown_fields=True):
    """The first line. branch_blocks: the table they came from, none for a site without, null."""

    koha_patrons: Literal[1]
    kind: Literal["full", "delta"]
    exported: datetime
    ban_attribute: str
    terms_attribute: str
    consent_attribute: str
    branch_blocks: str | None
    self_service_plugin: bool | int


class Trailer(msgspec.Struct, forbid_unknown_fields=True):
    """The last line. patrons: lines between it and the header."""

    end: Literal["koha-patrons"]
    patrons: int


class KohaPatrons(SourceParser):
    """A Parser of a Koha export. full: whether the caller means to drop who is not in it."""

    def __init__(self, source: Source, rules: ParserRules, koha: KohaConfig, full: bool) -> None:
        super().__init__(source)
        self._rules = rules
        self._koha = koha
        self._full = full
        self._patterns = CodePatterns(tuple(re.compile(p) for p in rules.card_patterns))
        self._decode = msgspec.json.Decoder(PatronLine).decode
        self._unknown: dict[str, int] = {}
        self._trailer: Trailer | None = None
        self._kind = ""

    def rows(self) -> Iterator[Row]:
        """A row for each patron. InputError."""
        lines = self._source.lines()
        self._read_header(next(lines, (1, b"")))
        count = 0
        for number, raw in lines:
            if raw is not None and not raw.strip():
                continue
            if self._trailer is not None:
                raise self._refused(f"line {number}: goes on after the end; is it two exports?")
            row = self._row(number, raw)
            count += row is not None
            if row is not None and not self._unknown:
                yield row
        refuse_keys(self._source.name, self._unknown, "of the scripts in config/koha")
        self._check_end(count)

    def _row(self, number: int, raw: bytes | None) -> Row | None:
        """The row of a line; None for the trailer."""
        if raw is None:
            return BadRow(number, "longer than 64 KiB")
        try:
            line = self._decode(raw)
        except NOT_JSON:
            return self._second_look(number, raw)
        card = card_of(self._patterns, line.card)
        try:
            return self._person(number, card, line)
        except BadField as fault:
            return BadRow(number, str(fault), card)

    def _person(self, number: int, card: str, line: PatronLine) -> Row:
        if not card:
            raise BadField("card: fits none of the patterns of [hub] cards")
        identity = identity_of(line.ref)
        person = person_of(line, card, self._rules, self.warnings)
        return PersonRow(number, card, identity, person)

    def _second_look(self, number: int, raw: bytes) -> Row | None:
        """Whatever is no line of a patron: the trailer, a removal, or what is wrong."""
        try:
            found = msgspec.json.decode(raw)
        except NOT_JSON:
            return BadRow(number, "not a JSON object in UTF-8")
        if not isinstance(found, dict):
            return BadRow(number, "not a JSON object")
        if "end" in found:
            self._read_trailer(number, found)
            return None
        if "koha_patrons" in found:
            raise self._refused(f"line {number}: a second header; is it two exports?")
        card = card_of(self._patterns, found.get("card"))
        if found.keys() == _REMOVED:
            return self._removed(number, card, found)
        self._note_unknown(number, found)
        return BadRow(number, _fault(found), card)

    def _removed(self, number: int, card: str, found: dict[str, object]) -> Row:
        try:
            identity = identity_of(found["ref"])
        except BadField as fault:
            return BadRow(number, str(fault), card)
        if found["deleted"] not in (True, 1) or self._kind != "delta":
            return BadRow(number, "deleted: wanted: true, and in a delta only", card)
        if not card:
            return BadRow(number, "card: fits none of the patterns of [hub] cards")
        return PersonRow(number, card, identity, None)

    def _note_unknown(self, number: int, found: dict[str, object]) -> None:
        for key in found.keys() - set(KEYS):
            self._unknown.setdefault(key, number)
        for key, known in _NESTED.items():
            inner = found.get(key)
            for one in inner if isinstance(inner, list) else ():
                for name in one.keys() - known if isinstance(one, dict) else ():
                    self._unknown.setdefault(f"{key}.{name}", number)

    def _read_header(self, first: tuple[int, bytes | None]) -> None:
        raw = first[1]
        if raw == b"":
            raise self._refused("is empty; look at what the export said on standard error")
        try:
            header = msgspec.json.decode(raw or b"", type=Header)
        except NOT_JSON:
            raise self._refused(
                "does not begin with the header of this version's patrons-full.sql or "
                "patrons-delta.sql; run the script that came with it, and look for its errors"
            ) from None
        self._kind = header.kind
        if self._full and header.kind != "full":
            raise self._refused("is a delta; import it with --delta")
        self._check_attributes(header)
        self._check_blocks(header)
        self._check_age(header.exported)

    def _check_attributes(self, header: Header) -> None:
        for key in ("ban_attribute", "terms_attribute", "consent_attribute"):
            if getattr(header, key) != getattr(self._koha, key):
                raise self._refused(
                    f"was made with another {key} than [hub.koha] has; make them the same"
                )

    def _check_blocks(self, header: Header) -> None:
        if header.branch_blocks == "none":
            self.warnings[NO_BLOCKS] += 1
        if header.branch_blocks is None and header.self_service_plugin:
            raise self._refused(
                "Koha has the self-service plugin, and the export's account sees no table of "
                "branch blocks; give it the right (docs/KOHA.md), or set @ss_blocks"
            )

    def _check_age(self, exported: datetime) -> None:
        if self._rules.today - exported.date() > timedelta(days=STALE_DAYS):
            self.warnings[STALE] += 1

    def _read_trailer(self, number: int, found: dict[str, object]) -> None:
        try:
            self._trailer = msgspec.convert(found, Trailer)
        except msgspec.ValidationError:
            raise self._refused(f"line {number}: not the last line of an export") from None

    def _check_end(self, count: int) -> None:
        if self._trailer is None:
            raise self._refused("is cut off: its last line is missing; export it again")
        if self._trailer.patrons != count:
            raise self._refused(
                f"has {count} patrons and was sent with {self._trailer.patrons}; export it again"
            )


def _fault(found: dict[str, object]) -> str:
    """What is wrong with a patron's object; no value of it is repeated."""
    missing = [key for key in KEYS if key not in found]
    if missing:
        return f"{missing[0]}: missing; the script prints every key"
    try:
        msgspec.convert({key: found[key] for key in KEYS}, PatronLine)
    except msgspec.ValidationError as fault:
        path = _FAULT_PATH.search(str(fault))
        return f"{path[1] if path else 'card'}: of another kind than the script prints"
    return "not of this format"

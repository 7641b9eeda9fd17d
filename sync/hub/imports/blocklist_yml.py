"""`--format blocklist-yml`: one list of mappings, as Koha-Suomi's job writes it.

    ---
    - BranchSpecificBlocks:
      - !!perl/hash:C4::SelfService::Block
        branchcode: ESI
        expirationdate: 2026-12-31 00:00:00
        ...
      HasSelfServicePermission: 1
      borrowernumber: 17
      cardnumber: 167A006007

The file is read as a stream of events: nothing is ever built of a tag, aliases are refused, and
nothing but one patron is in memory. Of a block branch and end are taken; the librarian and the
notes that come with it are passed over unread, and staff are told that they are in the file.

Deliberately not here: what permission and branches mean (blocklist).
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

import yaml

from sync.hub.imports.blocklist import KNOWN, ListedBlock, ListRules, branches_of, role_of
from sync.hub.imports.rows import ParserRules, Row
from sync.hub.imports.source import Source, SourceParser, refuse_keys

FORMAT: Final = "blocklist-yml"
NOTES: Final = "branch blocks with notes and librarians in the list; blocklist-csv has neither"
MAX_AHEAD: Final = 4 << 20  # bytes that the parser may take before it has understood the last ones
MAX_DEPTH: Final = 8
MAX_TEXT: Final = 4096  # characters of a text that is looked at

_PASSED: Final = frozenset(
    {"borrower_ss_block_id", "borrowernumber", "created_by", "created_on", "notes"}
)
_NOTHING: Final = frozenset({"", "~", "null"})


class YmlBlocklist(SourceParser):
    """A Parser of the list as YAML."""

    def __init__(self, source: Source, rules: ParserRules) -> None:
        super().__init__(source)
        self._rules = ListRules(rules)
        self._unknown: dict[str, int] = {}
        self._ahead = 0

    def read(self, count: int = 1 << 16, /) -> bytes:
        """For the YAML parser: bytes, as long as it gets on with those it has."""
        if self._ahead > MAX_AHEAD:
            raise self._refused("a text in it is too long for this list")
        piece = self._source.read(count)
        self._ahead += len(piece)
        return piece

    def rows(self) -> Iterator[Row]:
        """A row for each patron. InputError."""
        events = self._events()
        self._expect(events, yaml.StreamStartEvent)
        self._expect(events, yaml.DocumentStartEvent)
        self._expect(events, yaml.SequenceStartEvent)
        while isinstance(event := next(events), yaml.MappingStartEvent):
            row = self._patron(events, _line(event))
            if not self._unknown:
                yield row
        if not isinstance(event, yaml.SequenceEndEvent):
            raise self._refused(f"line {_line(event)}: is not a list of patrons")
        self._expect(events, yaml.DocumentEndEvent)
        self._expect(events, yaml.StreamEndEvent)
        refuse_keys(self._source.name, self._unknown, KNOWN)

    def _events(self) -> Iterator[yaml.Event]:
        """Events until the end; whatever the parser cannot read is an InputError."""
        line = 1
        try:
            for event in yaml.parse(self, Loader=yaml.CSafeLoader):
                self._ahead = 0
                line = _line(event)
                if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                    raise self._refused(f"line {line}: has an alias or an anchor")
                yield event
        except (yaml.YAMLError, ValueError):
            raise self._refused(f"is no YAML in UTF-8 after line {line}") from None
        raise self._refused("is cut off")

    def _expect(self, events: Iterator[yaml.Event], kind: type[yaml.Event]) -> None:
        event = next(events)
        if not isinstance(event, kind):
            raise self._refused(f"line {_line(event)}: is not one list of patrons")

    def _patron(self, events: Iterator[yaml.Event], line: int) -> Row:
        given = {"card": "", "permission": ""}
        blocks: list[ListedBlock] | None = []
        for key, event in self._pairs(events):
            role = role_of(key)
            if role is None:
                self._unknown.setdefault(key, _line(event))
            if role == "branches":
                blocks = self._blocks(events, event)
            elif role and isinstance(event, yaml.ScalarEvent):
                given[role] = event.value[:MAX_TEXT]
            else:
                self._pass_over(events, event)
        return self._rules.row(line, given["card"], given["permission"], blocks)

    def _pairs(self, events: Iterator[yaml.Event]) -> Iterator[tuple[str, yaml.Event]]:
        """Keys of the mapping that has begun, each with the event that its value begins with."""
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._refused(f"line {_line(event)}: a key that is no text")
            yield event.value[:MAX_TEXT], next(events)

    def _blocks(self, events: Iterator[yaml.Event], event: yaml.Event) -> list[ListedBlock] | None:
        """The branches of a value; None when they cannot be read."""
        if isinstance(event, yaml.ScalarEvent):
            text = event.value[:MAX_TEXT]
            return [] if text in _NOTHING else branches_of(text)
        if not isinstance(event, yaml.SequenceStartEvent):
            self._pass_over(events, event)
            return None
        found: list[ListedBlock | None] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            found.append(self._block(events, event))
        whole = [block for block in found if block is not None]
        return whole if len(whole) == len(found) else None

    def _block(self, events: Iterator[yaml.Event], event: yaml.Event) -> ListedBlock | None:
        if isinstance(event, yaml.ScalarEvent):
            return ListedBlock(event.value[:MAX_TEXT])
        if not isinstance(event, yaml.MappingStartEvent):
            self._pass_over(events, event)
            return None
        texts = {"branchcode": "", "expirationdate": ""}
        for key, value in self._pairs(events):
            if key in texts and isinstance(value, yaml.ScalarEvent):
                texts[key] = value.value[:MAX_TEXT]
                continue
            self._note(key, _line(value))
            self._pass_over(events, value)
        return _listed(texts["branchcode"], texts["expirationdate"])

    def _note(self, key: str, line: int) -> None:
        if key in _PASSED:
            self.warnings[NOTES] += key == "created_by"
        else:
            self._unknown.setdefault(f"BranchSpecificBlocks.{key}", line)

    def _pass_over(self, events: Iterator[yaml.Event], event: yaml.Event) -> None:
        depth = _deeper(event)
        while depth > 0:
            depth += _deeper(next(events))
            if depth > MAX_DEPTH:
                raise self._refused("is nested too deep for this list")


def _deeper(event: yaml.Event) -> int:
    if isinstance(event, yaml.CollectionStartEvent):
        return 1
    return -1 if isinstance(event, yaml.CollectionEndEvent) else 0


def _listed(branch: str, expires: str) -> ListedBlock | None:
    if not expires or expires in _NOTHING:
        return ListedBlock(branch)
    try:
        day = date.fromisoformat(expires[:10])
    except ValueError:
        return None
    return ListedBlock(branch, None if day.year >= date.max.year else day)


def _line(event: yaml.Event) -> int:
    mark = getattr(event, "start_mark", None)
    return int(mark.line) + 1 if mark is not None else 1

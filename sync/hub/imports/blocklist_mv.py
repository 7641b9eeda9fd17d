"""`--format blocklist-mv-xml`: the list in the form of a door system's own data set.

    <NewDataSet>
      <xs:schema ...>...</xs:schema>
      <patronaccess><patronid_pac>167A006007</patronid_pac><type_pac>0</type_pac></patronaccess>
    </NewDataSet>

Two jobs write this form and mean opposite things by it. The newer writes everybody, type_pac 1 for
who may enter and 0 for who may not; the older writes only who may not, and all with 1. A file in
which no 0 occurs may be either, and read the wrong way it would lift every block: it is refused,
and no row is given before the first 0 was seen. The element `permission` can only be the newer.

The newer job writes borrower numbers, which could be somebody else's card number: a number of nine
digits or fewer is a bad row.

A document type is refused, with it every entity; nothing but one patron is in memory.

Deliberately not here: what permission and branches mean (blocklist).
"""

from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

from kioskd.errors import InputError
from sync.feed_rows import BadRow
from sync.hub.imports.blocklist import KNOWN, ListRules, branches_of, role_of
from sync.hub.imports.rows import ParserRules, Row
from sync.hub.imports.source import Source, SourceParser, refuse_keys

FORMAT: Final = "blocklist-mv-xml"
MAX_HELD: Final = 200_000  # rows without a 0 before them
MAX_AHEAD: Final = 1 << 20  # bytes that the parser may take before it has understood the last ones
MAX_DEPTH: Final = 32  # the schema has ten
MAX_TEXT: Final = 4096

_PIECE: Final = 1 << 16
_BORROWER_NUMBER_DIGITS: Final = 9
_PATRON: Final = "patronaccess"
_SCHEMA: Final = "xs:schema"


class MvBlocklist(SourceParser):
    """A Parser of the list as XML."""

    def __init__(self, source: Source, rules: ParserRules) -> None:
        super().__init__(source)
        self._document = _Document(source.name, ListRules(rules))

    def rows(self) -> Iterator[Row]:
        """A row for each patron. InputError."""
        held: list[Row] = []
        for row in self._read():
            held.append(row)
            if self._document.told_apart:
                yield from held
                held.clear()
            elif len(held) >= MAX_HELD:
                break
        if held:
            raise self._refused(
                "every type_pac in it is 1: either nobody is blocked or "
                "everybody in it is, and the form does not tell; use blocklist-csv or koha-patrons"
            )
        refuse_keys(self._source.name, self._document.unknown, KNOWN)

    def _read(self) -> Iterator[Row]:
        document = self._document
        more = True
        while more:
            piece = self._source.read(_PIECE)
            more = piece != b""
            document.feed(piece)
            if not document.unknown:
                yield from document.rows
            document.rows.clear()


class _Document:
    """The state of a document that is being read. told_apart: which job's it is, is known."""

    def __init__(self, name: str, rules: ListRules) -> None:
        self.rows: list[Row] = []
        self.unknown: dict[str, int] = {}
        self.told_apart = False
        self._name = name
        self._rules = rules
        self._path: list[str] = []
        self._given: dict[str, str] = {}
        self._twice = False
        self._line = 0
        self._fed = 0
        self._parser = parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._on_doctype
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = self._on_text

    def feed(self, piece: bytes) -> None:
        """More bytes, b"" at the end. InputError."""
        self._fed += len(piece)
        try:
            self._parser.Parse(piece, not piece)
        except expat.ExpatError as fault:
            why = "is cut off or no XML" if not piece else "is no XML that can be read"
            raise self._refused(f"line {fault.lineno}: {why}") from None
        except (ValueError, LookupError):  # an encoding that does not exist
            raise self._refused("is no XML in UTF-8") from None
        if self._fed - self._parser.CurrentByteIndex > MAX_AHEAD + _PIECE:
            raise self._refused("a text in it is too long for this list")

    def _on_doctype(self, *_: object) -> None:
        raise self._refused("has a document type; such a list has none")

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if len(self._path) > MAX_DEPTH:
            raise self._refused("is nested too deep for this list")
        if _SCHEMA in self._path:
            return
        if len(self._path) == 2 and name == _PATRON:
            self._given, self._twice = {}, False
            self._line = self._parser.CurrentLineNumber
        elif len(self._path) == 3 and self._path[1] == _PATRON:
            self._begin_value(name)
        elif len(self._path) != 1 or name != "NewDataSet":
            self._note(name)

    def _begin_value(self, name: str) -> None:
        role = role_of(name)
        if role is None:
            self._note(name)
        elif role in self._given:
            self._twice = True
        elif role:
            self._given[role] = ""
            self.told_apart |= name == "permission"

    def _note(self, name: str) -> None:
        self.unknown.setdefault(name, self._parser.CurrentLineNumber)

    def _on_text(self, text: str) -> None:
        if len(self._path) != 3 or self._path[1] != _PATRON:
            return
        role = role_of(self._path[2])
        if role and len(self._given[role]) <= MAX_TEXT:
            self._given[role] += text[: MAX_TEXT + 1]

    def _on_end(self, name: str) -> None:
        if len(self._path) == 2 and name == _PATRON:
            self.rows.append(self._row())
        self._path.pop()

    def _row(self) -> Row:
        given = self._given
        card, permission = given.get("card", "").strip(), given.get("permission", "")
        self.told_apart |= permission.strip() == "0"
        if card.isdigit() and len(card) <= _BORROWER_NUMBER_DIGITS:
            return BadRow(
                self._line, "card: looks like a borrower number; blocklist-csv can carry cards"
            )
        if self._twice:
            return BadRow(self._line, "an element is there twice", self._rules.card_of(card))
        return self._rules.row(self._line, card, permission, branches_of(given.get("branches", "")))

    def _refused(self, why: str) -> InputError:
        return InputError(f"{self._name}: {why}")

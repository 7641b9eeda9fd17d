"""JSON lines of a feed: one object a line.

A line is decoded straight into its fields; only a line that does not fit is looked at again, to
say what is wrong with it.

Deliberately not here: what a value may hold (sync.feed_rows).
"""

import re
from typing import Final

import msgspec

from sync.feed_rows import COLUMNS, WANTED, BadRow, FeedRow, RowFields, RowRules

_FAULT_PATH = re.compile(r"at `\$\.([a-z_]+)")
_RESTRICTION_KEYS: Final = frozenset({"kind", "until", "branch", "code"})
# Deep nesting and bytes that are no UTF-8 are not msgspec's own errors.
NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class JsonRows:
    """Parses the lines of a JSON feed; `unknown` collects the keys that nobody asked for."""

    def __init__(self, rules: RowRules) -> None:
        self.unknown: dict[str, int] = {}
        self._rules = rules
        self._decode = msgspec.json.Decoder(RowFields).decode

    def parse(self, line: int, raw: bytes) -> FeedRow | BadRow | None:
        """The row of a line, None for a blank one."""
        try:
            return self._rules.row(line, self._decode(raw))
        except NOT_JSON:
            return self._second_look(line, raw)

    def look(self, line: int, raw: bytes) -> None:
        """Take note of unknown keys only: the file is refused, the rest of it is not loaded."""
        try:
            found = msgspec.json.decode(raw)
        except NOT_JSON:
            return
        if isinstance(found, dict):
            self._note_unknown(line, found)

    def _second_look(self, line: int, raw: bytes) -> FeedRow | BadRow | None:
        if not raw.strip():
            return None
        try:
            found = msgspec.json.decode(raw)
        except NOT_JSON:
            return BadRow(line, "not a JSON object in UTF-8")
        if not isinstance(found, dict):
            return BadRow(line, "not a JSON object")
        self._note_unknown(line, found)
        return self._without_empty(line, found)

    def _without_empty(self, line: int, found: dict[str, object]) -> FeedRow | BadRow:
        """An empty text says nothing, as an empty cell of a CSV file does."""
        given = {k: v for k, v in found.items() if v != "" and k in COLUMNS}
        try:
            return self._rules.row(line, msgspec.convert(given, RowFields))
        except msgspec.ValidationError as fault:
            return BadRow(line, _where(str(fault)), self._rules.card_of(found.get("card")))

    def _note_unknown(self, line: int, found: dict[str, object]) -> None:
        for key in found.keys() - set(COLUMNS):
            self.unknown.setdefault(key, line)
        restrictions = found.get("restrictions")
        for one in restrictions if isinstance(restrictions, list) else ():
            if isinstance(one, dict):
                for key in one.keys() - _RESTRICTION_KEYS:
                    self.unknown.setdefault(f"restrictions.{key}", line)


def _where(message: str) -> str:
    """The column of msgspec's message; its text is dropped because it may quote the value."""
    found = _FAULT_PATH.search(message)
    column = found[1] if found else "card"
    return f"{column}: {WANTED.get(column, 'not understood')}"

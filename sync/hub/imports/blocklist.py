"""What the three forms of Koha-Suomi's nightly list of self-service permissions share.

A list says of a card: permission 1 or 0, and the branches that block it. 0 is a self-service block
everywhere; 1 with branches is one at each of them, without an end unless the list has it; 1 alone
is none. These blocks stand in place of those that the card had; nobody is added or removed.

Deliberately not here: the forms themselves (blocklist_csv, blocklist_yml, blocklist_mv).
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from kioskd.domain.card import CodePatterns
from kioskd.domain.codes import is_code
from kioskd.domain.credential import Restriction, RestrictionKind
from sync.feed_rows import BadRow
from sync.hub.imports.koha_rows import card_of, longest
from sync.hub.imports.rows import ParserRules, PatchRow

MAX_BRANCH_BLOCKS: Final = 256  # of one card
KNOWN: Final = "cardnumber, borrowernumber, HasSelfServicePermission, BranchSpecificBlocks"

_ROLES: Final = {
    "cardnumber": "card",
    "patronid": "card",
    "patronid_pac": "card",
    "hasselfservicepermission": "permission",
    "permission": "permission",
    "type_pac": "permission",
    "branchspecificblocks": "branches",
    "branch_blocks": "branches",
    "borrowernumber": "",  # always there, and not needed
}
_BLOCKED: Final = RestrictionKind.SELF_SERVICE_BLOCK
_PERMISSIONS: Final = {"0": False, "1": True}


class ListedBlock(NamedTuple):
    """A branch that blocks a card; until: its last day, None where the list does not say."""

    branch: str
    until: date | None = None


def role_of(name: str) -> str | None:
    """What a column or element is for: card, permission, branches, "" for nothing; None: unknown.

    A column may carry its table's name before a dot.
    """
    return _ROLES.get(name.strip().lower().removeprefix("borrowers."))


def branches_of(text: str) -> list[ListedBlock] | None:
    """`[ESI:POR]` names two branches, `[]` and nothing none; None for whatever else."""
    cell = text.strip()
    if cell in ("", "[]"):
        return []
    if not (cell.startswith("[") and cell.endswith("]")):
        return None
    return [ListedBlock(code.strip()) for code in cell[1:-1].split(":")]


class ListRules:
    """Makes rows of what a form has read."""

    def __init__(self, rules: ParserRules) -> None:
        self._patterns = CodePatterns(tuple(re.compile(p) for p in rules.card_patterns))
        self._today = rules.today

    def card_of(self, text: str) -> str:
        """The canonical card number; empty when it is none of a patron."""
        return card_of(self._patterns, text)

    def row(
        self, line: int, card: str, permission: str, blocks: Sequence[ListedBlock] | None
    ) -> PatchRow | BadRow:
        """The row of these texts; a bad one names the column that cannot be taken.

        blocks: None when they could not be read.
        """
        number = self.card_of(card)
        if not number:
            return BadRow(line, "card: fits none of the patterns of [hub] cards")
        permitted = _PERMISSIONS.get(permission.strip())
        if permitted is None:
            return BadRow(line, "permission: wanted: 0 or 1", number)
        if blocks is None:
            return BadRow(line, "branches: not as the job writes them", number)
        if len(blocks) > MAX_BRANCH_BLOCKS:
            return BadRow(line, f"branches: more than {MAX_BRANCH_BLOCKS}", number)
        if not all(is_code(block.branch) for block in blocks):
            return BadRow(line, "branches: wanted: branch codes without blanks", number)
        return PatchRow(line, number, self._restrictions(permitted, blocks))

    def _restrictions(
        self, permitted: bool, blocks: Sequence[ListedBlock]
    ) -> tuple[Restriction, ...]:
        if not permitted:
            return (Restriction(_BLOCKED),)
        return longest(
            Restriction(_BLOCKED, block.until, block.branch)
            for block in blocks
            if block.until is None or block.until >= self._today
        )

"""What an import was asked to do, how far it is, and what it did.

A report names lines and faults, never a card, a value or a person; it may be kept and shown.

Deliberately not here: the import itself (run), and how a command prints any of this.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

SHOWN_FAULTS: Final = 20
# A file of which more is bad was cut, or exported by something broken.
BROKEN_SHARE: Final = 0.3
# Of more lines without a card nobody knows who would be dropped for them.
UNREAD_SHARE: Final = 0.1
PATCHES: Final = "blocklist"  # formats that begin so hold patches of persons, no persons


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Which feed, and how. full: what is not in the file is gone from the register.

    confirm_shrink: drop also where more than half of the feed would go, or where many lines could
    not be read at all.
    """

    feed: str
    format: str = "feed"
    full: bool = True
    confirm_shrink: bool = False

    @property
    def patches(self) -> bool:
        """Whether the file changes persons who are there, and brings or removes none."""
        return self.format.startswith(PATCHES)


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """done of total: bytes while reading, cards afterwards; total 0 is not known."""

    stage: Literal["reading", "comparing", "writing", "wrapping"]
    done: int
    total: int


class Fault(msgspec.Struct, frozen=True):
    """A line that was left out, and why."""

    line: int
    why: str


@dataclass(slots=True)
class Tally:
    """Counts while an import runs. See ImportReport."""

    rows: int = 0
    bad: int = 0
    named: int = 0  # of the bad rows, those whose card could be read
    applied: int = 0
    unchanged: int = 0
    duplicates: int = 0
    deleted: int = 0
    dropped: int = 0
    withdrawn: int = 0
    kept_back: int = 0
    patched: int = 0
    unknown_patches: int = 0
    faults: list[Fault] = field(default_factory=list)

    def note_bad(self, line: int, why: str) -> None:
        """Count a bad row; the first ones are kept to be shown."""
        self.bad += 1
        if len(self.faults) < SHOWN_FAULTS:
            self.faults.append(Fault(line, why))

    @property
    def broken(self) -> bool:
        """Whether so much of the file is bad that what is missing in it says nothing."""
        return self.bad > BROKEN_SHARE * self.rows

    @property
    def unread(self) -> int:
        """Lines of which not even the card could be read."""
        return self.bad - self.named

    @property
    def murky(self) -> bool:
        """Whether so many lines are unread that who seems to be missing may be in one of them."""
        return self.unread > UNREAD_SHARE * self.rows


class ImportReport(msgspec.Struct, frozen=True):
    """What an import did, in cards; rows and bad are lines.

    applied: new or changed. deleted: the file says so. dropped: not in a full file any more.
    withdrawn: their last row was bad. kept_back: to be dropped or withdrawn, and were not.
    broken: too much of the file was bad, so nothing was dropped. waiting_to_wrap: of the whole
    feed. faults: the first bad lines. warnings: text -> how many rows. unread: bad lines of which
    not even the card could be read.
    """

    id: str
    feed: str
    format: str
    full: bool
    rows: int
    applied: int
    unchanged: int
    bad: int
    duplicates: int
    deleted: int
    dropped: int
    withdrawn: int
    kept_back: int
    patched: int
    unknown_patches: int
    waiting_to_wrap: int
    seconds: float
    broken: bool
    faults: list[Fault]
    warnings: dict[str, int]
    unread: int = 0

    @property
    def empty(self) -> bool:
        """Whether a full file had nobody in it, and nobody confirmed that this is so."""
        whole = self.full and not self.format.startswith(PATCHES)
        return whole and not self.rows and not self.dropped

    @property
    def well(self) -> bool:
        """Whether nothing was left out: the command's exit code is 0, else 1."""
        return not (self.bad or self.kept_back or self.broken or self.empty)

    @property
    def fresh(self) -> bool:
        """Whether every card's age and rights are as the register has them now."""
        whole = self.full and not self.format.startswith(PATCHES)
        return whole and not self.broken and not self.empty

    def advice(self) -> list[str]:
        """What whoever ran it should know and do, a sentence or two each."""
        told = [kept] if (kept := self._kept()) else []
        if self.empty:
            told.insert(0, f"the file is empty: nobody of {self.feed} is in it; look at the export")
        if self.unknown_patches:
            told.append(f"{self.unknown_patches} listed cards are not in {self.feed}; left out")
        return told

    def _kept(self) -> str:
        if self.broken:
            return (
                f"{self.bad} of {self.rows} rows are bad: the good ones were applied and nothing "
                f"was dropped ({self.kept_back} wait); mend the export and import it again"
            )
        if not self.kept_back:
            return ""
        if self.unread > UNREAD_SHARE * self.rows:
            return (
                f"{self.unread} of {self.rows} lines could not be read at all: {self.kept_back} "
                "cards wait and were not dropped, for they may be in these lines; mend the export, "
                "or import again with --confirm-shrink"
            )
        return (
            f"more than half of {self.feed} would go: {self.kept_back} cards wait and were "
            "not dropped; if the register did shrink, import again with --confirm-shrink"
        )


def report_of(
    identity: str,
    request: ImportRequest,
    tally: Tally,
    *,
    seconds: float,
    waiting: int,
    warnings: dict[str, int],
) -> ImportReport:
    """The report of an import that has ended."""
    return ImportReport(
        id=identity,
        feed=request.feed,
        format=request.format,
        full=request.full,
        rows=tally.rows,
        applied=tally.applied,
        unchanged=tally.unchanged,
        bad=tally.bad,
        duplicates=tally.duplicates,
        deleted=tally.deleted,
        dropped=tally.dropped,
        withdrawn=tally.withdrawn,
        kept_back=tally.kept_back,
        patched=tally.patched,
        unknown_patches=tally.unknown_patches,
        waiting_to_wrap=waiting,
        seconds=round(seconds, 1),
        broken=tally.broken,
        faults=list(tally.faults),
        warnings=warnings,
        unread=tally.unread,
    )

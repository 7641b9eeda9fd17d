"""What a relay's wire and the journal must say of each other, however often a daemon was killed.

Values in, faults out, in plain words; no fault, no words. The lives of all daemons that ever
ran on one storage directory are held against the journal as it is now:

- the first frame of every life secures the strike, and nothing but whole frames is on the wire;
- at no moment of a life had the strike been released more often than people had been let in;
- the failures of a card are those that were answered since it was last let in, and of those cut
  off by a kill the ones that were told to be charged, at least; each try counts once, at most;
- the counts of decisions are those of the rows.

Deliberately not here: how any of it is read (tests/kill/site.py), and the chain, which `kioskd
journal verify` judges.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

ON = bytes.fromhex("A00101A2")
OFF = bytes.fromhex("A00100A1")
CHARGED = "charged"
_AT_SCAN = frozenset({"LOCKED_OUT"})  # refused before a PIN: nothing is charged
_NEVER = 1 << 62  # above any row's number


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as its row has it. card: its index, hex; empty when forgotten."""

    seq: int
    at: datetime
    card: str
    reason: str

    @property
    def granted(self) -> bool:
        return self.reason == "OK"


@dataclass(slots=True)
class Life:
    """One daemon, from its start to its end.

    since: the journal's last row before it. heard: what came over the relay's wire, and when it
    was read there. tried: the cards presented, in order. told: the points passed.
    """

    since: int
    heard: list[tuple[datetime, bytes]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def frames(self) -> list[bytes]:
        """The wire in frames of four bytes; the last may be shorter."""
        wire = b"".join(data for _, data in self.heard)
        return [wire[i : i + len(ON)] for i in range(0, len(wire), len(ON))]

    def releases(self) -> list[datetime]:
        """When each on-frame had been heard in full."""
        found, wire = [], b""
        for at, data in self.heard:
            before, wire = wire.count(ON), wire + data
            found += [at] * (wire.count(ON) - before)
        return found


@dataclass(frozen=True, slots=True)
class Book:
    """The journal now: decisions in order, failures by card, counts by reason."""

    decided: Sequence[Decided] = ()
    failures: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


def faults(lives: Sequence[Life], book: Book) -> list[str]:
    """Everything that does not fit, each with the number of the life, from 1."""
    found: list[str] = []
    for number, (life, rows) in enumerate(_with_rows(lives, book), start=1):
        found += [f"life {number}: {fault}" for fault in (*_on_wire(life), *_unbacked(life, rows))]
    return found + list(_miscounted(book)) + list(_misjudged(lives, book))


def _with_rows(lives: Sequence[Life], book: Book) -> Iterator[tuple[Life, list[Decided]]]:
    ends = [*(life.since for life in lives[1:]), _NEVER]
    for life, end in zip(lives, ends, strict=False):
        yield life, [row for row in book.decided if life.since < row.seq <= end]


def _on_wire(life: Life) -> Iterator[str]:
    frames = life.frames()
    if frames and frames[0] != OFF:
        yield f"the first frame is {frames[0].hex(' ')}, not the off-frame"
    for frame in frames:
        if frame not in (ON, OFF):
            yield f"no frame of a strike: {frame.hex(' ')}"


def _unbacked(life: Life, rows: Sequence[Decided]) -> Iterator[str]:
    for count, at in enumerate(life.releases(), start=1):
        granted = sum(row.granted and row.at <= at for row in rows)
        if granted < count:
            yield f"release {count} has no grant in the journal ({granted} by then)"


def _miscounted(book: Book) -> Iterator[str]:
    rows = Counter(row.reason for row in book.decided)
    for reason in sorted(rows.keys() | book.counts.keys()):
        counted = book.counts.get(reason, 0)
        if rows[reason] != counted:
            yield f"{reason}: {rows[reason]} rows and a count of {counted}"


def _misjudged(lives: Sequence[Life], book: Book) -> Iterator[str]:
    tried = {card for life in lives for card in life.tried}
    for card in sorted(tried | book.failures.keys()):
        least, most = _bounds(card, lives, book)
        failures = book.failures.get(card, 0)
        if not least <= failures <= most:
            yield f"card {card[:8]}: {failures} failures, expected {least} to {most}"


def _bounds(card: str, lives: Sequence[Life], book: Book) -> tuple[int, int]:
    least = most = 0
    for life, rows in _with_rows(lives, book):
        for row in rows:
            if row.card != card or row.reason in _AT_SCAN:
                continue
            least, most = (0, 0) if row.granted else (least + 1, most + 1)
        if _cut_off(card, life, rows):
            charged = life.told.count(CHARGED) > sum(row.reason not in _AT_SCAN for row in rows)
            least, most = least + charged, most + 1
    return least, most


def _cut_off(card: str, life: Life, rows: Sequence[Decided]) -> bool:
    # A door serves one person at a time, so only the last try of a life can lack its answer.
    return life.tried[-1:] == [card] and len(rows) < len(life.tried)

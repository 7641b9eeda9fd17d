"""Where a device's journal stood, and where it says it stands now: is it still the same chain?

Rows are only ever added to a journal, and each has a hash over all before it. So a last row with a
smaller number, or the same number with another hash, is a journal that was cut or rewritten. A
journal of another id is a new one; its first row (`journal.started`) names the one before it with
its last row, and where that fits what the hub knew, nothing is missing. That row comes with the
events, at times after the heartbeat: until then the alarm stands and the old anchor is kept.

The claim is the journal's own: it shows change and loss up to the last heartbeat. Who rules the
device can write a new chain that names the old one's end.

Deliberately not here: the database (heartbeats).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sync.hub_wire import Anchor

MOST_ALARM: Final = 1000  # characters
UNEXPLAINED: Final = "another journal, whose first row has not come"
_JOURNAL: Final = re.compile(r"[0-9A-Za-z_.:-]{1,64}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_MAX_SEQ: Final = 2**63 - 1
_BETWEEN: Final = "; "


@dataclass(frozen=True, slots=True)
class Started:
    """What the first row of a journal says of the one before it; empty and 0: nothing."""

    journal: str = ""
    seq: int = 0
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """alarm: to keep until somebody has looked; note: for the log alone. Empty: nothing.

    waits: the alarm may explain itself, so the anchor that was known stays the one to compare.
    """

    alarm: str = ""
    note: str = ""
    waits: bool = False


SOUND: Final = Finding()


def is_anchor(anchor: Anchor) -> bool:
    """Whether it has the form of one."""
    formed = _JOURNAL.fullmatch(anchor.journal) and _HASH.fullmatch(anchor.hash)
    return formed is not None and 0 < anchor.seq <= _MAX_SEQ


def started_of(detail: Mapping[str, object]) -> Started:
    """What a `journal.started` row names: previous_journal, previous_seq, previous_hash."""
    journal, seq = detail.get("previous_journal"), detail.get("previous_seq")
    hash_ = detail.get("previous_hash")
    return Started(
        journal if isinstance(journal, str) else "",
        seq if isinstance(seq, int) and not isinstance(seq, bool) else 0,
        hash_ if isinstance(hash_, str) else "",
    )


def compared(last: Anchor | None, new: Anchor | None, started: Started | None) -> Finding:
    """What the new anchor says about the chain. started: of the new one's journal, if it came."""
    if last is None:
        return SOUND
    if new is None:
        return Finding(note="it says no more where its journal stands")
    if new.journal != last.journal:
        return _renewed(last, started)
    if new.seq < last.seq:
        return Finding(f"its journal ends at row {new.seq}, before row {last.seq}: rows are gone")
    if new.seq == last.seq and new.hash != last.hash:
        return Finding(f"row {new.seq} of its journal is not the one that it was")
    return SOUND


def _renewed(last: Anchor, started: Started | None) -> Finding:
    if started is None:
        return Finding(f"{UNEXPLAINED} (the last one ended at row {last.seq})", waits=True)
    if started.journal != last.journal:
        return Finding(f"another journal, which does not name the last one (row {last.seq})")
    if started.seq < last.seq:
        return Finding(
            f"a new journal says that the last one ended at row {started.seq}, "
            f"before row {last.seq}: rows are gone"
        )
    if started.seq == last.seq and started.hash != last.hash:
        return Finding(f"a new journal names another row {last.seq} of the last one")
    return Finding(note=f"a new journal; the last one ended at row {started.seq}")


def alarm_after(alarm: str, finding: Finding) -> str:
    """The alarm that was there with what was found; bounded, the oldest first.

    What only waited for an explanation is gone as soon as there is one.
    """
    parts = [part for part in alarm.split(_BETWEEN) if part]
    kept = [part for part in parts if finding.waits or not part.startswith(UNEXPLAINED)]
    if finding.alarm and finding.alarm not in kept:
        kept.append(finding.alarm)
    return _BETWEEN.join(kept)[:MOST_ALARM]

"""What an import may take away beyond what its file says in words. Pure.

A deletion that the file states is always done. A card that a full file no longer has is *dropped*,
and a card whose last row is bad is *withdrawn*: what the register meant to say of it may have been
a ban, so the milder word before it must not stand, here no more than on a device. Both look alike
when an export was cut or broke, so

- of a full file that is more than 30 % bad, nothing is dropped or withdrawn;
- of a full file by which more than half of the feed would go (deletions in words counted), nothing
  is, unless it is confirmed; nor of one where over 10 % of the lines could not be read at all,
  because who seems to be missing may be in these;
- of a delta that is more than 30 % bad, at most 20 cards are withdrawn, or none: one bad row may be
  all of a small delta, and a ban;
- a list of blocks takes nobody away; a bad row of it leaves its person as it is.

Deliberately not here: finding and deleting (staging, applying).
"""

from dataclasses import dataclass
from typing import Final

from sync.hub.imports.report import ImportRequest
from sync.hub.imports.staging import Compared

FEW: Final = 20


@dataclass(frozen=True, slots=True)
class Going:
    """What is taken away. kept_back: live cards that would be, and are not."""

    withdraw: bool = False
    drop: bool = False
    kept_back: int = 0


def judged(
    request: ImportRequest, compared: Compared, *, broken: bool, murky: bool = False
) -> Going:
    """What of a file may be dropped and withdrawn. murky: many lines could not be read at all."""
    if request.patches:
        return Going()
    if not request.full:
        allowed = not broken or compared.withdrawn <= FEW
        return Going(withdraw=allowed, kept_back=0 if allowed else compared.withdrawn)
    unsaid = compared.withdrawn + compared.missing
    doubtful = murky or 2 * (compared.deleted + unsaid) > compared.live
    if unsaid and (broken or (doubtful and not request.confirm_shrink)):
        return Going(kept_back=unsaid)
    return Going(withdraw=True, drop=True)

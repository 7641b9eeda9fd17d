"""What each reason means, in plain English for staff, and what they can do about it.

A total table. Nothing in it names anybody: what stands here may be read out at a desk.
"""

from dataclasses import dataclass
from typing import Final

from kioskd.domain.decision import Reason

_REGISTER: Final = "The register decides that; once it is changed there, the next feed brings it."


@dataclass(frozen=True, slots=True)
class Meaning:
    """why: one or two sentences. todo: what staff can do; empty when there is nothing to do."""

    why: str
    todo: str = ""


MEANINGS: Final[dict[Reason, Meaning]] = {
    Reason.OK: Meaning("The card was in order and so was the PIN, where one was asked for."),
    Reason.DENY_LISTED: Meaning(
        "The card is on this site's deny-list.",
        "`kioskd list show deny` tells who put it there, why and until when.",
    ),
    Reason.LOCKDOWN: Meaning(
        "The building is locked down, or the lockdown could not be read. Nobody is let in but "
        "cards of the allow-list.",
        "If it is over: kioskd lockdown off. If nobody began one: kioskd doctor.",
    ),
    Reason.CLOCK_UNTRUSTED: Meaning(
        "The device did not trust its clock, so it could not tell whether the library was open.",
        "See `kioskd doctor`; if the time is right: kioskd clock accept --reason TEXT",
    ),
    Reason.CLOSED: Meaning(
        "The library was closed by its opening hours.", "`kioskd schedule show` draws them."
    ),
    Reason.LOCKED_OUT: Meaning(
        "There had been too many wrong PINs with this card, so it has to wait for a while.",
        "It ends by itself. Earlier: `kioskd lockout list`, then `kioskd lockout clear`.",
    ),
    Reason.CACHE_UNREADABLE: Meaning(
        "The device could not read its credentials, so it let nobody in.",
        "See `kioskd doctor`; mostly the key is missing or a feed must be imported anew.",
    ),
    Reason.UNKNOWN_CARD: Meaning(
        "The card is not known here: it is not in the register's last feed.",
        "A new card comes with the next feed. An old one may have been removed or renumbered.",
    ),
    Reason.WRONG_PIN: Meaning(
        "The PIN was wrong.",
        "A forgotten PIN is given anew in the register. A PIN that was changed there today is "
        "known here from the next feed on.",
    ),
    Reason.PIN_NOT_SET: Meaning(
        "The card is known and has no PIN, so no PIN could have been right.",
        "Give it one in the register; the next feed brings it.",
    ),
    Reason.NOT_KNOWN_OFFLINE: Meaning(
        "The register did not answer, and this device knows no PIN of this card by itself.",
        "It works once the register answers; see `kioskd doctor` for coverage.",
    ),
    Reason.PIN_TIMEOUT: Meaning(
        "No PIN was typed to its end in time.",
        "If this happens often, see whether the keypad works: kioskd probe KEYPAD",
    ),
    Reason.CANCELLED: Meaning("The person cancelled."),
    Reason.CARD_LOST: Meaning(
        "The card was reported lost. The PIN was right, so its holder may have found it again.",
        "Check who it is, then take the mark off in the register.",
    ),
    Reason.CACHE_TOO_OLD: Meaning(
        "The last feed was too old to decide by.",
        "Import a newer one: kioskd feed import FILE. See why none came.",
    ),
    Reason.EXPIRED: Meaning("The membership has run out.", "Renew it in the register."),
    Reason.USE_BAN: Meaning("There is a ban on using the library.", _REGISTER),
    Reason.SELF_SERVICE_BLOCK: Meaning(
        "There is a block on self-service, for this branch or all of them.", _REGISTER
    ),
    Reason.TERMS_NOT_ACCEPTED: Meaning(
        "The terms of self-service have not been accepted.",
        "Have them accepted at a desk and noted in the register.",
    ),
    Reason.CATEGORY_NOT_ALLOWED: Meaning(
        "Cards of this patron category do not open this door.",
        "`categories` of the door in the configuration names those that do.",
    ),
    Reason.UNDER_AGE: Meaning(
        "The person is under the age of this door, and no guardian's consent is known.",
        "A guardian can consent at a desk; it is noted in the register.",
    ),
    Reason.DEBARRED: Meaning(
        "There is a restriction on the account, and this site lets it close the door.", _REGISTER
    ),
    Reason.FEES: Meaning(
        "There are unpaid fees above the limit, and this site lets them close the door.", _REGISTER
    ),
    Reason.FULL: Meaning("As many people were inside as are allowed.", "It ends by itself."),
    Reason.STORE_FAILED: Meaning(
        "The decision could not be written into the journal, and without a row nobody is let in.",
        "See `kioskd doctor`: the disk may be full, read-only or dying.",
    ),
}

"""The demo's day: who comes, with what, and what must come of it.

A step is a title, moves and what is expected; nothing of what is expected is read from the
daemon. Deliberately not here: how a move is made (demo_moves and those beside it), and the day of
the door itself and of staff (demo_script_door, demo_script_staff).
"""

from dataclasses import dataclass
from typing import Final

from kioskd.cli.demo_config import PLAYED
from kioskd.cli.demo_moves import (
    SHORTER,
    Move,
    asks_for_more_time,
    comes_in,
    enters,
    scans_a_book,
    stays_outside,
)
from kioskd.cli.demo_moves_site import (
    checks_config,
    imports_block,
    imports_everybody,
    makes_key,
    starts,
)
from kioskd.cli.demo_people import (
    ARGON2ID,
    BANNED,
    BCRYPT,
    BLOCKED,
    CODE_39,
    DEBARRED,
    EXPIRED,
    FORGETFUL,
    LOST,
    OTHER_CATEGORY,
    OTHER_PIN,
    SLOW,
    SOON_BLOCKED,
    TOO_YOUNG,
    UNKNOWN,
    WITH_CONSENT,
    WITHOUT_PIN,
    WITHOUT_TERMS,
)
from kioskd.cli.demo_seen import NOTHING, Expected

PULSE: Final = ("strike.released", "strike.secured")
WENT_THROUGH: Final = ("strike.released", "door.opened", "strike.secured", "door.closed")
NOT_OPENED: Final = ("strike.released", "door.not_opened", "strike.secured")
WRONG: Final = "wrong-card-or-pin"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the day."""

    title: str
    moves: tuple[Move, ...]
    expected: Expected = NOTHING


def granted(*before: str, journal: tuple[str, ...] = (), display: str = "") -> Expected:
    """Let in after these denials; the door was opened, which ended the release. journal: before."""
    return Expected(
        (*before, "granted OK"),
        ("on", "off"),
        (*journal, *WENT_THROUGH),
        opened=SHORTER,
        notice="granted",
        lamp="green",
        display=display,
    )


def released(seconds: float) -> Expected:
    """Let in, and nobody opened for so long."""
    return Expected(("granted OK",), ("on", "off"), NOT_OPENED, seconds, notice="granted")


def denied(reason: str, notice: str, display: str = "", *journal: str) -> Expected:
    """Turned away: nothing reaches the strike, the lamp is red."""
    lamp = "red" if notice else ""
    return Expected((f"denied {reason}",), (), journal, notice=notice, lamp=lamp, display=display)


BEFORE: Final = Expected(journalled=False)
STARTED: Final = Expected(
    relay=("off",),
    journal=("journal.started", "daemon.started"),
    display="Demo library Scan your library card",
)

START: Final = (
    Step("a device key is made", (makes_key,), BEFORE),
    Step("the configuration is checked", (checks_config,), BEFORE),
    Step("the register's feed is loaded", (imports_everybody,), BEFORE),
    Step("the daemon starts: strike secured first", (starts,), STARTED),
)

PATRONS: Final = (
    Step("right PIN (argon2id)", comes_in(ARGON2ID), granted(display="Access granted")),
    Step("right PIN (bcrypt)", comes_in(BCRYPT), granted()),
    Step(
        "wrong PIN, then the right one",
        (enters(FORGETFUL, OTHER_PIN + "#"), *comes_in(FORGETFUL)),
        granted("denied WRONG_PIN", display="Wrong card or PIN"),
    ),
    Step(
        "card nobody knows",
        (enters(UNKNOWN),),
        denied("UNKNOWN_CARD", WRONG, "Wrong card or PIN"),
    ),
    Step("no PIN set", (enters(WITHOUT_PIN),), denied("PIN_NOT_SET", WRONG)),
    Step(
        "self-service block with a date",
        (enters(BLOCKED),),
        denied("SELF_SERVICE_BLOCK", "self-service-block", "blocked until"),
    ),
    Step("use ban", (enters(BANNED),), denied("USE_BAN", "use-ban", "may not use this")),
    Step("expired card", (enters(EXPIRED),), denied("EXPIRED", "expired", "has expired")),
    Step("under age", (enters(TOO_YOUNG),), denied("UNDER_AGE", "under-age", "under 15")),
    Step("under age, guardian agreed", comes_in(WITH_CONSENT), granted()),
    Step("lost card", (enters(LOST),), denied("CARD_LOST", "card-lost", "reported lost")),
    Step(
        "rules not accepted",
        (enters(WITHOUT_TERMS),),
        denied("TERMS_NOT_ACCEPTED", "terms-not-accepted", "have not accepted"),
    ),
    Step(
        "a category that may not come in alone",
        (enters(OTHER_CATEGORY),),
        denied("CATEGORY_NOT_ALLOWED", "category-not-allowed", "not valid for"),
    ),
    Step("debarred, where that bars no door", comes_in(DEBARRED), granted()),
    Step("cancelled with *", (enters(ARGON2ID, "*"),), denied("CANCELLED", "")),
    Step("Code 39 scan ]A0*…*", comes_in(f"]A0*{CODE_39}*"), granted()),
    Step("a book's ISBN", (scans_a_book,), Expected(notice="not-a-library-code")),
    Step(
        "card, but no PIN in time",
        (enters(SLOW, ""),),
        denied("PIN_TIMEOUT", "pin-timeout", "Time ran out"),
    ),
    Step(
        "0 before the card: longer release",
        (asks_for_more_time, *stays_outside(SLOW)),
        released(PLAYED.long_release),
    ),
    Step("in, the day before a block", comes_in(SOON_BLOCKED), granted()),
    Step("a new feed blocks that card", (imports_block,), Expected(journal=("sync.done",))),
    Step(
        "and now out",
        (enters(SOON_BLOCKED),),
        denied("SELF_SERVICE_BLOCK", "self-service-block"),
    ),
)

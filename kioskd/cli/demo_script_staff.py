"""The demo's day, its third part: what staff do, from the desk and at the door."""

from typing import Final

from kioskd.cli.demo_moves import (
    GOES_THROUGH,
    closes,
    comes_in,
    enters,
    is_told,
    opens,
    presses_staff_button,
)
from kioskd.cli.demo_moves_staff import (
    asks_doctor,
    asks_why,
    awaits_first_person,
    clears_lockout,
    enrols_cleaner,
    gives_today,
    gives_today_back,
    is_unlocked,
    lists_denied,
    lists_denied_no_more,
    locks,
    locks_down,
    looks_at_schedule,
    looks_at_status,
    opens_from_desk,
    reloads,
    slips,
)
from kioskd.cli.demo_people import (
    ARGON2ID,
    BCRYPT,
    CLEANER,
    DEBARRED,
    FORGETFUL,
    MISTAKEN,
    OTHER_PIN,
    STAFF_PIN,
    WITH_FEES,
)
from kioskd.cli.demo_script import WENT_THROUGH, WRONG, Step, denied, granted
from kioskd.cli.demo_seen import Expected
from kioskd.cli.demo_stage import Stage

_ACT: Final = ("staff.action",)
_CHANGED: Final = ("schedule.changed",)
_STAFF: Final = STAFF_PIN + "#"

CLEANER_LISTED: Final = Step(
    "the cleaner gets a PIN and a right", (enrols_cleaner,), Expected(journal=_ACT * 2)
)

STAFF: Final = (
    Step("how does the door stand?", (looks_at_status,)),
    Step("what was that just now?", (asks_why,), Expected(journal=_ACT)),
    Step("is anything wrong?", (asks_doctor,)),
    CLEANER_LISTED,
    Step(
        "kept out by staff, wrong PIN",
        (lists_denied, enters(MISTAKEN, OTHER_PIN + "#")),
        denied("DENY_LISTED", WRONG, "Wrong card or PIN", *_ACT),
    ),
    Step(
        "kept out by staff, right PIN",
        (enters(MISTAKEN),),
        denied("DENY_LISTED", "denied", "Access denied"),
    ),
    Step(
        "it was somebody else",
        (lists_denied_no_more, *comes_in(MISTAKEN)),
        granted(journal=_ACT),
    ),
    Step(
        "lockdown",
        (locks_down("on"), is_told(ARGON2ID)),
        denied("LOCKDOWN", "lockdown", "until further notice", *_ACT),
    ),
    Step("the cleaner comes in all the same", comes_in(CLEANER, _STAFF), granted()),
    Step("lockdown lifted", (locks_down("off"), *comes_in(ARGON2ID)), granted(journal=_ACT)),
    Step(
        "a delivery is let in from the desk",
        (opens_from_desk, *GOES_THROUGH),
        Expected(relay=("on", "off"), journal=(*_ACT, *WENT_THROUGH)),
    ),
    Step(
        "and one is not: locked at once",
        (opens_from_desk, Stage.relay_on, locks, Stage.relay_off),
        Expected(
            relay=("on", "off"),
            journal=(*_ACT * 2, "strike.released", "strike.secured"),
            in_order=False,
        ),
    ),
    Step(
        "closed today",
        (gives_today(), is_told(BCRYPT)),
        denied("CLOSED", "closed", "Next open tomorrow", *_CHANGED),
    ),
    Step(
        "open after all",
        (gives_today_back, *comes_in(BCRYPT)),
        granted(journal=_CHANGED),
    ),
    Step(
        "staffed hours, but nobody is in yet",
        (gives_today("00:00-24:00 staffed"), awaits_first_person),
        Expected(journal=_CHANGED),
    ),
    Step(
        "staff come in: unlocked for all",
        (enters(CLEANER, _STAFF), Stage.relay_on, opens, is_unlocked, closes),
        Expected(
            ("granted OK",),
            ("on", "off", "on"),
            ("strike.released", "door.opened", "strike.secured", "strike.released"),
            in_order=False,
        ),
    ),
    Step(
        "locked from the desk",
        (locks, Stage.relay_off, awaits_first_person),
        Expected(relay=("off",), journal=("staff.action", "strike.secured"), in_order=False),
    ),
    Step(
        "unlocked by the staff button",
        (presses_staff_button, is_unlocked),
        Expected(relay=("on",), journal=("strike.released",)),
    ),
    Step(
        "staff go home: secured",
        (gives_today_back, Stage.relay_off),
        Expected(relay=("off",), journal=(*_CHANGED, "strike.secured")),
    ),
    Step("the hours of two weeks", (looks_at_schedule,)),
    Step("a slip of the pen: the old file holds", (slips, *comes_in(DEBARRED)), granted()),
    Step(
        "mended and loaded",
        (reloads,),
        Expected(relay=("off",), journal=("config.changed", "strike.secured")),
    ),
    Step("debarred, where that bars", (enters(DEBARRED),), denied("DEBARRED", "denied")),
    Step("fees, where they bar", (enters(WITH_FEES),), denied("FEES", "denied", "Access denied")),
    Step(
        "five wrong PINs",
        (enters(FORGETFUL, OTHER_PIN + "#"),) * 5,
        Expected(("denied WRONG_PIN",) * 5, notice=WRONG, lamp="red"),
    ),
    Step(
        "and now the right one, too late",
        (is_told(FORGETFUL),),
        denied("LOCKED_OUT", "try-later", "Too many attempts"),
    ),
    Step(
        "staff lift it",
        (clears_lockout, *comes_in(FORGETFUL)),
        granted(journal=_ACT),
    ),
)

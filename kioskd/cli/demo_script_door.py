"""The demo's day, its second part: the door itself, its cables, files, clock and processes."""

from typing import Final

from kioskd.cli.demo_config import PLAYED
from kioskd.cli.demo_devices import KEYPAD
from kioskd.cli.demo_moves import (
    asks_to_go_out,
    closes,
    comes_in,
    enters,
    is_told,
    opens,
    stands_open,
    stays_outside,
)
from kioskd.cli.demo_moves_site import (
    finds_cache,
    finds_no_card_number,
    imports_everybody,
    killed_in_mid_pulse,
    loses_cache,
    moves_clock,
    plugs_keypad,
    plugs_relay,
    secures_alone,
    starts,
    stops,
    unplugs_keypad,
    unplugs_relay,
    while_journal_is_busy,
)
from kioskd.cli.demo_moves_staff import (
    accepts_clock,
    asks_doctor_of,
    explains_block,
    verifies,
)
from kioskd.cli.demo_people import ARGON2ID, BCRYPT, CODE_39, EXPIRING, WITH_CONSENT
from kioskd.cli.demo_script import Step, denied, granted, released
from kioskd.cli.demo_seen import Expected
from kioskd.cli.demo_stage import Stage

_OPENED: Final = ("strike.released", "door.opened", "strike.secured")

DOOR: Final = (
    Step("let in, but nobody opens", stays_outside(BCRYPT), released(PLAYED.release)),
    Step(
        "two go in on one card",
        (*comes_in(ARGON2ID), opens, closes),
        Expected(
            ("granted OK",),
            ("on", "off"),
            (*_OPENED, "door.closed", "door.opened", "door.tailgating", "door.closed"),
        ),
    ),
    Step(
        "somebody goes out",
        (asks_to_go_out, opens, closes),
        Expected(journal=("input.rex", "door.opened", "door.closed")),
    ),
    Step(
        "the door is held open",
        (enters(BCRYPT), Stage.relay_on, opens, Stage.relay_off, stands_open, closes),
        Expected(
            ("granted OK",),
            ("on", "off"),
            (*_OPENED, "door.held", "door.closed"),
            alerts=("door-held", "door-held: all clear"),
        ),
    ),
    Step(
        "the door is forced",
        (opens, closes),
        Expected(
            journal=("door.forced", "door.closed"),
            alerts=("door-forced", "door-forced: all clear"),
        ),
    ),
    Step(
        "keypad unplugged: who could type a PIN?",
        (unplugs_keypad,),
        Expected(
            journal=("device.lost",), notice="fault 42", lamp="red", display="door is out of order"
        ),
    ),
    Step("what does the doctor say?", (asks_doctor_of(KEYPAD),)),
    Step("keypad back", (plugs_keypad, *comes_in(CODE_39)), granted(journal=("device.back",))),
    Step(
        "relay unplugged, right PIN",
        (unplugs_relay, enters(ARGON2ID)),
        Expected(
            ("granted OK",),
            (),
            ("device.lost", "device.lost", "door.not_opened"),
            notice="fault 41",
            display="Code 41",
        ),
    ),
    Step(
        "relay back: secured, then used",
        (plugs_relay, *comes_in(BCRYPT)),
        Expected(
            ("granted OK",),
            ("off", "on", "off"),
            ("device.back", "device.back", *_OPENED, "door.closed", "strike.secured"),
            lamp="green",
            in_order=False,
        ),
    ),
)

FILES: Final = (
    Step(
        "the cache is lost",
        (loses_cache, enters(ARGON2ID)),
        denied("CACHE_UNREADABLE", "fault 22", "Code 22", "sync.failed"),
    ),
    Step(
        "a new feed heals it",
        (imports_everybody, finds_cache, *comes_in(ARGON2ID)),
        granted(journal=("sync.done",)),
    ),
    Step(
        "no row, no opening",
        (while_journal_is_busy(enters(BCRYPT)),),
        Expected(
            unwritten=("denied STORE_FAILED",), notice="fault 31", lamp="red", display="Code 31"
        ),
    ),
    Step(
        "three days on: a card has expired",
        (moves_clock(3), enters(EXPIRING)),
        denied("EXPIRED", "expired", "has expired"),
    ),
    Step(
        "six days on: no feed for too long",
        (moves_clock(3), enters(ARGON2ID)),
        denied("CACHE_TOO_OLD", "fault 21", "Code 21"),
    ),
    Step(
        "set back: which time is it?",
        (moves_clock(-6), is_told(ARGON2ID)),
        denied("CLOCK_UNTRUSTED", "fault 11", "Code 11", "clock.untrusted"),
    ),
    Step(
        "staff vouch for the clock",
        (accepts_clock, *comes_in(WITH_CONSENT)),
        granted(journal=("staff.action", "clock.corrected")),
    ),
)

END: Final = (
    Step(
        "daemon killed while the door is released",
        (enters(ARGON2ID), killed_in_mid_pulse, starts),
        Expected(("granted OK",), ("on", "off"), ("strike.released", "daemon.started")),
    ),
    Step(
        "killed again; `secure` needs no daemon",
        (enters(BCRYPT), killed_in_mid_pulse, secures_alone),
        Expected(("granted OK",), ("on", "off"), ("strike.released",)),
    ),
    Step(
        "and the next one comes in",
        (starts, *comes_in(CODE_39)),
        Expected(
            ("granted OK",),
            ("off", "on", "off"),
            ("daemon.started", *_OPENED, "door.closed"),
            notice="granted",
        ),
    ),
    Step(
        "the daemon is told to stop",
        (stops,),
        Expected(relay=("off",), journal=("strike.secured", "daemon.stopped")),
    ),
    Step("why was that patron blocked?", (explains_block,)),
    Step("did anybody change the journal?", (verifies,)),
    Step("is a card number written anywhere?", (finds_no_card_number,)),
)

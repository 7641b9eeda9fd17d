"""The demo's second act: a device and its hub, and a week without the line between them.

It is played on a site of its own, whose register is the hub. Hub and device share the demo's
clock, so that the week passes at both. Deliberately not here: how a move is made (demo_moves_hub).
"""

from dataclasses import replace
from typing import Final

from kioskd.cli.demo_moves import comes_in, enters
from kioskd.cli.demo_moves_hub import (
    cuts_line,
    finds_each_entry_at_hub,
    imports_register,
    is_blocked_at_hub,
    is_online,
    is_removed_at_hub,
    joins,
    makes_hub,
    mends_line,
    starts_hub,
    stops_hub,
    was_opened_for_people_alone,
)
from kioskd.cli.demo_moves_site import (
    checks_config,
    finds_no_card_number,
    moves_clock,
    starts,
    stops,
)
from kioskd.cli.demo_people import ARGON2ID, BCRYPT, CODE_39, MISTAKEN, SOON_BLOCKED, WITH_CONSENT
from kioskd.cli.demo_script import BEFORE, STARTED, WRONG, Step, denied, granted
from kioskd.cli.demo_seen import Expected

# How many pulls bring a change, and whether the door looks between two of them, is chance.
_PULLED: Final = ("sync.done",)
_LINE: Final = ("sync.done", "sync.failed")
_BLOCKED: Final = denied("SELF_SERVICE_BLOCK", "self-service-block")

HUB_START: Final = (
    Step("the hub gets its key and its tables", (makes_hub,), BEFORE),
    Step("the register is imported at the hub", (imports_register,), BEFORE),
    Step("the hub serves", (starts_hub,), BEFORE),
    Step("the device joins by a code, is filled", (joins,), BEFORE),
    Step("its configuration names the hub", (checks_config,), BEFORE),
    Step(
        "the daemon starts and finds its line",
        (starts, is_online),
        replace(STARTED, maybe=_LINE),
    ),
)

ONLINE: Final = (
    Step("in, with what the hub told", comes_in(ARGON2ID), granted()),
    Step("in: bcrypt, which the hub has wrapped", comes_in(BCRYPT), granted()),
    Step("in, just before a block", comes_in(SOON_BLOCKED), granted()),
    Step(
        "blocked at the hub: out within 2 s",
        (is_blocked_at_hub,),
        replace(_BLOCKED, often=_PULLED),
    ),
)

WEEK: Final = (
    Step("the line is cut", (cuts_line,), Expected(journal=("sync.failed",), maybe=_PULLED)),
    Step("the door goes on without a hub", comes_in(CODE_39), granted()),
    Step("a card is removed at the hub", (is_removed_at_hub,)),
    Step("four days on, still no line", (moves_clock(4), *comes_in(WITH_CONSENT)), granted()),
    Step("the device cannot know of the removal", comes_in(MISTAKEN), granted()),
    Step("the block holds without the hub", (enters(SOON_BLOCKED),), _BLOCKED),
    Step(
        "a week on: too old to be trusted",
        (moves_clock(3), enters(ARGON2ID)),
        denied("CACHE_TOO_OLD", "fault 21", "Code 21"),
    ),
)

BACK: Final = (
    Step(
        "the line is back: in again",
        (mends_line, *comes_in(ARGON2ID)),
        replace(granted(), often=_PULLED),
    ),
    Step(
        "the removed card is unknown now",
        (enters(MISTAKEN),),
        replace(denied("UNKNOWN_CARD", WRONG), maybe=_PULLED),
    ),
    Step("and the block still holds", (enters(SOON_BLOCKED),), _BLOCKED),
    Step("is each entry at the hub, once?", (finds_each_entry_at_hub,)),
    Step("did the line ever open the door?", (was_opened_for_people_alone,)),
    Step(
        "daemon told to stop: strike secured",
        (stops,),
        Expected(relay=("off",), journal=("strike.secured", "daemon.stopped")),
    ),
    Step("and the hub", (stops_hub,)),
    Step("does the hub tell a card number?", (finds_no_card_number,)),
)

HUB_DAY: Final = (*HUB_START, *ONLINE, *WEEK, *BACK)

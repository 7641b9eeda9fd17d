"""The demo's day: who comes, with what, and what must come of it.

A step is a title, moves and what is expected; nothing of what is expected is read from the
daemon. Deliberately not here: how a move is made (kioskd.cli.demo_moves).
"""

from dataclasses import dataclass
from typing import Final

from kioskd.cli.demo_moves import (
    Move,
    asks_for_more_time,
    checks_config,
    comes_in,
    enters,
    explains_block,
    finds_no_card_number,
    imports_block,
    imports_everybody,
    killed_in_mid_pulse,
    makes_key,
    plugs_relay,
    scans_a_book,
    starts,
    stops,
    unplugs_relay,
    verifies,
)
from kioskd.cli.demo_people import (
    ARGON2ID,
    BANNED,
    BCRYPT,
    BLOCKED,
    CODE_39,
    EXPIRED,
    FORGETFUL,
    LOST,
    OTHER_PIN,
    SLOW,
    SOON_BLOCKED,
    TOO_YOUNG,
    UNKNOWN,
    WITH_CONSENT,
    WITHOUT_PIN,
)
from kioskd.cli.demo_site import LONG_RELEASE_SECONDS, RELEASE_SECONDS
from kioskd.cli.demo_stage import Seen

_EARLY: Final = 0.25  # seconds by which a busy machine may see an on-frame late
_PULSE: Final = ("strike.released", "strike.secured")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a step must bring about; the fields are those of Seen.

    pulse: the least seconds of each pulse. journalled: False before there is a journal.
    """

    decided: tuple[str, ...] = ()
    relay: tuple[str, ...] = ()
    journal: tuple[str, ...] = ()
    pulse: float = 0.0
    journalled: bool = True

    def faults(self, seen: Seen) -> list[str]:
        """A sentence for everything that came out otherwise."""
        pairs = {
            "decided": (self.decided, seen.decided),
            "to the relay": (self.relay, seen.relay),
            "in the journal": (self.journal, seen.journal),
        }
        faults = [
            f"{what}: expected {_listed(meant)}, got {_listed(got)}"
            for what, (meant, got) in pairs.items()
            if meant != got
        ]
        short = [length for length in seen.pulses if length < self.pulse - _EARLY]
        return faults + [f"a pulse of {s:.2f} s instead of {self.pulse:g} s" for s in short]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the day."""

    title: str
    moves: tuple[Move, ...]
    expected: Expected = Expected()


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(values) or "nothing"


def granted(seconds: float = RELEASE_SECONDS, *before: str) -> Expected:
    """Let in after these denials, with one pulse."""
    return Expected((*before, "granted OK"), ("on", "off"), _PULSE, seconds)


def denied(reason: str) -> Expected:
    """Turned away: nothing reaches the relay."""
    return Expected((f"denied {reason}",))


_BEFORE: Final = Expected(journalled=False)

DAY: Final = (
    Step("a device key is made", (makes_key,), _BEFORE),
    Step("the configuration is checked", (checks_config,), _BEFORE),
    Step("the register's feed is loaded", (imports_everybody,), _BEFORE),
    Step(
        "the daemon starts: strike secured first",
        (starts,),
        Expected(relay=("off",), journal=("journal.started", "daemon.started")),
    ),
    Step("right PIN (argon2id)", comes_in(ARGON2ID), granted()),
    Step("right PIN (bcrypt)", comes_in(BCRYPT), granted()),
    Step(
        "wrong PIN, then the right one",
        (enters(FORGETFUL, OTHER_PIN + "#"), *comes_in(FORGETFUL)),
        granted(RELEASE_SECONDS, "denied WRONG_PIN"),
    ),
    Step("card nobody knows", (enters(UNKNOWN),), denied("UNKNOWN_CARD")),
    Step("no PIN set", (enters(WITHOUT_PIN),), denied("PIN_NOT_SET")),
    Step("self-service block with a date", (enters(BLOCKED),), denied("SELF_SERVICE_BLOCK")),
    Step("use ban", (enters(BANNED),), denied("USE_BAN")),
    Step("expired card", (enters(EXPIRED),), denied("EXPIRED")),
    Step("under age", (enters(TOO_YOUNG),), denied("UNDER_AGE")),
    Step("under age, guardian agreed", comes_in(WITH_CONSENT), granted()),
    Step("lost card", (enters(LOST),), denied("CARD_LOST")),
    Step("cancelled with *", (enters(ARGON2ID, "*"),), denied("CANCELLED")),
    Step("Code 39 scan ]A0*…*", comes_in(f"]A0*{CODE_39}*"), granted()),
    Step("a book's ISBN", (scans_a_book,)),
    Step("card, but no PIN in time", (enters(SLOW, ""),), denied("PIN_TIMEOUT")),
    Step(
        "0 before the card: longer release",
        (asks_for_more_time, *comes_in(SLOW)),
        granted(LONG_RELEASE_SECONDS),
    ),
    Step("in, the day before a block", comes_in(SOON_BLOCKED), granted()),
    Step("a new feed blocks that card", (imports_block,), Expected(journal=("sync.done",))),
    Step("and now out", (enters(SOON_BLOCKED),), denied("SELF_SERVICE_BLOCK")),
    Step(
        "daemon killed while the door is released",
        (enters(ARGON2ID), killed_in_mid_pulse, starts),
        Expected(("granted OK",), ("on", "off"), ("strike.released", "daemon.started")),
    ),
    Step(
        "relay unplugged, right PIN",
        (unplugs_relay, enters(ARGON2ID)),
        Expected(("granted OK",), (), ("device.lost", "door.not_opened")),
    ),
    Step(
        "relay back: secured, then used",
        (plugs_relay, *comes_in(BCRYPT)),
        Expected(
            ("granted OK",),
            ("off", "on", "off"),
            ("device.back", "strike.secured", *_PULSE),
            RELEASE_SECONDS,
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

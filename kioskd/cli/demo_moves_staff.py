"""Moves of the demo's day: what staff do beside the door, each with a command of `kioskd`."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from kioskd.cli.demo_child import Done
from kioskd.cli.demo_config import today
from kioskd.cli.demo_moves import Move
from kioskd.cli.demo_people import BLOCKED, CLEANER, FORGETFUL, MISTAKEN, STAFF_PIN
from kioskd.cli.demo_stage import Stage, Unexpected
from kioskd.client import AskError, Client

DOOR: Final = "front"
_OPEN_TO_THEM: Final = "debarred_blocks_door = false\nfees_block_door = false"
_SHUT_TO_THEM: Final = "debarred_blocks_door = true\nfees_block_door = true"
_SLIP: Final = "\n[schedule]\nholydays"
_RIGHT: Final = "\n[schedule]\nholidays"


def enrols_cleaner(stage: Stage) -> None:
    """The cleaner gets a PIN here and stands on the allow-list for a month."""
    stage.run("enrol", "--label", "cleaner", stdin=f"{CLEANER}\n{STAFF_PIN}\n", shown="enrol;")
    until = (today() + timedelta(days=30)).isoformat()
    _list_add(stage, "allow", CLEANER, until)
    stage.say("allow-listed")


def lists_denied(stage: Stage) -> None:
    """A card is kept out until tomorrow night."""
    until = (today() + timedelta(days=1)).isoformat()
    _list_add(stage, "deny", MISTAKEN, until)


def lists_denied_no_more(stage: Stage) -> None:
    """And comes off the list again."""
    stage.run(
        *("list", "remove", "deny", "--reason", "was somebody else"),
        stdin=f"{MISTAKEN}\n",
        shown="list remove deny;",
    )


def locks_down(to: str) -> Move:
    """Nobody is let in any more, or again."""

    def move(stage: Stage) -> None:
        stage.run("lockdown", to, "--reason", "demo", shown=f"lockdown {to};")

    return move


def opens_from_desk(stage: Stage) -> None:
    """Staff let somebody in by name."""
    stage.run("open", DOOR, "--reason", "delivery", shown="kioskd open front;")


def locks(stage: Stage) -> None:
    """Staff end whatever releases the door."""
    stage.run("lock", DOOR, shown="kioskd lock front;")


def gives_today(*hours: str) -> Move:
    """Today has hours of its own; none: closed."""

    def move(stage: Stage) -> None:
        told = hours or ("closed",)
        stage.run(
            *("schedule", "except", today().isoformat(), *told, "--reason", "demo"),
            shown=f"schedule except TODAY {' '.join(told)};",
        )

    return move


def gives_today_back(stage: Stage) -> None:
    """Today has the hours of the file again."""
    stage.run(
        *("schedule", "except", today().isoformat(), "--remove"),
        shown="schedule except TODAY --remove;",
    )


def awaits_first_person(stage: Stage) -> None:
    """The hours are staffed, but nobody of the staff is in."""
    stage.until(lambda: bool(_door(stage)["awaits_first_person"]), "a door that awaits staff")
    stage.say("awaits staff, locked")


def is_unlocked(stage: Stage) -> None:
    """The door stands unlocked for everybody."""
    stage.until(lambda: _door(stage)["state"] == "unlocked", "an unlocked door")
    stage.until(lambda: stage.door.released, "a released strike")
    stage.say("unlocked")


def looks_at_schedule(stage: Stage) -> None:
    """Two weeks as a picture."""
    stage.say(stage.run("schedule", "show").out.splitlines()[0])


def looks_at_status(stage: Stage) -> None:
    """The door at a glance."""
    told = _front(_json(stage.tried("status", "--json", shown="kioskd status")))
    stands = (told["state"], told["contact"], told["fault"])
    if stands != ("secured", "closed", ""):
        raise Unexpected(f"status says {stands}")
    stage.say("secured, closed")


def asks_why(stage: Stage) -> None:
    """The last attempt in plain words."""
    told = stage.run("why", DOOR).out.splitlines()
    if "granted (OK)" not in told[0]:
        raise Unexpected(f"why says {told[0]}")
    stage.say(told[1])


def asks_doctor(stage: Stage) -> None:
    """The doctor finds nothing bad but what the machine of the demo brings, its disk."""
    found = _bad(stage)
    if found - {"disk"}:
        raise Unexpected(f"the doctor complains of {', '.join(sorted(found))}")
    stage.say("nothing bad")


def asks_doctor_of(device: str) -> Move:
    """The doctor finds the device that is not there, and ends with 1."""

    def move(stage: Stage) -> None:
        if f"device {device}" not in _bad(stage):
            raise Unexpected(f"the doctor does not miss {device}")
        stage.say(f"{device} is missing")

    return move


def slips(stage: Stage) -> None:
    """A slip of the pen: the file is refused with its line. It is mended, but not loaded yet."""
    stage.site.edit(_OPEN_TO_THEM, _SHUT_TO_THEM)
    stage.site.edit(_RIGHT, _SLIP)
    told = stage.run("reload", shown="kioskd reload;", code=2).err
    stage.site.edit(_SLIP, _RIGHT)
    if "did you mean holidays" not in told:
        raise Unexpected(f"reload says {told.strip()}")
    stage.say("refused: schedule.holydays")


def reloads(stage: Stage) -> None:
    """Debarred patrons and those with fees are kept out from now on."""
    stage.mark()
    stage.run("reload")
    stage.say("doors.front began anew")
    stage.logged("reloaded")
    stage.until(lambda: _door(stage)["contact"] == "closed", "the contact of the door, begun anew")


def clears_lockout(stage: Stage) -> None:
    """Staff know whose card it is and lift it."""
    stage.run("lockout", "clear", stdin=f"{FORGETFUL}\n", shown="lockout clear;")


def accepts_clock(stage: Stage) -> None:
    """Somebody has looked at the clock and vouches for it."""
    stage.run("clock", "accept", "--reason", "looked at it", shown="clock accept;")


def explains_block(stage: Stage) -> None:
    """`explain` names the rule that the door applied."""
    command = ("explain", "--door", DOOR, "--card-stdin", "--json")
    told = json.loads(stage.run(*command, stdin=f"{BLOCKED}\n", shown="kioskd explain").out)
    if (told["granted"], told["reason"]) != (False, "SELF_SERVICE_BLOCK"):
        raise Unexpected(f"explain says {told['granted']} {told['reason']}")
    stage.say(told["reason"])


def verifies(stage: Stage) -> None:
    """The journal's chain holds."""
    stage.say(stage.run("journal", "verify").out.splitlines()[-1])


def _list_add(stage: Stage, which: str, card: str, until: str) -> None:
    command = ("list", "add", which, "--until", until, "--reason", "demo")
    stage.run(*command, stdin=f"{card}\n", shown=f"list add {which};")


def _door(stage: Stage) -> Mapping[str, Any]:
    """How the daemon says that the door stands."""
    try:
        with Client(stage.site.socket) as daemon:
            return _front(daemon.ask("status"))
    except AskError as error:
        raise Unexpected(str(error)) from None


def _front(status: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(door for door in status["doors"] if door["name"] == DOOR)


def _bad(stage: Stage) -> set[str]:
    """What the doctor calls bad; its exit code must agree."""
    ended = stage.tried("doctor", "--json", shown="kioskd doctor")
    checks = _json(ended)["checks"]
    found = {str(check["check"]) for check in checks if check["word"] == "bad"}
    if ended.code != (1 if found else 0):
        raise Unexpected(f"the doctor ends with {ended.code}")
    return found


def _json(ended: Done) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(ended.out)
    except ValueError:
        raise Unexpected(f"exit code {ended.code}: {ended.err.strip()}") from None
    return told

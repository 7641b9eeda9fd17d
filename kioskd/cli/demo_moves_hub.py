"""Moves of the demo's second act: what befalls the hub and the line to it.

Deliberately not here: who comes to the door meanwhile (demo_script_hub).
"""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kioskd.cli.demo_config import BRANCH, today
from kioskd.cli.demo_devices import ON
from kioskd.cli.demo_hub import DEVICE, FEED
from kioskd.cli.demo_moves import enters
from kioskd.cli.demo_people import MISTAKEN, SOON_BLOCKED, full_feed, row
from kioskd.cli.demo_stage import Stage, Unexpected
from kioskd.client import AskError, Client

_YOUNG_SECONDS: Final = 60  # of a cache that was just pulled, on however slow a machine
BLOCKED_WITHIN_SECONDS: Final = 2.0  # from the end of the import to the door


def makes_hub(stage: Stage) -> None:
    """The hub's key and its tables."""
    stage.run_hub("init", shown="kioskd-hub init")
    stage.say("exit 0")


def imports_register(stage: Stage) -> None:
    """The register's full feed, over standard input: no file is left lying about."""
    stage.say(imported(stage, full_feed(today())))


def starts_hub(stage: Stage) -> None:
    """The hub, until it listens."""
    stage.mark("kioskd-hub serve")
    stage.hub.start()
    stage.until(lambda: stage.hub.ready, "the hub's ready")
    stage.say("ready")


def joins(stage: Stage) -> None:
    """A one-time code makes this device one of the hub's: token, key and first credentials."""
    made = stage.run_hub("device", "join-code", DEVICE, "--branch", BRANCH, shown="join-code;")
    joined = stage.run("setup", "--join", "-", stdin=made.out, shown="kioskd setup --join CODE")
    stage.say(next((line for line in joined.out.splitlines() if "credentials in" in line), ""))


def is_online(stage: Stage) -> None:
    """The daemon has its line to the hub, and hears of changes at once."""
    stage.until(lambda: line_of(stage)["hints"], "a line on which changes come at once")
    stage.say("line up")


def is_blocked_at_hub(stage: Stage) -> None:
    """A delta at the hub blocks somebody; the door knows in time."""
    imported(stage, [row(SOON_BLOCKED, "self-service-block")], "--delta")
    done = time.monotonic()
    stage.mark()
    stage.logged("cache.adopted")
    took = time.monotonic() - done
    enters(SOON_BLOCKED)(stage)
    stage.say(f"known {took:.1f} s, denied {time.monotonic() - done:.1f} s after it")
    if took > BLOCKED_WITHIN_SECONDS:
        raise Unexpected(f"the door knew {took:.1f} s after the import")


def is_removed_at_hub(stage: Stage) -> None:
    """A delta at the hub says that a card is no more."""
    imported(stage, [{"card": MISTAKEN, "deleted": True}], "--delta")
    stage.say("the hub knows")


def cuts_line(stage: Stage) -> None:
    """The cable to the hub is cut, and the daemon notices."""
    stage.mark("line cut;")
    stage.hub.cable.cut()
    stage.run("sync", "now", shown="sync now;")
    stage.logged("line.down")
    stage.say("line down")


def mends_line(stage: Stage) -> None:
    """The cable is whole again, and what happened at the hub meanwhile arrives."""
    stage.mark("line mended;")
    stage.hub.cable.mend()
    stage.run("sync", "now", shown="sync now;")
    stage.logged("line.up")
    # What is restricted comes first, and makes no cache younger; then all the rest.
    stage.until(lambda: _is_young(_status(stage)["cache"]), "a young cache")
    stage.say("line up")


def finds_each_entry_at_hub(stage: Stage) -> None:
    """Everything is delivered: each entry of the journal is at the hub once, and counted once."""
    stage.mark("journal export; the hub's database")
    rows = [row for row in stage.rows() if row["kind"] == "entry.decided"]
    here = sorted((str(row["id"]), str(row["decision"])) for row in rows)
    stage.until(lambda: len(stage.hub.delivered().entries) >= len(here), "as many at the hub")
    there = stage.hub.delivered()
    if list(there.entries) != here or there.counted != len(here):
        told = f"{len(there.entries)} entries and {there.counted} counts for {len(here)} rows"
        raise Unexpected(f"the hub has {told}")
    stage.say(f"{len(here)} entries, each once")


def was_opened_for_people_alone(stage: Stage) -> None:
    """Each on-frame that the strike got has its granted entry: no line opens a door."""
    stage.mark("all frames; journal export")
    granted = Counter(row["decision"] for row in stage.rows())["granted"]
    opened = sum(frame.data == ON for frame in stage.door.frames)
    if opened != granted:
        raise Unexpected(f"{opened} on-frames for {granted} granted entries")
    stage.say(f"{opened} on-frames, {granted} granted")


def stops_hub(stage: Stage) -> None:
    """SIGTERM; the hub ends by itself and well."""
    stage.mark("SIGTERM to the hub")
    code = stage.hub.stop()
    if code != 0:
        raise Unexpected(f"the hub ended with {code}")
    stage.say("exit 0")


def line_of(stage: Stage) -> Mapping[str, Any]:
    """How the daemon says that its line to the hub stands."""
    line: Mapping[str, Any] = _status(stage)["line"]
    return line


def _status(stage: Stage) -> Mapping[str, Any]:
    try:
        with Client(stage.site.socket) as daemon:
            return daemon.ask("status")
    except AskError as error:
        raise Unexpected(str(error)) from None


def _is_young(cache: Mapping[str, Any]) -> bool:
    age = cache["age_seconds"]
    return age is not None and age < _YOUNG_SECONDS


def imported(stage: Stage, rows: Sequence[Mapping[str, object]], *options: str) -> str:
    """Import at the hub; the first line of what it says."""
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    shown = " ".join(("kioskd-hub import", *options)) + ";"
    done = stage.run_hub("import", "-", "--feed", FEED, *options, stdin=text, shown=shown)
    return done.out.splitlines()[0]

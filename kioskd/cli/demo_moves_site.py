"""Moves of the demo's day: what befalls the site, its cables, its files and its processes."""

import sqlite3
from contextlib import closing
from typing import Final

from kioskd.cli.demo_config import PLAYED, today
from kioskd.cli.demo_devices import KEYPAD, RELAY
from kioskd.cli.demo_moves import Move
from kioskd.cli.demo_people import CARDS, CODE_39, SOON_BLOCKED, full_feed, row
from kioskd.cli.demo_stage import Stage, Unexpected

DAY_SECONDS: Final = 86_400.0
_LAMPS: Final = "front-lamps"  # they hang on the relay board and go with it
_JOURNAL: Final = "journal.db"
_CURRENT: Final = "current"  # names the cache in use


def makes_key(stage: Stage) -> None:
    """The device key, as on any device."""
    stage.run("keygen", "--out", str(stage.site.key), shown="kioskd keygen")
    stage.say("exit 0")


def checks_config(stage: Stage) -> None:
    """The configuration is without faults."""
    stage.run("check-config", shown="kioskd check-config")
    stage.say("exit 0")


def imports_everybody(stage: Stage) -> None:
    """The register's full feed; the file is deleted, as it should be on any device."""
    stage.mark()
    feed = stage.site.feed(full_feed(today()))
    done = stage.run("feed", "import", str(feed), shown="kioskd feed import FILE")
    stage.say(done.out.splitlines()[0])
    feed.unlink()


def imports_block(stage: Stage) -> None:
    """A delta that blocks somebody while the daemon runs."""
    stage.mark()
    feed = stage.site.feed([row(SOON_BLOCKED, "self-service-block")])
    command = ("feed", "import", str(feed), "--delta")
    stage.say(stage.run(*command, shown="kioskd feed import --delta").out.splitlines()[0])
    feed.unlink()
    stage.logged("cache.adopted")


def loses_cache(stage: Stage) -> None:
    """The file that names the cache in use is gone."""
    stage.mark("the cache is lost;")
    (stage.site.storage / _CURRENT).unlink()
    stage.logged("cache.unreadable")


def finds_cache(stage: Stage) -> None:
    """The daemon takes the cache that was imported."""
    stage.logged("cache.adopted")


def while_journal_is_busy(move: Move) -> Move:
    """A move while somebody else holds the journal's file for writing."""

    def busy(stage: Stage) -> None:
        stage.mark("journal busy;")
        path = stage.site.storage / _JOURNAL
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            move(stage)
            other.execute("ROLLBACK")

    return busy


def starts(stage: Stage) -> None:
    """The daemon, until it is ready."""
    stage.mark("kioskd run")
    stage.daemon.start()
    stage.logged("ready")
    stage.say("ready")


def killed_in_mid_pulse(stage: Stage) -> None:
    """SIGKILL while the strike is released; the relay stays on until somebody secures it."""
    stage.relay_on()
    stage.wait(PLAYED.release / 3)
    stage.mark("SIGKILL")
    stage.daemon.kill()


def secures_alone(stage: Stage) -> None:
    """No daemon, no database, no key: one command drives the strike safe."""
    if not stage.door.released:
        raise Unexpected("the strike is not released any more")
    stage.say(stage.run("secure").out.strip())
    stage.relay_off()


def stops(stage: Stage) -> None:
    """SIGTERM; the daemon ends by itself and well."""
    stage.mark("SIGTERM")
    code = stage.daemon.stop()
    if code != 0:
        raise Unexpected(f"the daemon ended with {code}")
    stage.say("exit 0")


def unplugs_relay(stage: Stage) -> None:
    """The relay's cable is pulled, and the lamps with it."""
    stage.mark("relay unplugged;")
    stage.door.unplug(RELAY)
    stage.logged("device.lost", device=RELAY)
    stage.logged("device.lost", device=_LAMPS)


def plugs_relay(stage: Stage) -> None:
    """The cable is put back: the driver secures the strike, then the door, which has waited."""
    stage.mark("relay plugged;")
    stage.door.plug(RELAY)
    stage.logged("device.back", device=RELAY)
    stage.logged("device.back", device=_LAMPS)
    stage.relay_off(times=2)


def unplugs_keypad(stage: Stage) -> None:
    """The keypad's cable is pulled; who comes is told by the door."""
    stage.mark("keypad unplugged;")
    stage.door.unplug(KEYPAD)
    stage.logged("device.lost", device=KEYPAD)
    stage.scan(CODE_39)
    stage.noticed("fault", code="42")


def plugs_keypad(stage: Stage) -> None:
    """The cable is put back."""
    stage.mark("keypad plugged;")
    stage.door.plug(KEYPAD)
    stage.logged("device.back", device=KEYPAD)


def moves_clock(days: int) -> Move:
    """Somebody sets the clock, so many days on or back."""

    def move(stage: Stage) -> None:
        stage.mark(f"clock {days:+d} days;")
        stage.clock.move(days * DAY_SECONDS)

    return move


def finds_no_card_number(stage: Stage) -> None:
    """Nobody's card number is in anything that the daemon and its commands wrote."""
    stage.mark("every file, log and output")
    for path in stage.site.directory.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        if any(card.encode() in content for card in CARDS):
            raise Unexpected(f"{path.name} holds a card number")
    stage.say("nowhere")

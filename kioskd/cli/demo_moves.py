"""Moves of the demo's day: what people do at the door, and what staff do beside it.

Each move waits for what must come of it, and raises Unexpected when it does not come.
"""

import json
import time
from collections.abc import Callable
from datetime import date
from typing import Final

from kioskd.cli.demo_people import BLOCKED, BOOK, CARDS, PIN, SOON_BLOCKED, full_feed, row
from kioskd.cli.demo_site import RELEASE_SECONDS
from kioskd.cli.demo_stage import Stage, Unexpected

Move = Callable[[Stage], None]
_BEFORE_CARD_SECONDS: Final = 0.2  # a person needs that long from a key to the card


def enters(card: str, keys: str = PIN + "#") -> Move:
    """Somebody scans a card, types when asked, and waits for the answer."""

    def move(stage: Stage) -> None:
        stage.scan(card)
        stage.noticed("enter-pin")
        if keys:
            stage.press(keys)
        stage.answered()

    return move


def comes_in(card: str, keys: str = PIN + "#") -> tuple[Move, ...]:
    """Somebody is let in, and the strike is secured behind them."""
    return enters(card, keys), Stage.relay_on, Stage.relay_off


def scans_a_book(stage: Stage) -> None:
    """A book's code is no card; it asks for no PIN."""
    stage.scan(BOOK)
    stage.noticed("not-a-library-code")
    stage.say("no library card")


def asks_for_more_time(stage: Stage) -> None:
    """A zero before the card gives anyone the longer release."""
    stage.press("0", shown="0")
    time.sleep(_BEFORE_CARD_SECONDS)


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
    feed = stage.site.feed(full_feed(date.today()))  # noqa: DTZ011 - a day of the demo's own
    done = stage.run("feed", "import", str(feed), shown="kioskd feed import FILE")
    stage.say(done.out.splitlines()[0])
    feed.unlink()


def imports_block(stage: Stage) -> None:
    """A delta that blocks somebody while the daemon runs."""
    stage.mark()
    feed = stage.site.feed([row(SOON_BLOCKED, [{"kind": "self-service-block"}])])
    command = ("feed", "import", str(feed), "--delta")
    stage.say(stage.run(*command, shown="kioskd feed import --delta").out.splitlines()[0])
    feed.unlink()
    stage.logged("cache.adopted")


def starts(stage: Stage) -> None:
    """The daemon, until it is ready."""
    stage.mark("kioskd run")
    stage.daemon.start()
    stage.logged("ready")
    stage.say("ready")


def killed_in_mid_pulse(stage: Stage) -> None:
    """SIGKILL while the strike is released; the relay stays on until the daemon is back."""
    stage.relay_on()
    time.sleep(RELEASE_SECONDS / 3)
    stage.mark("SIGKILL")
    stage.daemon.kill()


def stops(stage: Stage) -> None:
    """SIGTERM; the daemon ends by itself and well."""
    stage.mark("SIGTERM")
    code = stage.daemon.stop()
    if code != 0:
        raise Unexpected(f"the daemon ended with {code}")
    stage.say("exit 0")


def unplugs_relay(stage: Stage) -> None:
    """The relay's cable is pulled."""
    stage.mark("relay unplugged;")
    stage.door.unplug_relay()
    stage.logged("device.lost")


def plugs_relay(stage: Stage) -> None:
    """The cable is put back: the driver secures the strike, then the door, which has waited."""
    stage.mark("relay plugged;")
    stage.door.relay.plug()
    stage.logged("device.back")
    stage.relay_off(times=2)


def explains_block(stage: Stage) -> None:
    """`explain` names the rule that the door applied."""
    command = ("explain", "--door", "front", "--card-stdin", "--json")
    told = json.loads(stage.run(*command, stdin=f"{BLOCKED}\n", shown="kioskd explain").out)
    if (told["granted"], told["reason"]) != (False, "SELF_SERVICE_BLOCK"):
        raise Unexpected(f"explain says {told['granted']} {told['reason']}")
    stage.say(told["reason"])


def verifies(stage: Stage) -> None:
    """The journal's chain holds."""
    stage.say(stage.run("journal", "verify").out.splitlines()[-1])


def finds_no_card_number(stage: Stage) -> None:
    """Nobody's card number is in anything that the daemon and its commands wrote."""
    stage.mark("every file, log and output")
    for path in stage.site.directory.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        if any(card.encode() in content for card in CARDS):
            raise Unexpected(f"{path.name} holds a card number")
    stage.say("nowhere")

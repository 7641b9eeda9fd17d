"""A door and its hub, both as processes: what comes, what goes back, and the line cut between."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.hub_outside import OutsideHub, joins
from tests.outside.outside_facts import BCRYPT_CARD, BLOCKED_CARD, BOTH_CARD, CARD, PIN, register
from tests.outside.premises import Premises
from tests.outside.wire import OFF, ON


def row_of(card: str) -> dict[str, object]:
    return next(dict(row) for row in register() if row["card"] == card)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[OutsideHub]:
    made = OutsideHub(tmp_path / "hub")
    made.begin(row for row in register() if row["card"] != BCRYPT_CARD)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def site(tmp_path: Path, hub: OutsideHub) -> Iterator[Premises]:
    base = tmp_path / "site"
    base.mkdir()
    premises = Premises(base)
    try:
        joins(premises, hub)
        premises.start()
        yield premises
    finally:
        premises.close()


def line(site: Premises) -> dict[str, object]:
    """The line as `kioskd sync status` has it."""
    told = site.command("sync", "status", "--json")
    found: dict[str, object] = json.loads(told.stdout)["line"]
    return found


def explained(site: Premises, card: str) -> str:
    """What would be decided for a card."""
    done = site.command("explain", "--door", "front", "--card-stdin", "--json", stdin=card)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["reason"])


def test_a_day_with_a_hub(hub: OutsideHub, site: Premises) -> None:
    assert site.visit(CARD) == "OK"
    assert site.visit(BLOCKED_CARD) == "SELF_SERVICE_BLOCK"
    site.until(lambda: line(site)["up"] is True)

    # a block at the hub, online
    blocked = {**row_of(CARD), "restrictions": [{"kind": "use-ban"}]}
    hub.load([blocked], "--delta")
    site.until(lambda: explained(site, CARD) == "USE_BAN")
    assert site.visit(CARD) == "USE_BAN"

    # the hub is gone: the block holds, others come in, nothing moves by itself
    before = site.relay.listen()
    hub.kill()
    site.until(lambda: line(site)["up"] is False)
    assert site.relay.listen() == before
    assert site.visit(BOTH_CARD) == "OK"
    assert site.visit(CARD) == "USE_BAN"

    # it comes back with other news
    hub.load([{**row_of(CARD)}, {"card": BOTH_CARD, "deleted": True}], "--delta")
    before = site.relay.listen()
    hub.start()
    site.command("sync", "now")
    site.until(lambda: explained(site, CARD) == "OK")
    assert site.relay.listen() == before
    assert site.visit(CARD) == "OK"
    assert site.visit(BOTH_CARD) == "UNKNOWN_CARD"

    # everything that happened is there, once
    ids = [row["id"] for row in site.export()]
    site.until(lambda: set(ids) <= set(hub.events()))
    assert len(hub.events()) == len(set(hub.events()))
    frames = site.relay.listen()
    granted = site.decisions().count("OK")
    assert frames.count(ON) == granted == 3
    assert frames.endswith(OFF)
    assert site.command("journal", "verify").returncode == 0


def test_no_person_is_at_the_hub_beside_the_register(hub: OutsideHub, site: Premises) -> None:
    assert site.visit(CARD) == "OK"
    assert site.visit(BOTH_CARD, "9999") == "WRONG_PIN"
    ids = {row["id"] for row in site.export()}
    site.until(lambda: ids <= set(hub.events()))
    assert site.stop() == 0
    hub.kill()
    indices = {row["card"] for row in site.export() if row.get("card")}
    assert indices
    everything = hub.bytes()
    for person in (CARD, BOTH_CARD, PIN + "#", *indices):
        assert person.encode() not in everything
    for index in indices:
        assert bytes.fromhex(index) not in everything
    token = (site.base / "hub.token").read_text().strip()
    assert token.encode() not in everything
    assert token not in site.log.read_text() + (site.base / "commands.log").read_text()


def test_a_revoked_device_goes_on_and_says_so(hub: OutsideHub, site: Premises) -> None:
    assert site.visit(CARD) == "OK"
    hub.well("device", "revoke", "door-1")
    site.command("sync", "now")
    site.until(lambda: line(site)["refused"] is True)
    assert site.command("sync", "status").returncode == 1
    assert site.visit(BOTH_CARD) == "OK"


def test_a_cache_that_is_dropped_stays_so_until_the_hub_says_otherwise(
    hub: OutsideHub, site: Premises
) -> None:
    assert site.visit(CARD) == "OK"
    hub.well("device", "command", "door-1", "drop-cache")
    site.until(lambda: explained(site, CARD) != "OK")
    assert not list(site.storage.glob("credentials.*.db"))
    site.command("sync", "now")
    assert site.stop() == 0
    site.start()
    site.until(lambda: line(site)["held"] is True)
    assert site.visit(BOTH_CARD) != "OK"
    assert not list(site.storage.glob("credentials.*.db"))
    hub.well("device", "command", "door-1", "sync-now")
    site.until(lambda: explained(site, CARD) == "OK")
    assert site.visit(CARD) == "OK"


def test_a_child_that_is_killed_is_started_again(hub: OutsideHub, site: Premises) -> None:
    site.until(lambda: line(site)["up"] is True)
    before = site.relay.listen()
    for child in children(site):
        os.kill(child, signal.SIGKILL)
    site.until(lambda: "line.down" in site.events())
    assert site.visit(CARD) == "OK"
    site.until(lambda: line(site)["up"] is True)
    assert site.relay.listen().startswith(before)


def test_nothing_is_left_when_the_daemon_is_killed(hub: OutsideHub, site: Premises) -> None:
    site.until(lambda: line(site)["up"] is True)
    (child,) = children(site)
    assert site.child is not None
    site.child.kill()
    site.child.wait()
    site.child = None
    site.until(lambda: not Path(f"/proc/{child}").exists())


def children(site: Premises) -> list[int]:
    """Processes that the daemon keeps."""
    assert site.child is not None
    listed = Path(f"/proc/{site.child.pid}/task/{site.child.pid}/children").read_text()
    return [int(pid) for pid in listed.split()]

"""A running daemon at a door with a contact and a staff button, and staff at its socket."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.outside.outside_facts import CARD, PIN
from tests.outside.premises import Premises
from tests.outside.wire import OFF, ON, Wire

CLOSED, OPEN = b"a", b"A"  # line 1: low while the door is closed
PRESSED, FREE = b"c", b"C"  # line 3
RELEASE_SECONDS = 3
HELD_SECONDS = 4
LINES = f"""
[devices.front-lines]
driver = "simulated-inputs"
port = "{{base}}/lines"
[doors.front]
contact = {{{{ device = "front-lines", line = 1, closed = "low" }}}}
rex = {{{{ device = "front-lines", line = 2, pressed = "low" }}}}
staff_button = {{{{ device = "front-lines", line = 3, pressed = "low" }}}}
staffed = "unlocked"
held_warn_seconds = 1
held_seconds = {HELD_SECONDS}
"""


class Door:
    """A site whose door is closed when its daemon starts."""

    def __init__(self, premises: Premises) -> None:
        self.site = premises
        self.lines = Wire(premises.base / "lines")
        text = premises.config.read_text(encoding="utf-8")
        text = text.replace("[doors.front]\n", LINES.format(base=premises.base))
        premises.config.write_text(
            re.sub(r"release_seconds = .*", f"release_seconds = {RELEASE_SECONDS}", text)
        )

    def start(self) -> None:
        self.lines.plug()
        self.site.start()
        self.site.until(lambda: self.lines.listen().count(b"?") == 1)
        self.lines.send(CLOSED + b"B" + FREE)
        self.until_state("contact", "closed")

    def status(self) -> dict[str, object]:
        done = self.site.command("status", "--json")
        (door,) = json.loads(done.stdout)["doors"]
        assert isinstance(door, dict)
        return door

    def until_state(self, key: str, value: object) -> None:
        self.site.until(lambda: self.status()[key] == value)

    def grant(self) -> None:
        begun = len(self.site.lines())
        self.site.scan(CARD.encode() + b"\r")
        self.site.until(lambda: self.site.told("enter-pin", begun))
        self.site.keypad.send(PIN.encode() + b"#")
        self.site.until(lambda: self.site.told("granted", begun))

    def kinds(self) -> list[str]:
        """The rows of the door, as they were written."""
        of_door = ("door.", "strike.", "input.", "entry.", "staff.")
        return [row["kind"] for row in self.site.export() if row["kind"].startswith(of_door)]


@pytest.fixture
def door(premises: Premises) -> Iterator[Door]:
    door = Door(premises)
    yield door
    door.lines.unplug()


def test_opening_ends_the_pulse_and_a_door_that_stays_open_is_held(door: Door) -> None:
    door.start()
    door.grant()
    assert door.site.relay.listen().endswith(ON)
    door.lines.send(OPEN)
    door.site.until(lambda: door.site.relay.listen().endswith(OFF), seconds=RELEASE_SECONDS - 1)
    door.site.until(lambda: "door.held" in door.site.events())
    door.lines.send(CLOSED)
    door.until_state("state", "secured")
    door.lines.send(OPEN)
    door.site.until(lambda: "door.forced" in door.site.events())
    assert door.site.stop() == 0
    assert door.kinds() == [
        "entry.decided",
        "strike.released",
        "door.opened",
        "strike.secured",
        "door.held",
        "door.closed",
        "door.forced",
        "strike.secured",
    ]


def test_the_inputs_go_and_come_back_and_nothing_is_invented(door: Door) -> None:
    door.start()
    door.lines.unplug()
    door.until_state("contact", "unknown")
    door.lines.plug()
    door.site.until(lambda: door.lines.listen().count(b"?") == 2)
    door.lines.send(OPEN)
    door.until_state("state", "open")
    assert ON not in door.site.relay.listen()
    assert not any(kind.startswith("door.") for kind in door.kinds())


def test_staff_open_and_lock_from_afar(door: Door) -> None:
    door.start()
    done = door.site.command("open", "front", "--reason", "a delivery")
    assert (done.returncode, done.stdout) == (0, "front: released for 3 s\n")
    assert door.site.relay.listen().endswith(ON)
    done = door.site.command("lock", "front")
    assert (done.returncode, done.stdout) == (0, "front: locked\n")
    assert door.site.relay.listen().endswith(OFF)
    door.until_state("state", "secured")
    done = door.site.command("open", "back", "--reason", "a delivery")
    assert (done.returncode, done.stderr) == (2, "door 'back': there is none; use front\n")
    acts = [row for row in door.site.export() if row["kind"] == "staff.action"]
    assert [row["detail"]["action"] for row in acts] == ["open", "lock"]
    assert all(row["by"] for row in acts)


def test_the_staff_button_unlocks_until_lock(door: Door) -> None:
    text = door.site.config.read_text(encoding="utf-8")
    door.site.config.write_text(text.replace("24:00 self-service", "24:00 staffed"))
    door.start()
    door.until_state("awaits_first_person", True)
    door.lines.send(PRESSED)
    door.until_state("unlocked", True)
    before = door.site.relay.listen()
    assert (before.endswith(ON), before.count(ON)) == (True, 1)
    assert door.site.command("lock", "front").returncode == 0
    door.until_state("awaits_first_person", True)
    after = door.site.relay.listen()
    assert (after.endswith(OFF), after.count(ON)) == (True, 1)
    (released,) = (r for r in door.site.export() if r["kind"] == "strike.released")
    assert released["detail"] == {"why": "schedule", "first": "button"}

"""A door's lamps and display when its daemon stops, and when the door goes from the file."""

import signal
from collections.abc import Iterator

import pytest

from tests.devices.display_model import DisplayModel
from tests.outside.outside_facts import CARD, PIN
from tests.outside.premises import Premises
from tests.outside.wire import Wire

FACE = """\
[devices.front-display]
driver = "serial-display"
port = "{base}/display"
[devices.front-lamps]
driver = "relay-indicator"
relay = "front-relay"
red = 2
green = 3
[doors.front]
indicator = "front-lamps"
display = "front-display"
"""
BACK = """\
[devices.back-scanner]
driver = "serial-scanner"
port = "{base}/back-scanner"
[doors.back]
reader = "back-scanner"
strike = {{ device = "front-relay", channel = 8 }}
pin = "never"
card_only_accepted_by = "Somebody, 2026-11-23"
[policy]
"""
GREEN_ON, GREEN_OFF = bytes.fromhex("A00301A4"), bytes.fromhex("A00300A3")
RED_OFF = bytes.fromhex("A00200A2")


class Face:
    """The display and the lamps of the front door, as a patron sees them."""

    def __init__(self, premises: Premises) -> None:
        self.premises = premises
        self.display = Wire(premises.base / "display")
        self.display.plug()
        text = premises.config.read_text(encoding="utf-8")
        text = text.replace("[doors.front]\n", FACE.format(base=premises.base))
        premises.config.write_text(text, encoding="utf-8")

    def reads(self) -> str:
        screen = DisplayModel("hd44780-a00")
        screen.feed(self.display.listen())
        return screen.text()

    @property
    def green(self) -> bool:
        heard = self.premises.relay.listen()
        return heard.rfind(GREEN_ON) > heard.rfind(GREEN_OFF)

    def lets_somebody_in(self) -> None:
        self.premises.until(lambda: self.reads() != "")
        self.premises.scan(CARD.encode() + b"\r")
        self.premises.keypad.send(PIN.encode() + b"#")
        self.premises.until(lambda: self.green)
        assert self.reads() != ""


@pytest.fixture
def face(premises: Premises) -> Iterator[Face]:
    found = Face(premises)
    try:
        yield found
    finally:
        premises.close()
        found.display.unplug()


def test_a_daemon_that_stops_leaves_the_door_dark(face: Face) -> None:
    face.premises.start()
    face.lets_somebody_in()
    assert face.premises.stop(signal.SIGTERM) == 0
    assert face.reads() == ""
    assert not face.green
    assert RED_OFF in face.premises.relay.got.rpartition(GREEN_ON)[2]


def test_a_door_that_goes_from_the_file_leaves_its_display_and_lamps_dark(face: Face) -> None:
    premises = face.premises
    text = premises.config.read_text(encoding="utf-8")
    both = text.replace("[policy]\n", BACK.format(base=premises.base))
    premises.config.write_text(both, encoding="utf-8")
    premises.start()
    face.lets_somebody_in()
    before, _, rest = both.partition("[doors.front]")
    alone = before + "[devices.back-scanner]" + rest.partition("[devices.back-scanner]")[2]
    premises.config.write_text(alone, encoding="utf-8")
    done = premises.command("reload")
    assert done.returncode == 0, done.stderr
    premises.until(lambda: face.reads() == "" and not face.green)
    assert premises.stop() == 0

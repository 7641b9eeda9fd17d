"""Two daemons on the same devices, each with a storage directory of its own: a trial and a copy."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.outside_facts import CARD
from tests.outside.premises import Premises
from tests.outside.wire import OFF


@pytest.fixture
def second(tmp_path_factory: pytest.TempPathFactory, premises: Premises) -> Iterator[Premises]:
    """Another site whose configuration names the devices of the first."""
    other = Premises(tmp_path_factory.mktemp("second"))
    other.begin_as(premises)
    text = other.config.read_text(encoding="utf-8")
    for wire in premises.wires:
        text = text.replace(f'port = "{other.base / wire.link.name}"', f'port = "{wire.link}"')
    other.config.write_text(text, encoding="utf-8")
    yield other
    other.close()


def whys(premises: Premises) -> dict[str, str]:
    """Why devices were lost, by name."""
    lost = (line for line in premises.lines() if line["event"] == "device.lost")
    return {line["device"]: line["why"] for line in lost}


def in_use(link: Path) -> str:
    return f"{link}: in use by another program; stop it"


def test_a_second_daemon_gets_no_device_of_the_first_until_it_stops(
    premises: Premises, second: Premises
) -> None:
    premises.start()
    second.start_alone()
    second.until(lambda: "ready" in second.events())
    ready = next(line for line in second.lines() if line["event"] == "ready")
    assert ready["devices"] == "0/3"
    assert whys(second) == {f"front-{wire.link.name}": in_use(wire.link) for wire in premises.wires}
    assert premises.visit(CARD) == "OK"
    assert "entry.granted" not in second.events()
    assert premises.stop() == 0
    second.until(lambda: second.events().count("device.back") == 3)


def test_secure_works_beside_a_daemon_that_has_the_relay(premises: Premises) -> None:
    premises.start()
    before = premises.relay.listen().count(OFF)
    done = premises.command("secure")
    assert "front: secured" in done.stdout
    premises.until(lambda: premises.relay.listen().count(OFF) > before)
    assert premises.visit(CARD) == "OK"

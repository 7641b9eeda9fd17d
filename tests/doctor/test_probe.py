"""Probing: who listens sees what a device sends, masked; the door sees all of it as before."""

import asyncio
import json
import re
import signal
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.fakes import FakeClock, FakeWatch
from drivers.serial_keypad import SerialKeypad
from drivers.serial_scanner import SerialScanner
from drivers.simulated import SimulatedPty, running
from kioskd.cli.probe import Seen, told
from kioskd.config.load import load
from kioskd.config.model import Config, DeviceConfig
from kioskd.control.broadcast import Broadcaster, Listener
from kioskd.control.people import Person, Role
from kioskd.control.server import ControlServer
from kioskd.control.verbs import Verbs
from kioskd.daemon.boot import DirectoryLock
from kioskd.daemon.probing import EACH_SECOND, device_of, tap, topics
from kioskd.errors import InputError
from tests.doctor.test_plugged import SITE
from tests.outside.premises import KIOSKD, Premises

PATIENCE_SECONDS = 20.0  # only ever spent by a test that fails
CARD = b"167A006007"
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def until(clock: FakeClock) -> Until:
    """Wait until something holds; fake time goes on meanwhile, real ports get their turns."""

    async def wait(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():
                await clock.advance(0.05)
                await asyncio.sleep(0.001)

    return wait


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "c.toml"
    path.write_text(SITE.replace("PORT", "/dev/relay"), encoding="utf-8")
    return load(path)


@pytest.fixture
def pty(tmp_path: Path) -> Iterator[SimulatedPty]:
    with SimulatedPty(tmp_path / "port") as pty:
        yield pty


class Ear:
    """Somebody who listens to a device."""

    def __init__(self, broadcast: Broadcaster, device: str) -> None:
        self._broadcast = broadcast
        self.listener: Listener = broadcast.listen([f"probe:{device}"])

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.listener.next()

    def leave(self) -> None:
        self._broadcast.leave(self.listener)


async def test_a_scan_reaches_the_door_whole_and_the_listener_masked(
    config: Config, pty: SimulatedPty, clock: FakeClock
) -> None:
    broadcast = Broadcaster()
    device = DeviceConfig("scanner-1", "serial-scanner", pty.port)
    scanner = SerialScanner(device, clock, FakeWatch())
    tap(config, device, scanner, broadcast, clock)
    ear = Ear(broadcast, "scanner-1")
    async with running(scanner):
        pty.send(CARD + b"\n")
        scan = await anext(scanner.scans())
        event = await ear.next()
    assert scan.text == CARD.decode()
    assert (event["event"], event["what"], event["end"]) == (
        "probe:scanner-1",
        "patron card",
        "LF",
    )
    assert (event["shape"], event["last"]) == ("ddd A dddddd", "…007")
    assert "167A" not in json.dumps(event)


async def test_while_nobody_listens_nothing_is_looked_at(
    config: Config, pty: SimulatedPty, clock: FakeClock
) -> None:
    broadcast = Broadcaster()
    device = DeviceConfig("scanner-1", "serial-scanner", pty.port)
    scanner = SerialScanner(device, clock, FakeWatch())
    tap(config, device, scanner, broadcast, clock)
    async with running(scanner):
        pty.send(CARD[:6])
        pty.send(CARD[6:] + b"\n")
        await anext(scanner.scans())
        ear = Ear(broadcast, "scanner-1")
        pty.send(b"87654321\n")
        event = await ear.next()
    assert event["length"] == 8  # nothing was kept of what came before


async def test_a_code_without_a_terminator_is_told_after_a_silence(
    config: Config, pty: SimulatedPty, clock: FakeClock, until: Until
) -> None:
    broadcast = Broadcaster()
    device = DeviceConfig("scanner-1", "serial-scanner", pty.port)
    scanner = SerialScanner(device, clock, FakeWatch())
    tap(config, device, scanner, broadcast, clock)
    ear = Ear(broadcast, "scanner-1")
    heard: list[dict[str, Any]] = []

    async def listen() -> None:
        heard.append(await ear.next())

    async with running(scanner):
        pty.send(CARD)
        listening = asyncio.create_task(listen())
        await until(lambda: bool(heard))
        await listening
    assert heard[0]["end"] == ""
    assert "no terminator came" in told(heard[0], device)


async def test_keys_are_told_by_kind_and_never_by_digit(
    config: Config, pty: SimulatedPty, clock: FakeClock
) -> None:
    broadcast = Broadcaster()
    device = DeviceConfig("pad", "serial-keypad", pty.port)
    keypad = SerialKeypad(device, clock, FakeWatch())
    tap(config, device, keypad, broadcast, clock)
    ear = Ear(broadcast, "pad")
    async with running(keypad):
        pty.send(b"8461#")
        event = await ear.next()
        pressed = await anext(keypad.keys())
    assert pressed.key == "8"
    assert event["keys"] == ["digit"] * 4 + ["enter"]
    assert set(event) == {"event", "kind", "keys", "bad", "left_out"}


def test_a_flood_is_held_back_and_counted(config: Config, clock: FakeClock) -> None:
    broadcast = Broadcaster()
    device = DeviceConfig("scanner-1", "serial-scanner", "/dev/x")
    scanner = SerialScanner(device, clock, FakeWatch())
    tap(config, device, scanner, broadcast, clock)
    ear = Ear(broadcast, "scanner-1")
    assert scanner.tapped is not None
    for _ in range(100):
        scanner.tapped(b"12345678\n" * 10, 5.0)
    scanner.tapped(b"12345678\n", 6.5)
    events = [asyncio.run(ear.next()) for _ in range(EACH_SECOND + 1)]
    assert [e["left_out"] for e in events[:-1]] == [0] * EACH_SECOND
    assert events[-1]["left_out"] >= 950  # codes cut by a piece's edge are not counted twice


def test_only_readers_and_keypads_can_be_probed(config: Config) -> None:
    assert topics(config) == ["probe:scanner-1"]
    with pytest.raises(InputError, match="lcus-relay sends nothing"):
        device_of(config, "relay")
    with pytest.raises(InputError, match="readers and keypads: scanner-1"):
        device_of(config, "skanner")


@pytest.mark.parametrize(
    ("terminator", "end", "matters"),
    [("any", "CR", False), ("lf", "CR", True), ("crlf", "CR LF", False), ("cr", "CR LF", False)],
)
def test_an_end_that_the_door_does_not_wait_for_is_named(
    terminator: str, end: str, matters: bool
) -> None:
    device = DeviceConfig("s", "serial-scanner", "/dev/x", terminator=terminator)
    line = told({"kind": "scan", "end": end, "bad": 0}, device)
    assert ("it sees no code" in line) is matters


# The command


class Probing:
    """`kioskd probe` as a process."""

    def __init__(self, premises: Premises, *options: str) -> None:
        command = [*KIOSKD, "probe", "front-scanner", *options, "--config", str(premises.config)]
        self.child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def line(self) -> dict[str, Any]:
        assert self.child.stdout is not None
        read = json.loads(self.child.stdout.readline())
        assert isinstance(read, dict)
        return read

    def end(self) -> tuple[int, str, str]:
        out, err = self.child.communicate(timeout=PATIENCE_SECONDS)
        return self.child.returncode, out, err


def test_without_a_daemon_the_command_opens_the_device_itself(premises: Premises) -> None:
    probing = Probing(premises, "--json")
    assert probing.line() == {"device": "front-scanner", "kind": "there"}
    premises.scan(CARD + b"\r\n")
    seen = probing.line()
    assert (seen["what"], seen["end"], seen["last"]) == ("patron card", "CR LF", "…007")
    probing.child.send_signal(signal.SIGINT)
    code, out, err = probing.end()
    assert (code, "Traceback" in err) == (0, False)
    assert CARD.decode() not in f"{seen}{out}{err}"


def test_nothing_came_says_what_to_check(premises: Premises) -> None:
    code, out, err = Probing(premises, "--seconds", "0.5").end()
    assert (code, out) == (1, "the device is there\n")
    for word in ("cable", "baud", "serial port"):
        assert word in err


def test_a_missing_device_says_so(premises: Premises) -> None:
    premises.scanner.unplug()
    code, out, _ = Probing(premises, "--seconds", "0.5").end()
    assert code == 1
    assert out.startswith("not there: ")


def test_a_daemon_that_does_not_answer_keeps_its_device(premises: Premises) -> None:
    lock = DirectoryLock.take(premises.storage)
    assert lock is not None
    code, _, err = Probing(premises, "--seconds", "5").end()
    lock.release()
    assert code == 2
    assert "the daemon has it" in err


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "1e9"])
def test_a_time_that_is_none_is_refused(premises: Premises, seconds: str) -> None:
    assert Probing(premises, f"--seconds={seconds}").end()[0] == 2


async def test_beside_a_daemon_the_command_listens_through_its_socket(premises: Premises) -> None:
    with tempfile.TemporaryDirectory(prefix="kp-") as folder:
        socket = Path(folder) / "control.sock"
        text = premises.config.read_text(encoding="utf-8")
        premises.config.write_text(f'{text}\n[control]\nsocket = "{socket}"\n', encoding="utf-8")
        config, broadcast = load(premises.config), Broadcaster()
        somebody = Person("esa", frozenset({Role.TECHNICIAN}))
        server = ControlServer(
            socket, Verbs({}), broadcast, lambda who: somebody, "0", topics=lambda: topics(config)
        )
        serving = asyncio.create_task(server.serve())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await _there(socket.exists)
                seen = await _probed(premises, broadcast)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
    assert seen["device"] == "front-scanner"
    assert seen["kind"] == "keys"


async def _there(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - a file, or what another task does: no event tells
        await asyncio.sleep(0.01)


async def _probed(premises: Premises, broadcast: Broadcaster) -> dict[str, Any]:
    command = [*KIOSKD, "probe", "front-scanner", "--json", "--config", str(premises.config)]
    child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert child.stdout is not None
    topic = "probe:front-scanner"
    await _there(lambda: broadcast.listeners(topic) > 0)
    broadcast.publish(topic, {"kind": "keys", "keys": ["digit"], "bad": 0, "left_out": 0})
    line = await child.stdout.readline()
    child.send_signal(signal.SIGINT)
    assert await child.wait() == 0
    read = json.loads(line)
    assert isinstance(read, dict)
    return read


@pytest.mark.parametrize("as_json", [False, True])
def test_no_control_character_reaches_a_terminal(
    config: Config, capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    seen = Seen("reader", config.devices[0], as_json=as_json)
    seen({"kind": "lost", "why": "\x1b[2J gone\x9b"})
    seen({"kind": "later"})
    said = capsys.readouterr().out
    assert "gone" in said
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", said) is None
    assert not seen.any

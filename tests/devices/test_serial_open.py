"""Opening a port: what is said when it fails, and what happens when it hangs."""

import asyncio
import errno
import os
import select
import termios
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

import drivers.serial_link
from drivers.fakes import FakeClock, FakeWatch
from drivers.lcus_boot import secure_at_boot
from drivers.serial_open import OpenPort, explained, give_up, opening
from drivers.serial_scanner import SerialScanner
from drivers.simulated import SimulatedPty, SimulatedServer, running
from kioskd.config.model import DeviceConfig
from kioskd.errors import DeviceError

Until = Callable[[Callable[[], bool]], Awaitable[None]]
SECONDS = 10.0  # only ever spent by a test that fails


def refusal(port: str, baud: int = 9600) -> str:
    with pytest.raises(DeviceError) as caught:
        opening(port, baud).result(SECONDS)
    return str(caught.value)


def test_a_missing_path_is_named_with_the_way_out(tmp_path: Path) -> None:
    port = str(tmp_path / "by-id" / "scanner")
    assert refusal(port) == f"{port}: not there; plug the device in, or correct its port"


def test_a_dangling_symlink_is_missing_too(tmp_path: Path) -> None:
    port = tmp_path / "scanner"
    port.symlink_to(tmp_path / "ttyUSB0")
    assert "not there" in refusal(str(port))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_port_without_permission_names_the_group(number: int) -> None:
    said = str(explained("/dev/ttyUSB0", OSError(number, "no")))
    assert said == "/dev/ttyUSB0: permission denied; add the daemon's user to group dialout"


def test_a_terminal_error_is_explained_like_any_other() -> None:
    said = str(explained("/dev/ttyUSB0", termios.error(errno.EIO, "Input/output error")))
    assert said.startswith("/dev/ttyUSB0: input/output error; unplug")


def test_an_error_without_advice_of_its_own_keeps_the_systems_words() -> None:
    said = str(explained("socket://10.0.0.9:4001", OSError(errno.EHOSTUNREACH, "")))
    assert said == "socket://10.0.0.9:4001: No route to host; check its cable and power"


def test_a_file_and_a_directory_are_no_serial_devices(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    port = str(tmp_path / "file")
    assert refusal(port) == f"{port}: not a serial device; correct its port"
    assert "a directory, not a serial device" in refusal(str(tmp_path))


def test_what_is_no_serial_device_is_not_even_opened(tmp_path: Path) -> None:
    """Also behind a link; and with the frames of a strike on their way to it."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "relay").symlink_to("pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    hung_up = select.poll()
    hung_up.register(reader, select.POLLIN)
    for port in (tmp_path / "pipe", tmp_path / "relay"):
        assert "not a serial device" in refusal(str(port))
        with pytest.raises(DeviceError, match="not a serial device"):
            secure_at_boot(str(port), 9600, [(1, "fail-secure")])
    assert hung_up.poll(0) == []  # POLLHUP once somebody has had it open for writing
    os.close(os.open(tmp_path / "pipe", os.O_WRONLY))
    assert hung_up.poll(0) == [(reader, select.POLLHUP)]
    os.close(reader)


def test_a_character_device_of_another_kind_is_refused_as_well() -> None:
    assert refusal("/dev/zero") == "/dev/zero: not a serial device; correct its port"


def test_a_speed_that_no_line_has_is_the_installers(tmp_path: Path) -> None:
    with SimulatedPty(tmp_path / "port") as line, pytest.raises(DeviceError) as caught:
        opening(line.port, -1).result(SECONDS)
    assert str(caught.value) == f"{line.port}: cannot be set to -1 baud"
    assert not caught.value.transient


def test_a_server_that_is_not_there_refuses() -> None:
    server = SimulatedServer()
    server.unplug()
    assert refusal(server.port) == (
        f"{server.port}: nobody listens there; start the terminal server, or correct the port"
    )


@pytest.mark.parametrize("port", ["socket://", "socket://host", "socket://:1", "socket://h:x"])
def test_a_malformed_address_says_how_to_write_it(port: str) -> None:
    assert refusal(port) == f"{port}: write it as socket://host:port"


def test_a_port_that_another_program_has_is_refused_until_it_is_free(tmp_path: Path) -> None:
    with SimulatedPty(tmp_path / "port") as line:
        first = opening(line.port, 9600).result(SECONDS)
        line.send(b"2600104874\r")
        assert refusal(line.port) == f"{line.port}: in use by another program; stop it"
        assert first.read(100) == b"2600104874\r"  # and nothing of it is lost to the one refused
        first.close()
        opening(line.port, 9600).result(SECONDS).close()


def test_beside_another_program_a_port_opens_and_is_kept_from_nobody(tmp_path: Path) -> None:
    with SimulatedPty(tmp_path / "port") as line:
        beside = opening(line.port, 9600, beside=True).result(SECONDS)
        alone = opening(line.port, 9600).result(SECONDS)
        again = opening(line.port, 9600, beside=True).result(SECONDS)
        for port in (beside, again, alone):
            port.close()


async def test_a_device_that_another_program_has_is_taken_once_it_is_free(
    tmp_path: Path, clock: FakeClock, until: Until
) -> None:
    watch = FakeWatch()
    with SimulatedPty(tmp_path / "port") as line:
        other = opening(line.port, 9600).result(SECONDS)
        scanner = SerialScanner(DeviceConfig("front", "serial-scanner", line.port), clock, watch)
        async with running(scanner) as there:
            assert not there
            assert watch.reasons == [f"{line.port}: in use by another program; stop it"]
            other.close()
            await until(lambda: scanner.present)


def test_what_was_sent_before_opening_is_stale_and_thrown_away(tmp_path: Path) -> None:
    with SimulatedPty(tmp_path / "port") as line:
        line.send(b"2600104874\r")
        port = opening(line.port, 9600).result(SECONDS)
        assert port.read(100) == b""
        port.close()


def test_an_opening_that_nobody_waits_for_is_closed(tmp_path: Path) -> None:
    with SimulatedPty(tmp_path / "port") as line:
        result = opening(line.port, 9600)
        port = result.result(SECONDS)
        give_up(result)
        with pytest.raises(OSError, match="Bad file descriptor"):
            port.write(b"x")


def test_nothing_is_written_to_a_port_that_was_given_up(tmp_path: Path) -> None:
    with SimulatedPty(tmp_path / "port") as line:
        port = opening(line.port, 9600).result(SECONDS)
        port.write(b"half")
        port.abandon()
        with pytest.raises(OSError, match="abandoned"):
            port.write(b" a frame")
        port.close()


async def test_an_opening_that_hangs_delays_nobody_and_is_not_started_twice(
    tmp_path: Path, clock: FakeClock, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging: Future[OpenPort] = Future()
    started: list[str] = []

    def open_slowly(port: str, baud: int) -> Future[OpenPort]:
        started.append(port)
        return hanging

    monkeypatch.setattr(drivers.serial_link, "opening", open_slowly)
    monkeypatch.setattr(drivers.serial_link, "OPEN_SECONDS", 0.01)
    watch = FakeWatch()
    with SimulatedPty(tmp_path / "port") as line:
        scanner = SerialScanner(DeviceConfig("front", "serial-scanner", line.port), clock, watch)
        async with running(scanner) as there:
            assert not there
            assert "did not open within" in watch.reasons[0]
            await clock.advance(0.5)
            hanging.set_result(opening(line.port, 9600).result(SECONDS))
            await until(lambda: scanner.present)
            assert started == [line.port]


async def test_cancelled_while_opening_it_leaves_nothing_open(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging: Future[OpenPort] = Future()
    monkeypatch.setattr(drivers.serial_link, "opening", lambda port, baud: hanging)
    scanner = SerialScanner(DeviceConfig("front", "x", "y"), clock, FakeWatch())
    task = asyncio.create_task(scanner.run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert hanging.cancelled()

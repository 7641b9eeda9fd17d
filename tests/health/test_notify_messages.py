"""What systemd hears: over a real socket, in a directory and abstract."""

import logging
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kioskd.daemon.notify import Notify, watchdog_seconds


class Systemd:
    """The other end of $NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(address.replace("@", "\0", 1))

    def heard(self) -> list[str]:
        """Every message since."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@{secrets.token_hex(8)}"
    other = Systemd(name)
    yield other
    other.close()


def test_a_life_as_systemd_hears_it(systemd: Systemd) -> None:
    notify = Notify(systemd.address)
    notify.ready("2 doors")
    notify.alive()
    notify.status("2 doors")
    notify.status("1 alert")
    notify.status("1 alert")
    notify.reloading()
    notify.ready("3 doors")
    notify.stopping()
    heard = systemd.heard()
    assert heard[:3] == ["READY=1\nSTATUS=2 doors", "WATCHDOG=1", "STATUS=1 alert"]
    reloading, _, at = heard[3].partition("\nMONOTONIC_USEC=")
    assert (reloading, at.isdigit()) == ("RELOADING=1", True)
    assert heard[4:] == ["READY=1\nSTATUS=3 doors", "STOPPING=1"]


def test_nobody_asked_nobody_is_told() -> None:
    notify = Notify.taken_from({})
    notify.ready("2 doors")
    notify.alive()
    assert not notify.heard


def test_the_address_is_not_left_to_children(systemd: Systemd) -> None:
    environment = {"NOTIFY_SOCKET": systemd.address, "PATH": "/bin"}
    notify = Notify.taken_from(environment)
    assert (notify.heard, environment) == (True, {"PATH": "/bin"})
    notify.alive()
    assert systemd.heard() == ["WATCHDOG=1"]


def test_a_status_is_one_line_whatever_is_in_it(systemd: Systemd) -> None:
    Notify(systemd.address).status("a\nREADY=1\x1b[2J" + "x" * 1000)
    (heard,) = systemd.heard()
    assert heard.startswith("STATUS=a?READY=1?[2Jx")
    assert len(heard) < 300


def test_what_was_not_heard_goes_with_the_next_message_but_no_sign_of_life(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = str(tmp_path / "notify")
    notify = Notify(address)
    with caplog.at_level(logging.DEBUG):
        notify.ready("2 doors")
        notify.alive()
        notify.status("3 doors")
    assert [r.levelname for r in caplog.records] == ["WARNING", "DEBUG", "DEBUG"]
    late = Systemd(address)
    notify.stopping()
    assert late.heard() == ["READY=1\nSTATUS=3 doors\nSTOPPING=1"]
    notify.alive()
    assert late.heard() == ["WATCHDOG=1"]
    late.close()


def test_a_receiver_that_does_not_read_blocks_nobody(systemd: Systemd) -> None:
    notify = Notify(systemd.address)
    for number in range(2000):  # far more than the kernel keeps
        notify.status(f"{number}")
    assert 0 < len(systemd.heard()) < 2000
    notify.alive()
    assert systemd.heard() == ["STATUS=1999\nWATCHDOG=1"]


@pytest.mark.parametrize(
    "address", ["/nowhere/notify", "x" * 200, "@" + "x" * 200, "a\0b", "\udcff"]
)
def test_no_address_raises(address: str) -> None:
    notify = Notify(address)
    notify.ready("2 doors")
    notify.stopping()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": ""}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({}, None),
        *(({"WATCHDOG_USEC": junk}, None) for junk in ("", "0", "-1", "3s", "１", "9" * 30)),
    ],
)
def test_when_the_watchdog_is_to_be_fed(environment: dict[str, str], seconds: float | None) -> None:
    assert watchdog_seconds(environment) == seconds


def test_a_watchdog_of_this_process() -> None:
    environment = {"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}
    assert watchdog_seconds(environment) == 0.5

"""Opens a serial device path or socket://host:port, and says in plain words why it could not.

A device path may be a symlink or a pseudo-terminal. Opening may block (a driver that hangs, a
name server that does not answer), so it runs in a thread of its own that holds up nobody's exit.

A device is opened for one program alone, by a lock (flock) that ends with its descriptor: two
daemons on one relay board would secure each other's releases. TIOCEXCL would not stop root.

Deliberately not here: asyncio. The strike is secured at boot before anything heavy is imported.
"""

import errno
import os
import socket
import termios
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from threading import Thread
from urllib.parse import urlsplit

import serial

from drivers.serial_node import serial_device
from kioskd.errors import DeviceError

OPEN_SECONDS = 1.0  # a device on the same network answers in milliseconds; `ready` waits for this
TCP_PREFIX = "socket://"
_KEEPALIVE = {  # a silent terminal server that lost its power is noticed within about 20 s
    socket.TCP_KEEPIDLE: 10,  # seconds
    socket.TCP_KEEPINTVL: 5,  # seconds
    socket.TCP_KEEPCNT: 2,  # probes
}
_WAYS_OUT = {
    errno.ENOENT: "not there; plug the device in, or correct its port",
    errno.ENODEV: "not there; plug the device in, or correct its port",
    errno.ENXIO: "not there; plug the device in, or correct its port",
    errno.EACCES: "permission denied; add the daemon's user to group dialout",
    errno.EPERM: "permission denied; add the daemon's user to group dialout",
    errno.EBUSY: "in use by another program; stop it",
    errno.EAGAIN: "in use by another program; stop it",  # the lock of a port
    errno.ECONNREFUSED: "nobody listens there; start the terminal server, or correct the port",
    errno.EIO: "input/output error; unplug the device and plug it in again",
    errno.ENOTTY: "not a serial device; correct its port",
    errno.EISDIR: "a directory, not a serial device; correct its port",
}

_Owner = serial.Serial | socket.socket


class OpenPort:
    """An open, non-blocking port. Reads and writes raise OSError; the caller maps it."""

    def __init__(self, path: str, owner: _Owner) -> None:
        self.path = path
        self.fd: int = owner.fileno()
        self._owner = owner
        self._abandoned = False
        self._node = None if isinstance(owner, socket.socket) else _node(os.fstat(self.fd))

    def read(self, size: int) -> bytes:
        """At most `size` bytes; b"" when the other side is gone."""
        return os.read(self.fd, size)

    def write(self, data: bytes) -> int:
        """How many bytes went out now; BlockingIOError when none could."""
        if self._abandoned:
            raise OSError(errno.EIO, "abandoned")
        return os.write(self.fd, data)

    def replaced(self) -> bool:
        """Whether the path is gone or now leads to another device than the one that is open."""
        if self._node is None:
            return False
        try:
            return _node(os.stat(self.path)) != self._node  # noqa: PTH116 - a path as configured
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False

    def abandon(self) -> None:
        """Drop what the kernel still holds for the device, so that it cannot go out late.

        Nothing is written after it: the device may have half a frame.
        """
        self._abandoned = True
        if self._node is not None:
            with suppress(OSError, termios.error):
                termios.tcflush(self.fd, termios.TCOFLUSH)

    def close(self) -> None:
        """Close; what was written still goes out."""
        with suppress(OSError):
            self._owner.close()


def opening(port: str, baud: int, *, beside: bool = False) -> "Future[OpenPort]":
    """Start to open. The result is an OpenPort or a DeviceError; see `give_up`.

    beside: also while another program has the device, and without keeping it from any.
    """
    result: Future[OpenPort] = Future()
    wanted = (result, port, baud, beside)
    Thread(target=_open_into, args=wanted, name=f"open {port}", daemon=True).start()
    return result


def give_up(result: "Future[OpenPort]") -> None:
    """Nobody waits for this any more: whatever it still opens is closed at once."""
    result.add_done_callback(_close_unwanted)
    result.cancel()


def too_slow(port: str) -> DeviceError:
    """The error for an opening that took longer than OPEN_SECONDS."""
    return DeviceError(f"{port}: did not open within {OPEN_SECONDS:g} s; check its cable and power")


def explained(port: str, error: Exception) -> DeviceError:
    """What an operating system's error means for whoever looks after the device."""
    number = error.errno if isinstance(error, OSError) else error.args[0]  # termios.error: args
    if number is None:  # pyserial could not read the line settings
        return DeviceError(f"{port}: not a usable serial device; correct its port")
    way_out = _WAYS_OUT.get(number) or f"{os.strerror(number)}; check its cable and power"
    return DeviceError(f"{port}: {way_out}")


def _open_into(result: "Future[OpenPort]", port: str, baud: int, beside: bool) -> None:
    try:
        opened = _open(port, baud, beside)
    except DeviceError as error:
        with suppress(InvalidStateError):
            result.set_exception(error)
        return
    try:
        result.set_result(opened)
    except InvalidStateError:
        opened.close()


def _close_unwanted(result: "Future[OpenPort]") -> None:
    if not result.cancelled() and result.exception() is None:
        result.result().close()


def _open(port: str, baud: int, beside: bool) -> OpenPort:
    open_owner: Callable[[], _Owner] = (
        (lambda: _connect(port))
        if port.startswith(TCP_PREFIX)
        else (lambda: _serial(port, baud, beside))
    )
    try:
        return OpenPort(port, open_owner())
    except socket.gaierror as error:
        raise DeviceError(f"{port}: no such host; correct its port or the name server") from error
    except TimeoutError as error:
        raise too_slow(port) from error
    except (OSError, termios.error) as error:
        raise explained(port, error) from error


def _serial(port: str, baud: int, beside: bool) -> serial.Serial:
    alone = None if beside else True  # pyserial locks before it sets anything; None: not at all
    try:
        with serial_device(port) as device:
            return serial.Serial(device, baud, timeout=0, write_timeout=0, exclusive=alone)
    except (ValueError, OverflowError) as error:
        raise DeviceError(f"{port}: cannot be set to {baud} baud", transient=False) from error


def _connect(port: str) -> socket.socket:
    host, number = _address(port)
    connection = socket.create_connection((host, number), timeout=OPEN_SECONDS)
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        connection.setsockopt(socket.IPPROTO_TCP, option, value)
    return connection


def _address(port: str) -> tuple[str, int]:
    try:
        parts = urlsplit(port)
        host, number = parts.hostname, parts.port
    except ValueError:
        host = number = None
    if not host or not number:
        raise DeviceError(f"{port}: write it as socket://host:port", transient=False)
    return host, number


def _node(status: os.stat_result) -> tuple[int, int]:
    return status.st_rdev, status.st_ino

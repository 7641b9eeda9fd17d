"""Secures strikes on an LCUS board without a running daemon: at boot, and for `kioskd secure`.

Deliberately not here: asyncio and everything else that takes time to import. The port may be
open in another process at the same time, a daemon's too; each frame goes out in one write.
"""

import select
import time
from collections.abc import Iterable

from drivers.codecs.lcus import frame
from drivers.polarity import energised
from drivers.serial_open import OPEN_SECONDS, OpenPort, explained, give_up, opening, too_slow
from kioskd.errors import DeviceError

WRITE_SECONDS = 0.2  # as the Strike port promises


def secure_frame(channel: int, lock: str) -> bytes:
    """The frame that secures a strike of this kind on this channel."""
    return frame(channel, energised=energised(lock, released=False))


def secure_at_boot(port: str, baud: int, channels: Iterable[tuple[int, str]]) -> None:
    """Write the secure frame of every (channel, lock) once, in order.

    Returns when the frames are with the kernel; ends within OPEN_SECONDS and WRITE_SECONDS for
    each channel. DeviceError when the port does not open or does not take a frame.
    """
    frames = [secure_frame(channel, lock) for channel, lock in channels]
    opened = _opened(port, baud)
    try:
        for data in frames:
            _write(opened, data)
    except OSError as error:
        opened.abandon()
        raise explained(port, error) from error
    finally:
        opened.close()


def _opened(port: str, baud: int) -> OpenPort:
    result = opening(port, baud, beside=True)
    try:
        return result.result(OPEN_SECONDS)
    except TimeoutError:
        give_up(result)
        raise too_slow(port) from None


def _write(opened: OpenPort, data: bytes) -> None:
    deadline = time.monotonic() + WRITE_SECONDS
    poll = select.poll()
    poll.register(opened.fd, select.POLLOUT)
    while data:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            opened.abandon()
            raise DeviceError(f"{opened.path}: took no bytes in time; check its cable and power")
        try:
            data = data[opened.write(data) :]
        except BlockingIOError:
            continue

"""All time of the daemon: wall, boot and monotonic clock, sleeping, ids made of now."""

import asyncio
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

from kioskd.domain.moment import Moment

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """ports.Clock over the machine's clocks."""

    def __init__(self) -> None:
        self._boot_id = boot_id()

    def moment(self) -> Moment:
        """One reading of wall and boot clock."""
        return Moment(datetime.now(UTC), time.clock_gettime(time.CLOCK_BOOTTIME), self._boot_id)

    def monotonic(self) -> float:
        """Seconds that never jump; the loop's own clock."""
        return time.monotonic()

    async def sleep_until(self, monotonic: float) -> None:
        """Sleep until that reading of `monotonic`."""
        await asyncio.sleep(max(0.0, monotonic - time.monotonic()))

    def new_id(self) -> str:
        """A UUIDv7 of now."""
        return uuid7(time.time_ns() // 1_000_000, secrets.token_bytes(10))


def boot_id() -> str:
    """Which boot this is; empty where the kernel does not say."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def uuid7(milliseconds: int, random: bytes) -> str:
    """RFC 9562 version 7: 48 bits of Unix milliseconds, the rest random (10 bytes given)."""
    value = milliseconds.to_bytes(6, "big") + random
    value = (
        value[:6]
        + bytes([0x70 | (value[6] & 0x0F), value[7], 0x80 | (value[8] & 0x3F)])
        + value[9:]
    )
    text = value.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

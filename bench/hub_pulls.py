"""A device pulls from a hub: everything, what changed, nothing. On one database.

Deliberately not here: how many rows there are, and what each pull may cost (the benchmarks).
"""

import asyncio
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from bench.figures import Figure, median, percentile, ratio_to
from bench.hub_memory import processor_seconds
from bench.hub_parts import Device, Measured, at_most, measured
from bench.hub_raw import answering, replace_seconds, snapshot_seconds
from bench.hub_rig import HubFiles
from bench.hub_rows import change
from sync.hub_wire import Trailer

SNAPSHOT_SECONDS: Final = 90.0
DEVICE_MB: Final = 150.0
HUB_MB: Final = 300.0
DELTA: Final = 10_000
DELTA_SECONDS: Final = 2.0
IDLE_MS: Final = 10.0
_IDLE_BYTES: Final = 700  # of an answer that has nothing but its trailer, with its headers
_WARM: Final = 10


@dataclass(frozen=True, slots=True)
class Pulling:
    """A device before its first pull, and the hub that it pulls from."""

    files: HubFiles
    hub_pid: int
    device: Device
    rows: int
    folder: Path

    @property
    def of(self) -> str:
        """For people."""
        return f"{self.files.database}, {self.rows:,} credentials"

    def snapshots(self) -> list[Figure]:
        """The first pull of all, and of it what is the hub's, the network's, the device's."""
        file = self.folder / "snapshot.ndjson"
        read = measured(self.device, self.hub_pid, f"read {file}")
        pulled = measured(self.device, self.hub_pid, "turn")
        assert pulled.told["snapshot"]
        assert pulled.told["put"] == self.rows, pulled.told
        size = int(read.told["bytes"])
        raw = asyncio.run(self._raw_snapshot(size))
        started = measured(self.device, self.hub_pid, f"take {_first_of(file)}")
        taken = measured(self.device, self.hub_pid, f"take {file}")
        wire = sum(map(len, _packed(file)))
        file.unlink()
        parts = self._apart(read, taken, pulled, size, wire)
        alone = at_most("snapshot of one row from a file", "s", started.seconds, size=self.of)
        return [*self._whole(pulled, raw), *parts, alone]

    def _whole(self, pulled: Measured, raw: float) -> list[Figure]:
        told = (
            ("snapshot, hub to device", "s", pulled.seconds, SNAPSHOT_SECONDS, raw),
            ("snapshot, RSS of the hub", "MB", pulled.hub.own, HUB_MB, None),
            ("snapshot, RSS of the line", "MB", pulled.device.own, DEVICE_MB, None),
            ("snapshot, RSS of its import", "MB", pulled.device.below, DEVICE_MB, None),
            ("snapshot, line and import (PSS)", "MB", pulled.device.together, None, None),
        )
        return [
            at_most(name, unit, value, most, raw=base, size=self.of)
            for name, unit, value, most, base in told
        ]

    def _apart(
        self, read: Measured, taken: Measured, pulled: Measured, size: int, wire: int
    ) -> list[Figure]:
        told = (
            ("snapshot read and thrown away", "s", read.seconds),
            ("  processor of the hub", "us/row", self._each(read.hub.processor)),
            ("  processor of the reader", "us/row", self._each(read.device.processor)),
            ("snapshot from a file into the cache", "s", taken.seconds),
            ("  processor of the import", "us/row", self._each(taken.device.processor)),
            ("snapshot, processor of the hub", "us/row", self._each(pulled.hub.processor)),
            ("snapshot, processor of the device", "us/row", self._each(pulled.device.processor)),
            ("snapshot, bytes of a row", "bytes", size / self.rows),
            ("snapshot, bytes of a row on the wire", "bytes", wire / self.rows),
        )
        return [at_most(name, unit, value, size=self.of) for name, unit, value in told]

    def _each(self, seconds: float) -> float:
        return seconds * 1e6 / self.rows

    def delta(self, times: int) -> Figure:
        """Changed rows, after the hub has them. The slowest of so many times counts."""
        count = min(DELTA, self.rows)
        numbers = range(0, self.rows, self.rows // count)[:count]
        took = []
        for _ in range(times):
            asyncio.run(self._change(numbers))
            told = self.device.do("turn")
            assert told["put"] == count, told
            took.append(float(told["seconds"]))
        raw = replace_seconds(self.folder, self.rows, count)
        name = f"delta of {count:,}, hub to device"
        size = f"{self.of}; slowest of {times}"
        return at_most(name, "s", max(took), DELTA_SECONDS, raw=raw, size=size)

    def idle(self, times: int) -> list[Figure]:
        """Pulls that find nothing new, each two requests."""
        for _ in range(_WARM):
            self.device.do("turn")
        used = [processor_seconds(pid) for pid in (self.hub_pid, self.device.pid)]
        took = [float(self.device.do("turn")["seconds"]) * 1e3 for _ in range(times)]
        hub, ours = (
            (processor_seconds(pid) - before) * 1e3 / times
            for pid, before in zip((self.hub_pid, self.device.pid), used, strict=True)
        )
        raw = asyncio.run(_two_asked(times))
        size = f"{times:,} pulls of two requests; {self.of}"
        p50, p99 = median(took), percentile(took, 99)
        return [
            Figure(
                "idle pull",
                "ms",
                p50,
                p99,
                raw,
                ratio_to(p50, raw),
                f"median <= {IDLE_MS:g} ms",
                p50 <= IDLE_MS,
                size,
            ),
            at_most("idle pull, processor of the hub", "ms", hub, size=size),
            at_most("idle pull, processor of the device", "ms", ours, size=size),
        ]

    async def _raw_snapshot(self, size: int) -> float:
        async with self.files.opened() as database:
            return await snapshot_seconds(database, self.folder, self.rows, size)

    async def _change(self, numbers: range) -> None:
        async with self.files.opened() as database:
            await change(database, self.files.keys(), numbers)


def _first_of(file: Path) -> Path:
    """A snapshot of its first line alone: what an import costs before it has done anything."""
    with file.open("rb") as lines:
        line = lines.readline()
    trailer = Trailer("c", False, "g", 1, hashlib.sha256(line).hexdigest())
    short = file.with_suffix(".one")
    short.write_bytes(line + msgspec.json.encode(trailer) + b"\n")
    return short


def _packed(file: Path) -> Iterator[bytes]:
    """As the hub packs it."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    with file.open("rb") as stream:
        while piece := stream.read(64 * 1024):
            yield packer.compress(piece)
    yield packer.flush()


async def _two_asked(times: int) -> float:
    """Milliseconds of two raw round trips of the same size; the middle one."""
    async with answering() as other:
        took = [
            await other.seconds(_IDLE_BYTES) + await other.seconds(_IDLE_BYTES)
            for _ in range(times)
        ]
    return sorted(took)[len(took) // 2] * 1e3

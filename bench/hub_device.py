"""A device's side of the line, to be measured: `python -m bench.hub_device CONFIG`.

The real cache, puller and client, in a process of their own as the line has them. It reads a word
a line and answers with a JSON object a line:

    turn          a pull as the line makes it: snapshot, pages, or nothing new
    take FILE     a snapshot's bytes from a file into the cache, without a network
    read          a snapshot's bytes from the hub, thrown away

Deliberately not here: when a device pulls (sync.line), and the daemon's process of the line.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from kioskd.clock.system import SystemClock
from kioskd.config.load import load
from kioskd.daemon.line_cache import HubCache
from kioskd.daemon.line_secret import token_of
from sync.hub_address import HubAddress
from sync.hub_client import HubClient
from sync.puller import Puller

_PIECE: Final = 64 * 1024


class Device:
    """What the words do."""

    def __init__(self, cache: HubCache, hub: HubClient) -> None:
        self._cache = cache
        self._hub = hub
        self._puller = Puller(hub, cache, SystemClock())
        self._words: dict[str, Callable[[str], Awaitable[dict[str, Any]]]] = {
            "turn": self._turn,
            "take": self._take,
            "read": self._read,
        }

    async def do(self, line: str) -> dict[str, Any]:
        """A word's work; seconds are of the work alone."""
        word, _, rest = line.strip().partition(" ")
        began = time.perf_counter()
        told = await self._words[word](rest)
        return {"seconds": time.perf_counter() - began, **told}

    async def _turn(self, _: str) -> dict[str, Any]:
        pulled = await self._puller.turn()
        return {
            "snapshot": pulled.snapshot,
            "put": pulled.put,
            "pages": pulled.pages,
            "bad": pulled.bad,
        }

    async def _take(self, path: str) -> dict[str, Any]:
        sink = await self._cache.snapshot()
        with Path(path).open("rb") as file:  # noqa: ASYNC230 - the page cache has it
            while data := file.read(_PIECE):
                await sink.write(data)
        return {"put": (await sink.finish()).put}

    async def _read(self, path: str) -> dict[str, Any]:
        size = 0
        with Path(path or "/dev/null").open("wb") as file:  # noqa: ASYNC230 - likewise

            async def write(data: bytes) -> None:
                nonlocal size
                size += len(data)
                file.write(data)

            trailer = await self._hub.snapshot(write)
            await write(msgspec.json.encode(trailer) + b"\n")
        return {"bytes": size, "count": trailer.count}


async def main(config_path: str) -> None:
    """Answer until standard input ends."""
    config = load(Path(config_path))
    access = config.register.hub
    assert access is not None
    loop = asyncio.get_running_loop()
    async with HubClient(HubAddress(access.url, token_of(access.token)), SystemClock()) as hub:
        device = Device(HubCache(config), hub)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            sys.stdout.write(json.dumps(await device.do(line)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

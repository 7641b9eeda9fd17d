"""A hub that answers on loopback, over a real database, and a device that asks it."""

import asyncio
import contextlib
import gzip
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
import pytest

from sync.hub.app import make_app
from sync.hub.app_parts import Parts
from sync.hub.changes import Pace
from sync.hub.database import Database
from sync.hub.devices import Devices
from sync.hub.front import Front
from sync.hub.hints import Hints
from sync.hub.housekeeping import House
from sync.hub.limits import Budget, Intake
from sync.hub.serve import parts_of
from sync.hub.streams import StreamLimits
from sync.hub_wire import PROBLEM, Problem, Trailer
from tests.hub_core.world import Hub

# For what never comes to a database, or has one of its own: once is enough.
ANY_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@dataclass
class Answer:
    """What came back, whole."""

    status: int
    headers: Any
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def problem(self) -> Problem:
        assert self.headers["Content-Type"] == PROBLEM, (self.status, self.body[:200])
        problem = msgspec.json.decode(self.body, type=Problem)
        assert problem.status == self.status
        return problem

    def lines(self) -> tuple[list[Any], Trailer]:
        """The lines of a stream whose trailer is right."""
        *lines, last = self.body.splitlines(keepends=True)
        trailer = msgspec.json.decode(last, type=Trailer)
        digest = hashlib.sha256(b"".join(lines)).hexdigest()
        assert (trailer.count, trailer.sha256) == (len(lines), digest)
        return [json.loads(line) for line in lines], trailer


@dataclass
class Running:
    """A hub with its address, and the session that asks it."""

    hub: Hub
    parts: Parts
    hints: Hints
    front: Front
    session: aiohttp.ClientSession
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.front.port}"

    async def device(self, name: str, branch: str = "ESI") -> str:
        """A device's token."""
        self.tokens[name] = await Devices(self.hub.database, self.hub.now).add(name, branch)
        return self.tokens[name]

    async def ask(self, method: str, path: str, token: str = "", **more: Any) -> Answer:
        """One request, whole."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= more.pop("headers", {})
        call = self.session.request(method, self.url + path, headers=headers, **more)
        async with call as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, token: str = "", **more: Any) -> Answer:
        return await self.ask("GET", path, token, **more)

    async def post(self, path: str, body: Any, token: str = "", **more: Any) -> Answer:
        return await self.ask("POST", path, token, json=body, **more)

    async def post_packed(self, path: str, body: bytes, token: str) -> Answer:
        """A body of gzip."""
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return await self.ask("POST", path, token, data=gzip.compress(body, 9), headers=headers)

    @contextlib.asynccontextmanager
    async def hints_of(self, token: str, last: str = "") -> AsyncIterator["Heard"]:
        """An open stream of hints."""
        headers = {"Authorization": f"Bearer {token}"} | ({"Last-Event-ID": last} if last else {})
        async with self.session.get(self.url + "/v1/changes", headers=headers) as response:
            assert response.status == 200, await response.read()
            assert response.headers["Content-Type"] == "text/event-stream"
            yield Heard(response)


@dataclass
class Heard:
    """What a stream of hints says."""

    response: aiohttp.ClientResponse
    id: str = ""

    async def next(self, seconds: float = 3.0) -> str:
        """The next event's kind; empty at the end of the stream. TimeoutError without any."""
        kind = ""
        async with asyncio.timeout(seconds):
            while line := await self.response.content.readline():
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "id":
                    self.id = value
                elif not name and kind:
                    return kind
        return ""

    async def comment(self, seconds: float = 3.0) -> str:
        async with asyncio.timeout(seconds):
            while line := await self.response.content.readline():
                if line.startswith(b":"):
                    return line.decode().strip()
        return ""


@contextlib.asynccontextmanager
async def running(
    hub: Hub,
    *,
    look: float = 2.0,
    limits: StreamLimits | None = None,
    pace: Pace | None = None,
    parts: Parts | None = None,
    budget: Budget | None = None,
    intake: Intake | None = None,
    **front: Any,
) -> AsyncIterator[Running]:
    """The hub, answering; its hints are seen."""
    made, verifying = parts_of(House(hub.database, hub.keys, hub.config, hub.now))
    made = parts or made
    hints = Hints(hub.database, made.pulls, look)
    app = make_app(made, hints, limits=limits, pace=pace, budget=budget, intake=intake)
    looking = asyncio.create_task(hints.run())
    try:
        async with (
            Front(app, "127.0.0.1", 0, **front) as listening,
            aiohttp.ClientSession(auto_decompress=True) as session,
        ):
            yield Running(hub, made, hints, listening, session)
    finally:
        looking.cancel()
        await asyncio.wait([looking])
        verifying.close()


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something that nobody tells; TimeoutError."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def started(database: Database) -> Hub:
    """A hub over this database."""
    return await Hub(database).start()


async def raw(served: Running, data: bytes, seconds: float = 3.0) -> bytes:
    """What comes back for these bytes, until the hub closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.front.port)
    try:
        writer.write(data)
        async with asyncio.timeout(seconds):
            return await reader.read()
    finally:
        writer.close()

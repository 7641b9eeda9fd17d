"""A client and a scripted hub that answers it, for the tests of the client."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from drivers.fakes import FakeClock
from sync.hub_client import Deadlines, HubClient
from sync.hub_faults import HubFault
from sync.hub_wire import (
    NDJSON,
    PROBLEM,
    Event,
)
from tests.hub_line.scripted import Reply, Script, ScriptedHub
from tests.hub_line.streams import stream_of

SHORT = Deadlines(call=0.3, page=0.3, push=0.3, snapshot=0.3)
CARD, PIN = "2600000042", "8642"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@asynccontextmanager
async def client_of(
    script: Script | Reply, deadlines: Deadlines | None = None
) -> AsyncIterator[tuple[HubClient, ScriptedHub]]:
    answer: Script = (lambda seen: script) if isinstance(script, Reply) else script
    async with (
        ScriptedHub(answer).running() as hub,
        HubClient(hub.address, FakeClock(), deadlines) as client,
    ):
        yield client, hub


def page(**more: object) -> Reply:
    return Reply(stream_of(), kind=NDJSON, **more)  # type: ignore[arg-type]


def problem(status: int, **headers: str) -> Reply:
    body = json.dumps({"title": "No", "status": status, "detail": f"card {CARD}", "field": "x"})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(body.encode(), status, PROBLEM, named)


def event(number: int = 1) -> Event:
    return Event(f"id-{number}", "j", number, NOON, "door.opened")


async def nowhere(block: bytes) -> None:
    del block


async def fault(client: HubClient) -> HubFault:
    with pytest.raises(HubFault) as caught:
        await client.credentials("c0")
    return caught.value

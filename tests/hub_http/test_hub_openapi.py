"""The document and the application say the same, and schemathesis finds nothing else."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import schemathesis
from aiohttp import hdrs
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks

from sync.hub.bounds import MAX_ITEMS
from sync.hub.database import Database
from sync.hub.openapi import document
from sync.hub.operations import OPERATIONS
from tests.hub_core.world import BLOCK, Hub, person_of
from tests.hub_http.serving import Running, running

EXAMPLES = int(os.environ.get("KIOSKD_EXAMPLES") or "6")  # of each operation and way of making
_STREAM = "/v1/changes"  # never ends; tested by hand
_BY_ROW = ("/v1/events", "/v1/activity")  # a bad entry is refused alone, with status 200
# Of a query nothing is left where the tool made an empty list of it: bodies only.


async def test_every_route_is_in_the_document_and_the_other_way_round(served: Running) -> None:
    said = (await served.get("/openapi.json")).json()
    in_document = {
        (method.upper(), path) for path, item in said["paths"].items() for method in item
    }
    app = served.front._runner.app
    routes = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None
    }
    assert in_document == routes == {(op.method, op.path) for op in OPERATIONS}
    assert not {method for method, _ in routes} & {hdrs.METH_HEAD, hdrs.METH_ANY}


def test_what_is_open_is_four_and_no_more() -> None:
    opened = {op.path for op in OPERATIONS if op.open}
    assert opened == {"/v1/join", "/healthz", "/metrics", "/openapi.json"}


def test_every_reference_leads_somewhere_and_every_answer_has_a_type() -> None:
    made = document("1")
    schemas = made["components"]["schemas"]
    for reference in _references(made):
        assert reference.rpartition("/")[2] in schemas
    for item in made["paths"].values():
        for operation in item.values():
            assert {"200", "400", "500", "503"} <= set(operation["responses"])
            assert all(answer["content"] for answer in operation["responses"].values())
    events = made["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]
    assert events["schema"]["maxItems"] == MAX_ITEMS


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


@contextlib.contextmanager
def serving_beside(database_url: str) -> Iterator[tuple[str, str]]:
    """A hub in a thread with a loop of its own: its address, and a device's token."""
    found: list[tuple[str, str]] = []
    ready = threading.Event()
    stop: list[Callable[[], object]] = []

    async def serve() -> None:
        database = await Database.open(database_url)
        try:
            hub = await Hub(database).start()
            await hub.put(person_of(1), person_of(2, restrictions=(BLOCK,)))
            async with running(hub) as served:
                found.append((served.url, await served.device("door-1")))
                stopped = asyncio.Event()
                loop = asyncio.get_running_loop()
                stop.append(lambda: loop.call_soon_threadsafe(stopped.set))
                ready.set()
                await stopped.wait()
        finally:
            await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(20)
        yield found[0]
    finally:
        for end in stop:
            end()
        thread.join()


checks.load_all_checks()
OURS = checks.CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
        "ignored_auth",
    ]
)
REJECTION = checks.CHECKS.get_by_names(["negative_data_rejection"])[0]


@pytest.mark.timeout(300)
def test_schemathesis_finds_nothing(database_url: str) -> None:
    with serving_beside(database_url) as (url, token):
        schema = schemathesis.openapi.from_dict(document("1"))
        tried = 0
        for found in schema.get_all_operations():
            operation = cast("Any", found).ok()
            if operation.path != _STREAM:
                _try(operation, url, token)
                tried += 1
        assert tried == len(OPERATIONS) - 1


def _try(operation: Any, url: str, token: str) -> None:
    rules = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    headers = {"Authorization": f"Bearer {token}"}
    refused = operation.body and operation.path not in _BY_ROW
    applied = [one for one in OURS if refused or one is not REJECTION]

    modes = [schemathesis.GenerationMode.POSITIVE]
    if operation.body or operation.query:  # without either nothing can be wrong
        modes.append(schemathesis.GenerationMode.NEGATIVE)
    for mode in modes:
        cases = operation.as_strategy(generation_mode=mode)

        @rules
        @given(case=cases)
        def one(case: Any) -> None:
            case.call_and_validate(base_url=url, headers=headers, checks=applied)

        one()

"""Every operation of the hub's HTTP interface: what may be asked, and every answer there can be.

Routes and the OpenAPI document are made of this one table.

Deliberately not here: what an operation does (routes), and the document's form (openapi).
"""

from dataclasses import dataclass, field
from typing import Any, Final

from sync.hub.changes import EVENT_STREAM
from sync.hub_wire import (
    DEFAULT_PAGE,
    MAX_PAGE,
    NDJSON,
    Activity,
    Event,
    EventResults,
    Heartbeat,
    HeartbeatAnswer,
    Join,
    Joined,
    SignedConfig,
    Verdict,
    Verify,
)

JSON: Final = "application/json"
METRICS: Final = "text/plain"


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter behind the question mark; all are optional."""

    name: str
    schema: dict[str, object]
    says: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    answer: a struct, or None for what has none. refusals: statuses besides those of every
    operation. open: anybody may ask, without a token.
    """

    method: str
    path: str
    says: str
    answer: type[Any] | None = None
    content: str = JSON
    body: Any = None
    queries: tuple[Query, ...] = ()
    headers: tuple[Query, ...] = ()
    refusals: tuple[int, ...] = field(default=())
    open: bool = False

    @property
    def name(self) -> str:
        """One word for it: get_credentials."""
        return f"{self.method.lower()}_{self.path.rpartition('/')[2].removesuffix('.json')}"

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every status that is not 200."""
        found = {400, 417, 500, 503, *self.refusals}
        if not self.open:
            found |= {401, 403}
        if self.body is not None:
            found |= {408, 413, 415}
        return tuple(sorted(found))


_CURSOR: Final = Query(
    "cursor", {"type": "string"}, "of the last stream of this kind; without it all there is"
)
_LIMIT: Final = Query(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE},
    "lines of a page at most",
)
_LAST_EVENT: Final = Query(
    "Last-Event-ID", {"type": "string"}, "id of the last hint; a change at once if it is not now's"
)

OPERATIONS: Final = (
    Operation(
        "POST",
        "/v1/join",
        "A one-time code for a token",
        Joined,
        body=Join,
        refusals=(429,),
        open=True,
    ),
    Operation(
        "GET",
        "/v1/restrictions",
        "Cards with their restrictions, first and often; lines and a trailer",
        content=NDJSON,
        queries=(_CURSOR, _LIMIT),
        refusals=(410,),
    ),
    Operation(
        "GET",
        "/v1/credentials",
        "What this branch may know of its patrons; lines and a trailer",
        content=NDJSON,
        queries=(_CURSOR, _LIMIT),
        refusals=(410,),
    ),
    Operation(
        "GET",
        "/v1/changes",
        "Hints to pull, as server-sent events",
        content=EVENT_STREAM,
        headers=(_LAST_EVENT,),
    ),
    Operation(
        "POST",
        "/v1/events",
        "What happened at a device",
        EventResults,
        body=list[Event],
        refusals=(429,),
    ),
    Operation(
        "POST",
        "/v1/activity",
        "Days on which cards were used",
        EventResults,
        body=list[Activity],
        refusals=(429,),
    ),
    Operation(
        "POST",
        "/v1/verify",
        "Whether this is the PIN of this card",
        Verdict,
        body=Verify,
        refusals=(429,),
    ),
    Operation(
        "POST",
        "/v1/heartbeat",
        "How a device is, and what it is to do",
        HeartbeatAnswer,
        body=Heartbeat,
    ),
    Operation("GET", "/v1/config", "What was published for this branch", SignedConfig),
    Operation(
        "GET", "/healthz", "Whether this hub and its database answer", dict[str, str], open=True
    ),
    Operation(
        "GET",
        "/metrics",
        "For Prometheus; from the hub's own machine alone",
        content=METRICS,
        refusals=(403,),
        open=True,
    ),
    Operation("GET", "/openapi.json", "This document", dict[str, Any], open=True),
)

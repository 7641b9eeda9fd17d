"""The OpenAPI 3.1 document, made of the structs and of the table of operations.

Deliberately not here: operations, and bounds of what is sent (bounds; repeated here as schema).
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from sync.hub.bounds import LARGEST, LONG_TEXTS, MAX_ITEMS, MAX_KEYS, MAX_TEXT
from sync.hub.operations import JSON, OPERATIONS, Operation, Query
from sync.hub_wire import PROBLEM, Problem

_REF: Final = "#/components/schemas/{name}"
_SAYS: Final = {
    400: "Something in the request is wrong; field names it",
    401: "No token, or none that is good",
    403: "Not from there, or of a branch that is not configured",
    408: "The body did not arrive in time",
    410: "The cursor leads on from nowhere: take a snapshot",
    413: "More than is taken at once",
    415: "Another type than application/json in UTF-8, or another coding than gzip",
    417: "Another expectation than 100-continue",
    429: "Not now; Retry-After",
    500: "A fault of the hub",
    503: "Not now; Retry-After",
}
_TEXT_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
_DATE_TIMES: Final = frozenset({"at", "synced", "time"})
_Schema = dict[str, Any]


def document(version: str, operations: Sequence[Operation] = OPERATIONS) -> _Schema:
    """The whole document, as JSON values."""
    bodies = [op.body for op in operations if op.body is not None]
    answers = [op.answer for op in operations if op.answer is not None]
    schemas, components = msgspec.json.schema_components(
        [*bodies, *answers, Problem], ref_template=_REF
    )
    asked = msgspec.json.schema_components(bodies, ref_template=_REF)[1]
    for name, schema in components.items():
        _timed(schema)
        if name in asked:
            _bounded(schema)
    of = dict(zip(map(id, [*bodies, *answers]), schemas, strict=False))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kioskd-hub",
            "version": version,
            "description": "What a device asks of its hub. Errors are problems of RFC 9457.",
        },
        "paths": _paths(operations, of),
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {"device": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"device": []}],
    }


def _paths(operations: Sequence[Operation], of: dict[int, _Schema]) -> _Schema:
    paths: _Schema = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, of)
    return paths


def _operation(operation: Operation, of: dict[int, _Schema]) -> _Schema:
    made: _Schema = {
        "operationId": operation.name,
        "summary": operation.says,
        "responses": {"200": _answer(operation, of)} | dict(_refusals(operation)),
    }
    if operation.open:
        made["security"] = []
    parameters = [_parameter(query, "query") for query in operation.queries]
    parameters += [_parameter(header, "header") for header in operation.headers]
    if parameters:
        made["parameters"] = parameters
    if operation.body is not None:
        schema = dict(of[id(operation.body)])
        if schema.get("type") == "array":
            schema["maxItems"] = MAX_ITEMS
        made["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return made


def _answer(operation: Operation, of: dict[int, _Schema]) -> _Schema:
    schema = {"type": "string"} if operation.answer is None else of[id(operation.answer)]
    return {"description": operation.says, "content": {operation.content: {"schema": schema}}}


def _refusals(operation: Operation) -> Iterator[tuple[str, _Schema]]:
    problem = {"schema": {"$ref": _REF.format(name="Problem")}}
    for status in operation.statuses:
        made: _Schema = {"description": _SAYS[status], "content": {PROBLEM: problem}}
        if status in (429, 503):
            made["headers"] = {"Retry-After": _header({"type": "integer", "minimum": 1})}
        if status == 401:
            made["headers"] = {"WWW-Authenticate": _header({"type": "string"})}
        yield str(status), made


def _header(schema: _Schema) -> _Schema:
    return {"required": True, "schema": schema}


def _parameter(query: Query, place: str) -> _Schema:
    return {
        "name": query.name,
        "in": place,
        "required": False,
        "description": query.says,
        "schema": query.schema,
    }


def _timed(schema: _Schema) -> None:
    """The library writes a time without offset as any text; ours all have one."""
    for name, field in schema.get("properties", {}).items():
        for part in field.get("anyOf", [field]):
            if name in _DATE_TIMES and part.get("type") == "string":
                part["format"] = "date-time"


def _bounded(schema: _Schema) -> None:
    """What the hub refuses of a request, whatever the struct says."""
    for name, field in schema.get("properties", {}).items():
        for part in field.get("anyOf", [field]):
            _bound(part, LONG_TEXTS.get(name, MAX_TEXT), plain=name not in LONG_TEXTS)


def _bound(part: _Schema, longest: int, *, plain: bool) -> None:
    kind = part.get("type")
    if kind == "string" and "format" not in part:
        part["maxLength"] = longest
        if plain:
            part["pattern"] = _TEXT_PATTERN
    elif kind == "integer":
        part["minimum"], part["maximum"] = -LARGEST, LARGEST
    elif kind == "array":
        part["maxItems"] = MAX_ITEMS
        _bound(part["items"], longest, plain=plain)
    elif kind == "object":
        part["maxProperties"] = MAX_KEYS
        part["propertyNames"] = {"maxLength": MAX_KEYS, "pattern": _TEXT_PATTERN}
        for value in part["additionalProperties"]["anyOf"]:
            _bound(value, longest, plain=plain)

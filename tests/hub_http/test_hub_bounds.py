"""Whatever is sent: a struct within its bounds, or a refusal that repeats nothing of it."""

import json
from collections.abc import Callable
from datetime import UTC
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.hub.bodies import Inflating
from sync.hub.bounds import MAX_ITEMS, MAX_KEYS, MAX_TEXT, items_of, struct_of
from sync.hub.problems import Refused, refusal_of, respond
from sync.hub_wire import Activity, Event, Heartbeat, Verify

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=5)
    ),
)
AT = "2026-11-23T10:00:00+02:00"
EVENT: dict[str, Any] = {"id": "a", "journal": "j", "seq": 1, "at": AT, "kind": "k"}
KINDS: tuple[Any, ...] = (Event, Heartbeat, Verify, Activity)


def status_of(call: Callable[[], object]) -> int:
    """200, or that of its refusal; anything else that is raised gets through."""
    try:
        call()
    except Refused as refused:
        return refused.status
    return 200


@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_struct_or_a_refusal(data: bytes) -> None:
    for kind in KINDS:
        assert status_of(partial(struct_of, data, kind)) in (200, 400)
        assert status_of(partial(items_of, data, kind)) in (200, 400, 413)


@given(st.fixed_dictionaries(dict.fromkeys(("id", "journal", "seq", "at", "kind"), VALUES)))
def test_an_entry_is_an_event_or_named_and_refused(entry: dict[str, Any]) -> None:
    (made,) = items_of(json.dumps([entry]).encode(), Event)
    if isinstance(made, Event):
        assert made.at.tzinfo is not None
        assert made.at.astimezone(UTC) == made.at
    else:
        id_, reason = made
        assert id_ == "0" or id_ == entry["id"]
        assert 0 < len(reason) < 200
        assert reason.isprintable()


@given(st.from_regex(r"[0-9]{3}[A-Za-z][0-9]{6,12}", fullmatch=True))
def test_a_refusal_repeats_no_card_number(secret: str) -> None:
    for entry in (
        {"card": [secret], "pin": "1"},
        {"card": "1", "pin": "1", f"Z{secret}": 1},
        {"card": "1", "pin": {secret: 1}},
        {"card": f"\u0000{secret}", "pin": "1"},
        {secret: secret},
    ):
        with pytest.raises(Refused) as refused:
            struct_of(json.dumps(entry).encode(), Verify)
        assert secret not in str(refused.value.problem)
    with pytest.raises(Refused) as refused:
        struct_of(json.dumps({**EVENT, "decision": f"Z{secret}"}).encode(), Event)
    assert f"Z{secret}" not in str(refused.value.problem)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"kind": "k" * (MAX_TEXT + 1)}, "kind"),
        ({"seq": 2**63}, "seq"),
        ({"seq": 1.5}, "seq"),
        ({"seq": True}, "seq"),
        ({"at": "2026-11-23T10:00:00"}, "at"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "at"),
        ({"at": "9999-12-31T23:59:59-12:00"}, "at"),
        ({"detail": {"k" * (MAX_KEYS + 1): 1}}, "detail"),
        ({"detail": {str(n): 1 for n in range(MAX_KEYS + 1)}}, "detail"),
        ({"detail": {"a": {"b": 1}}}, "detail[...]"),
        ({"door": list(range(MAX_ITEMS + 1))}, "door"),
        ({"door": "\u009b2J"}, "door"),
    ],
)
def test_bounds(more: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        struct_of(json.dumps({**EVENT, **more}).encode(), Event)
    assert refused.value.problem.field == field


def test_a_configuration_may_be_long_and_have_lines() -> None:
    beat = {"at": AT, "version": "1", "config_text": "[site]\n\tname = 1\r\n" * 1000}
    assert struct_of(json.dumps(beat).encode(), Heartbeat).config_text == beat["config_text"]
    with pytest.raises(Refused, match="config_text"):
        struct_of(json.dumps({**beat, "config_text": "\x1b"}).encode(), Heartbeat)
    inner = {"at": AT, "version": "1", "doors": [{"name": "d", "state": "x" * 2000}]}
    with pytest.raises(Refused) as refused:
        struct_of(json.dumps(inner).encode(), Heartbeat)
    assert refused.value.problem.field == "doors[0].state"


def test_one_bad_entry_costs_no_other() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    entries = [EVENT, {**EVENT, "door": deep}, {**EVENT, "id": "b"}]
    first, second, third = items_of(json.dumps(entries).encode(), Event)
    assert isinstance(first, Event)
    assert isinstance(second, tuple)
    assert isinstance(third, Event)


@given(st.binary(max_size=100))
def test_inflating_any_bytes_ends_or_refuses(data: bytes) -> None:
    assert status_of(lambda: Inflating().feed(data, 1000)) in (200, 400)


@pytest.mark.parametrize(
    ("asked", "said"), [(0.2, "1"), (1.0, "1"), (7.1, "8"), (1e9, "3600"), (-5.0, "1")]
)
def test_retry_after_is_whole_seconds_in_bounds(asked: float, said: str) -> None:
    response = respond(refusal_of(Refused(503, retry_after=asked)))
    assert response.headers["Retry-After"] == said

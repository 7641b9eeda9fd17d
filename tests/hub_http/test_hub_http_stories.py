"""A device and its hub over HTTP: what a day brings."""

from typing import Any

from sqlalchemy import func, select, text

from sync.hub.database import Database
from sync.hub.devices import Devices
from sync.hub.schema import EVENT
from sync.hub_wire import NDJSON, Joined
from tests.hub_core.world import BLOCK, person_of
from tests.hub_http.serving import Running, raw

NOW = "2026-11-23T10:00:00Z"


def event(number: int, **more: Any) -> dict[str, Any]:
    """A row of a journal."""
    return {
        "id": f"0190a5a4-0000-7000-8000-{number:012}",
        "journal": "j1",
        "seq": number,
        "at": NOW,
        "kind": "door.opened",
        **more,
    }


async def test_a_device_pulls_restrictions_then_everybody(served: Running) -> None:
    token = await served.device("door-1")
    await served.hub.put(person_of(1), person_of(2, restrictions=(BLOCK,)))
    answer = await served.get("/v1/restrictions", token)
    assert answer.headers["Content-Type"] == NDJSON
    lines, trailer = answer.lines()
    assert [line["card"] for line in lines] == ["167A000002"]
    everybody, _ = (await served.get("/v1/credentials", token)).lines()
    assert sorted(line["card"] for line in everybody) == ["167A000001", "167A000002"]
    await served.hub.put(person_of(3))
    path = f"/v1/credentials?cursor={trailer.cursor}&limit=10"
    changed, after = (await served.get(path, token)).lines()
    assert [line["card"] for line in changed] == ["167A000003"]
    assert not after.more


async def test_a_stream_is_packed_for_who_takes_gzip(served: Running) -> None:
    token = await served.device("door-1")
    await served.hub.put(*(person_of(n) for n in range(300)))
    packed = await served.get("/v1/credentials", token, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    plain = await served.get("/v1/credentials", token, headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in plain.headers
    assert packed.lines()[0] == plain.lines()[0]


async def test_a_code_becomes_a_token_once(served: Running) -> None:
    code = await Devices(served.hub.database, served.hub.now).join_code("door-1", "ESI")
    answer = await served.post("/v1/join", {"code": code})
    assert answer.status == 200
    joined = Joined(**answer.json())
    published = (await served.get("/v1/config", joined.token)).json()
    assert (published["version"], published["key"]) == (0, joined.key)
    again = (await served.post("/v1/join", {"code": code})).problem()
    assert (again.status, again.field) == (400, "code")
    assert code not in str(again)


async def test_events_are_judged_row_by_row(served: Running, database: Database) -> None:
    token = await served.device("door-1")
    body = [
        event(1),
        event(2, seq="two"),
        event(3, patron="2600123"),
        {**event(4), "id": 7},
        "nothing",
        event(5, kind="door\u0000"),
        event(6, at="2026-11-23T10:00:00"),
        event(1),
    ]
    results = (await served.post("/v1/events", body, token)).json()["results"]
    assert [r["status"] for r in results] == ["accepted", *["rejected"] * 6, "duplicate"]
    assert results[1]["id"] == body[1]["id"]  # type: ignore[index]
    assert results[1]["reason"] == "seq: expected int, got str"
    assert results[2]["reason"] == "patron: is not known here"
    assert [r["id"] for r in results[3:5]] == ["3", "4"]
    assert "offset" in results[6]["reason"]
    assert "2600123" not in str(results)
    async with database.reading() as connection:
        kept = await connection.execute(select(func.count()).select_from(EVENT))
    assert kept.scalar_one() == 1


async def test_activity_is_answered_by_place(served: Running) -> None:
    token = await served.device("door-1")
    await served.hub.put(person_of(1))
    lines, _ = (await served.get("/v1/credentials", token)).lines()
    ref = lines[0]["ref"]
    body = [{"ref": ref, "date": "2026-11-23"}, {"ref": ref}, {"ref": ref, "date": "2026-11-22"}]
    results = (await served.post("/v1/activity", body, token)).json()["results"]
    assert [(r["id"], r["status"]) for r in results] == [
        ("0", "accepted"),
        ("1", "rejected"),
        ("2", "accepted"),
    ]


async def test_a_heartbeat_brings_commands(served: Running) -> None:
    token = await served.device("door-1")
    id_ = await Devices(served.hub.database, served.hub.now).command("door-1", "sync-now")
    beat = {"at": NOW, "version": "1"}
    answer = (await served.post("/v1/heartbeat", beat, token)).json()
    assert [(c["id"], c["kind"]) for c in answer["commands"]] == [(id_, "sync-now")]
    answer = (await served.post("/v1/heartbeat", {**beat, "done": [id_]}, token)).json()
    assert answer.get("commands", []) == []


async def test_wrong_pins_are_answered_alike_and_then_not_at_all(served: Running) -> None:
    token = await served.device("door-1")
    await served.hub.put(person_of(1))
    ask = {"card": "167A000001", "pin": "9876"}
    for _ in range(5):
        answer = await served.post("/v1/verify", ask, token)
        assert answer.json() == {"verdict": "wrong"}
    slowed = await served.post("/v1/verify", ask, token)
    assert slowed.problem().status == 429
    assert 1 <= int(slowed.headers["Retry-After"]) <= 60
    assert "167A" not in slowed.body.decode()


async def test_health_says_no_more_than_that(served: Running) -> None:
    answer = await served.get("/healthz")
    assert (answer.status, answer.json()) == (200, {"status": "ok"})


PROXIED = (
    {"X-Forwarded-For": "192.0.2.7"},
    {"Forwarded": "for=x"},
    {"x-real-ip": "192.0.2.7"},
    {"X-Client-IP": "192.0.2.7"},
    {"CF-Connecting-IP": "192.0.2.7"},
    {"Via": "1.1 proxy"},
    {"Host": "hub.example.invalid"},
    {"Host": "[nonsense"},
)


async def test_metrics_are_for_this_machine_itself(served: Running) -> None:
    await served.device("door-1")
    await served.get("/v1/config", "kd1.door-1.wrong")
    told = (await served.get("/metrics")).body.decode()
    assert "kioskd_hub_devices 1\n" in told
    assert 'kioskd_hub_requests_total{path="/v1/config",status="401"} 1\n' in told
    assert "kioskd_hub_wraps_waiting 0\n" in told
    for proxied in PROXIED:
        assert (await served.get("/metrics", headers=proxied)).problem().status == 403, proxied
    old = b"GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"  # a proxy without any setting
    assert b" 403 " in (await raw(served, old))[:20]
    own = {"Host": "localhost:9", "X-Prometheus-Scrape-Timeout-Seconds": "10"}
    assert (await served.get("/metrics", headers=own)).status == 200


async def test_a_hub_with_other_rules_says_so(served: Running, database: Database) -> None:
    token = await served.device("door-1")
    async with database.writing() as connection:
        await connection.execute(text("UPDATE branch SET rules = '{}'"))
    problem = (await served.get("/v1/credentials", token)).problem()
    assert problem.status == 503
    assert "other rules" in problem.detail

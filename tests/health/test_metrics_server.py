"""/metrics over a real socket: who is answered, and who is not."""

import asyncio
import http.client
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from kioskd.daemon import metrics
from kioskd.daemon.metrics import MetricsServer, from_loop, judged
from kioskd.health.metrics import Snapshot

PATIENCE_SECONDS = 10.0  # only ever spent by a test that fails


@contextmanager
def serving(collect: Callable[[], str], listen: str = "127.0.0.1:0") -> Iterator[int]:
    server = MetricsServer(listen, collect)
    server.start()
    try:
        yield _port(server)
    finally:
        server.stop()
        assert server._thread is not None
        assert not server._thread.is_alive()


def _port(server: MetricsServer) -> int:
    end = time.monotonic() + PATIENCE_SECONDS
    while server.bound_to is None:
        assert time.monotonic() < end
        time.sleep(0.002)
    return server.bound_to


@pytest.fixture
def port() -> Iterator[int]:
    with serving(lambda: "page\n") as found:
        yield found


def say(port: int, request: bytes) -> bytes:
    """All that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(request)
        got = b""
        while data := client.recv(65536):
            got += data
        return got


def test_a_scraper_gets_the_page(port: int) -> None:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    client.request("GET", "/metrics")
    answer = client.getresponse()
    assert (answer.status, answer.read()) == (200, b"page\n")
    assert answer.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    client.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /metrics HTTP/1.1\r\nHost: localhost:9100", 200),
        ("GET /metrics?name[]=x HTTP/1.1\r\nhost: [::1]:9100", 200),
        ("GET /metrics HTTP/1.1\r\nHost:127.0.0.1", 200),
        ("GET /metrics HTTP/1.0", 200),
        ("GET /metrics HTTP/1.1\r\nHost: rebound.example.invalid", 403),
        ("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.example.invalid:9100", 403),
        ("GET /metrics HTTP/1.0\r\nHost: rebound.example.invalid", 403),
        ("GET /metrics HTTP/1.1", 400),
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost", 400),
        ("GET / HTTP/1.1\r\nHost: localhost", 404),
        ("GET /metrics/ HTTP/1.1\r\nHost: localhost", 404),
        ("POST /metrics HTTP/1.1\r\nHost: localhost", 405),
        ("HEAD /metrics HTTP/1.1\r\nHost: localhost", 405),
        ("GET /metrics", 400),
        ("GET  /metrics HTTP/1.1\r\nHost: localhost", 400),
        ("", 400),
        ("\x16\x03\x01\x02", 400),
    ],
)
def test_who_is_answered(port: int, head: str, status: int) -> None:
    assert judged(head.encode("latin-1"))[0] == status
    assert say(port, head.encode("latin-1") + b"\r\n\r\n").startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
def test_a_request_that_is_too_long_is_not_read_to_its_end(port: int, end: bytes) -> None:
    request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + end
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(request)
        assert client.recv(20).startswith(b"HTTP/1.1 400")


def test_who_hangs_up_in_the_middle_does_no_harm(port: int) -> None:
    for part in (b"", b"GET", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"):
        socket.create_connection(("127.0.0.1", port)).close()
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(part)
    assert b"page" in say(port, b"GET /metrics HTTP/1.0\r\n\r\n")


def test_who_does_not_come_to_an_end_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "REQUEST_SECONDS", 0.2)
    with serving(lambda: "page\n") as port:
        assert say(port, b"GET /metrics HTTP/1.1\r\n") == b""


def test_eight_who_sit_there_keep_others_out_only_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "REQUEST_SECONDS", 0.5)
    with serving(lambda: "page\n") as port:
        sitting = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
        assert say_or_reset(port) == b""
        for client in sitting:
            client.settimeout(PATIENCE_SECONDS)
            assert client.recv(1) == b""
            client.close()
        assert b"page" in say(port, b"GET /metrics HTTP/1.0\r\n\r\n")


def say_or_reset(port: int) -> bytes:
    try:
        return say(port, b"GET /metrics HTTP/1.0\r\n\r\n")
    except ConnectionError:
        return b""


def test_many_who_ask_at_once_make_one_look() -> None:
    looks: list[str] = []

    def look() -> str:
        looks.append("look\n")
        return looks[-1]

    with serving(look) as port:
        answers = {say(port, b"GET /metrics HTTP/1.0\r\n\r\n") for _ in range(20)}
    assert len(looks) < 20
    assert all(b"look" in answer for answer in answers)


def test_a_look_that_fails_is_told_by_its_kind_alone(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> str:
        raise ValueError("167A006007")

    with serving(fails) as port:
        answer = say(port, b"GET /metrics HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"167A" not in answer
    assert [getattr(r, "why", "") for r in caplog.records] == ["ValueError"]


def test_a_port_that_is_taken_is_told_loudly_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(metrics, "RETRY_SECONDS", 0.01)
    taken = socket.create_server(("127.0.0.1", 0))
    listen = f"127.0.0.1:{taken.getsockname()[1]}"
    server = MetricsServer(listen, lambda: "page\n")
    with caplog.at_level(logging.DEBUG, "kioskd.metrics"):
        server.start()
        end = time.monotonic() + PATIENCE_SECONDS
        while len(caplog.records) < 3 and time.monotonic() < end:
            time.sleep(0.005)
        taken.close()
        assert b"page" in say(_port(server), b"GET /metrics HTTP/1.0\r\n\r\n")
        server.stop()
    assert [r.levelname for r in caplog.records[:3]] == ["ERROR", "DEBUG", "DEBUG"]
    assert listen in str(getattr(caplog.records[0], "why", ""))


def test_over_ipv6() -> None:
    with serving(lambda: "page\n", "[::1]:0") as port:
        client = http.client.HTTPConnection("::1", port, timeout=PATIENCE_SECONDS)
        client.request("GET", "/metrics")
        assert client.getresponse().read() == b"page\n"
        client.close()


def test_off_is_no_thread() -> None:
    before = threading.active_count()
    server = MetricsServer("", lambda: "page\n")
    server.start()
    assert threading.active_count() == before
    server.stop()


async def test_a_look_is_made_in_the_daemons_loop() -> None:
    seen = []

    def look() -> Snapshot:
        seen.append(threading.current_thread())
        return Snapshot(journal_seq=7)

    collect = from_loop(asyncio.get_running_loop(), look)
    with serving(collect) as port:
        answer = await asyncio.to_thread(say, port, b"GET /metrics HTTP/1.0\r\n\r\n")
    assert b"kioskd_journal_seq 7\n" in answer
    assert seen == [threading.main_thread()]


async def test_a_loop_that_does_not_turn_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "LOOK_SECONDS", 0.05)
    looked: list[Snapshot] = []

    def look() -> Snapshot:
        looked.append(Snapshot())
        return looked[-1]

    with serving(from_loop(asyncio.get_running_loop(), look)) as port:
        # Asked from the loop's own thread, so the loop stands still meanwhile.
        answer = say(port, b"GET /metrics HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 503")
    await asyncio.sleep(0)
    assert looked == []


def test_a_loop_that_is_gone() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    with serving(from_loop(loop, Snapshot)) as port:
        assert say(port, b"GET /metrics HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 503")

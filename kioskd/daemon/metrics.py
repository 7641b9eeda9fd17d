"""Serves /metrics on loopback, from a thread and a loop of its own.

Whoever is on this machine may ask, as often as they like: none of it is done in the daemon's loop
but the look itself, which takes well under a millisecond. A page is kept for a second.

Only GET /metrics is answered, one request a connection, within five seconds, eight connections at
a time, and only under a name of this machine's own: a web page that has its name point here would
else read it through somebody's browser.

Deliberately not here: what is on the page (kioskd.health.metrics).
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from kioskd.health.metrics import CONTENT_TYPE, Snapshot, render

log = logging.getLogger("kioskd.metrics")
MOST_REQUEST: Final = 8192  # bytes; Prometheus sends about 300
MOST_CONNECTIONS: Final = 8
REQUEST_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 2.0  # a loop that takes longer is ill, and that is the answer
KEPT_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 30.0
STOP_SECONDS: Final = 1.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}


def from_loop(loop: asyncio.AbstractEventLoop, look: Callable[[], Snapshot]) -> Callable[[], str]:
    """Makes `collect` of a look that must be had in the daemon's loop.

    collect blocks its thread for LOOK_SECONDS at most. TimeoutError when the loop did not answer,
    RuntimeError when it is closed.
    """

    def collect() -> str:
        answer: concurrent.futures.Future[Snapshot] = concurrent.futures.Future()
        loop.call_soon_threadsafe(_answer, answer, look)
        try:
            return render(answer.result(LOOK_SECONDS))
        except concurrent.futures.TimeoutError:
            answer.cancel()
            raise TimeoutError("the daemon's loop did not answer") from None

    return collect


def _answer(answer: "concurrent.futures.Future[Snapshot]", look: Callable[[], Snapshot]) -> None:
    if not answer.set_running_or_notify_cancel():
        return
    try:
        answer.set_result(look())
    except Exception as error:
        answer.set_exception(error)


class MetricsServer:
    """Serves what `collect` gives. listen: "host:port" on loopback; empty = off.

    collect: called in the server's thread.
    """

    def __init__(self, listen: str, collect: Callable[[], str]) -> None:
        host, _, port = listen.rpartition(":")
        self._host = host.strip("[]")
        self._port = int(port or 0)
        self._on = bool(listen)
        self._collect = collect
        self._begun = Event()
        self._thread: Thread | None = None
        self._stop: Callable[[], object] = lambda: None
        self._connections = 0
        self._page: tuple[float, int, str] | None = None
        self.bound_to: int | None = None

    def start(self) -> None:
        """Begin to serve; returns at once. A port that cannot be had is tried again for ever."""
        if not self._on:
            return
        # A daemon thread: it holds up nobody's exit.
        self._thread = Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving; blocks for a second at most."""
        if self._thread is None:
            return
        self._begun.wait(STOP_SECONDS)
        with contextlib.suppress(RuntimeError):  # it has just ended by itself
            self._stop()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError), asyncio.Runner() as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101
        self._stop = lambda: loop.call_soon_threadsafe(task.cancel)
        self._begun.set()
        failing = False
        while True:
            try:
                server = await asyncio.start_server(
                    self._connected, self._host, self._port, limit=MOST_REQUEST
                )
            except OSError as error:
                level = logging.DEBUG if failing else logging.ERROR
                why = f"{self._host}:{self._port}: {error.strerror}; free it or change it"
                log.log(level, "metrics.failed", extra={"why": why})
                failing = True
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self.bound_to = server.sockets[0].getsockname()[1]
            async with server:
                await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections <= MOST_CONNECTIONS:
                async with asyncio.timeout(REQUEST_SECONDS):
                    writer.write(await self._answered(reader))
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.CancelledError):
            # A client that went away or never came to its end; or the server stops.
            writer.transport.abort()
        finally:
            self._connections -= 1
            writer.close()

    async def _answered(self, reader: asyncio.StreamReader) -> bytes:
        try:
            asked = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return response(400, "one request of at most 8 KiB, ended by an empty line\n")
        status, why = judged(asked)
        return response(status, why) if status != 200 else self._paged()

    def _paged(self) -> bytes:
        now = time.monotonic()
        if self._page is None or now - self._page[0] >= KEPT_SECONDS:
            self._page = (now, *self._look())
        return response(self._page[1], self._page[2])

    def _look(self) -> tuple[int, str]:
        try:
            return 200, self._collect()
        except (TimeoutError, RuntimeError) as error:
            return 503, f"{error}\n"
        except Exception as error:
            log.error("metrics.fault", extra={"why": type(error).__name__})  # noqa: TRY400
            return 503, "the page could not be made\n"


def judged(asked: bytes) -> tuple[int, str]:
    """The status of a request's head, and why it is refused. 200: it gets the page."""
    first, *headers = asked.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.0", "HTTP/1.1"):
        return 400, "no request of HTTP/1.1\n"
    hosts = [line[5:].strip() for line in headers if line[:5].lower() == "host:"]
    if len(hosts) > 1 or (not hosts and words[2] == "HTTP/1.1"):
        return 400, "one Host header is needed\n"
    if hosts and _without_port(hosts[0]) not in _LOOPBACK:
        return 403, "ask for this machine under its own name: 127.0.0.1, [::1] or localhost\n"
    if words[0] != "GET":
        return 405, "only GET\n"
    if words[1].partition("?")[0] != "/metrics":
        return 404, "only /metrics\n"
    return 200, ""


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name.lower() if colon and port.isdigit() and port.isascii() else host.lower()


def response(status: int, text: str) -> bytes:
    """A whole response; the connection ends after it."""
    body = text.encode()
    kind = CONTENT_TYPE if status == 200 else "text/plain; charset=utf-8"
    allow = "Allow: GET\r\n" if status == 405 else ""
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\n"
        f"Content-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"{allow}"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body

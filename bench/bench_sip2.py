"""SIP2: a message read and a message made, beside two programs of others; a verification.

The other programs are PyPI's `sip2` (a client) and `pysip2` (a server). A verification goes over
loopback to a server process; the raw baseline sends the same bytes to the same server over a
plain blocking socket and reads one line, so that what is over is this project's own.
Deliberately not here: what a real library system takes to answer.
"""

import asyncio
import contextlib
import io
import logging
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pysip2 import decode_message, encode_message
from pysip2.models import PatronInformationRequest

from bench.figures import Figure, median, percentile, ratio_to
from bench.sip_server import CARD, PIN, RawAsker
from kioskd.clock.system import SystemClock
from kioskd.domain.ils import Standing
from sync.sip2.client import SipClient
from sync.sip2.dialects import DIALECTS
from sync.sip2.messages import Message, checksum, encode, parse
from sync.sip2.settings import SipSettings
from sync.sip2.verify import SipVerifier

SAMPLES, QUICK_SAMPLES = 20_000, 500
ASKED, QUICK_ASKED = 1_000, 50
MAX_PARSE_US, MAX_ENCODE_US, MAX_VERIFY_MS = 15.0, 10.0, 3.0
_DATE: Final = "20261123    101500"
_FIELDS: Final = (
    "AOESI|AA167A006007|AEVirtanen, Väinö|BZ0050|CA0010|CB0100|BLY|CQY|BHEUR|BV12.50|CC50.00|"
    "AU167N00000001|AU167N00000002|AU167N00000003|AS167N00000009|BDKatu 1|BEx@example.invalid|"
    "BF0500|AFTervetuloa|AY3AZ"
)
_ROOT: Final = Path(__file__).resolve().parent.parent


def run(quick: bool) -> list[Figure]:
    """Reading, making, verifying."""
    samples = QUICK_SAMPLES if quick else SAMPLES
    asked = QUICK_ASKED if quick else ASKED
    other = _other_client()
    return [
        *_reading(samples, other),
        *_making(samples, other),
        *_verifying(asked),
    ]


def _reading(samples: int, other: Any) -> list[Figure]:
    data = f"64              007{_DATE}000100000003000000000001{_FIELDS}".encode()
    data += checksum(data).encode()
    text, line = data.decode(), data + b"\r"
    assert len(parse(data).fields) == 19
    assert other.sip_patron_information_response(text)["variable"]["AA"] == ["167A006007"]
    ours, client, server = _in_turns(
        samples,
        lambda: parse(data),
        lambda: (other._crc_verify(text), other.sip_patron_information_response(text)),
        lambda: decode_message(line, encoding="utf-8"),
    )
    size = f"{len(data)} bytes, 19 fields, checksum looked at"
    return [
        _micro("read a patron information (64)", ours, None, MAX_PARSE_US, size),
        _micro("the same by PyPI sip2", client, ours, None, "no code points, no malformed ones"),
        _micro("the same by PyPI pysip2", server, ours, None, "unknown fields thrown away"),
    ]


def _making(samples: int, other: Any) -> list[Figure]:
    fixed = {"language": "007", "transaction_date": _DATE, "summary": " " * 10}
    fields = (("AO", "ESI"), ("AA", CARD), ("AC", ""), ("AD", PIN))
    typed = PatronInformationRequest(
        **fixed,
        institution_id="ESI",
        patron_identifier=CARD,
        terminal_password="",
        patron_password=PIN,
    )
    other.institutionId, other.patron, other.patronpwd = "ESI", CARD, PIN
    other.log.disabled = True
    ours, client, server = _in_turns(
        samples,
        lambda: encode(Message("63", fixed, fields), seq=3, checked=True),
        lambda: other.sip_patron_information_request("none").encode(),
        lambda: encode_message(typed, sequence_number=3, checksum=True, encoding="utf-8"),
    )
    return [
        _micro("make a patron information request (63)", ours, None, MAX_ENCODE_US, "4 fields"),
        _micro("the same by PyPI sip2", client, ours, None, "its date included"),
        _micro("the same by PyPI pysip2", server, ours, None, "validated"),
    ]


def _verifying(asked: int) -> list[Figure]:
    with _server() as port:
        took, threads = asyncio.run(_verify(port, asked))
        raw = RawAsker(port)
        base = [raw.took_ms() for _ in range(asked)]
    over = median(took) - median(base)
    size = f"{asked:,} over loopback, pysip2 in a process of its own"
    return [
        Figure(
            "a patron verification",
            "ms",
            median(took),
            p99=percentile(took, 99),
            baseline=median(base),
            ratio=ratio_to(median(took), median(base)),
            budget=f"<= {MAX_VERIFY_MS:g} ms over the server's time",
            ok=over <= MAX_VERIFY_MS,
            size=size,
        ),
        Figure(
            "threads at their most, over those at the start",
            "threads",
            float(max(threads) - threads[0]),
            budget="0",
            ok=max(threads) == threads[0],
            size=f"{asked:,} requests",
        ),
    ]


async def _verify(port: int, asked: int) -> tuple[list[float], list[int]]:
    clock = SystemClock()
    settings = SipSettings(
        "127.0.0.1", port, DIALECTS["koha"], tls=False, institution="ESI", location="ESI"
    )
    client = SipClient(settings, clock=clock)
    running = asyncio.create_task(client.run(), name="client")
    await asyncio.sleep(0)  # it runs
    verifier = SipVerifier(client, settings, clock)
    took, threads = [], []
    for _ in range(asked):
        began = time.perf_counter_ns()
        verdict = await verifier.verify(CARD, PIN, clock.monotonic() + 5)
        took.append((time.perf_counter_ns() - began) / 1e6)
        threads.append(threading.active_count())
        assert verdict.standing is Standing.OK
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return took, threads


@contextmanager
def _server() -> Iterator[int]:
    command = [sys.executable, "-m", "bench.sip_server"]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def _in_turns(samples: int, *calls: Callable[[], object]) -> tuple[list[float], ...]:
    """Microseconds of each call, one after the other, so that all meet the same moments."""
    took: tuple[list[float], ...] = tuple([] for _ in calls)
    for _ in range(samples):
        for call, times in zip(calls, took, strict=True):
            began = time.perf_counter_ns()
            call()
            times.append((time.perf_counter_ns() - began) / 1e3)
    return took


def _micro(
    name: str, times: Sequence[float], ours: Sequence[float] | None, most: float | None, size: str
) -> Figure:
    mid = median(times)
    base = median(ours) if ours is not None else None
    budget = f"<= {most:g} us" if most is not None else ""
    return Figure(
        name,
        "us",
        mid,
        p99=percentile(times, 99),
        baseline=base,
        ratio=ratio_to(mid, base),
        budget=budget,
        ok=most is None or mid <= most,
        size=size,
    )


def _other_client() -> Any:
    """PyPI's client; it opens a log file where it stands, and says good-bye when it goes."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.chdir(folder),
    ):
        from Sip2.sip2 import Sip2  # type: ignore[import-untyped]

        client = Sip2()
        client.withSeq = client.withCrc = True
        client.log = logging.getLogger("silent")
        client.log.disabled = True
    client.disconnect = lambda: None
    client.__class__.__del__ = lambda self: None
    return client

"""`kioskd run` with a clock on every callback of its loop; writes what it found at its end.

python -P bench/instrumented.py --out FILE --config FILE
"""

import argparse
import asyncio
import json
import time
from asyncio import events
from functools import partial
from pathlib import Path
from typing import Any

from kioskd import logs
from kioskd.config.load import load
from kioskd.daemon import run as daemon
from kioskd.daemon import signals
from kioskd.daemon.boot import secure_strikes
from kioskd.daemon.service import Service
from kioskd.vault.kdf import PinChecker, compute
from kioskd.vault.verifiers import Verifier

TICK_SECONDS = 0.005
KEEP = 20  # of the longest callbacks, by name

cpu_ms: list[float] = []
worst: list[tuple[str, float]] = []
lag_ms: list[float] = []
kdf_ms: list[float] = []


def main() -> int:
    """Run the daemon as it is, measured."""
    signals.hold()
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--loop", action="store_true")
    options = parser.parse_args()
    _clock_kdf()
    if options.loop:
        _clock_callbacks()
        _clock_lag()
    config = load(options.config)
    lines = logs.set_up("text")
    secure_strikes(config)
    code = daemon.run(config)
    lines.finish()
    worst.sort(key=lambda found: -found[1])
    found = {
        "callback_cpu_ms": cpu_ms,
        "worst": worst[:KEEP],
        "lag_ms": lag_ms,
        "kdf_ms": kdf_ms,
    }
    options.out.write_text(json.dumps(found), encoding="utf-8")
    return code


def _clock_kdf() -> None:
    def clocked(verifier: Verifier, secret: bytes) -> bytes:
        began = time.perf_counter()
        try:
            return compute(verifier, secret)
        finally:
            kdf_ms.append((time.perf_counter() - began) * 1000)

    daemon.PinChecker = partial(PinChecker, compute=clocked)  # type: ignore[attr-defined,assignment]


def _clock_callbacks() -> None:
    plain = events.Handle._run

    def clocked(handle: Any) -> None:
        name = _name_of(handle._callback)
        began = time.thread_time()
        plain(handle)
        took = (time.thread_time() - began) * 1000
        cpu_ms.append(took)
        if took > 1.0:
            worst.append((name, took))

    events.Handle._run = clocked  # type: ignore[method-assign,assignment]


def _name_of(callback: Any) -> str:
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        return task.get_name()
    return str(getattr(callback, "__qualname__", callback))


def _clock_lag() -> None:
    plain = Service.serve

    async def clocked(service: Any, *arguments: Any) -> None:
        ticking = asyncio.create_task(_tick())
        try:
            await plain(service, *arguments)
        finally:
            ticking.cancel()

    Service.serve = clocked  # type: ignore[method-assign,assignment]


async def _tick() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        lag_ms.append((loop.time() - due) * 1000)


if __name__ == "__main__":
    raise SystemExit(main())

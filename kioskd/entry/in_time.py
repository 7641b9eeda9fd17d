"""Waiting for the disk no longer than a grant is good."""

import asyncio

from kioskd.errors import StoreError
from kioskd.ports import Clock

GRANT_SECONDS = 2.0  # POLICY: a grant is good for this long after the verdict


async def in_time(work: "asyncio.Future[None]", until: float, clock: Clock) -> None:
    """Wait for a row until then (monotonic); StoreError when it failed or is not there yet.

    The row itself is not given up: it may still get written.
    """
    timer = asyncio.ensure_future(clock.sleep_until(until))
    try:
        await asyncio.wait({work, timer}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()
    if not work.done():
        raise StoreError("the journal did not answer in time; see what keeps its disk busy")
    work.result()

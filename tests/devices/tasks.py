"""A task for the length of a block."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def held(running: Coroutine[object, object, None]) -> AsyncIterator["asyncio.Task[None]"]:
    """Run it beside the block; its own fault, if it has one, is raised at the end."""
    task = asyncio.create_task(running)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

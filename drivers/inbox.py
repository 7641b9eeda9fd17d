"""Bounded queues of what a device yields, read as async iterators.

Of scans and keys the newest is dropped when there is no room: a flood cannot push out what came
before it. Of states the oldest is dropped: what counts is how things are now.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

T = TypeVar("T")

CAPACITY = 64  # scans or keys; a person makes a few a second


class Inbox(AsyncIterator[T], Generic[T]):
    """Filled from the loop, read by one task; it never ends by itself."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[T] = asyncio.Queue(CAPACITY)

    def put(self, item: T) -> bool:
        """Add an item; False when there was no room and it was dropped."""
        if self._queue.full():
            return False
        self._queue.put_nowait(item)
        return True

    async def __anext__(self) -> T:
        return await self._queue.get()


class Newest(Inbox[T], Generic[T]):
    """An Inbox of states."""

    def put(self, item: T) -> bool:
        """Add an item; False when an older one was dropped for it."""
        full = self._queue.full()
        if full:
            self._queue.get_nowait()
        self._queue.put_nowait(item)
        return not full

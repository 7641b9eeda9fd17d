"""What happens, for screens that listen: topics, and a bounded queue for each listener.

A listener that does not read loses the oldest events and is told how many. The newest event of
a topic is kept for who comes later, so a screen that starts shows what the door shows now.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

WAITING: Final = 256  # events; some seconds of a busy door
_KEPT: Final = ("panel",)  # topics whose newest event is told to newcomers


class Listener:
    """One screen's events, to be awaited one by one."""

    def __init__(self, topics: Iterable[str], events: Iterable[dict[str, Any]]) -> None:
        self.topics = frozenset(topics)
        self._waiting: deque[dict[str, Any]] = deque(events, maxlen=WAITING)
        self._lost = 0
        self._more = asyncio.Event()
        if self._waiting:
            self._more.set()

    def put(self, event: dict[str, Any]) -> None:
        """An event of one of the topics."""
        if len(self._waiting) == WAITING:
            self._lost += 1
        self._waiting.append(event)
        self._more.set()

    async def next(self) -> dict[str, Any]:
        """The next event; one that follows lost ones counts them as `lost`."""
        while not self._waiting:
            self._more.clear()
            await self._more.wait()
        event, lost, self._lost = self._waiting.popleft(), self._lost, 0
        return {**event, "lost": lost} if lost else event


class Broadcaster:
    """ports.Broadcast within the loop's thread; others come in by call_soon_threadsafe."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._newest: dict[str, dict[str, Any]] = {}

    def publish(self, topic: str, event: Mapping[str, object]) -> None:
        """Tell every listener of the topic."""
        message: dict[str, Any] = {**event, "event": topic}
        if topic.partition(":")[0] in _KEPT:
            self._newest[topic] = message
        for listener in self._listeners:
            if topic in listener.topics:
                listener.put(message)

    def forget(self, topic: str) -> None:
        """Nothing of this topic is told to newcomers any more: its door is gone."""
        self._newest.pop(topic, None)

    def listen(self, topics: Iterable[str]) -> Listener:
        """Begin to listen; what a door shows now comes first."""
        wanted = list(topics)
        listener = Listener(wanted, [self._newest[t] for t in wanted if t in self._newest])
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Stop listening."""
        self._listeners.discard(listener)

    def listeners(self, topic: str) -> int:
        """How many listen to a topic."""
        return sum(topic in listener.topics for listener in self._listeners)

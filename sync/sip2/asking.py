"""How the parts with a question reach the library system. sync.sip2.client.SipClient is one."""

from typing import Protocol

from sync.sip2.messages import Message


class Asks(Protocol):
    """One request, one answer. deadline: total, in seconds of the monotonic clock.

    NotAsked: the request never left. NoAnswer: it left, and nobody knows what became of it.
    LogInRefused: the library system does not know this device.
    """

    async def ask(self, message: Message, deadline: float) -> Message: ...

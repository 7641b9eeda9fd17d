"""The one client of the control socket: for commands (Client) and for screens (Link).

    with Client(path) as daemon:
        daemon.ask("status")

    async with await open_link(path) as link:
        await link.subscribe(["panel:front"])
        async for event in link.events(): ...

Whatever goes wrong is an AskError that names the socket and the way out; what a daemon sent is
cleaned of control characters in it. Commands do not pay for asyncio: only a link imports it.
Deliberately not here: trying again, and what verbs mean.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kioskd.client.command import Client
from kioskd.client.faults import (
    ABSENT,
    FORBIDDEN,
    GONE,
    OTHER_VERSION,
    REFUSED,
    SILENT,
    TIMEOUT,
    AskError,
)
from kioskd.client.places import NoPlace, sockets

if TYPE_CHECKING:
    from kioskd.client.link import Link

__all__ = [
    "ABSENT",
    "FORBIDDEN",
    "GONE",
    "OTHER_VERSION",
    "REFUSED",
    "SILENT",
    "TIMEOUT",
    "AskError",
    "Client",
    "Link",
    "NoPlace",
    "open_link",
    "sockets",
]


async def open_link(path: Path, patience: float = TIMEOUT) -> "Link":
    """Connect and be greeted. patience: seconds for that, and for each answer. AskError."""
    from kioskd.client.link import connected

    return await connected(path, patience)


def __getattr__(name: str) -> Any:
    # `from kioskd.client import Link` works, and costs nothing where nobody asks for it.
    if name != "Link":
        raise AttributeError(name)
    from kioskd.client.link import Link

    return Link

"""How many connections one hub holds: its limit of open files, and those of one address.

    most = connections_within(raised_files())
    with hushed(): ...          a fault of sockets is a few lines of log, not thousands a second

Whoever has shown a good token counts no more for its address: behind a proxy or a router many
devices have one. Of the others an address has STRANGERS, so that it cannot take all places.

Deliberately not here: the sockets themselves (front).
"""

import contextlib
import ipaddress
import logging
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Final

CONNECTIONS: Final = 10_000  # a device has two or three: its calls, its hints
STRANGERS: Final = 4_000  # of one address without a token, and never above half of all
FILES: Final = 65_536  # open files; what is above CONNECTIONS is for those that still shake hands
_OWN: Final = 200  # files of the hub itself: database, log, libraries
_NETWORK: Final = 64  # bits of an IPv6 address that are one customer's
_LINES: Final = 5  # of one fault in _WINDOW seconds
_WINDOW: Final = 60.0
_KINDS: Final = 100  # of faults that are told apart


def raised_files() -> int:
    """Raise this process's limit of open files as far as it may; what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return files()


def files() -> int:
    """How many files this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return FILES if soft == resource.RLIM_INFINITY else soft


def connections_within(files: int) -> int:
    """How many connections fit, with files left for the hub itself."""
    return min(CONNECTIONS, max(files - _OWN, files // 2))


class Places:
    """Who has a connection: at most so many, and of one address so many without a token."""

    def __init__(self, most: int, strangers: int = STRANGERS) -> None:
        self._most = most
        self._strangers = min(strangers, max(1, most // 2))
        self._all = 0
        self._of: Counter[str] = Counter()

    def come(self, address: str) -> bool:
        """One more, without a token yet; False when there is no place."""
        if self._all >= self._most or self._of[address] >= self._strangers:
            return False
        self._all += 1
        self._of[address] += 1
        return True

    def welcome(self, address: str) -> None:
        """One of them has shown a good token."""
        self._of[address] -= 1
        if not self._of[address]:
            del self._of[address]

    def leave(self, address: str | None) -> None:
        """One is gone. address: of one that has shown none."""
        self._all -= 1
        if address is not None:
            self.welcome(address)


def address_of(peername: object) -> str:
    """Whose connection it is: an IPv4 address or an IPv6 network; empty when it has none."""
    host = str(peername[0]).partition("%")[0] if isinstance(peername, tuple) else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv4Address):
        return host
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, _NETWORK), strict=False))


@contextlib.contextmanager
def hushed(name: str = "asyncio") -> Iterator[None]:
    """A library's logger tells each fault a few times a minute, for as long as the block."""
    hush, log = Hush(), logging.getLogger(name)
    log.addFilter(hush)
    try:
        yield
    finally:
        log.removeFilter(hush)


class Hush(logging.Filter):
    """Lets the first lines of a fault through; the next minute's first says how many were not."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this line is told."""
        what, now = record.getMessage().partition("\n")[0], self._clock()
        since, count = self._seen.get(what, (now, 0))
        if now - since >= _WINDOW:
            if count > _LINES:
                record.msg = f"{record.getMessage()}\n{count - _LINES} more were left out"
                record.args = ()
            since, count = now, 0
        if what not in self._seen and len(self._seen) >= _KINDS:
            self._seen.clear()
        self._seen[what] = since, count + 1
        return count < _LINES

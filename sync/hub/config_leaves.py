"""Leaves of the hub's own keys: one function for each sort of value that only the hub has.

As in kioskd.config.leaves, each raises Unfit with what is wrong and the way out. A database's URL
may hold a password: no message repeats any of it.

Deliberately not here: checks across keys (config).
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from kioskd.config.leaves import NAME, code, directory, many, text
from kioskd.config.patterns import pattern
from kioskd.config.walk import Leaf, Place, Unfit, did_you_mean, quoted
from sync.hub.config_file import secret_text

SEND_KINDS: Final = ("loan-ban", "no-offline-loan", "debarred", "fees")
_LISTEN: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})", re.ASCII)
_LOOPBACK: Final = re.compile(r"127(\.\d{1,3}){3}|localhost|\[::1\]", re.ASCII)
_WANTED_URL: Final = 'must be "sqlite:////path/hub.db", "postgresql://..." or "credential:NAME"'


def listen(place: Place, value: object) -> str:
    """host:port to listen on; port 0 takes any that is free."""
    address = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if address is None or int(address[2]) > 65535:
        raise Unfit('must be host:port, like "127.0.0.1:8080" or "[::]:8443"')
    return str(value)


def is_loopback(address: str) -> bool:
    """Whether only programs of this machine reach it."""
    return _LOOPBACK.fullmatch(address.rpartition(":")[0]) is not None


def database(environ: Mapping[str, str]) -> Leaf:
    """A database's URL, or where it stands."""

    def leaf(place: Place, value: object) -> str:
        url = value if isinstance(value, str) else ""
        if url.startswith(("credential:", "file:")):
            try:
                url = secret_text(url, environ)
            except ValueError as wrong:
                raise Unfit(str(wrong)) from None
        return _url(url)

    return leaf


def has_password(url: str) -> bool:
    """Whether whoever reads this URL could log in with it."""
    return urlsplit(url).password is not None


def name(place: Place, value: object) -> str:
    """What a municipality or a feed is called."""
    written = text(place, value)
    if not NAME.fullmatch(written):
        raise Unfit(f"{quoted(written)} is not a name; letters, digits, '-' and '_', at most 64")
    return written


def each_once(leaf: Leaf, *, least: int = 0) -> Leaf:
    """A list in which nothing stands twice."""

    def listed(place: Place, value: object) -> tuple[Any, ...] | None:
        taken: tuple[Any, ...] | None = many(leaf, least=least)(place, value)
        if taken is not None and len(set(taken)) < len(taken):
            raise Unfit("names something twice; each once")
        return taken

    return listed


def known(what: str, names: Collection[str]) -> Leaf:
    """One of the names that stand elsewhere in the file."""

    def leaf(place: Place, value: object) -> str:
        written = text(place, value)
        if written not in names:
            raise Unfit(f"{quoted(written)} is no {what}; {did_you_mean(written, names)}")
        return written

    return leaf


def card_pattern(place: Place, value: object) -> str:
    """A regular expression of patron cards, bounded in what it costs."""
    compiled: re.Pattern[str] = pattern(place, value)
    return compiled.pattern


def attribute(place: Place, value: object) -> str:
    """The code of a patron attribute, as the register has it; empty where there is none."""
    return "" if value == "" else code(place, value)


def file(place: Place, value: object) -> Path:
    """An absolute path of a file."""
    return directory(place, value)


def _url(url: str) -> str:
    if not url.isprintable():
        raise Unfit(_WANTED_URL)
    if url.startswith("sqlite:///"):
        if not url.startswith("sqlite:////"):
            raise Unfit("must be an absolute path, with four slashes: sqlite:////var/lib/...")
        return url
    try:
        parts = urlsplit(url)
        fits = parts.scheme == "postgresql" and len(parts.path) > 1 and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise Unfit(_WANTED_URL)
    return url

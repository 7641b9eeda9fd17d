"""What is judged of the hub and the line to it. Pure; who is contacted is said in every case.

Deliberately not here: looking (kioskd.daemon.line_look), and alerts (line_alerts).
"""

from collections.abc import Iterator
from typing import Final

from kioskd.domain.line import LineView
from kioskd.health.examined import HubLook
from kioskd.health.findings import Finding, bad, look, ok
from kioskd.health.line_alerts import CERTIFICATE_DAYS, SKEW_SECONDS

_SEEN: Final = "%Y-%m-%d %H:%M"


def hub_checks(hub: HubLook, besides: str = "") -> Iterator[Finding]:
    """Whom this device contacts, from which address, and how that goes.

    besides: where commands go as well; empty: nowhere.
    """
    yield _network(hub, besides)
    if hub.token:
        yield bad("hub token", hub.token, "`kioskd setup --join CODE` fetches one")
    if hub.line is None:
        yield look("hub", "the daemon was not asked: nobody knows how the line is", "start it")
        return
    yield _line(hub.line)
    yield from _small_print(hub.line)


def _network(hub: HubLook, besides: str) -> Finding:
    way = f"{hub.url} through {hub.proxy}" if hub.proxy else hub.url
    if not hub.own:
        return bad("network", f"{way}: {hub.why}", "check the name, the cable and the resolver")
    if besides:
        told = f"goes out to {way}, from {hub.own}; commands that look at the library system to"
        return ok("network", f"{told} {besides}")
    return ok("network", f"goes out to {way} alone, from {hub.own}")


def _line(line: LineView) -> Finding:
    if line.refused:
        todo = "at the hub: `kioskd-hub device join-code NAME`, then `kioskd setup --join CODE`"
        return bad("hub", f"does not know this device: {line.why}", todo)
    if not line.up:
        todo = "what to try first stands before the colon; doors go on with what is in the cache"
        return look("hub", f"{line.why}{_since(line)}", todo)
    how = "changes come at once" if line.hints else "no hints of changes: asked now and then"
    return ok("hub", f"answers; {how}{_since(line)}")


def _since(line: LineView) -> str:
    return f"; last complete pull {line.pulled.astimezone():{_SEEN}}" if line.pulled else ""


def _small_print(line: LineView) -> Iterator[Finding]:
    if line.held:
        todo = "at the hub: `kioskd-hub device command NAME sync-now`"
        yield bad("credentials", "dropped on the hub's word: nobody is let in", todo)
    if line.config_why:
        todo = "mend what it names; the last good hours and lists stay until then"
        yield bad(
            "published", f"hours and lists of the hub are not in force: {line.config_why}", todo
        )
    if line.dead:
        todo = "see `kioskd sync status`"
        yield look("events", f"the hub refused {line.dead} of them for good", todo)
    if line.waiting:
        yield ok("events", f"{line.waiting} wait for the hub")
    days = line.certificate_days
    if days is not None and days < CERTIFICATE_DAYS:
        yield look("hub certificate", f"ends in {days} days", "renew it at the hub")
    elif days is not None:
        yield ok("hub certificate", f"good for {days} days")
    if line.skew_seconds is not None and abs(line.skew_seconds) > SKEW_SECONDS:
        told = f"this clock is {line.skew_seconds:+.0f} s from the hub's"
        yield look("clock", told, "see which of the two is wrong")

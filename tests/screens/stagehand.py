"""A stage and a daemon as the demo's panel meets them: real sockets with little behind them.

The stage speaks kioskd.wire and remembers what it was asked for; the daemon is the real control
server, whose verbs answer as the test says.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from kioskd import wire
from kioskd.control.people import Person
from kioskd.domain.moment import stamp
from kioskd.domain.notice import Notice, Shown
from tests.control.wired import Wired
from tests.screens.doorkeeper import SITE

STATE: Final[Mapping[str, Any]] = {
    "relay": "secured",
    "lamps": {"red": False, "green": False, "wait": False},
    "display": ["Esimerkkilän", "kirjasto", "", "Lue kirjastokortti"],
    "devices": {
        f"front-{name}": "plugged" for name in ("scanner", "keypad", "relay", "display", "inputs")
    },
    "contact": "closed",
    "offset_seconds": 0,
    "daemon": "runs",
}
NAMES: Final = (
    ("Aino", "argon2id, right PIN", "4711"),
    ("Bertta", "bcrypt, right PIN", "4711"),
    ("Cecilia", "forgot her PIN", "4711"),
    ("Daavid", "no PIN in the register", ""),
    ("Eeva", "blocked from self-service", "4711"),
    ("Fredrik", "use ban", "4711"),
    ("Greta", "card in Code 39", "4711"),
    ("Heikki", "membership expired", "4711"),
    ("Iida", "under age", "4711"),
    ("Jussi", "under age, with consent", "4711"),
    ("Kaarina", "card reported lost", "4711"),
    ("Lauri", "a slow typist", "4711"),
    ("Maija", "cleaner, on the allow-list", "8642"),
    ("Nobody", "unknown card", ""),
    ("Olli", "on the deny-list", "4711"),
    ("Pirkko", "category not allowed", "4711"),
)
PEOPLE: Final = [
    {"id": name.lower(), "title": f"{name}, {what}", "pin": pin, "note": ""}
    for name, what, pin in NAMES
]
RULE_NAMES: Final = (
    *("DENY_LISTED", "LOCKDOWN", "CLOCK_UNTRUSTED", "CLOSED", "LOCKED_OUT", "CACHE_UNREADABLE"),
    *("UNKNOWN_CARD", "WRONG_PIN", "PIN_NOT_SET", "NOT_KNOWN_OFFLINE", "PIN_TIMEOUT", "CANCELLED"),
    *("CARD_LOST", "CACHE_TOO_OLD", "EXPIRED", "USE_BAN", "SELF_SERVICE_BLOCK"),
    *("TERMS_NOT_ACCEPTED", "CATEGORY_NOT_ALLOWED", "UNDER_AGE", "DEBARRED", "FEES", "FULL"),
)
_LOOKED_AT: Final = {
    "CLOSED": "self-service",
    "CLOCK_UNTRUSTED": "trusted",
    "WRONG_PIN": "taken as right; a PIN is never asked for here",
    "CACHE_TOO_OLD": "0.1 h old, good for 120.0 h",
    "EXPIRED": "no expiry date",
    "CATEGORY_NOT_ALLOWED": "every category is allowed",
    "UNDER_AGE": "limit 15 years",
    "FULL": "nobody is counted",
}
STATUS: Final[Mapping[str, Any]] = {
    "lockdown": False,
    "hours": {"state": "self-service", "next_change": None},
    "clock": {"trusted": True, "why": ""},
    "cache": {"readable": True, "credentials": 16},
    "alerts": [],
}


def rules(failing: str = "", why: str = "") -> dict[str, Any]:
    """The answer to `explain`: every rule passes but one, and the lists' last do not apply."""
    told: list[dict[str, Any]] = [
        {"rule": name, "passed": True, "detail": _LOOKED_AT.get(name, "")} for name in RULE_NAMES
    ]
    for rule in told:
        if rule["rule"] in ("DEBARRED", "FEES", "FULL"):
            rule["passed"] = None
        if rule["rule"] == failing:
            rule |= {"passed": False, "detail": why}
    return {"door": "front", "at": "", "granted": not failing, "reason": failing, "rules": told}


class FakeStage:
    """The demo's socket. `state` and `answers` may be changed; `told` publishes the former."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state: dict[str, Any] = deepcopy(dict(STATE))
        self.answers: dict[str, Any] = {"people": {"people": PEOPLE}, "explain": rules()}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.refuses: dict[str, str] = {}
        self.did: Callable[[str, Mapping[str, Any]], None] = lambda verb, args: None
        self._listeners: list[asyncio.StreamWriter] = []
        self._clients: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """In this loop; hangs up on everybody in the end."""
        server = await asyncio.start_unix_server(self._met, self.path)
        try:
            yield
        finally:
            server.close()
            self.hang_up()
            if self._clients:
                await asyncio.wait(self._clients)

    def hang_up(self) -> None:
        """As if the demo had ended."""
        for writer in self._listeners:
            writer.transport.abort()

    def told(self, **changes: Any) -> None:
        """The stage changes, and says so."""
        self.state |= changes
        for writer in self._listeners:
            writer.write(wire.line({**self.state, "event": "stage"}))

    def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._listeners.append(writer)
        self._clients.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire.hello("demo"))
        while text := await reader.readline():
            request = wire.request_of(text)
            assert isinstance(request, wire.Request)
            writer.write(wire.line({"id": request.id, **self._answer(request)}))
        writer.close()

    def _answer(self, request: wire.Request) -> dict[str, Any]:
        verb, args = request.verb, dict(request.args)
        if verb == "subscribe":
            return {"ok": {"topics": args["topics"]}}
        if verb == "state":
            return {"ok": self.state}
        self.asked.append((verb, args))
        if verb in self.refuses:
            return {"error": {"code": wire.FAILED, "message": self.refuses[verb]}}
        self.did(verb, args)
        return {"ok": self.answers.get(verb, {})}


class Theatre:
    """Both sockets in a folder: `stage` and `daemon`, of which the latter may come and go."""

    def __init__(self, folder: Path) -> None:
        self.stage = FakeStage(folder / "demo.sock")
        self.control = folder / "control.sock"
        self.status: dict[str, Any] = deepcopy(dict(STATUS))
        self.why: dict[str, Any] = {}
        self.daemon: Wired | None = None
        self.now: Callable[[], datetime] = lambda: datetime(2026, 11, 23, 10, 4, 31, tzinfo=UTC)

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[Wired]:
        """A daemon runs."""
        verbs = {"site": self._site, "status": self._status, "why": self._why}
        async with Wired(self.control, verbs=verbs) as daemon:
            self.daemon = daemon
            yield daemon

    def show(self, shown: Shown) -> None:
        """What the door's screen shows."""
        assert self.daemon is not None
        self.daemon.broadcast.publish("panel:front", wire.shown_event(shown))

    def row(self, kind: str, **more: Any) -> None:
        """A row of the journal."""
        assert self.daemon is not None
        empty = dict.fromkeys(("door", "decision", "reason", "decided_by", "by"))
        event = {"id": "x", "at": stamp(self.now()), "kind": kind, **empty}
        self.daemon.broadcast.publish("rows", {**event, "detail": {}, **more})

    def decide(self, reason: str, **more: Any) -> None:
        """The row of a decision at the front door, and what `why` says of it."""
        decision = "granted" if reason == "OK" else "denied"
        self.why = {"reason": reason, "why": [f"It was {reason}."], "todo": "", **more}
        self.row(
            "entry.decided", door="front", decision=decision, reason=reason, decided_by="cache"
        )

    async def _site(self, person: Person, args: Mapping[str, Any]) -> Mapping[str, Any]:
        return SITE

    async def _status(self, person: Person, args: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.status

    async def _why(self, person: Person, args: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.why


class Play:
    """What comes of a card and a PIN: one denial for its owner, and everybody else is let in."""

    def __init__(self, theatre: Theatre, denied: str = "eeva") -> None:
        self._theatre, self._denied = theatre, denied
        self._visitor = ""
        theatre.stage.did = self

    def __call__(self, verb: str, args: Mapping[str, Any]) -> None:
        theatre = self._theatre
        if verb == "scan":
            self._visitor = args["id"]
            blocked = self._visitor == self._denied
            failing = ("SELF_SERVICE_BLOCK", "until 2026-12-23, every branch") if blocked else ()
            theatre.stage.answers["explain"] = rules(*failing)
            theatre.show(Shown(Notice.ENTER_PIN))
            theatre.stage.told(display=["Syötä tunnusluku", "", "", ""], lamps={"wait": True})
        elif verb == "press":
            theatre.row("staff.action", door="front", by="root", detail={"action": "explain"})
            (self._refuse if self._visitor == self._denied else self._let_in)()

    def _refuse(self) -> None:
        theatre = self._theatre
        why = "There is a block on self-service, for this branch or all of them."
        todo = "The register decides that; once it is changed there, the next feed brings it."
        theatre.decide("SELF_SERVICE_BLOCK", why=[why], todo=todo)
        theatre.show(Shown(Notice.SELF_SERVICE_BLOCK))
        display = ["Omatoimikirjaston", "käyttösi on estetty.", "Lisätietoja", "kirjastosta."]
        theatre.stage.told(display=display, lamps={"red": True})

    def _let_in(self) -> None:
        theatre = self._theatre
        theatre.decide("OK", why=["The card was in order and so was the PIN."])
        theatre.row("strike.released", door="front", detail={"seconds": 5.0})
        theatre.row("door.opened", door="front")
        theatre.show(Shown(Notice.GRANTED))
        display = ["Pääsy sallittu.", "Varmista, ettei", "kukaan tule samalla", "ovenavauksella."]
        theatre.stage.told(display=display, lamps={"green": True}, relay="released", contact="open")


class AfarTheatre(threading.Thread):
    """A theatre in a thread, for a panel that is another program."""

    def __init__(self, theatre: Theatre) -> None:
        super().__init__(name="theatre", daemon=True)
        self.theatre = theatre
        self._up = threading.Event()

    def run(self) -> None:
        asyncio.run(self._act())

    def do(self, work: Callable[[Theatre], object]) -> None:
        """In the theatre's own thread."""
        self._loop.call_soon_threadsafe(work, self.theatre)

    @contextmanager
    def playing(self) -> Iterator["AfarTheatre"]:
        """Both sockets serve."""
        self.start()
        assert self._up.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._over.set)
            self.join(10)

    async def _act(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.theatre.stage.serving())
            await stack.enter_async_context(self.theatre.acting())
            self._up.set()
            await self._over.wait()

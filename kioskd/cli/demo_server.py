"""The demo's own socket: what a panel may do to the simulated door, and how its stage stands.

    people {}            -> {"people": [{"id", "title", "pin", "note"}]}; a number never leaves
    scan {"id"}  press {"keys"}  book {}  unplug {"device"}  plug {"device"}
    open {}  close {}  rex {}  button {}  kill {}                          -> {}
    cut {}  mend {}      -> {}; the line between the device and its hub
    shift {"seconds"}    -> {"offset_seconds"}; moves the daemon's wall clock, cumulative
    explain {"id"}       -> what the daemon's verb `explain` says of that person's card
    state {}             -> {"relay", "lamps", "display", "devices", "contact", "offset_seconds",
                            "daemon", "line", "beside"}; line: whole, cut, or "" where there is no
                            hub; beside: a command to try in another terminal, or ""
    subscribe {"topics": ["stage"]}: {"event": "stage", **state} at each change

Lines are those of kioskd.wire. Whoever can open the socket may do everything: it stands in a
directory that is its owner's alone. Deliberately not here: drawing, and a daemon's own socket.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from kioskd import __version__, wire
from kioskd.cli.demo_cable import Cable
from kioskd.cli.demo_clock import Offset
from kioskd.cli.demo_devices import BUTTON, DEVICES, KEYPAD, LINES, REX, SCANNER, SimulatedDoor
from kioskd.cli.demo_hub import DemoHub
from kioskd.cli.demo_people import BOOK, PEOPLE
from kioskd.cli.demo_site import Daemon
from kioskd.client import AskError, open_link
from kioskd.control.broadcast import Broadcaster
from kioskd.control.people import Person, Role
from kioskd.control.server import ControlServer
from kioskd.control.verbs import Answer, Arguments, Refusal, Verbs, only, text
from kioskd.errors import InputError, KioskError

DOOR: Final = "front"
STAGE: Final = "stage"
SOCKET: Final = "demo.sock"
LOOK_SECONDS: Final = 0.02  # a change is told well within 50 ms
_PRESS_SECONDS: Final = 0.1  # what settles for 30 ms counts
_MOST_KEYS: Final = 32
_MOST_SECONDS: Final = 10 * 366 * 86_400.0  # of a shift; beyond, dates overflow in the end
_KEYS: Final = frozenset("0123456789#*")


class _Visitor(Person):
    """Who plays: the topic of the stage is in no table of the daemon's."""

    def may_hear(self, topic: str) -> bool:
        return topic == STAGE


_VISITOR: Final = _Visitor("demo", frozenset({Role.ADMINISTRATOR}))


class StageVerbs(Verbs):
    """Verbs of the demo's socket; the table of the daemon's verbs knows none of them."""

    def __init__(self, runs: Mapping[str, Callable[[Arguments], Awaitable[Answer]]]) -> None:
        super().__init__({})
        self._own = dict(runs)

    async def ask(self, person: Person, verb: str, args: Arguments) -> Answer:
        """Do it. Refusal."""
        if verb not in self._own:
            raise Refusal(wire.UNKNOWN_VERB, f"{verb[:40]!r} is no verb of the demo")
        try:
            return await self._own[verb](args)
        except InputError as error:
            raise Refusal(wire.BAD_ARGUMENT, str(error)) from None
        except KioskError as error:
            raise Refusal(wire.FAILED, str(error)) from None


class DemoServer:
    """Serves a door, a daemon, its clock and its hub.

    control: the daemon's own socket. beside: a command to try in another terminal.
    """

    def __init__(
        self,
        path: Path,
        control: Path,
        door: SimulatedDoor,
        daemon: Daemon,
        clock: Offset,
        hub: DemoHub | None = None,
        beside: str = "",
    ) -> None:
        self._path = path
        self._beside = beside
        self._control = control
        self._door = door
        self._daemon = daemon
        self._clock = clock
        self._hub = hub
        self._broadcast = Broadcaster()
        self._begun = 0  # events of the log before the daemon was started last
        self._told: dict[str, Any] = {}

    async def serve(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._server().serve(), name="demo server")
            group.create_task(self._look(), name="demo stage")

    def state(self) -> dict[str, Any]:
        """How the stage stands now."""
        door = self._door
        return {
            "relay": "released" if door.released else "secured",
            "lamps": door.lamps,
            "display": list(door.rows),
            "devices": {n: "plugged" if door.plugged(n) else "unplugged" for n in DEVICES},
            "contact": "open" if door.is_open else "closed",
            "offset_seconds": round(self._clock.seconds),
            "daemon": self._standing(),
            "line": self._line(),
            "beside": self._beside,
        }

    def _line(self) -> str:
        if self._hub is None:
            return ""
        return "whole" if self._hub.cable.whole else "cut"

    def _standing(self) -> str:
        if not self._daemon.running:
            return "gone"
        ready = any(e["event"] == "ready" for e in self._daemon.events[self._begun :])
        return "runs" if ready else "starting"

    def _server(self) -> ControlServer:
        return ControlServer(
            self._path,
            StageVerbs(self.verbs),
            self._broadcast,
            lambda peer: _VISITOR,
            __version__,
            topics=lambda: {STAGE},
        )

    async def _look(self) -> None:
        while True:
            self._listen()
            await asyncio.sleep(LOOK_SECONDS)

    def _listen(self) -> None:
        """Take what the devices got; tell of it if anything has changed."""
        self._door.listen()
        self._daemon.listen()
        state = self.state()
        if state != self._told:
            self._told = state
            self._broadcast.publish(STAGE, state)

    @property
    def verbs(self) -> Mapping[str, Callable[[Arguments], Awaitable[Answer]]]:
        """By name."""
        return {
            "people": self._people,
            "scan": self._scan,
            "press": self._press,
            "book": self._book,
            "unplug": self._unplug,
            "plug": self._plug,
            "open": self._open,
            "close": self._close,
            "rex": self._rex,
            "button": self._button,
            "shift": self._shift,
            "kill": self._kill,
            "cut": self._cut,
            "mend": self._mend,
            "explain": self._explain,
            "state": self._state,
        }

    async def _people(self, args: Arguments) -> Answer:
        only(args)
        told = [{"id": p.id, "title": p.title, "pin": p.pin, "note": p.note} for p in PEOPLE]
        return {"people": told}

    async def _scan(self, args: Arguments) -> Answer:
        only(args, "id")
        number = _number(args)
        self._need(SCANNER)
        self._door.scan(number)
        return {}

    async def _book(self, args: Arguments) -> Answer:
        only(args)
        self._need(SCANNER)
        self._door.scan(BOOK)
        return {}

    async def _press(self, args: Arguments) -> Answer:
        only(args, "keys")
        keys = text(args, "keys", most=_MOST_KEYS)
        if not _KEYS.issuperset(keys):
            raise InputError("keys: give digits, # and *; a keypad has no others")
        self._need(KEYPAD)
        self._door.press(keys)
        return {}

    async def _unplug(self, args: Arguments) -> Answer:
        self._door.unplug(_device(args))
        self._listen()
        return {}

    async def _plug(self, args: Arguments) -> Answer:
        self._door.plug(_device(args))
        self._listen()
        return {}

    async def _open(self, args: Arguments) -> Answer:
        only(args)
        self._door.open()
        self._listen()
        return {}

    async def _close(self, args: Arguments) -> Answer:
        only(args)
        self._door.close()
        self._listen()
        return {}

    async def _rex(self, args: Arguments) -> Answer:
        return await self._pressed(args, REX)

    async def _button(self, args: Arguments) -> Answer:
        return await self._pressed(args, BUTTON)

    async def _pressed(self, args: Arguments, line: int) -> Answer:
        only(args)
        self._need(LINES)
        for high in (False, True):
            self._door.line(line, high=high)
            await asyncio.sleep(_PRESS_SECONDS)
        return {}

    async def _shift(self, args: Arguments) -> Answer:
        only(args, "seconds")
        seconds = args.get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise InputError("seconds: give a number; less than 0 moves the clock back")
        if not abs(self._clock.seconds + seconds) <= _MOST_SECONDS:
            raise InputError("seconds: the clock moves ten years at most")
        self._clock.move(float(seconds))
        self._listen()
        return {"offset_seconds": round(self._clock.seconds)}

    async def _kill(self, args: Arguments) -> Answer:
        only(args)
        await asyncio.to_thread(self._daemon.kill)
        self._listen()
        self._begun = len(self._daemon.events)
        await asyncio.to_thread(self._daemon.start)
        self._listen()
        return {}

    async def _cut(self, args: Arguments) -> Answer:
        only(args)
        self._cable().cut()
        return await self._line_changed()

    async def _mend(self, args: Arguments) -> Answer:
        only(args)
        self._cable().mend()
        return await self._line_changed()

    def _cable(self) -> Cable:
        if self._hub is None:
            raise Refusal(wire.FAILED, "this demo has no hub")
        return self._hub.cable

    async def _line_changed(self) -> Answer:
        """Have the daemon notice now, not after its back-off: somebody is watching."""
        self._listen()
        with suppress(AskError):
            async with await open_link(self._control) as link:
                await link.ask("sync-now")
        return {}

    async def _explain(self, args: Arguments) -> Answer:
        only(args, "id")
        number = _number(args)
        try:
            async with await open_link(self._control) as link:
                return await link.ask("explain", door=DOOR, card=number)
        except AskError as error:
            raise Refusal(wire.FAILED, str(error)) from None

    async def _state(self, args: Arguments) -> Answer:
        only(args)
        self._listen()
        return self.state()

    def _need(self, device: str) -> None:
        if not self._door.plugged(device):
            raise Refusal(wire.FAILED, f"{device} is unplugged; plug it in")


def _number(args: Arguments) -> str:
    name = text(args, "id", most=40)
    for person in PEOPLE:
        if person.id == name:
            return person.number
    raise Refusal(wire.NOT_FOUND, f"id {name!r}: nobody of that name; see the verb people")


def _device(args: Arguments) -> str:
    only(args, "device")
    name = text(args, "device", most=40)
    if name not in DEVICES:
        raise Refusal(wire.NOT_FOUND, f"device {name!r}: there are {', '.join(DEVICES)}")
    return name

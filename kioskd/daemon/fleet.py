"""Devices and doors as tasks, each of which can end and begin anew by itself.

A door ends in the order of safety: nobody is served any more, then its strike is secured, then
its face goes dark. Deliberately not here: what they are made of (doors, device_set).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from kioskd.config.model import Config
from kioskd.daemon import upkeep
from kioskd.daemon.device_set import DeviceSet
from kioskd.daemon.doors import BuiltDoor, Shared, build_door
from kioskd.daemon.probing import Listening, tap
from kioskd.entry.faces import DisplayPanel, IndicatorPanel
from kioskd.ports import Clock, Device

log = logging.getLogger("kioskd")
_PAUSE_SECONDS: Final = 1.0  # before a task of a door that failed is begun anew
Task = asyncio.Task[None]


@dataclass(slots=True)
class _Serving:
    """The tasks of one door."""

    built: BuiltDoor
    people: list[Task] = field(default_factory=list)
    strike: list[Task] = field(default_factory=list)
    faces: list[Task] = field(default_factory=list)


class Fleet:
    """Everything at the doors of a site, within a task group."""

    def __init__(
        self,
        devices: DeviceSet,
        clock: Clock,
        broadcast: Listening,
        group: asyncio.TaskGroup,
    ) -> None:
        self._broadcast = broadcast
        self._devices = devices
        self._clock = clock
        self._group = group
        self._device_tasks: dict[str, Task] = {}
        self._doors: dict[str, _Serving] = {}
        self._ending = False

    @property
    def doors(self) -> dict[str, BuiltDoor]:
        """The doors that are served, by name."""
        return {name: serving.built for name, serving in self._doors.items()}

    def begin_devices(self, config: Config, names: Collection[str]) -> list[Device]:
        """Make and run these. None once the daemon stops."""
        made = [] if self._ending else self._devices.make(config, names)
        for device in made:
            tap(config, config.device(device.name), device, self._broadcast, self._clock)
            self._device_tasks[device.name] = self._task(f"device {device.name}", device.run())
        return made

    def begin_doors(self, shared: Shared, names: Collection[str]) -> None:
        """Build and serve these; their devices run already. None once the daemon stops."""
        for door in shared.config.doors:
            if door.name in names and not self._ending:
                self._serve(shared, build_door(shared, door, self._devices))

    async def end_doors(self, shared: Shared, names: Collection[str]) -> None:
        """Serve these no more, and secure them."""
        ending = [serving for name, serving in self._doors.items() if name in names]
        await _end(task for serving in ending for task in serving.people)
        await _end(task for serving in ending for task in serving.strike)
        await _end(task for serving in ending for task in serving.faces)
        for serving in ending:
            name = serving.built.door.name
            shared.losses.forget(name)
            for kind in ("door", "attendant", "strike"):
                shared.ticks.forget(f"{kind} {name}")
            del self._doors[name]

    def not_secured(self, names: Collection[str]) -> list[str]:
        """Those of these doors that are released while their relay is away."""
        serving = [s.built for name, s in self._doors.items() if name in names]
        return [
            built.door.name
            for built in serving
            if built.doorway.keeper.released and not built.doorway.strike_there()
        ]

    async def end_devices(self, names: Collection[str]) -> None:
        """Run these no more."""
        ending = [name for name in self._device_tasks if name in names]
        await _end(self._device_tasks[name] for name in ending)
        for name in ending:
            del self._device_tasks[name]
            self._devices.drop(name)

    async def end_people(self) -> None:
        """Nobody is served any more, at any door, and no door begins again."""
        self._ending = True
        await _end(task for serving in self._doors.values() for task in serving.people)

    async def end_strikes(self) -> None:
        """Every strike is secured once more and left so."""
        await _end(task for serving in self._doors.values() for task in serving.strike)

    async def end_rest(self) -> None:
        """Faces go dark, devices are closed."""
        await _end(task for serving in self._doors.values() for task in serving.faces)
        await _end(self._device_tasks.values())

    def _serve(self, shared: Shared, built: BuiltDoor) -> None:
        name, keeper = built.door.name, built.doorway.keeper
        serving = self._doors[name] = _Serving(built)
        ticks = shared.ticks
        serving.strike.append(
            self._task(f"strike {name}", keeper.watch(ticks.ticker(f"strike {name}")))
        )
        serving.faces += [self._task(f"face {name}", self._face(built, f)) for f in built.faces]
        serving.people += [
            self._task(f"door {name}", self._again(built, lambda: built.access_point().serve())),
            self._task(f"attendant {name}", self._again(built, built.attendant.serve)),
        ]

    async def _face(self, built: BuiltDoor, face: IndicatorPanel | DisplayPanel) -> None:
        # Not before its device was tried once: that is told as a device, not as a panel.
        await self._devices.tried((built.door.indicator, built.door.display))
        await face.run()

    async def _again(self, built: BuiltDoor, serve: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._once(built, serve)
            await upkeep.every(_PAUSE_SECONDS, self._clock)

    async def _once(self, built: BuiltDoor, serve: Callable[[], Awaitable[None]]) -> None:
        # A task of its own: it owns the releases of this door, and the keeper sees it end.
        task, why = asyncio.ensure_future(serve()), "exit"
        try:
            await task
        except Exception:
            why = "fault"
            log.exception("door.failed", extra={"door": built.door.name})
        finally:
            task.cancel()
            built.doorway.keeper.end_now(why)

    def _task(self, name: str, work: Coroutine[Any, Any, None]) -> Task:
        return self._group.create_task(work, name=name)


async def _end(tasks: Iterable[Task]) -> None:
    ending = list(tasks)
    for task in ending:
        task.cancel()
    if ending:
        await asyncio.wait(ending)

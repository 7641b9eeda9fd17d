"""The tasks of a running daemon: in one group, started once, stopped in the order of safety.

Deliberately not here: signals and how the process ends (run), and what a reload changes
(reloading).
"""

import asyncio
import logging
import os
from collections.abc import Coroutine
from typing import Any, Final

from kioskd import __version__
from kioskd.config.socket import socket_path
from kioskd.control.peers import Peers
from kioskd.control.people import Person
from kioskd.control.server import ControlServer
from kioskd.control.verbs import Verbs
from kioskd.daemon import strike_map, upkeep
from kioskd.daemon.alerting import run_alerts
from kioskd.daemon.fleet import Fleet
from kioskd.daemon.last_resort import LastResort
from kioskd.daemon.line import CHILD, Line
from kioskd.daemon.line_duties import LineDuties
from kioskd.daemon.line_wire import line_arguments
from kioskd.daemon.machine import versions
from kioskd.daemon.metrics import MetricsServer, from_loop
from kioskd.daemon.notify import Notify, watchdog_seconds
from kioskd.daemon.overview import Overview
from kioskd.daemon.overview import Site as Overlooked
from kioskd.daemon.probing import topics
from kioskd.daemon.reloading import Reloading
from kioskd.daemon.site import Site
from kioskd.daemon.verbs import all_verbs
from kioskd.daemon.watchdog import feed
from kioskd.domain.line import LineView
from kioskd.domain.record import Kind
from kioskd.health.alerts import Conditions
from kioskd.health.metrics import Snapshot
from kioskd.ports import StaffedDoor
from kioskd.store.journal import ThreadedJournal

log = logging.getLogger("kioskd")
# CONTRACTS: ends within 5 s. Strikes need 2.3 s where a relay does not answer, else nothing.
WRITE_SECONDS: Final = 2.8  # after it was told to stop, the last rows are given up


class Service:
    """Serves one site until it is told to stop. line_child: the module of the line's child."""

    def __init__(
        self, site: Site, notify: Notify, log_format: str = "text", line_child: str = CHILD
    ) -> None:
        self._site = site
        self._notify = notify
        self._log_format = log_format
        self._line_child = line_child
        self._doors: dict[str, StaffedDoor] = {}
        self._verbs = Verbs({})
        self._versions = {"kioskd": __version__, **versions()}
        self._line: Line | None = None
        self._line_read: object = None
        self._overview = self._look()

    async def serve(self, stop: asyncio.Event, resort: LastResort) -> None:
        """Run until `stop`; returns with every strike secured."""
        resort.code = 1
        async with asyncio.TaskGroup() as group:
            site = self._site
            fleet = Fleet(site.devices, site.clock, site.broadcast, group)
            self._reloading = Reloading(
                site, fleet, self._notify, self._configured, lambda error: _fail(group, error)
            )
            self._line = self._line_to_hub()
            self._begin(fleet)
            self._server = self._control()
            chores = [group.create_task(work, name=name) for name, work in self._chores()]
            metrics = self._metrics()
            metrics.start()
            await self._ready()
            await stop.wait()
            await self._stop(fleet, chores, resort)
            await asyncio.to_thread(metrics.stop)

    def _begin(self, fleet: Fleet) -> None:
        config = self._site.config
        fleet.begin_devices(config, {device.name for device in config.devices})
        fleet.begin_doors(self._site.shared, {door.name for door in config.doors})
        self._configured(fleet)

    def _configured(self, fleet: Fleet) -> None:
        """Doors and devices are those of the configuration in force: look at and act on them."""
        config = self._site.config
        read = (config.cards, config.site.branch, config.policy)  # by the child, at its start
        if self._line is not None and self._line_read not in (None, read):
            self._line.begin_anew()
        self._line_read = read
        self._doors.clear()
        self._doors.update({name: built.staff for name, built in fleet.doors.items()})
        self._overview = self._look()
        line = self._line.look_now if self._line else None
        reload = self._reloading.reload
        self._verbs.use(all_verbs(self._site, self._overview, self._doors, reload, line))

    def _look(self) -> Overview:
        site = self._site
        parts = Overlooked(
            site.config,
            site.clock,
            site.trust,
            site.schedule_now,
            site.stores,
            {name: door.view for name, door in self._doors.items()},
            site.devices.all(),
            site.lockouts,
            self._line_view,
        )
        watched = self._notify.heard and watchdog_seconds(os.environ) is not None
        return Overview(parts, site.news, site.gauges, site.book, self._versions, watched=watched)

    def _line_to_hub(self) -> Line | None:
        """None where the site has no hub; a site that gets one needs a restart."""
        site = self._site
        if site.config.register.hub is None or not site.config.register.uses_hub:
            return None
        duties = LineDuties(
            site, lambda: self._overview.standing(), lambda to_be: self._reloading.publish(to_be)
        )

        def arguments() -> list[str]:
            return line_arguments(site.config, self._log_format)

        return Line(arguments, duties, site.clock, self._line_child)

    def _line_view(self) -> LineView | None:
        access = self._site.config.register.hub
        return None if self._line is None or access is None else self._line.view(access.url)

    async def _stop(
        self, fleet: Fleet, chores: "list[asyncio.Task[None]]", resort: LastResort
    ) -> None:
        log.info("stopping")
        self._notify.stopping()
        late = asyncio.get_running_loop().time() + WRITE_SECONDS
        self._reloading.end()
        await fleet.end_people()
        await fleet.end_strikes()
        resort.code = 0
        await self._write_the_last(late)
        for chore in chores:
            chore.cancel()
        await asyncio.wait(chores)
        await fleet.end_rest()

    async def _write_the_last(self, late: float) -> None:
        self._site.notebook.note(Kind.DAEMON_STOPPED)
        try:
            async with asyncio.timeout_at(late):
                await self._site.notebook.flush()
        except TimeoutError:
            why = "the journal did not take its last rows in time; see what else uses its file"
            log.error("journal.unfinished", extra={"why": why})  # noqa: TRY400

    async def _ready(self) -> None:
        devices = self._site.devices.all()
        present = await asyncio.gather(*(device.tried() for device in devices))
        await self._server.tried.wait()
        there = zip(devices, present, strict=True)
        missing = [device.name for device, present in there if not present]
        self._site.notebook.note(Kind.DAEMON_STARTED, detail={"version": __version__})
        extra: dict[str, object] = {
            "doors": len(self._doors),
            "devices": f"{len(devices) - len(missing)}/{len(devices)}",
        }
        if missing:
            extra["missing"] = ",".join(missing)
        log.info("ready", extra=extra)
        self._notify.ready(" ".join(f"{key}={value}" for key, value in extra.items()))

    def _metrics(self) -> MetricsServer:
        def snapshot() -> Snapshot:
            return self._overview.snapshot()

        collect = from_loop(asyncio.get_running_loop(), snapshot)
        return MetricsServer(self._site.config.metrics.listen, collect)

    def _chores(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        site, clock = self._site, self._site.clock
        ticks, lag = site.gauges.ticks, site.gauges.lag
        chores = [
            ("notebook", site.notebook.run()),
            ("strike map", asyncio.to_thread(strike_map.kept, site.config)),
            ("clock", upkeep.watch_clock(site.trust, site.notebook, clock)),
            ("cache", upkeep.refresh_cache(site.stores, site.notebook, clock)),
            ("hours", upkeep.keep_hours(site.read_hours, clock)),
            ("watchdog", feed(ticks, clock, self._notify, os.environ, lag)),
            ("alerts", run_alerts(site.book, self._conditions, clock, self._tell_status)),
            ("alert command", site.command.run()),
            ("control", self._server.serve()),
        ]
        if self._line is not None:
            chores.append(("line", self._line.run()))
        journal = site.stores.journal
        if isinstance(journal, ThreadedJournal):
            retention = upkeep.keep_retention(
                site.config, site.keys, journal, site.trust, clock, site.checkpoint
            )
            chores.append(("retention", retention))
            mirror = upkeep.keep_mirror(site.stores.directory, journal, clock)
            chores.append(("mirror", mirror))
        return chores

    async def _conditions(self) -> Conditions:
        return await self._overview.conditions()

    def _tell_status(self) -> None:
        self._notify.status(self._overview.line())

    def _control(self) -> ControlServer:
        site = self._site
        peers = Peers(lambda: site.config.control.roles, os.getuid())
        return ControlServer(
            socket_path(site.config, os.environ),
            self._verbs,
            site.broadcast,
            peers.person_of,
            __version__,
            topics=self._topics,
            gids=peers.gids,
            renewed=peers.renewed,
            looked=self._looked,
        )

    async def _looked(self, person: Person, topic: str) -> None:
        await self._site.acts.write(person, "listen", detail={"topic": topic})

    def _topics(self) -> set[str]:
        config = self._site.config
        doors = {f"panel:{door.name}" for door in config.doors}
        return {"events", "rows", *doors, *topics(config)}


def _fail(group: asyncio.TaskGroup, error: Exception) -> None:
    """End the daemon by this error: whatever starts it again begins with secured strikes."""

    async def fail() -> None:
        raise error

    group.create_task(fail(), name="failed reload")

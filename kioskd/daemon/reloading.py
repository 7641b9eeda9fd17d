"""A reload: the file is read anew, checked, written into the journal, and then in force.

While it has faults, nothing changes. One reload at a time, and none once the daemon stops. One that
fails half-way ends the daemon: a door that nobody serves must not look like one that is.

Deliberately not here: what a change asks of doors and devices (change), and how they end and begin
(fleet).
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.control.people import Person
from kioskd.control.verbs import Answer
from kioskd.daemon import strike_map
from kioskd.daemon.change import Change, change
from kioskd.daemon.fleet import Fleet
from kioskd.daemon.holidays import holidays_apart
from kioskd.daemon.notify import Notify
from kioskd.daemon.published import Published
from kioskd.daemon.site import IsHoliday, Site
from kioskd.domain.record import Kind
from kioskd.domain.staff import HUB
from kioskd.errors import ConfigError, InputError, KioskError

log = logging.getLogger("kioskd")
_HUB: Final = Person(HUB, frozenset())
MOST_TOLD: Final = 50  # differences that a row of the journal names; the others are counted


class Reloading:
    """configured: told once doors and devices are those of the configuration in force.

    broken: told of a reload that failed half-way.
    """

    def __init__(
        self,
        site: Site,
        fleet: Fleet,
        notify: Notify,
        configured: Callable[[Fleet], None],
        broken: Callable[[Exception], None],
    ) -> None:
        self._broken = broken
        self._stopping = False
        self._site = site
        self._fleet = fleet
        self._notify = notify
        self._configured = configured
        self._one_at_a_time = asyncio.Lock()

    async def reload(self, person: Person) -> Answer:
        """Put the file into force. ConfigError: it has faults; StoreError: it was not journalled.

        A reload that was begun is ended, whatever becomes of who asked for it.
        """
        return await asyncio.shield(self._one(person))

    def end(self) -> None:
        """No reload from now on; the one that runs begins no door any more (fleet)."""
        self._stopping = True

    async def publish(self, published: Published) -> None:
        """Put what the hub published into force, over the file as it was read last."""
        await asyncio.shield(self._one(_HUB, published))

    async def _one(self, person: Person, published: Published | None = None) -> Answer:
        async with self._one_at_a_time:
            if self._stopping:
                raise InputError("the daemon is stopping; what starts next reads the file")
            self._notify.reloading()
            try:
                told = await self._reload(person, published)
            except KioskError as error:
                why = error.faults[0] if isinstance(error, ConfigError) else str(error)
                log.warning("reload.refused", extra={"by": person.name, "why": why})
                self._notify.ready("the configuration in force stays; see the log")
                raise
            self._notify.ready("configuration read anew")
            return told

    async def _reload(self, person: Person, published: Published | None) -> Answer:
        config, to_be, is_holiday = await asyncio.to_thread(self._read, published)
        found = change(self._site.config, to_be.over(config))
        self._check(found)
        if found.differences:
            await self._site.acts.write(
                person, "reload", detail=_detail(found), kind=Kind.CONFIG_CHANGED
            )
            await self._apply_whole(found, config, to_be, is_holiday)
        else:
            self._site.published = to_be
        for warning in config.warnings:
            log.warning("config", extra={"why": warning})
        return _told(found, config)

    def _check(self, found: Change) -> None:
        # Its keeper would end with it, and nobody would secure the strike when the relay is back.
        waiting = self._fleet.not_secured(found.ending_doors)
        if waiting:
            raise InputError(
                f"{', '.join(waiting)}: released while the relay is away; plug it in, then reload"
            )

    async def _apply_whole(
        self, found: Change, config: Config, published: Published, is_holiday: IsHoliday
    ) -> None:
        try:
            await self._apply(found, config, published, is_holiday)
        except Exception as error:
            self._broken(error)
            raise

    def _read(self, published: Published | None) -> tuple[Config, Published, IsHoliday]:
        site = self._site
        # Somebody may be in the middle of writing the file while the hub publishes.
        config = load(site.config.path) if published is None else site.base
        to_be = published or site.published
        return config, to_be, holidays_apart(to_be.over(config), site.clock.moment().wall.date())

    async def _apply(
        self, found: Change, config: Config, published: Published, is_holiday: IsHoliday
    ) -> None:
        site, fleet = self._site, self._fleet
        await fleet.end_doors(site.shared, found.ending_doors)
        for gone in found.ending_doors - found.beginning_doors:
            site.broadcast.forget(f"panel:{gone}")
        await fleet.end_devices(found.ending_devices)
        site.use(_without(found.config, config), is_holiday, published)
        fleet.begin_devices(site.config, found.beginning_devices)
        fleet.begin_doors(site.shared, found.beginning_doors)
        self._configured(fleet)
        await asyncio.to_thread(strike_map.kept, site.config)
        log.info("reloaded", extra={"changed": len(found.differences)})


def _without(in_force: Config, file: Config) -> Config:
    """What is in force, with what the file says where something was published over it."""
    site = replace(in_force.site, help_phone=file.site.help_phone)
    return replace(in_force, site=site, schedule=file.schedule)


def _detail(found: Change) -> dict[str, object]:
    told = [str(difference) for difference in found.differences[:MOST_TOLD]]
    detail: dict[str, object] = {"changed": told, "held_back": list(found.held_back)}
    if len(found.differences) > MOST_TOLD:
        detail["more"] = len(found.differences) - MOST_TOLD
    return detail


def _told(found: Change, config: Config) -> dict[str, object]:
    return {
        "changed": [str(difference) for difference in found.differences],
        "held_back": list(found.held_back),
        "devices": sorted(found.beginning_devices),
        "doors": sorted(found.beginning_doors),
        "warnings": list(config.warnings),
    }

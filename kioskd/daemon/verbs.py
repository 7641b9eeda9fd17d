"""Everything that a running daemon can be asked for, with the configuration in force.

Built anew at each reload. Deliberately not here: `subscribe`, which the socket's server answers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from kioskd.control.cards import SiteCards
from kioskd.control.device_verbs import device_verbs
from kioskd.control.door_verbs import door_verbs
from kioskd.control.explain_verb import explain_verbs
from kioskd.control.free_texts import without_cards
from kioskd.control.hours import hours_verbs, noted
from kioskd.control.line_verbs import line_verbs
from kioskd.control.people import Person
from kioskd.control.reloading import reload_verbs
from kioskd.control.status import StatusSource, status_verbs
from kioskd.control.verbs import Answer, Run
from kioskd.control.why import why_verbs
from kioskd.daemon.attempts import JournalAttempts
from kioskd.daemon.device_list import device_list
from kioskd.daemon.explaining import at_other_time, explained
from kioskd.daemon.site import Site
from kioskd.daemon.staffing import staffing
from kioskd.domain.card import CodePatterns
from kioskd.ports import StaffedDoor


def all_verbs(
    site: Site,
    look: StatusSource,
    doors: Mapping[str, StaffedDoor],
    reload: Callable[[Person], Awaitable[Answer]],
    look_now: Callable[[], None] | None = None,
) -> dict[str, Run]:
    """By name. doors: looked at whenever one is asked for. look_now: None without a hub."""
    config = site.config
    zone = ZoneInfo(config.site.timezone)
    patterns = CodePatterns(config.cards.patron, config.cards.item)
    cards = SiteCards(site.keys.index, patterns)
    attempts = JournalAttempts(config.storage.directory)
    staff = staffing(
        config,
        site.keys,
        site.stores,
        site.checker,
        site.acts,
        site.clock,
        site.trust,
        site.lockouts,
        site.read_hours,
    )
    return {
        **staff,
        **status_verbs(config, look),
        **without_cards(door_verbs(doors, site.acts), patterns),
        **hours_verbs(site.schedule_now, lambda: noted(site.config, site.exceptions), site.clock),
        **why_verbs(config, attempts, site.acts),
        **explain_verbs(_explain(site), cards, site.acts, zone),
        **device_verbs(_devices(site)),
        **reload_verbs(reload),
        **line_verbs(look_now),
    }


def _explain(site: Site) -> Callable[[str, str, datetime | None], Awaitable[dict[str, Any]]]:
    async def explain(door: str, number: str, at: datetime | None) -> dict[str, Any]:
        now = site.dossier
        then = now if at is None else site.dossier_by(at_other_time(at))
        return explained(site.config, door, number, now, then).as_json()

    return explain


def _devices(site: Site) -> Callable[[], Awaitable[Mapping[str, Any]]]:
    async def listing() -> Mapping[str, Any]:
        there = {device.name: device.present for device in site.devices.all()}

        def present(name: str) -> tuple[bool | None, str]:
            return there.get(name), site.news.since(name)[1]

        return await asyncio.to_thread(device_list, site.config, present)

    return listing

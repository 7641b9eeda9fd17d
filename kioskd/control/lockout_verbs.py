"""Cards with wrong PINs: lockout-list, lockout-clear.

    lockout-list   {"from": 0}  -> {"entries": [{"id", "failures", "step", "remaining_seconds"}],
                                    "total", "next"}
    lockout-clear  {"card"} or {"id"} or {"all": true}  -> {"cleared": n}

The device knows indices alone, so there is no number to show: whoever stands there with the card
is found by its number, others by what is left of the time. Memory and journal are cleared alike.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from kioskd.access.lockout import Lockout, standings
from kioskd.control.acts import Acts
from kioskd.control.cards import PAGE_BYTES, SiteCards, chosen, page, short_ids, start_of
from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Run, flag, only
from kioskd.domain.moment import Moment
from kioskd.errors import InputError
from kioskd.ports import Clock, LockoutBook


class LockoutVerbs:
    """The two verbs over one site's lockouts. room: bytes of a page."""

    def __init__(
        self, acts: Acts, clock: Clock, cards: SiteCards, book: LockoutBook, room: int = PAGE_BYTES
    ) -> None:
        self._acts = acts
        self._clock = clock
        self._cards = cards
        self._book = book
        self._room = room

    def verbs(self) -> Mapping[str, Run]:
        """By name."""
        return {"lockout-list": self.show, "lockout-clear": self.clear}

    async def show(self, person: Person, args: Arguments) -> Answer:
        """Every card with failures; a look at persons, and journalled as one."""
        only(args, "from")
        start = start_of(args)
        await self._acts.write(person, "lockout-list", detail={"from": start})
        snapshot, now = self._book.snapshot(), self._clock.moment()
        return await asyncio.to_thread(_listed, snapshot, now, start, self._room)

    async def clear(self, person: Person, args: Arguments) -> Answer:
        """Forget the failures of a card, or of all."""
        only(args, "card", "id", "all")
        everybody = args.get("all") is not None and flag(args, "all")
        given = [name for name in ("card", "id") if args.get(name) is not None]
        if len(given) + everybody != 1:
            raise InputError("give card, id or all")
        snapshot = self._book.snapshot()
        if everybody:
            await self._acts.write(person, "lockout-clear-all", cleared=tuple(snapshot))
            self._book.clear_all()
            return {"cleared": len(snapshot)}
        cards = await self._named(args, snapshot)
        await self._acts.write(person, "lockout-clear", card=cards[0], cleared=cards)
        self._book.clear(cards)
        return {"cleared": int(not snapshot.keys().isdisjoint(cards))}

    async def _named(self, args: Arguments, snapshot: Mapping[bytes, Lockout]) -> tuple[bytes, ...]:
        if args.get("id") is not None:
            return (await asyncio.to_thread(chosen, snapshot.keys(), args),)
        return self._cards.keys_of(self._cards.number_of(args)).state


def _listed(snapshot: Mapping[bytes, Lockout], now: Moment, start: int, room: int) -> Answer:
    found = standings(snapshot, now)
    ids = short_ids([standing.card for standing in found])
    told: list[dict[str, Any]] = [
        {
            "id": ids[standing.card],
            "failures": standing.failures,
            "step": standing.step,
            "remaining_seconds": round(standing.remaining.total_seconds()),
        }
        for standing in found
    ]
    return page(told, start, room)

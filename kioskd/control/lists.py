"""The allow-list and the deny-list: list-add, list-remove, list-show.

    list-add     {"which": "allow|deny", "card", "until", "reason"}
                 -> {"which", "id", "shown", "until", "replaced", "note"}
    list-remove  {"which", "card"} or {"which", "id"}, "reason" if there is one -> {"removed": n}
    list-show    {"which", "from": 0} -> {"which", "entries": [{"id", "shown", "until", "reason",
                 "by", "added", "expired"}], "total", "next"}

Times are local with their offset. A card is on one list at most: whoever wants it on the other
takes it off the first, so that nobody loses an entry without knowing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from kioskd import wire
from kioskd.control.acts import Acts
from kioskd.control.cards import PAGE_BYTES, SiteCards, chosen, page, short_ids, start_of
from kioskd.control.people import Person
from kioskd.control.until import until_of
from kioskd.control.verbs import Answer, Arguments, Refusal, Run, only, text
from kioskd.domain.card import masked
from kioskd.domain.staff import ListEntry, Which
from kioskd.errors import InputError, StoreError, VaultError
from kioskd.ports import CardKeys, Clock, Credentials, StaffLists, StateFile

NO_PIN = (
    "this card has no PIN here, so it opens nothing yet: give it one with `kioskd enrol`, "
    "or let the register export it"
)


class Lists:
    """The three verbs over one site's lists. room: bytes of a page."""

    def __init__(
        self,
        acts: Acts,
        clock: Clock,
        zone: ZoneInfo,
        cards: SiteCards,
        lists: StaffLists,
        state: StateFile,
        credentials: Credentials,
        room: int = PAGE_BYTES,
    ) -> None:
        self._acts = acts
        self._clock = clock
        self._zone = zone
        self._cards = cards
        self._lists = lists
        self._state = state
        self._credentials = credentials
        self._room = room

    def verbs(self) -> Mapping[str, Run]:
        """By name."""
        return {"list-add": self.add, "list-remove": self.remove, "list-show": self.show}

    async def add(self, person: Person, args: Arguments) -> Answer:
        """Put a card on a list until a time, for a reason."""
        only(args, "which", "card", "until", "reason")
        which, now = _which(args), self._clock.moment().wall
        number = self._cards.number_of(args)
        until = until_of(_until(args), which, now, self._zone)
        why = text(args, "reason")
        keys = self._cards.keys_of(number)
        replaced = await self._refuse_where_listed(keys, which, now)
        card, *older = keys.state
        entry = ListEntry(card, which, until, why, person.name, masked(number), now)
        detail = {"which": which.value, "until": self._local(until), "reason": why}
        async with self._acts.first(person, "list-add", card=card, detail=detail):
            await self._lists.put_entry(entry, tuple(older))
        return {
            "which": which.value,
            "id": card.hex()[:8],
            "shown": entry.shown,
            "until": self._local(until),
            "replaced": replaced,
            "note": NO_PIN if which is Which.ALLOW and not self._has_pin(keys) else "",
        }

    async def remove(self, person: Person, args: Arguments) -> Answer:
        """Take a card off a list."""
        only(args, "which", "card", "id", "reason")
        which = _which(args)
        why = text(args, "reason") if args.get("reason") is not None else ""
        cards = await self._named(args, which)
        detail = {"which": which.value, "reason": why}
        async with self._acts.first(person, "list-remove", card=cards[0], detail=detail):
            removed = await self._lists.drop_entries(cards, which)
        return {"which": which.value, "removed": removed}

    async def show(self, person: Person, args: Arguments) -> Answer:
        """Who is on a list; a look at persons, and journalled as one."""
        only(args, "which", "from")
        which, start = _which(args), start_of(args)
        entries = await self._lists.entries(which)
        await self._acts.write(person, "list-show", detail={"which": which.value, "from": start})
        now = self._clock.moment().wall
        return {"which": which.value, **await asyncio.to_thread(self._page, entries, now, start)}

    def _page(self, entries: Sequence[ListEntry], now: datetime, start: int) -> Answer:
        ids = short_ids([e.card for e in entries])
        return page([self._told(e, ids[e.card], now) for e in entries], start, self._room)

    async def _refuse_where_listed(self, keys: CardKeys, which: Which, now: datetime) -> bool:
        """Whether the card is on this list already. InputError where it is on the other."""
        for entry in await self._lists.entries(which.other):
            if entry.card in keys.state and entry.until > now:
                raise InputError(
                    f"card: it is on the {which.other}-list until {self._local(entry.until)} "
                    f"({entry.why}); take it off first: `kioskd list remove {which.other}`"
                )
        return any(e.card in keys.state for e in await self._lists.entries(which))

    async def _named(self, args: Arguments, which: Which) -> tuple[bytes, ...]:
        """All indices of the card that is to go. InputError; Refusal when it is not listed."""
        if (args.get("card") is None) is (args.get("id") is None):
            raise InputError("give either card or id")
        listed = {entry.card for entry in await self._lists.entries(which)}
        if args.get("id") is not None:
            return (chosen(listed, args),)
        cards = self._cards.keys_of(self._cards.number_of(args)).state
        if listed.isdisjoint(cards):
            raise Refusal(wire.NOT_FOUND, f"card: it is not on the {which}-list")
        return cards

    def _has_pin(self, keys: CardKeys) -> bool:
        try:
            if self._state.enrolled(keys.state) is not None:
                return True
            exported = self._credentials.find(keys.cache)
        except (StoreError, VaultError):
            return False
        return exported is not None and exported.verifier is not None

    def _told(self, entry: ListEntry, name: str, now: datetime) -> dict[str, Any]:
        return {
            "id": name,
            "shown": entry.shown,
            "until": self._local(entry.until),
            "reason": entry.why,
            "by": entry.by,
            "added": self._local(entry.added) if entry.added else None,
            "expired": entry.until <= now,
        }

    def _local(self, at: datetime) -> str:
        return at.astimezone(self._zone).isoformat(timespec="minutes")


def _which(args: Arguments) -> Which:
    try:
        return Which(text(args, "which", most=20))
    except ValueError:
        raise InputError("which: give allow or deny") from None


def _until(args: Arguments) -> str:
    if args.get("until") is None:
        raise InputError("until: missing; an entry without an end is not taken")
    return text(args, "until", most=40)

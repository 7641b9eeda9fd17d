"""A card with a PIN that staff gave it: the verb enrol.

    {"card", "pin", "label"}      -> {"id", "shown", "label", "replaced", "note"}
    {"card", "remove": true}      -> {"removed": n}
    {"id", "remove": true}        -> {"removed": n}
    {"show": true, "from": 0}     -> {"entries": [{"id", "shown", "label", "by", "added"}], "total",
                                      "next"}

The PIN goes from the argument into its verifier and nowhere else. A PIN alone opens nothing: the
note says so of a card that is neither on the allow-list nor in the register's feed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from kioskd import wire
from kioskd.control.acts import Acts
from kioskd.control.cards import PAGE_BYTES, SiteCards, chosen, page, short_ids, start_of
from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Refusal, Run, flag, only, text
from kioskd.domain.card import masked
from kioskd.domain.staff import Enrolment
from kioskd.errors import InputError, StoreError, VaultError
from kioskd.ports import CardKeys, Clock, Credentials, Enrolments, PinSealer, StateFile

NOT_LISTED: Final = (
    "this card opens nothing until it is on the allow-list (`kioskd list add allow`) or the "
    "register's feed knows it"
)
PIN_DIGITS: Final = (4, 16)
_UP: Final = "01234567890123456789"
_DIGITS: Final = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class PinLength:
    """How many digits can be typed at every door with a keypad."""

    least: int = PIN_DIGITS[0]
    most: int = PIN_DIGITS[1]

    @classmethod
    def of(cls, doors: Sequence[tuple[int, int]]) -> "PinLength":
        """From the doors' own limits, least and most each."""
        least = max((least for least, _ in doors), default=0)
        most = min((most for _, most in doors), default=PIN_DIGITS[1])
        return cls(max(least, PIN_DIGITS[0]), min(most, PIN_DIGITS[1]))


class Enrolling:
    """The verb over one site's enrolments. room: bytes of a page."""

    def __init__(
        self,
        acts: Acts,
        clock: Clock,
        zone: ZoneInfo,
        cards: SiteCards,
        enrolments: Enrolments,
        sealer: PinSealer,
        length: PinLength,
        state: StateFile,
        credentials: Credentials,
        room: int = PAGE_BYTES,
    ) -> None:
        self._acts = acts
        self._clock = clock
        self._zone = zone
        self._cards = cards
        self._enrolments = enrolments
        self._sealer = sealer
        self._length = length
        self._state = state
        self._credentials = credentials
        self._room = room

    def verbs(self) -> Mapping[str, Run]:
        """By name."""
        return {"enrol": self.enrol}

    async def enrol(self, person: Person, args: Arguments) -> Answer:
        """Enrol, remove or show, as the arguments say."""
        if args.get("show") is not None and flag(args, "show"):
            return await self._show(person, args)
        if args.get("remove") is not None and flag(args, "remove"):
            return await self._remove(person, args)
        return await self._enrol(person, args)

    async def _enrol(self, person: Person, args: Arguments) -> Answer:
        only(args, "card", "pin", "label", "show", "remove")
        number = self._cards.number_of(args)
        pin = pin_of(args, self._length, number)
        label = text(args, "label", most=60) if args.get("label") is not None else ""
        keys = self._cards.keys_of(number)
        card, *older = keys.state
        sealed = await self._sealer.seal(card, pin)
        now = self._clock.moment().wall
        enrolment = Enrolment(card, masked(number), label, person.name, now)
        # The label may name somebody: it stays with the enrolment and goes with it.
        async with self._acts.first(person, "enrol", card=card):
            had = await self._enrolments.put_enrolment(enrolment, sealed, tuple(older))
        return {
            "id": card.hex()[:8],
            "shown": enrolment.shown,
            "label": label,
            "replaced": had,
            "note": "" if self._opens(keys) else NOT_LISTED,
        }

    async def _remove(self, person: Person, args: Arguments) -> Answer:
        only(args, "card", "id", "remove", "show")
        cards = await self._named(args)
        async with self._acts.first(person, "enrol-remove", card=cards[0]):
            removed = await self._enrolments.drop_enrolments(cards)
        return {"removed": removed}

    async def _named(self, args: Arguments) -> tuple[bytes, ...]:
        if (args.get("card") is None) is (args.get("id") is None):
            raise InputError("give either card or id")
        enrolled = {enrolment.card for enrolment in await self._enrolments.enrolments()}
        if args.get("id") is not None:
            return (chosen(enrolled, args),)
        cards = self._cards.keys_of(self._cards.number_of(args)).state
        if enrolled.isdisjoint(cards):
            raise Refusal(wire.NOT_FOUND, "card: it is not enrolled here")
        return cards

    async def _show(self, person: Person, args: Arguments) -> Answer:
        only(args, "show", "from", "remove")
        start = start_of(args)
        kept = await self._enrolments.enrolments()
        await self._acts.write(person, "enrol-show", detail={"from": start})
        return await asyncio.to_thread(self._page, kept, start)

    def _page(self, kept: Sequence[Enrolment], start: int) -> Answer:
        ids = short_ids([enrolment.card for enrolment in kept])
        return page([self._told(e, ids[e.card]) for e in kept], start, self._room)

    def _opens(self, keys: CardKeys) -> bool:
        """Whether the lists or the register say anything of the card; not whether it may enter."""
        try:
            if self._state.listed(keys.state, self._clock.moment().wall).allowed:
                return True
            return self._credentials.find(keys.cache) is not None
        except (StoreError, VaultError):
            return False

    def _told(self, enrolment: Enrolment, name: str) -> dict[str, Any]:
        added = enrolment.added
        return {
            "id": name,
            "shown": enrolment.shown,
            "label": enrolment.label,
            "by": enrolment.by,
            "added": added.astimezone(self._zone).isoformat(timespec="minutes") if added else None,
        }


def pin_of(args: Arguments, length: PinLength, number: str) -> str:
    """The PIN in `pin`, if it can be typed at every door and is no weak one. InputError."""
    pin = args.get("pin")
    if pin is None:
        raise InputError("pin: missing")
    if not isinstance(pin, str) or not pin or not _DIGITS.issuperset(pin):
        raise InputError("pin: give digits 0 to 9 alone; a keypad has no others")
    if length.least > length.most:
        raise InputError(
            "pin: the doors share no length of PIN; see pin_min and pin_max in the configuration"
        )
    if not length.least <= len(pin) <= length.most:
        raise InputError(f"pin: give {length.least} to {length.most} digits")
    if why := weakness(pin, number):
        raise InputError(f"pin: {why}; choose another")
    return pin


def weakness(pin: str, number: str) -> str:
    """Why a PIN is the first that anybody would try; empty for others."""
    if len(set(pin)) == 1:
        return "it is one digit over and over"
    if pin in _UP or pin[::-1] in _UP:
        return "its digits follow one another"
    half = len(pin) // 2
    if len(pin) % 2 == 0 and pin[:half] == pin[half:]:
        return "its second half repeats the first"
    return "it stands on the card" if pin in number else ""

"""On the real clock with real hashes: the time of a denial tells nobody which card is known."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from drivers.fakes import FakePanel, settle
from kioskd.access.lockout import LockoutPolicy
from kioskd.access.pace import PaceLimits
from kioskd.clock.system import SystemClock
from kioskd.domain.credential import Credential
from kioskd.domain.notice import Notice, Shown
from kioskd.entry.access_point import Timing
from kioskd.ports import Clock
from kioskd.vault.kdf import PinChecker, hash_pin, hash_pin_bcrypt
from kioskd.vault.verifiers import Argon2Parameters

if TYPE_CHECKING:
    from tests.entry.conftest import World

CHEAP = Argon2Parameters(4096, 2, 1)
TRIES = 200  # of each kind
DOORS = 4  # side by side
DENY_AFTER = 0.06  # seconds; longer than any of these hashes takes, even with four in a row
TIMING = Timing(DENY_AFTER, double_read=0.0, pace=PaceLimits(failed=10**6))
NO_LOCKOUT = LockoutPolicy(tries=10**6)
CARDS: dict[str, Callable[[], Credential | None]] = {
    "167A000010": lambda: None,
    "167A000011": lambda: Credential(hash_pin("2580", CHEAP)),
    "167A000012": lambda: Credential(hash_pin_bcrypt("2580", cost=4)),
    "167A000013": Credential,
}


class WaitedFor(FakePanel):
    """A panel whose next denial can be waited for; `answered_at` is when `show` was called."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.denied = asyncio.Event()
        self.answered_at = 0.0

    def show(self, shown: Shown) -> None:
        super().show(shown)
        if shown.notice is Notice.WRONG_CARD_OR_PIN:
            self.answered_at = self.times[-1]
            self.denied.set()


async def test_wrong_card_or_pin_takes_the_same_time_for_every_card(
    new_world: "type[World]",
) -> None:
    clock = SystemClock()
    checker = PinChecker(hash_pin("0000", CHEAP))
    credentials = {card: made for card, make in CARDS.items() if (made := make())}
    times: dict[str, list[float]] = {card: [] for card in CARDS}

    async def door(first: int) -> None:
        panel = WaitedFor(clock)
        async with new_world(
            real=clock, panel=panel, verifier=checker, timing=TIMING, lockout=NO_LOCKOUT
        ) as world:
            for card, credential in credentials.items():
                world.credentials.put(card, replace(credential))
            cards = [*CARDS, *CARDS][first : first + len(CARDS)]
            for _ in range(TRIES // DOORS):
                for card in cards:
                    times[card].append(await answer_time(world, panel, card))

    await asyncio.gather(*(door(first) for first in range(DOORS)))
    checker.close()
    assert {len(taken) for taken in times.values()} == {TRIES}
    medians = [median(taken) for taken in times.values()]
    assert min(medians) >= DENY_AFTER
    assert max(medians) - min(medians) <= max(0.05 * min(medians), 0.002)


async def answer_time(world: "World", panel: WaitedFor, card: str) -> float:
    """Seconds from the last key to the call of the panel."""
    panel.denied.clear()
    world.reader.scan(card)
    await settle()
    at = world.time.monotonic()
    world.keypad.press("9999#")
    await panel.denied.wait()
    await settle()
    return panel.answered_at - at

"""PINs at the hub: right, wrong, unknown, and who guesses, at one hub or at two."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.errors import InputError, VaultError
from kioskd.vault.kdf import PinChecker, compute, hash_pin, hash_pin_bcrypt, wrap_bcrypt
from kioskd.vault.verifiers import Argon2idOverBcrypt, Verifier, to_text
from sync.hub import slowing
from sync.hub.devices import Device
from sync.hub.model import AgeState, Person
from sync.hub.schema import PATRON, PIN_FAILURE
from sync.hub.slowing import NONE, STEPS, Failures, TooOften
from sync.hub.verify import Verifying, forget_failures
from tests.hub_desk.desk import CARD, CHEAP, ESI, FRONT, NAA, NOON, Desk

WRONG = "0000"


class Counting:
    """Counts what is computed, and with which scheme."""

    def __init__(self) -> None:
        self.schemes: list[type[Verifier]] = []

    def __call__(self, verifier: Verifier, secret: bytes) -> bytes:
        self.schemes.append(type(verifier))
        return compute(verifier, secret)


@pytest.fixture
def computed() -> Counting:
    return Counting()


def checker(computed: Counting) -> PinChecker:
    return PinChecker(hash_pin("none", CHEAP), workers=1, compute=computed)


@pytest.fixture
def verifying(desk: Desk, computed: Counting) -> Iterator[Verifying]:
    made = Verifying(desk.database, desk.keys, desk.config, desk.clock, checker(computed))
    yield made
    made.close()


@pytest.fixture
def elsewhere(second: Desk, computed: Counting) -> Iterator[Verifying]:
    """The other hub."""
    made = Verifying(second.database, second.keys, second.config, second.clock, checker(computed))
    yield made
    made.close()


async def said(
    verifying: Verifying, card: str = CARD, pin: str = WRONG, name: str = "front"
) -> str:
    """The verdict, or for how many seconds there is none."""
    try:
        return (await verifying.verify(Device(name, "ESI"), ESI, card, pin)).verdict
    except TooOften as wait:
        return f"wait {wait.retry_after}"


async def test_the_right_pin_comes_with_what_the_branch_may_know(
    desk: Desk, verifying: Verifying
) -> None:
    ref = await desk.patron(expires=date(2027, 5, 31), language="fi", category="AIKUINEN")
    verdict = await verifying.verify(FRONT, ESI, " 167a000001 ", "1234")
    assert verdict.verdict == "ok"
    row = verdict.credential
    assert row is not None
    assert (row.card, row.ref, row.expires) == (CARD, ref, date(2027, 5, 31))
    assert (row.language, row.category) == (None, None)


async def test_wrong_and_unknown_cost_the_same_and_tell_nothing(
    desk: Desk, verifying: Verifying, computed: Counting
) -> None:
    await desk.patron()
    await desk.patron("167A000002", pin="")
    await desk.put(Person("167A000003"), deleted=True)
    cards = (CARD, "167A000002", "167A000003", "167A000004", "garbage")
    verdicts = [await verifying.verify(FRONT, ESI, card, WRONG) for card in cards]
    assert [v.verdict for v in verdicts] == ["wrong", "wrong", "unknown", "unknown", "unknown"]
    assert all(v.credential is None for v in verdicts)
    assert len(computed.schemes) == 5
    assert len({row.failures for row in await desk.rows(PIN_FAILURE)}) == 1


async def test_an_unknown_card_costs_what_the_cards_of_the_branch_cost(
    desk: Desk, verifying: Verifying, computed: Counting
) -> None:
    bcrypt = hash_pin_bcrypt("1234", 4)
    await desk.patron("167A000007", verifier=bcrypt)
    await desk.patron(verifier=wrap_bcrypt(to_text(bcrypt), CHEAP))
    assert await said(verifying, "167A000099") == "unknown"
    assert await said(verifying, pin="1234") == "ok"
    assert computed.schemes == [Argon2idOverBcrypt] * 2
    assert await said(verifying, "167A000007", "1234") == "ok", "it waits for wrapping"


async def test_bcrypt_that_waits_does_not_leave_the_hub(desk: Desk, verifying: Verifying) -> None:
    await desk.patron(verifier=hash_pin_bcrypt("1234", 4))
    row = (await verifying.verify(FRONT, ESI, CARD, "1234")).credential
    assert row is not None
    assert row.pin_hash is None


async def test_a_branch_knows_only_the_patrons_of_its_registers(
    desk: Desk, verifying: Verifying
) -> None:
    await desk.patron(feed="naa", pin="1111")
    assert await said(verifying, pin="1111") == "unknown"
    await desk.patron(feed="esi", pin="2222")
    assert await said(verifying, pin="2222") == "ok"
    there = Device("back", "NAA")
    assert (await verifying.verify(there, NAA, CARD, "1111")).verdict == "ok", "the first feed"
    assert (await verifying.verify(there, NAA, CARD, "2222")).verdict == "wrong"


DENIED = [
    {"restrictions": (Restriction(RestrictionKind.USE_BAN),)},
    {"restrictions": (Restriction(RestrictionKind.SELF_SERVICE_BLOCK, branch="ESI"),)},
    {"restrictions": (Restriction(RestrictionKind.LOST),)},
    {"terms": False},
    {"locked": True},
    {"institution": True},
    {"ages": {15: AgeState.UNDER}},
    {"ages": {15: date(2026, 11, 24)}},
    {"expires": date(2026, 11, 22)},
]
ALLOWED = [
    {"restrictions": (Restriction(RestrictionKind.SELF_SERVICE_BLOCK, branch="NAA"),)},
    {"restrictions": (Restriction(RestrictionKind.USE_BAN, date(2026, 11, 22)),)},
    {"restrictions": (Restriction(RestrictionKind.LOAN_BAN),)},
    {"ages": {15: date(2026, 11, 23)}},
    {"ages": {15: AgeState.UNDER}, "consent": ("esi",)},
    {"expires": date(2026, 11, 23)},
]


@pytest.mark.parametrize(
    ("more", "verdict"), [*((d, "denied") for d in DENIED), *((a, "ok") for a in ALLOWED)]
)
async def test_the_right_pin_is_no_right_to_come_in(
    desk: Desk, verifying: Verifying, more: dict[str, Any], verdict: str
) -> None:
    await desk.patron(**more)
    found = await verifying.verify(FRONT, ESI, CARD, "1234")
    assert found.verdict == verdict
    assert found.credential is not None
    assert await desk.rows(PIN_FAILURE) == [], "the PIN was right"
    assert await said(verifying, pin=WRONG) == "wrong", "and only the right PIN learns of it"


async def test_every_fifth_wrong_pin_goes_one_step(
    desk: Desk, verifying: Verifying, computed: Counting
) -> None:
    await desk.patron()
    for step in (60, 300, 900, 3600, 3600):
        assert [await said(verifying) for _ in range(5)] == ["wrong"] * 5
        before = len(computed.schemes)
        assert await said(verifying, pin="1234") == f"wait {step}", "the right PIN waits too"
        assert len(computed.schemes) == before, "nothing was checked"
        desk.clock.turn(seconds=step - 1)
        assert await said(verifying, pin="1234") == "wait 1"
        desk.clock.turn(seconds=1)
    assert await said(verifying, pin="1234") == "ok"
    assert await desk.rows(PIN_FAILURE) == []


async def test_an_unknown_card_is_locked_alike(verifying: Verifying) -> None:
    assert [await said(verifying, "167A000099") for _ in range(6)] == ["unknown"] * 5 + ["wait 60"]


async def test_failures_are_forgotten_after_a_day(desk: Desk, verifying: Verifying) -> None:
    await desk.patron()
    for _ in range(4):
        await said(verifying)
    desk.clock.turn(hours=23, minutes=59)
    assert await forget_failures(desk.database, desk.clock) == 0
    desk.clock.turn(minutes=1)
    assert [await said(verifying) for _ in range(4)] == ["wrong"] * 4
    assert await said(verifying, pin="1234") == "ok", "eight in two days, and no lock"
    await said(verifying)
    desk.clock.turn(hours=24)
    assert await forget_failures(desk.database, desk.clock) == 1


async def test_who_guesses_at_two_hubs_at_once_has_five_guesses(
    desk: Desk, verifying: Verifying, elsewhere: Verifying, computed: Counting
) -> None:
    await desk.patron()
    guesses = [
        said(hub, pin=f"{n:04}") for n in range(2000, 2020) for hub in (verifying, elsewhere)
    ]
    answers = Counter(await asyncio.gather(*guesses))
    assert answers == {"wrong": 5, "wait 60": 35}
    assert len(computed.schemes) == 5


async def test_a_check_that_is_cut_off_is_charged(desk: Desk, verifying: Verifying) -> None:
    await desk.patron()
    loop, checking, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def slow(verifier: Verifier, secret: bytes) -> bytes:
        loop.call_soon_threadsafe(checking.set)
        go_on.wait(10)
        return compute(verifier, secret)

    stalled = PinChecker(hash_pin("none", CHEAP), workers=1, compute=slow)
    cut_off = Verifying(desk.database, desk.keys, desk.config, desk.clock, stalled)
    for _ in range(4):
        await said(verifying)
    asking = asyncio.create_task(said(cut_off, pin="1234"))
    await checking.wait()
    asking.cancel()
    go_on.set()
    await asyncio.gather(asking, return_exceptions=True)
    cut_off.close()
    assert await said(verifying, pin="1234") == "wait 60"


async def test_one_pin_on_everybody_is_slowed_by_device(
    desk: Desk, verifying: Verifying, computed: Counting
) -> None:
    await desk.patron()
    guesses = [await said(verifying, f"167B{n:06}", "1234") for n in range(31)]
    assert guesses == ["unknown"] * 30 + ["wait 2"]
    assert await said(verifying, pin="1234") == "wait 2"
    assert await said(verifying, pin="1234", name="back") == "ok", "other devices go on"
    desk.clock.turn(seconds=2)
    assert await said(verifying, pin="1234") == "ok"
    assert await said(verifying, pin="1234") == "ok", "right ones are not counted"


async def test_guesses_at_once_are_no_more_than_one_after_another(
    desk: Desk, verifying: Verifying, computed: Counting
) -> None:
    guesses = [said(verifying, f"167B{n:06}", "1234") for n in range(50)]
    answers = Counter(await asyncio.gather(*guesses))
    assert answers == {"unknown": 30, "wait 2": 20}
    assert len(computed.schemes) == 30


async def test_right_ones_at_once_and_locked_cards_take_nothing_from_a_device(
    desk: Desk, verifying: Verifying
) -> None:
    await desk.patron(terms=False)
    for _ in range(2):
        answers = await asyncio.gather(*(said(verifying, pin="1234") for _ in range(5)))
        assert set(answers) == {"denied"}
    for _ in range(5):
        await said(verifying, "167B000000")
    for _ in range(30):
        assert await said(verifying, "167B000000") == "wait 60"
    others = [await said(verifying, f"167C{n:06}") for n in range(26)]
    assert others == ["unknown"] * 25 + ["wait 2"]


async def test_too_many_at_once_are_sent_away_uncharged(desk: Desk, verifying: Verifying) -> None:
    asked = [said(verifying, f"167A{n:06}", name=f"d{n}") for n in range(70)]
    answers = Counter(await asyncio.gather(*asked))
    assert answers == {"unknown": 64, "wait 2": 6}
    assert len(await desk.rows(PIN_FAILURE)) == 64
    assert await said(verifying, "167A000099") == "unknown", "and then it goes on"


@pytest.mark.parametrize(
    ("card", "pin"), [(CARD, ""), (CARD, "1" * 73), ("", "1"), ("1" * 65, "1")]
)
async def test_what_can_be_no_pin_or_card_is_never_verified(
    desk: Desk, verifying: Verifying, computed: Counting, card: str, pin: str
) -> None:
    await desk.patron(pin="")
    with pytest.raises(InputError, match="wanted") as wrong:
        await verifying.verify(FRONT, ESI, card, pin)
    assert computed.schemes == []
    assert "1111" not in str(wrong.value)
    assert await desk.rows(PIN_FAILURE) == []


async def test_another_key_is_a_fault_and_no_verdict(desk: Desk, verifying: Verifying) -> None:
    await desk.patron()
    index = desk.keys.card_index("167A000002")
    async with desk.database.writing() as connection:
        await connection.execute(PATRON.update().values(card=index))
    with pytest.raises(VaultError, match="does not open"):
        await verifying.verify(FRONT, ESI, "167A000002", "1234")


# The ladder and the bucket by themselves


@given(st.lists(st.integers(0, 7200), max_size=60))
def test_no_more_than_five_guesses_pass_between_two_steps(gaps: list[int]) -> None:
    failures, now, passed = NONE, NOON, 0
    for gap in gaps:
        now += timedelta(seconds=gap)
        locked = slowing.locked_for(failures, now)
        assert timedelta(0) <= locked <= STEPS[-1]
        if not locked:
            failures = slowing.charged(failures, now)
            passed += 1
            assert bool(slowing.locked_for(failures, now)) == (failures.count % 5 == 0)
    assert failures.count <= passed


@given(st.integers(0, 10_000), st.datetimes(), st.datetimes())
def test_no_row_locks_for_ever(count: int, forgotten: datetime, now: datetime) -> None:
    failures = Failures(count, forgotten.replace(tzinfo=UTC))
    try:
        locked = slowing.locked_for(failures, now.replace(tzinfo=UTC))
    except OverflowError:
        assert forgotten.year == 1
        return
    assert timedelta(0) <= locked <= STEPS[-1]


@given(st.lists(st.integers(0, 60), max_size=100))
def test_a_bucket_gives_no_more_than_its_pace(gaps: list[int]) -> None:
    now, answered = NOON, 0
    bucket = slowing.full(slowing.GUESSING, now)
    for gap in gaps:
        now += timedelta(seconds=gap)
        if not slowing.wait_of(bucket, slowing.GUESSING, now):
            bucket = slowing.taken(bucket, slowing.GUESSING, now)
            answered += 1
    assert answered <= 30 + sum(gaps) / 2 + 1

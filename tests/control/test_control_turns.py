"""A crowd at the socket takes turns: the loop and the journal are the doors' first."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kioskd import wire
from kioskd.control.people import Person, Role
from kioskd.control.turns import AT_ONCE, AT_WORK, LOOKS, MOST_REST, Looking, Turns
from kioskd.control.verbs import Arguments, Refusal
from tests.control.wired import Caller, Wired, until

MAIJA = Person("maija", frozenset({Role.OPERATOR}), account=1000)


class Rounds:
    """Counts the rounds of the loop, and what happens in the busiest of them."""

    def __init__(self) -> None:
        self.busiest = self._now = 0
        self._next()

    def happens(self) -> None:
        self._now += 1
        self.busiest = max(self.busiest, self._now)

    def _next(self) -> None:
        self._now = 0
        asyncio.get_running_loop().call_soon(self._next)


async def test_a_crowd_is_answered_a_few_at_a_time(place: Path) -> None:
    """As long as 220 questions were answered in one round of the loop, no key was heard."""
    rounds = Rounds()

    async def status(person: Person, args: Arguments) -> dict[str, Any]:
        rounds.happens()
        return {}

    async with Wired(place, verbs={"status": status}) as wired:
        callers = [await wired.call(Role.VIEWER) for _ in range(60)]
        for _ in range(5):
            answers = await asyncio.gather(*(caller.ask("status") for caller in callers))
            assert all("ok" in answer for answer in answers)
        assert 0 < rounds.busiest <= AT_ONCE


async def test_junk_takes_turns_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds, request_of = Rounds(), wire.request_of

    def read(text: bytes) -> object:
        rounds.happens()
        return request_of(text)

    monkeypatch.setattr(wire, "request_of", read)
    async with Wired(place) as wired:
        callers = [await wired.call(Role.VIEWER) for _ in range(60)]
        for caller in callers:
            caller.writer.write(b"[" * 30_000 + b"\n")
        for caller in callers:
            assert (await caller.line())["error"]["code"] == "bad-request"
        assert 0 < rounds.busiest <= AT_ONCE


class Slow:
    """A verb that waits for a disk."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.at_work = self.done = 0

    async def __call__(self, person: Person, args: Arguments) -> dict[str, Any]:
        self.at_work += 1
        try:
            await self.free.wait()
        finally:
            self.at_work -= 1
        self.done += 1
        return {}


@pytest.fixture
def slow() -> Slow:
    return Slow()


async def crowd(wired: Wired, slow: Slow) -> list[Caller]:
    """More who ask for something slow than are let to work at once."""
    callers = [await wired.call(Role.OPERATOR) for _ in range(3 * AT_WORK)]
    for caller in callers:
        await caller.send(b'{"id":1,"verb":"why","args":{}}\n')
    await until(lambda: slow.at_work == AT_WORK)
    return callers


async def test_few_slow_verbs_are_at_work_at_once(place: Path, slow: Slow) -> None:
    async with Wired(place, verbs={"why": slow}) as wired:
        callers = await crowd(wired, slow)
        other = await wired.call(Role.VIEWER)
        assert "ok" in await other.ask("status")
        assert slow.at_work == AT_WORK
        slow.free.set()
        for caller in callers:
            assert "ok" in await caller.line()
        assert slow.done == len(callers)


@pytest.mark.parametrize(
    "verb", ["status", "health", "site", "open", "lock", "lockdown", "subscribe"]
)
async def test_what_matters_at_a_door_waits_for_no_slow_verb(
    place: Path, slow: Slow, verb: str
) -> None:
    async with Wired(place, verbs={"why": slow}) as wired:
        await crowd(wired, slow)
        other = await wired.call(Role.OPERATOR)
        args: dict[str, object] = {"topics": []} if verb == "subscribe" else {"door": "front"}
        assert "ok" in await other.ask(verb, **args)
        slow.free.set()


async def test_who_hangs_up_while_waiting_takes_no_turn(place: Path, slow: Slow) -> None:
    async with Wired(place, verbs={"why": slow}) as wired:
        for caller in await crowd(wired, slow):
            caller.writer.transport.abort()
        slow.free.set()
        other = await wired.call(Role.OPERATOR)
        assert "ok" in await other.ask("why")


class Hand:
    """A clock and a loop's timers, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rests: list[tuple[float, Callable[[], None]]] = []

    def monotonic(self) -> float:
        return self.now

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.rests.append((seconds, call))


async def test_a_turn_is_followed_by_a_rest_while_others_wait() -> None:
    hand, begun = Hand(), []
    turns = Turns(2, 0.25, monotonic=hand.monotonic, later=hand.later)

    async def ask(who: str, took: float) -> None:
        async with turns.taken():
            begun.append(who)
            hand.now += took

    asking = [asyncio.create_task(ask(who, 0.001)) for who in "abc"]
    await asyncio.wait(asking[:2])
    assert begun == ["a", "b"]
    # Both had their turn in the same round: nobody had waited when the first of them was over.
    (_, first), (rest, second) = hand.rests
    assert rest == 0.0
    first()
    await asyncio.wait(asking)
    assert begun == ["a", "b", "c"]
    second()


@pytest.mark.parametrize(("took", "rest"), [(0.001, 0.007), (10.0, MOST_REST)])
async def test_a_rest_is_as_long_as_its_share_of_the_loop_asks(took: float, rest: float) -> None:
    """Two at once with a quarter of the loop: each rests seven times what it took."""
    hand, waiting = Hand(), asyncio.Event()
    turns = Turns(2, 0.25, monotonic=hand.monotonic, later=hand.later)

    async def ask(seconds: float) -> None:
        async with turns.taken():
            await waiting.wait()
            hand.now += seconds

    asking = [asyncio.create_task(ask(seconds)) for seconds in (took, 0.0, 0.0)]
    await asyncio.sleep(0)  # two have a turn, one waits
    waiting.set()
    await asyncio.wait(asking[:2])
    assert hand.rests[0][0] == pytest.approx(rest)
    assert not asking[2].done(), "it waits for the rest to end"
    hand.rests[0][1]()
    await asking[2]


async def test_nobody_alone_ever_rests() -> None:
    hand = Hand()
    turns = Turns(monotonic=hand.monotonic, later=hand.later)
    for _ in range(3):
        async with turns.taken():
            hand.now += 1.0
        seconds, free = hand.rests.pop()
        assert seconds == 0.0
        free()


def refused(looking: Looking, person: Person) -> str:
    try:
        looking.count(person)
    except Refusal as refusal:
        return f"{refusal.code}: {refusal.message}"
    return ""


def test_an_account_looks_at_persons_so_often_a_minute() -> None:
    hand = Hand()
    looking = Looking(3, hand.monotonic)
    other = Person("pekka", frozenset({Role.OPERATOR}), account=1001)
    for _ in range(3):
        assert not refused(looking, MAIJA)
        hand.now += 10.0
    told = refused(looking, MAIJA)
    assert told.startswith("busy: ")
    assert told.endswith("go on in 31 s")
    assert not refused(looking, other)
    hand.now = 60.0
    assert not refused(looking, MAIJA), "the oldest look is a minute old"
    assert refused(looking, MAIJA)


def test_what_is_remembered_of_looks_is_bounded() -> None:
    hand = Hand()
    looking = Looking(3, hand.monotonic)
    for account in range(3000):
        looking.count(Person("x", frozenset(), account=account))
        hand.now += 1.0
    assert len(looking._looks) < 400


async def test_looks_at_persons_are_bounded_and_nothing_else_is(place: Path) -> None:
    async with Wired(place) as wired:
        maija = await wired.call_as(MAIJA)
        for number in range(LOOKS):
            verb = ("why", "explain", "list-show", "lockout-list")[number % 4]
            assert "ok" in await maija.ask(verb)
        again = await wired.call_as(MAIJA)  # another connection is the same account
        for verb, args in (("why", {}), ("enrol", {"show": True}), ("subscribe", ROWS)):
            error = (await again.ask(verb, **args))["error"]
            assert error["code"] == "busy"
            assert "go on in" in error["message"]
        assert wired.remembered.listened == []
        for verb in ("status", "open", "lock", "enrol", "list-add", "lockdown"):
            assert "ok" in await again.ask(verb)


ROWS: dict[str, Any] = {"topics": ["rows"]}


async def test_root_may_look_as_often_as_it_wants(place: Path) -> None:
    async with Wired(place) as wired:
        root = await wired.call(Role.ADMINISTRATOR, name="root")
        for _ in range(2 * LOOKS):
            assert "ok" in await root.ask("explain")


async def test_what_is_refused_is_no_look(place: Path) -> None:
    async with Wired(place) as wired:
        viewer = await wired.call_as(Person("viewer", frozenset({Role.VIEWER}), account=1000))
        for _ in range(LOOKS + 1):
            assert (await viewer.ask("why"))["error"]["code"] == "not-allowed"

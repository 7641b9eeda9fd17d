"""A connection over wires that lose, break, delay and repeat: the right answer or none at all.

Messages keep their order, as over any stream. What must hold: no answer is taken for another
request's, nothing is done twice, and nobody waits for ever.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.sip2.connection import Connection, Failed, Signal, Timer
from sync.sip2.dialect import Dialect
from sync.sip2.layouts import ANSWERS, LAYOUTS
from sync.sip2.messages import Message
from tests.sip2.sip_lines import CHANGES, Fate, ModelLibrary, Resend, Wire, line, said, status

CODES = ("63", "11", "23", "17", "09", "29", "35")
RETRIES = 3
Outcome = tuple[Message, Message | Failed]


@dataclass
class Desk:
    """Asks one thing after the other; a connection that failed or is spent is made anew."""

    dialect: Dialect
    library: ModelLibrary
    fates: Iterator[Fate]
    bytewise: bool = False

    def asks(self, codes: Iterable[str]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        wire = self._wire()
        for number, code in enumerate(codes):
            asked = said(code, ("AA", f"card{number}"), ("AB", f"item{number}"))
            outcomes.append((asked, wire.ask(asked)))
            if wire.connection.spent:
                wire = self._wire()
        return outcomes

    def _wire(self) -> Wire:
        connection = Connection(self.dialect, answer_seconds=1.0, retries=RETRIES)
        return Wire(connection, self.library, self.fates, bytewise=self.bytewise)


def dialect(*, ay: bool = True, checksum: str = "strict", replays: bool = True) -> Dialect:
    return Dialect("test", error_detection=ay, checksum=checksum, replays=replays)


def fates_of(*kinds: Fate) -> st.SearchStrategy[list[Fate]]:
    """Mostly nothing happens, and at times one of these."""
    usual = st.sampled_from([Fate.PASS, Fate.SERVER_FIRST])
    return st.lists(usual | st.sampled_from(kinds), max_size=60)


def all_is_well(outcomes: list[Outcome], library: ModelLibrary) -> None:
    for asked, outcome in outcomes:
        item = asked.first("AB") or ""
        assert library.done[item] <= 1
        if isinstance(outcome, Failed):
            continue
        assert outcome.code == ANSWERS[asked.code]
        assert [outcome.first(name) for name in ("AA", "AB")] == [asked.first("AA"), item]
        assert library.done[item] == (asked.code in CHANGES)


REQUESTS = st.lists(st.sampled_from(CODES), min_size=1, max_size=8)
ANY_FATE = tuple(Fate)
NO_COPIES = tuple(fate for fate in Fate if fate is not Fate.TWICE)


@settings(max_examples=300)
@given(REQUESTS, fates_of(*ANY_FATE), st.sampled_from(Resend), st.booleans())
def test_with_error_detection(
    codes: list[str], fates: list[Fate], resend: Resend, bytewise: bool
) -> None:
    library = ModelLibrary(resend=resend, demands=True)
    outcomes = Desk(dialect(), library, iter(fates), bytewise).asks(codes)
    all_is_well(outcomes, library)


@settings(max_examples=300)
@given(REQUESTS, fates_of(*NO_COPIES), st.sampled_from(Resend))
def test_with_a_server_that_does_all_it_is_asked(
    codes: list[str], fates: list[Fate], resend: Resend
) -> None:
    library = ModelLibrary(replays=False, resend=resend, demands=True)
    outcomes = Desk(dialect(replays=False), library, iter(fates)).asks(codes)
    all_is_well(outcomes, library)


@settings(max_examples=200)
@given(REQUESTS, fates_of(Fate.LOSE, Fate.LATE, Fate.JUNK, Fate.TOLD), st.booleans())
def test_with_a_server_that_has_no_numbers(
    codes: list[str], fates: list[Fate], replays: bool
) -> None:
    library = ModelLibrary(replays=replays, numbers=False)
    lenient = dialect(checksum="warn", replays=replays)
    all_is_well(Desk(lenient, library, iter(fates)).asks(codes), library)


@settings(max_examples=200)
@given(REQUESTS, fates_of(Fate.LOSE, Fate.LATE, Fate.JUNK, Fate.STATUS, Fate.TOLD))
def test_without_error_detection(codes: list[str], fates: list[Fate]) -> None:
    library = ModelLibrary(replays=False)
    outcomes = Desk(dialect(ay=False), library, iter(fates)).asks(codes)
    all_is_well(outcomes, library)


@pytest.mark.parametrize("ay", [True, False])
@pytest.mark.parametrize("bytewise", [True, False])
def test_where_nothing_happens_everything_is_answered(ay: bool, bytewise: bool) -> None:
    library = ModelLibrary()
    outcomes = Desk(dialect(ay=ay), library, iter(()), bytewise).asks(CODES * 4)
    assert not any(isinstance(outcome, Failed) for _, outcome in outcomes)
    all_is_well(outcomes, library)


def chances(seed: int, percent: int, fate: Fate) -> Iterator[Fate]:
    """The same fates for the same seed: so many in a hundred are this one."""
    for number in count():
        digest = hashlib.sha256(f"{seed} {number}".encode()).digest()
        hit = int.from_bytes(digest[:4], "big") % 100 < percent
        yield fate if hit else Fate.PASS


@pytest.mark.parametrize("fate", [Fate.LOSE, Fate.BREAK, Fate.LATE, Fate.JUNK, Fate.STATUS])
def test_with_20_in_a_hundred_messages_lost_broken_or_late_most_are_answered(fate: Fate) -> None:
    library = ModelLibrary(resend=Resend.ZERO, demands=True)
    outcomes = Desk(dialect(), library, chances(5, 20, fate)).asks(CODES * 40)
    all_is_well(outcomes, library)
    answered = sum(isinstance(outcome, Message) for _, outcome in outcomes)
    assert answered > 0.9 * len(outcomes)


# Any bytes at all

LINES = st.sampled_from(
    [
        line(status(), 0),
        line(said("64", ("AA", "x")), 0),
        line(said("64", ("AA", "x")), 1)[:-2] + b"!\r",
        b"64AY0\r",
        b"96AZFEF6\r",
        b"\r\n",
    ]
)
BYTES = st.binary(max_size=40) | LINES | st.sampled_from(sorted(LAYOUTS)).map(str.encode)
STEPS = st.lists(BYTES | st.sampled_from(Timer) | st.none(), max_size=30)


def step(connection: Connection, what: bytes | Timer | None) -> list[Signal]:
    if isinstance(what, Timer):
        return connection.fired(what)
    if what is not None:
        return connection.receive(what)
    if connection.waiting or connection.spent:
        return []
    return connection.request(said("63", ("AA", "x")))


@settings(max_examples=300)
@given(STEPS, st.booleans(), st.sampled_from(["strict", "warn", "off"]))
def test_nothing_that_comes_raises_and_failed_is_the_last_word(
    steps: list[bytes | Timer | None], ay: bool, checksum: str
) -> None:
    connection = Connection(dialect(ay=ay, checksum=checksum), answer_seconds=1.0)
    signals = [signal for what in steps for signal in step(connection, what)]
    failures = [at for at, signal in enumerate(signals) if isinstance(signal, Failed)]
    assert failures in ([], [len(signals) - 1])
    assert connection.spent or not failures

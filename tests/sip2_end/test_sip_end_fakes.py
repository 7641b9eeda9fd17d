"""The fake server and the meddler do what they say: each fault really happens."""

import asyncio
from collections import Counter

import pytest

from sync.sip2.charset import Charset
from sync.sip2.fake_ils import Act, Close, Drip, FakeIls, Lost, Pause, Say, Silence, scripted
from sync.sip2.fake_ils import Raw as RawAct
from sync.sip2.fake_library import WellBehaved, off_line
from sync.sip2.messages import Check, Message, parse
from tests.sip2.meddler import FAULTS, Fault, Meddler, Passing, Way, always, drawn, once
from tests.sip2_end.sip_end_raw import raw

DATE = "20260301    101500"
STATUS = Message("99", {"status_code": "0", "max_print_width": "080", "protocol_version": "2.00"})
RENEWED = [("AO", "ESI"), ("AA", "167A000001")]
RENEW_ALL = Message("65", {"transaction_date": DATE}, RENEWED)


def library() -> WellBehaved:
    items = {"167N00000001": {"title": "Seitsemän veljestä", "card": "167A000001"}}
    return WellBehaved({"167A000001": {"pin": "1234", "PA": "1"}}, items)


def patron(card: str = "167A000001", pin: str = "1234", institution: str = "ESI") -> Message:
    fields = [("AO", institution), ("AA", card), ("AC", ""), ("AD", pin)]
    fixed = {"language": "007", "transaction_date": DATE, "summary": "  Y       "}
    return Message("63", fixed, fields)


# ---- the fake server


async def test_an_answer_has_the_digit_and_a_checksum_of_its_own() -> None:
    async with FakeIls(library()) as ils, raw(ils.port) as client:
        client.say(patron(), seq=7)
        answer = parse((await client.hear())[:-1])
    assert (answer.code, answer.seq, answer.check) == ("64", 7, Check.GOOD)
    assert (answer.first("PA"), answer.first("CQ")) == ("1", "Y")
    assert answer.every("AU") == ("167N00000001",)


async def test_who_asks_without_a_checksum_is_answered_without() -> None:
    async with FakeIls(library()) as ils, raw(ils.port) as client:
        client.say(STATUS, seq=None)
        answer = parse((await client.hear())[:-1])
    assert (answer.code, answer.seq, answer.check) == ("98", None, Check.ABSENT)


async def test_a_repeat_is_answered_and_not_done_again() -> None:
    shelf = library()
    async with FakeIls(shelf) as ils, raw(ils.port) as client:
        client.say(RENEW_ALL, seq=1)
        first = await client.hear()
        client.say(RENEW_ALL, seq=1)
        assert await client.hear() == first
        client.say_bytes(b"97AZFEF5\r")
        assert await client.hear() == first
        assert len(shelf.done) == 1
        client.say(RENEW_ALL, seq=2)
        assert await client.hear() not in ("", first)
    assert len(shelf.done) == 2


async def test_a_server_that_knows_no_repeats_does_it_again() -> None:
    shelf = library()
    async with FakeIls(shelf, replays=False) as ils, raw(ils.port) as client:
        for _ in range(2):
            client.say(RENEW_ALL, seq=1)
            assert await client.hear()
    assert len(shelf.done) == 2


async def test_a_wrong_checksum_is_asked_for_again_and_nothing_is_done() -> None:
    shelf = library()
    async with FakeIls(shelf) as ils, raw(ils.port) as client:
        client.say_bytes(b"65" + DATE.encode() + b"AOESI|AA167A000001|AY1AZ0000\r")
        assert await client.hear() == b"96AZFEF6\r"
    assert shelf.done == []


async def test_a_lost_answer_is_there_for_who_asks_again_and_silence_never_was_one() -> None:
    shelf = library()
    lost = Lost(Message("94", {"ok": "1"}))
    turns: dict[str, list[list[Act]]] = {"65": [[Silence()], [lost]]}
    async with FakeIls(scripted(turns, shelf)) as ils, raw(ils.port) as client:
        client.say(RENEW_ALL)
        assert await client.hear() == b""
        client.say(RENEW_ALL)  # the second turn: it was not recognised as a repeat
        assert await client.hear() == b""
        client.say(RENEW_ALL)
        assert (await client.hear()).startswith(b"941AY0AZ")
    assert shelf.done == []


@pytest.mark.parametrize(
    ("say", "check", "seq"),
    [
        (Say(off_line(), checksum="wrong"), Check.WRONG, 3),
        (Say(off_line(), checksum="zero"), Check.WRONG, 3),
        (Say(off_line(), checksum="absent"), Check.ABSENT, 3),
        (Say(off_line(), seq=None), Check.GOOD, None),
        (Say(off_line(), seq=9), Check.GOOD, 9),
    ],
)
async def test_what_is_told_of_an_answer_is_so(say: Say, check: Check, seq: int | None) -> None:
    async with FakeIls(lambda _: [say]) as ils, raw(ils.port) as client:
        client.say(STATUS, seq=3)
        answer = parse((await client.hear())[:-1])
    assert (answer.check, answer.seq) == (check, seq)


async def test_a_checksum_over_characters_in_a_charset_of_its_own() -> None:
    title = Message("94", {"ok": "1"}, [("AF", "Kääpiö")])
    says = [Say(title, checksum="code-points"), Say(title, charset=Charset("latin-1"))]
    async with FakeIls(lambda _: says) as ils, raw(ils.port) as client:
        client.say(STATUS)
        assert parse((await client.hear())[:-1]).check is Check.CODE_POINTS
        assert b"AFK\xe4\xe4pi\xf6|" in await client.hear()


async def test_it_drips_pauses_closes_and_speaks_unasked() -> None:
    acts: list[Act] = [Drip(b"94", 0.001), Pause(0.01), RawAct(b"1\r"), Close(reset=True)]
    ils = FakeIls(lambda _: acts, greeting=[RawAct(b"hello\r")])
    async with ils, raw(ils.port) as client:
        assert await client.hear() == b"hello\r"
        await ils.tell(Say(off_line()))
        assert (await client.hear()).startswith(b"98N")
        client.say(STATUS)
        assert await client.hear() == b"941\r"
        assert await client.ended()
    assert (ils.codes(), ils.connections, ils.open) == (["99"], 1, 0)


async def test_its_access_field_fails_open_as_the_real_one_does() -> None:
    shelf = WellBehaved({"1": {"pin": "1234", "PA": "0"}})
    async with FakeIls(shelf) as ils, raw(ils.port) as client:
        heard = {}
        for seq, (institution, pin) in enumerate([("ESI", "1234"), ("KES", "1234"), ("ESI", "9")]):
            client.say(patron("1", pin, institution), seq=seq)
            answer = parse((await client.hear())[:-1])
            heard[institution, pin] = answer.first("PA"), answer.first("CQ")
    assert heard == {
        ("ESI", "1234"): ("0", "Y"),
        ("KES", "1234"): ("1", "Y"),
        ("ESI", "9"): ("0", "N"),
    }


async def test_connections_can_be_dropped_and_the_server_goes_on() -> None:
    async with FakeIls(library()) as ils:
        async with raw(ils.port) as client:
            client.say(STATUS)
            assert await client.hear()
            await ils.drop()
            assert await client.ended()
        async with raw(ils.port) as client:
            client.say(STATUS)
            assert await client.hear()


# ---- the meddler


async def meddled(code: str, fault: Fault) -> tuple[list[bytes], list[str], WellBehaved]:
    """What is heard when 65 is said, and once more after silence; what the server heard."""
    shelf = library()
    async with FakeIls(shelf) as ils, Meddler(ils.port, once(code, fault), late=0.01) as meddler:
        async with raw(meddler.port) as client:
            client.say(RENEW_ALL, seq=4)
            heard = []
            while data := await client.hear():
                heard.append(data)
        codes = ils.codes()
        if fault is not Fault.PASS:
            assert meddler.story == [f"0/{'up' if code == '65' else 'down'}/0 {code} {fault.value}"]
        return heard, codes, shelf


async def test_without_a_fault_everything_passes() -> None:
    heard, codes, shelf = await meddled("65", Fault.PASS)
    assert (codes, len(shelf.done)) == (["65"], 1)
    assert parse(heard[0][:-1]).first("BM") == "167N00000001"


@pytest.mark.parametrize(
    ("fault", "answer", "done"),
    [
        (Fault.LOSE, b"", 0),
        (Fault.CORRUPT, b"96AZ", 0),
        (Fault.MANGLED, b"96AZ", 0),
        (Fault.CUT, b"", 0),
        (Fault.TWICE, b"661", 1),
        (Fault.LATE, b"661", 1),
        (Fault.DRIP, b"661", 1),
        (Fault.BYTEWISE, b"661", 1),
        (Fault.RESEND, b"96AZ", 0),
        (Fault.OFF_LINE, b"98N", 0),
        (Fault.POLICY, b"98Y", 0),
    ],
)
async def test_what_becomes_of_a_request(fault: Fault, answer: bytes, done: int) -> None:
    heard, _, shelf = await meddled("65", fault)
    assert b"".join(heard)[: len(answer)] == answer if answer else heard == []
    assert len(shelf.done) == done
    if answer[:2] == b"98":
        assert parse(heard[0][:-1]).seq == 4


@pytest.mark.parametrize("fault", [f for f in FAULTS[Way.DOWN] if f is not Fault.LOSE])
async def test_what_becomes_of_an_answer(fault: Fault) -> None:
    heard, codes, shelf = await meddled("66", fault)
    assert (codes, len(shelf.done)) == (["65"], 1)
    whole = [parse(data[:-1].lstrip(b"\n\x00 ")) for data in heard if data.endswith(b"\r")]
    good = [answer for answer in whole if answer.code == "66" and answer.check is Check.GOOD]
    spoilt = (Fault.CUT, Fault.CORRUPT, Fault.MANGLED, Fault.OFF_LINE)
    assert len(good) == (2 if fault is Fault.TWICE else 0 if fault in spoilt else 1)
    if fault is Fault.WRONG_SEQ:
        assert good[0].seq == 5
    if fault is Fault.JUNK:
        assert heard[0].startswith(b"\n\x00 <html>")
    if fault is Fault.CUT:
        assert heard[0].startswith(b"661")


async def test_a_lost_answer_was_given() -> None:
    heard, codes, shelf = await meddled("66", Fault.LOSE)
    assert (heard, codes, len(shelf.done)) == ([], ["65"], 1)


def test_a_drawn_plan_hangs_on_its_seed_alone_and_meets_every_fault() -> None:
    passings = [Passing(c, way, n, "63") for c in range(9) for way in Way for n in range(99)]
    first = [drawn(5)(one) for one in passings]
    assert first == [drawn(5)(one) for one in passings] != [drawn(6)(one) for one in passings]
    assert set(first) == set(Fault)
    assert 0.6 < Counter(first)[Fault.PASS] / len(first) < 0.9


async def test_a_command_that_always_fares_badly_does_so_on_every_connection() -> None:
    async with FakeIls(library()) as ils, Meddler(ils.port, always("98", Fault.LOSE)) as meddler:
        for _ in range(2):
            async with raw(meddler.port) as client:
                client.say(STATUS)
                assert await client.hear() == b""
                client.say(RENEW_ALL, seq=1)
                assert await client.hear()
        await meddler.drop()
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith(("meddler", "fake"))]

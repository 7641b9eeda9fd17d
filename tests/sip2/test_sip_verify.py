"""The verifier: what is asked, and what happens when it cannot be."""

import traceback

import pytest

from drivers.fakes import FakeClock
from kioskd.domain.ils import Hindrance, Standing
from kioskd.errors import InputError, RegisterError
from kioskd.register_ports import OnlineVerifier
from sync.sip2.faults import LogInRefused, NoAnswer, NotAsked
from sync.sip2.verify import SipVerifier
from tests.sip2.scripted_ask import CARD, LATER, PIN, Answer, ScriptedAsk, patron, settings


def verifier(*answers: Answer, dialect: str = "koha") -> tuple[OnlineVerifier, ScriptedAsk]:
    ask = ScriptedAsk(answers)
    return SipVerifier(ask, settings(dialect), FakeClock()), ask


async def test_a_right_pin_is_one_63_with_it_and_no_list() -> None:
    door, ask = verifier(patron())
    assert (await door.verify(CARD, PIN, LATER)).standing is Standing.OK
    (asked,) = ask.asked
    assert (asked.code, asked.first("AA"), asked.first("AD")) == ("63", CARD, PIN)
    assert asked.fixed["summary"] == " " * 10
    assert asked.fixed["transaction_date"] == "20261123    100000"  # the fake clock, in Helsinki


async def test_a_wrong_pin_is_asked_about_once() -> None:
    door, ask = verifier(patron(cq="N"))
    assert (await door.verify(CARD, PIN, LATER)).standing is Standing.WRONG
    assert ask.codes == ["63"]


async def test_a_recheck_is_a_23_and_never_a_63() -> None:
    door, ask = verifier(patron(code="24", flags=["card_lost"]))
    known = await door.recheck(CARD, LATER)
    assert (known.known, known.door) == (True, (Hindrance.CARD_UNUSABLE,))
    assert ask.codes == ["23"]
    assert ask.asked[0].every("AD") == ("",)


@pytest.mark.parametrize("fault", [NotAsked("down"), NoAnswer("gone"), LogInRefused("no")])
async def test_silence_is_an_error_and_never_a_verdict(fault: RegisterError) -> None:
    door, _ = verifier(fault, fault)
    with pytest.raises(type(fault)):
        await door.verify(CARD, PIN, LATER)
    with pytest.raises(type(fault)):
        await door.recheck(CARD, LATER)


async def test_no_error_repeats_a_card_or_a_pin() -> None:
    door, _ = verifier(patron(card="167A009999"), patron(code="24", bl=None))
    told = ""
    for call in (door.verify(CARD, PIN, LATER), door.recheck(CARD, LATER)):
        with pytest.raises(RegisterError) as caught:
            await call
        told += "".join(traceback.format_exception(caught.value, chain=True)[-1:])
    assert not any(word in told for word in (CARD, PIN, "167A009999", "Matti"))


async def test_a_card_is_trimmed_and_checked() -> None:
    door, ask = verifier(patron())
    await door.verify(f" {CARD} ", PIN, LATER)
    assert ask.asked[0].first("AA") == CARD
    with pytest.raises(InputError):
        await door.recheck("", LATER)
    assert len(ask.asked) == 1

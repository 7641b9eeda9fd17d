"""koha-suomi at the door and at the return: PA, CV and CT, which pysip2 cannot carry."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from kioskd.domain.ils import Hindrance, Hold, Refusal, Standing
from kioskd.errors import ConfigError, InputError, RegisterError
from sync.sip2.circulate import SipCirculation, SipPatronDesk
from sync.sip2.fake_ils import Act, Answer, Close, FakeIls, Say, scripted
from sync.sip2.fake_library import WellBehaved, off_line
from sync.sip2.messages import Message
from sync.sip2.verify import SipVerifier
from tests.sip2_end.sip_end_client import CLOCK, running, settings, soon

CARD, PIN, ITEM = "167A000001", "1234", "167N00000001"
TITLE = "Seitsemän veljestä"


@dataclass(frozen=True, slots=True)
class Site:
    """A device and a library system of koha-suomi's kind."""

    ils: FakeIls
    verifier: SipVerifier
    circulation: SipCirculation
    desk: SipPatronDesk


@asynccontextmanager
async def site(answer: Answer, institution: str = "ESI") -> AsyncIterator[Site]:
    async with FakeIls(answer) as ils:
        made_with = replace(settings(ils.port), institution=institution)
        async with running(made_with) as client:
            yield Site(
                ils,
                SipVerifier(client, made_with, CLOCK),
                SipCirculation(client, made_with, CLOCK, pause_seconds=0.05),
                SipPatronDesk(client, made_with, CLOCK),
            )


def town(*, access: str | None = "1", status: str = " " * 14, **item: str) -> WellBehaved:
    """One patron and one item, which the patron has on loan."""
    patron = {"pin": PIN, "status": status}
    if access is not None:
        patron["PA"] = access
    return WellBehaved({CARD: patron}, {ITEM: {"title": TITLE, "card": CARD, **item}})


# ---- who may enter


@pytest.mark.parametrize("access", ["1", "2", "17"])
async def test_an_access_field_that_says_yes_lets_in(access: str) -> None:
    async with site(town(access=access)) as here:
        verdict = await here.verifier.verify(CARD, PIN, soon())
    assert (verdict.standing, verdict.door, verdict.access) == (Standing.OK, (), access)


async def test_an_access_field_of_zero_keeps_out() -> None:
    async with site(town(access="0")) as here:
        verdict = await here.verifier.verify(CARD, PIN, soon())
    assert (verdict.standing, verdict.door) == (Standing.DENIED, (Hindrance.NO_ACCESS,))


@pytest.mark.parametrize("access", [None, "", "  "])
async def test_an_access_field_that_is_missing_or_empty_keeps_out(access: str | None) -> None:
    async with site(town(access=access)) as here:
        verdict = await here.verifier.verify(CARD, PIN, soon())
    assert (verdict.standing, verdict.door) == (Standing.DENIED, (Hindrance.ACCESS_NOT_SAID,))


async def test_a_wrong_pin_keeps_out_whatever_the_access_field_says() -> None:
    async with site(town(access="1")) as here:
        verdict = await here.verifier.verify(CARD, "4321", soon())
    assert (verdict.standing, verdict.access) == (Standing.WRONG, None)


async def test_a_card_that_nobody_knows_keeps_out() -> None:
    async with site(town()) as here:
        verdict = await here.verifier.verify("167A999999", PIN, soon())
    assert verdict.standing is Standing.UNKNOWN


async def test_a_card_flagged_as_lost_keeps_out_with_an_access_field_that_says_yes() -> None:
    async with site(town(access="1", status="    Y         ")) as here:
        verdict = await here.verifier.verify(CARD, PIN, soon())
    assert (verdict.standing, verdict.door) == (Standing.DENIED, (Hindrance.CARD_UNUSABLE,))


@pytest.mark.parametrize("pin", ["", " ", "   "])
async def test_an_empty_pin_is_refused_before_anything_is_said(pin: str) -> None:
    async with site(town()) as here:
        with pytest.raises(InputError):
            await here.verifier.verify(CARD, pin, soon())
        assert here.ils.heard == []


@pytest.mark.parametrize("card", ["", "167|BLY|CQY", "1\r93", "1\x00", "1" * 65])
async def test_a_card_that_no_message_can_carry_is_refused_before_anything_is_said(
    card: str,
) -> None:
    async with site(town()) as here:
        with pytest.raises(InputError):
            await here.verifier.verify(card, PIN, soon())
        assert here.ils.heard == []


async def test_without_an_institution_nobody_is_asked_about() -> None:
    async with site(town(), institution="") as here:
        with pytest.raises(ConfigError):
            await here.verifier.verify(CARD, PIN, soon())
        assert here.ils.heard == []


async def test_the_card_and_the_institution_are_said_as_they_are_configured() -> None:
    async with site(town()) as here:
        await here.verifier.verify(CARD, PIN, soon())
        asked = here.ils.heard[-1]
    assert (asked.code, asked.first("AO"), asked.first("AA")) == ("63", "ESI", CARD)


async def test_looking_a_card_up_says_no_pin_and_believes_nothing_about_one() -> None:
    async with site(town(access="0")) as here:
        found = await here.verifier.recheck(CARD, soon())
        asked = here.ils.heard[-1]
    assert (asked.code, asked.first("AD"), found.known) == ("23", "", True)


async def test_a_server_that_says_yes_to_any_pin_is_asked_each_pin_anew() -> None:
    """Nothing is kept from one verification to the next."""
    async with site(town()) as here:
        right = await here.verifier.verify(CARD, PIN, soon())
        wrong = await here.verifier.verify(CARD, "9999", soon())
        again = await here.verifier.verify(CARD, PIN, soon())
    assert [one.standing for one in (right, wrong, again)] == [
        Standing.OK,
        Standing.WRONG,
        Standing.OK,
    ]


@pytest.mark.parametrize("field", ["CQ", "BL"])
async def test_a_yes_that_is_not_said_is_a_no(field: str) -> None:
    shelf = town()

    def answer(message: Message) -> Sequence[Act]:
        return [_without(act, field) for act in shelf(message)]

    async with site(answer) as here:
        verdict = await here.verifier.verify(CARD, PIN, soon())
    assert verdict.standing in (Standing.WRONG, Standing.UNKNOWN)


async def test_an_answer_about_another_card_is_none() -> None:
    shelf = WellBehaved({CARD: {"pin": PIN, "PA": "1"}, "2": {"pin": PIN, "PA": "1"}})
    other = replace(_patron_request(), fields=(("AO", "ESI"), ("AA", "2"), ("AD", PIN)))
    async with site(scripted({"63": [shelf(other)]}, shelf)) as here:
        with pytest.raises(RegisterError, match="another card"):
            await here.verifier.verify(CARD, PIN, soon())


def _patron_request() -> Message:
    fixed = {"language": "007", "transaction_date": "20260301    101500", "summary": " " * 10}
    return Message("63", fixed)


# ---- what comes back, and what goes out


@pytest.mark.parametrize(
    ("said", "hold", "destination"),
    [
        ({}, Hold.NONE, ""),
        ({"CV": "00"}, Hold.NONE, ""),
        ({"CV": "01", "CT": "ESI"}, Hold.HERE, "ESI"),
        ({"CV": "02", "CT": "KES"}, Hold.ELSEWHERE, "KES"),
        ({"CV": "03"}, Hold.INTERLIBRARY, ""),
        ({"CV": "04", "CT": "KES"}, Hold.TRANSFER, "KES"),
        ({"CV": "53"}, Hold.OTHER, ""),
        ({"CV": "98"}, Hold.OTHER, ""),
        ({"CV": "99"}, Hold.OTHER, ""),
        ({"CT": "KES"}, Hold.TRANSFER, "KES"),
    ],
)
async def test_where_a_return_goes(said: dict[str, str], hold: Hold, destination: str) -> None:
    async with site(town(**said)) as here:
        back = await here.circulation.checkin(ITEM, soon())
    assert (back.done, back.hold, back.destination, back.title) == (True, hold, destination, TITLE)


async def test_the_patron_of_a_reservation_is_not_told() -> None:
    async with site(town(CV="01", CT="ESI", CY="167A000002", DA="Öhman, Bertta")) as here:
        back = await here.circulation.checkin(ITEM, soon())
    assert "167A000002" not in repr(back)
    assert "Öhman" not in repr(back)


async def test_a_return_is_said_with_the_branch_that_it_happened_at() -> None:
    async with site(town()) as here:
        await here.circulation.checkin(ITEM, soon(), happened=datetime(2026, 3, 1, tzinfo=UTC))
        asked = here.ils.heard[-1]
    assert (asked.first("AP"), asked.first("AO"), asked.fixed["no_block"]) == ("ESI", "ESI", "Y")
    assert asked.fixed["return_date"] == "20260301    020000"


async def test_off_line_in_mid_return_leaves_it_in_doubt() -> None:
    shelf = town()
    async with site(scripted({"09": [[Say(off_line())]]}, shelf)) as here:
        back = await here.circulation.checkin(ITEM, soon())
        assert here.ils.codes().count("09") == 1
    assert (back.refused, back.title, shelf.done) == (Refusal.IN_DOUBT, TITLE, [])


@pytest.mark.parametrize(
    ("stands", "done", "hold"),
    [
        ("03", True, Hold.NONE),
        ("08", True, Hold.HERE),
        ("10", False, Hold.TRANSFER),
        ("12", False, Hold.NONE),
    ],
)
async def test_a_return_whose_answer_is_lost_is_as_the_item_stands(
    stands: str, done: bool, hold: Hold
) -> None:
    shelf = town(stands=stands)

    def answer(message: Message) -> Sequence[Act]:
        acts = shelf(message)
        return [Close()] if message.code == "09" else acts

    async with site(answer) as here:
        back = await here.circulation.checkin(ITEM, soon())
        assert here.ils.codes().count("09") == 1
    assert (back.done, back.settled, back.hold, back.title) == (done, done, hold, TITLE)
    assert back.refused is (None if done else Refusal.IN_DOUBT)


async def test_an_answer_without_its_item_is_none_and_the_return_is_looked_for() -> None:
    shelf = town()

    def answer(message: Message) -> Sequence[Act]:
        acts = shelf(message)
        return [_without(act, "AB") for act in acts] if message.code == "09" else acts

    async with site(answer) as here:
        back = await here.circulation.checkin(ITEM, soon())
        assert here.ils.codes().count("09") == 1
    assert (back.done, back.settled, len(shelf.done)) == (True, True, 1)


async def test_a_server_that_stays_off_line_is_not_available_and_nothing_is_done() -> None:
    shelf = town()
    async with site(scripted({"99": [[Say(off_line())]] * 9}, shelf)) as here:
        back = await here.circulation.checkin(ITEM, soon())
        lent = await here.circulation.checkout(CARD, ITEM, soon())
    assert (back.refused, lent.refused) == (Refusal.UNAVAILABLE, Refusal.UNAVAILABLE)
    assert shelf.done == []


async def test_a_title_with_a_delimiter_and_controls_is_cut_and_cleaned() -> None:
    shelf = WellBehaved({CARD: {"pin": PIN}}, {ITEM: {"title": "Osa\x1b[31m 1\x00|CVxx"}})
    async with site(shelf) as here:
        lent = await here.circulation.checkout(CARD, ITEM, soon())
    assert lent.done
    assert lent.title.startswith("Osa")
    assert lent.title.isprintable()


async def test_a_loan_list_that_is_kept_back_is_no_proof_that_nothing_was_lent() -> None:
    shelf = WellBehaved({CARD: {"pin": PIN, "PA": "1"}}, {ITEM: {"title": TITLE}})

    def answer(message: Message) -> Sequence[Act]:
        acts = shelf(message)
        if message.code == "11":
            return [Close()]
        return [_without(act, "AU") for act in acts] if message.code == "63" else acts

    async with site(answer) as here:
        lent = await here.circulation.checkout(CARD, ITEM, soon())
        assert here.ils.codes().count("11") == 1
    assert (lent.refused, len(shelf.done)) == (Refusal.IN_DOUBT, 1)


def _without(act: Act, field: str) -> Act:
    assert isinstance(act, Say)
    kept = tuple(one for one in act.message.fields if one[0] != field)
    return replace(act, message=replace(act.message, fields=kept))

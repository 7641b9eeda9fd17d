"""The demo's library over SIP2, asked with messages of ours over a socket."""

import asyncio

import pytest

from sync.demo_ils.catalogue import (
    BROTHERS,
    HERE,
    KALEVALA,
    LATE,
    LOST,
    OTHER,
    QUEUED,
    RAILWAY,
    REFERENCE,
    RESERVED,
    SAGNER,
    TRAVELS,
    WAITING,
    WITH_FEE,
)
from sync.demo_ils.people import (
    AWAITED,
    BLOCKED,
    NOBODY,
    OVERDUE,
    PIN,
    USER,
    WELL,
    WITH_FEES,
    WITH_LOANS,
)
from sync.demo_ils.rules import Library
from sync.demo_ils.server import serving
from sync.sip2.charset import Charset
from sync.sip2.layouts import LAYOUTS
from sync.sip2.messages import Message, encode
from tests.demo_ils.demo_ils_line import AT, DUE, FIXED, NOW, SECONDS, connected, talking


@pytest.fixture
def library() -> Library:
    return Library(AT)


def patron(card: str, pin: str | None = PIN, **more: str) -> dict[str, str]:
    given = {} if pin is None else {"AD": pin}
    return {"AO": HERE, "AA": card, "AC": "", **given, **more}


def loan(card: str, item: str, **more: str) -> dict[str, str]:
    return {"AO": HERE, "AA": card, "AB": item, "AC": "", **more}


def back(item: str, **more: str) -> dict[str, str]:
    return {"AP": HERE, "AO": HERE, "AB": item, "AC": "", **more}


async def test_who_does_not_log_in_is_hung_up_on(library: Library) -> None:
    async with serving(library) as port:
        async with connected(port) as line:
            assert (await line.ask("93", CN=USER, CO="väärä")).fixed["ok"] == "0"
            assert await line.over()
        async with connected(port) as line:
            with pytest.raises(AssertionError, match="hung up"):
                await line.ask("17", AO=HERE, AB=KALEVALA)


async def test_it_can_be_asked_without_a_log_in(library: Library) -> None:
    async with (
        serving(library, login=None, login_required=False) as port,
        connected(port) as line,
    ):
        assert (await line.ask("17", AO=HERE, AB=KALEVALA)).first("AJ") == "Kalevala"
        assert (await line.ask("93", CN="anybody", CO="")).fixed["ok"] == "1"


async def test_it_says_what_it_can(library: Library) -> None:
    async with talking(library) as line:
        status = await line.ask("99")
    assert status.fixed["online_status"] == status.fixed["checkout_ok"] == "Y"
    assert (status.first("AO"), status.first("BX")) == (HERE, "Y" * 16)
    assert status.fixed["date_time_sync"] == NOW


@pytest.mark.parametrize("code", ["23", "63"])
async def test_a_pin_is_verified(library: Library, code: str) -> None:
    async with talking(library) as line:
        for pin, said in {PIN: "Y", "0000": "N", "": "Y"}.items():
            answer = await line.ask(code, **patron(WELL, pin))
            assert (answer.first("BL"), answer.first("CQ")) == ("Y", said)
            assert answer.first("AE") == "Bertta Öhman"
        for pin in (PIN, ""):
            unknown = await line.ask(code, **patron(NOBODY, pin))
            assert (unknown.first("BL"), unknown.first("CQ")) == ("N", "N")
        assert (await line.ask("63", **patron(WELL, None))).first("CQ") is None


async def test_a_patron_sees_one_list_at_a_time(library: Library) -> None:
    async with talking(library) as line:
        loans = await line.ask("63", **patron(WITH_LOANS), summary="  Y       ")
        assert loans.fixed["charged_items_count"] == "0003"
        assert loans.every("AU") == (BROTHERS, SAGNER, RAILWAY)
        part = await line.ask("63", **patron(WITH_LOANS, BP="2", BQ="2"), summary="  Y       ")
        assert part.every("AU") == (SAGNER,)
        overdue = await line.ask("63", **patron(OVERDUE), summary=" Y        ")
        assert (overdue.every("AT"), overdue.every("AU")) == (LATE, ())
        assert overdue.fixed["overdue_items_count"] == "0002"
        ready = await line.ask("63", **patron(AWAITED), summary="Y         ")
        assert (ready.every("AS"), ready.every("CD")) == ((WAITING,), ())
        queued = await line.ask("63", **patron(AWAITED), summary="     Y    ")
        assert (queued.every("AS"), queued.every("CD")) == ((), (QUEUED,))
        assert queued.fixed["hold_items_count"] == queued.fixed["unavailable_holds_count"] == "0001"


async def test_fees_and_flags_are_said(library: Library) -> None:
    async with talking(library) as line:
        owes = await line.ask("63", **patron(WITH_FEES))
        assert (owes.first("BH"), owes.first("BV"), owes.first("CC")) == ("EUR", "12.50", "10.00")
        assert owes.fixed["patron_status"] == "YY Y      Y   "
        paid = await line.ask("37", **patron(WITH_FEES, BV="12.50"))
        assert paid.fixed["payment_accepted"] == "Y"
        again = await line.ask("37", **patron(WITH_FEES, BV="nothing"))
        assert again.fixed["payment_accepted"] == "N"
        owes = await line.ask("23", **patron(WITH_FEES))
        assert (owes.fixed["patron_status"].strip(), owes.first("BV")) == ("", None)


async def test_a_loan(library: Library) -> None:
    async with talking(library) as line:
        lent = await line.ask("11", **loan(WELL, KALEVALA))
        assert (lent.fixed["ok"], lent.fixed["desensitize"]) == ("1", "Y")
        assert (lent.first("AJ"), lent.first("AH"), lent.first("CK")) == ("Kalevala", DUE, "001")
        again = await line.ask("11", **loan(WELL, KALEVALA))
        assert (again.fixed["ok"], again.fixed["desensitize"]) == ("0", "N")
        assert again.first("AF") == "Niteellä on jo sinulle laina"
        renewed = await line.ask("11", **loan(WELL, KALEVALA), sc_renewal_policy="Y")
        assert (renewed.fixed["ok"], renewed.fixed["renewal_ok"]) == ("1", "Y")
        undone = await line.ask("11", **loan(WELL, KALEVALA, BI="Y"))
        assert (undone.fixed["ok"], undone.fixed["desensitize"]) == ("1", "N")
    assert [what for what, *_ in library.done] == ["lent", "renewed", "unlent"]


async def test_a_loan_that_costs(library: Library) -> None:
    async with talking(library) as line:
        asked = await line.ask("11", **loan(WELL, WITH_FEE, BO="N"))
        assert (asked.fixed["ok"], asked.first("BV"), asked.first("BH")) == ("0", "2.00", "EUR")
        lent = await line.ask("11", **loan(WELL, WITH_FEE, BO="Y"))
        assert (lent.fixed["ok"], lent.first("BV"), lent.first("CK")) == ("1", "2.00", "006")
        elsewhere = await line.ask("11", **loan(AWAITED, WITH_FEE))
        assert (elsewhere.fixed["ok"], elsewhere.first("BV")) == ("0", None)


async def test_what_happened_before_is_taken_as_it_happened(library: Library) -> None:
    times = {"no_block": "Y", "transaction_date": "20261201    090000"}
    async with talking(library) as line:
        lent = await line.ask("11", **loan(BLOCKED, KALEVALA), **times)
        assert (lent.fixed["ok"], lent.first("AH")) == ("1", NOW)
        zulu = {**times, "nb_due_date": "20261220   Z120000"}
        lent = await line.ask("11", **loan(BLOCKED, REFERENCE), **zulu)
        assert lent.first("AH") == "20261220    140000"


async def test_a_return(library: Library) -> None:
    async with talking(library) as line:
        shelf = await line.ask("09", **back(BROTHERS))
        assert (shelf.fixed["ok"], shelf.fixed["alert"]) == ("1", "N")
        assert shelf.fixed["resensitize"] == "Y"
        assert (shelf.first("AQ"), shelf.first("CL")) == (HERE, "1")
        travels = await line.ask("09", **back(TRAVELS))
        assert (travels.fixed["alert"], travels.first("AQ")) == ("Y", OTHER)
        assert travels.first("CL") == "9"
        held = await line.ask("09", **back(QUEUED))
        assert (held.fixed["alert"], held.first("AQ"), held.first("CL")) == ("Y", HERE, "9")
        unknown = await line.ask("09", **back("167N99999999"))
        assert (unknown.fixed["ok"], unknown.fixed["resensitize"]) == ("0", "N")
        undone = await line.ask("09", **back(TRAVELS, BI="Y"))
        assert (undone.fixed["ok"], undone.fixed["resensitize"]) == ("1", "N")


async def test_a_return_at_the_other_branch_is_at_home(library: Library) -> None:
    async with talking(library) as line:
        home = await line.ask("09", **back(TRAVELS, AP=OTHER))
        assert (home.fixed["alert"], home.first("CL")) == ("N", "1")
        nowhere = await line.ask("09", **back(BROTHERS, AP="???"))
        assert nowhere.fixed["alert"] == "N"


async def test_renewals(library: Library) -> None:
    async with talking(library) as line:
        one = await line.ask("29", **loan(WITH_LOANS, RAILWAY))
        assert (one.fixed["ok"], one.fixed["renewal_ok"], one.first("AH")) == ("1", "Y", DUE)
        assert one.fixed["desensitize"] == "N"
        no = await line.ask("29", **loan(WITH_LOANS, SAGNER))
        assert (no.fixed["ok"], no.fixed["renewal_ok"]) == ("0", "N")
        which = await line.ask("29", **patron(WITH_LOANS, AJ="Rautatie"))
        assert which.fixed["ok"] == "0"
        both = await line.ask("65", **patron(WITH_LOANS))
        assert (both.every("BM"), both.every("BN")) == ((BROTHERS, RAILWAY), (SAGNER,))
        assert (both.fixed["renewed_count"], both.fixed["unrenewed_count"]) == ("0002", "0001")
        assert (await line.ask("65", **patron(BLOCKED))).fixed["ok"] == "0"


@pytest.mark.parametrize(
    ("item", "status", "queue", "branch"),
    [
        (KALEVALA, "03", "0", HERE),
        (BROTHERS, "04", "0", HERE),
        (RESERVED, "03", "1", HERE),
        (WAITING, "08", "1", HERE),
        (QUEUED, "04", "2", HERE),
        (TRAVELS, "04", "0", OTHER),
        (REFERENCE, "01", "0", HERE),
        (LOST, "12", "0", HERE),
    ],
)
async def test_an_item(library: Library, item: str, status: str, queue: str, branch: str) -> None:
    async with talking(library) as line:
        told = await line.ask("17", AO=HERE, AB=item)
    assert told.fixed["circulation_status"] == status
    assert (told.first("CF"), told.first("AQ"), told.first("AB")) == (queue, branch, item)
    assert (told.first("AH") is not None) == (status == "04")
    assert (told.first("CM") == "20261214    104152") == (status == "08")


async def test_an_item_under_way_and_one_that_nobody_knows(library: Library) -> None:
    async with talking(library) as line:
        await line.ask("09", **back(TRAVELS))
        under_way = await line.ask("17", AO=HERE, AB=TRAVELS)
        unknown = await line.ask("17", AO=HERE, AB="167N99999999")
    assert under_way.fixed["circulation_status"] == "10"
    assert (under_way.first("AP"), under_way.first("AQ")) == (HERE, OTHER)
    assert (unknown.fixed["circulation_status"], unknown.first("AJ")) == ("01", "")


async def test_holds_blocks_and_the_end(library: Library) -> None:
    async with talking(library) as line:
        queued = await line.ask("15", **patron(WELL, AB=KALEVALA))
        assert (queued.fixed["ok"], queued.first("BR")) == ("1", "1")
        left = await line.ask("15", **patron(WELL, AB=KALEVALA), hold_mode="-")
        changed = await line.ask("15", **patron(WELL, AB=KALEVALA), hold_mode="*")
        assert (left.fixed["ok"], changed.fixed["ok"]) == ("1", "0")
        blocked = await line.ask("01", AO=HERE, AL="", AA=WELL, AC="")
        assert blocked.fixed["patron_status"].startswith("YY Y")
        for pin, ends in {"": "YY Y", "0000": "YY Y", PIN: "    "}.items():
            enabled = await line.ask("25", **patron(WELL, pin))
            assert enabled.fixed["patron_status"].startswith(ends)
        assert (await line.ask("19", AO=HERE, AB=LOST, CH="")).first("AJ") is not None
        assert (await line.ask("35", **patron(WELL))).fixed["end_session"] == "Y"
    assert [what for what, *_ in library.done] == ["reserved", "unreserved", "blocked", "enabled"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp850", "latin-1"])
async def test_titles_in_each_encoding(library: Library, encoding: str) -> None:
    async with talking(library, Charset(encoding), encoding=encoding) as line:
        for item, title in ((BROTHERS, "Seitsemän veljestä"), (SAGNER, "Fänrik Ståls sägner")):
            assert (await line.ask("17", AO=HERE, AB=item)).first("AJ") == title


async def test_a_message_that_comes_twice_is_done_once(library: Library) -> None:
    fixed = {name: FIXED[name] for name, *_ in LAYOUTS["11"].parts}
    message = Message("11", fixed, list(loan(WELL, KALEVALA).items()))
    data = encode(message, seq=5, checked=True) + b"\r"
    async with talking(library) as line:
        assert await line.say(data) == await line.say(data)
    assert library.done == [("lent", WELL, KALEVALA)]


async def test_a_damaged_message_is_asked_for_again(library: Library) -> None:
    fixed = {name: FIXED[name] for name, *_ in LAYOUTS["11"].parts}
    message = Message("11", fixed, list(loan(WELL, KALEVALA).items()))
    data = encode(message, seq=5, checked=True) + b"\r"
    async with talking(library) as line:
        assert (await line.say(data.replace(b"167N", b"168N"))).code == "96"
        assert library.done == []
        assert (await line.say(data)).fixed["ok"] == "1"


async def test_a_checksum_can_be_required(library: Library) -> None:
    data = b"9900802.00\r"
    async with talking(library, error_detection="required") as line:
        assert (await line.say(data)).code == "96"
    async with talking(library) as line:
        assert (await line.say(data)).code == "98"


async def test_who_is_silent_is_hung_up_on(library: Library) -> None:
    async with talking(library, idle_timeout=0.1) as line:
        assert await line.over()


async def test_it_ends_with_people_connected(library: Library) -> None:
    async with serving(library) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    async with asyncio.timeout(SECONDS):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    with pytest.raises(OSError, match="onnect"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_what_goes_wrong_inside_is_what_comes_out(library: Library) -> None:
    with pytest.raises(ZeroDivisionError):
        async with serving(library):
            raise ZeroDivisionError


async def test_a_port_that_is_taken_is_an_os_error(library: Library) -> None:
    async with serving(library) as port:
        with pytest.raises(OSError, match="in use"):
            async with serving(library, port=port):
                pass

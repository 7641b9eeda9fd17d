"""A library system on a bad day: what the client makes of it, and that the next request is well."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kioskd.errors import RegisterError
from sync.sip2.charset import UTF_8, Charset
from sync.sip2.fake_ils import Act, Answer, Close, FakeIls, Pause, Raw, Say, Silence, Sum, scripted
from sync.sip2.fake_library import WellBehaved, off_line
from sync.sip2.faults import LogInRefused, NoAnswer, NotAsked
from sync.sip2.messages import Message
from tests.hub_line.certificates import Authority
from tests.sip2_end.sip_end_client import (
    checkout,
    patron,
    running,
    settings,
    soon,
    with_checksum,
)

CARD, PIN = "167A000001", "1234"
LATIN = Charset("latin-1")
HTML = b"<!DOCTYPE html>\r<html><head><title>502 Bad Gateway</title></head>\r</html>\r"


def library(name: str = "Äijälä, Aino") -> WellBehaved:
    patrons = {CARD: {"pin": PIN, "PA": "1", "DP": name}}
    return WellBehaved(patrons, {"167N00000001": {"title": "Seitsemän veljestä"}})


def altered(
    shelf: WellBehaved, code: str, summed: Sum = "right", charset: Charset | None = None
) -> Answer:
    """The same library; its answers to one command are said otherwise."""

    def answer(message: Message) -> Sequence[Act]:
        acts = shelf(message)
        if message.code != code:
            return acts
        says = [act for act in acts if isinstance(act, Say)]
        return [replace(say, checksum=summed, charset=charset) for say in says]

    return answer


def told(shelf: WellBehaved, code: str, *more: tuple[str, str]) -> FakeIls:
    """The same library; its answers to one command have more fields, well formed or not."""

    def answer(message: Message) -> Sequence[Act]:
        acts = shelf(message)
        if message.code != code:
            return acts
        says = [act for act in acts if isinstance(act, Say)]
        return [
            replace(say, message=replace(say.message, fields=(*say.message.fields, *more)))
            for say in says
        ]

    return FakeIls(answer)


# ---- checksums


async def test_a_checksum_of_zeros_is_no_answer_where_checksums_are_meant() -> None:
    async with (
        FakeIls(altered(library(), "63", "zero")) as ils,
        running(settings(ils.port, with_checksum("strict"))) as client,
    ):
        with pytest.raises(NoAnswer, match="checksum"):
            await client.ask(patron(), soon())
        assert "97" in ils.codes()


@pytest.mark.parametrize("policy", ["warn", "off"])
async def test_a_checksum_of_zeros_is_an_answer_where_the_site_says_so(policy: str) -> None:
    async with (
        FakeIls(altered(library(), "63", "zero")) as ils,
        running(settings(ils.port, with_checksum(policy))) as client,
    ):
        answer = await client.ask(patron(), soon())
        assert (answer.first("CQ"), answer.checksum_valid) == ("Y", False)
        assert ils.codes().count("63") == 1


async def test_zeros_from_the_log_in_on_ask_nothing_at_all() -> None:
    shelf = library()
    async with (
        FakeIls(altered(shelf, "93", "zero")) as ils,
        running(settings(ils.port)) as client,
    ):
        with pytest.raises(NotAsked):
            await client.ask(checkout("167N00000001"), soon())
    assert (shelf.done, "11" in ils.codes()) == ([], False)


# ---- charsets and characters


async def test_charsets_that_change_from_message_to_message_are_each_read() -> None:
    name = ("DP", "Äijälä, Aino")
    utf = scripted({}, altered(library(), "63", "code-points", UTF_8))
    latin = altered(library(), "63", charset=LATIN)
    turns = [utf, latin, utf, latin]
    shelf = library()

    def answer(message: Message) -> Sequence[Act]:
        return turns.pop(0)(message) if message.code == "63" else shelf(message)

    async with FakeIls(answer) as ils, running(settings(ils.port)) as client:
        for _ in range(4):
            assert name in (await client.ask(patron(), soon())).fields
        assert ils.codes() == ["93", "99", "63", "63", "63", "63"]


async def test_nul_bytes_between_and_within_messages_do_no_harm() -> None:
    shelf = library("Ai\x00no")
    answers = scripted({"99": [[Raw(b"\x00\x00\n \x00"), *shelf(_status())]]}, shelf)
    async with FakeIls(answers) as ils, running(settings(ils.port)) as client:
        answer = await client.ask(patron(), soon())
        assert (answer.first("DP"), answer.first("CQ")) == ("Ai\x00no", "Y")


def _status() -> Message:
    return Message("99", {"status_code": "0", "max_print_width": "080", "protocol_version": "2.00"})


# ---- fields


async def test_a_delimiter_within_a_title_cuts_it_and_nothing_else() -> None:
    async with (
        told(library(), "63", ("AF", "Osa 1|Kääpiö|BLN"), ("BE", "x")) as ils,
        running(settings(ils.port)) as client,
    ):
        answer = await client.ask(patron(), soon())
        assert (answer.first("AF"), answer.first("BL"), answer.first("BE")) == ("Osa 1", "Y", "x")
        assert ("Kä", "äpiö") in answer.fields


async def test_a_field_over_255_is_read_whole_and_is_never_sent() -> None:
    long = "ä" * 4000
    async with (
        told(library(), "63", ("AF", long)) as ils,
        running(settings(ils.port)) as client,
    ):
        assert (await client.ask(patron(), soon())).first("AF") == long
        with pytest.raises(NotAsked):
            await client.ask(patron(card="1" * 256), soon())
        assert ils.codes() == ["93", "99", "63"]


async def test_two_hundred_fields_are_all_there() -> None:
    loans = [("AU", f"167N{number:08}") for number in range(200)]
    async with told(library(), "63", *loans) as ils, running(settings(ils.port)) as client:
        answer = await client.ask(patron(), soon())
        assert answer.every("AU") == tuple(value for _, value in loans)


# ---- lines that are none


async def test_an_endless_line_ends_the_link_and_the_next_request_is_well() -> None:
    endless: list[list[Act]] = [[Raw(b"64" + b"x" * 200_000)]] * 2
    async with (
        FakeIls(scripted({"63": endless}, library())) as ils,
        running(settings(ils.port)) as client,
    ):
        with pytest.raises(NoAnswer, match="without end"):
            await client.ask(patron(), soon())
        assert (await client.ask(patron(), soon())).first("CQ") == "Y"


async def test_html_before_an_answer_is_passed_over() -> None:
    shelf = library()

    def answer(message: Message) -> Sequence[Act]:
        return [Raw(HTML), *shelf(message)]

    async with FakeIls(answer) as ils, running(settings(ils.port)) as client:
        assert (await client.ask(patron(), soon())).first("CQ") == "Y"


async def test_a_web_server_is_no_library_system() -> None:
    async with (
        FakeIls(lambda _: [Raw(HTML)], greeting=[Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")]) as ils,
        running(settings(ils.port)) as client,
    ):
        with pytest.raises(NotAsked):
            await client.ask(checkout("167N00000001"), soon())
        assert set(ils.codes()) == {"93"}


async def test_garbage_without_end_is_not_listened_to_for_ever() -> None:
    garbage: list[Act] = [Raw(HTML), Pause(0.01)] * 500
    async with (
        FakeIls(scripted({"11": [garbage]}, library())) as ils,
        running(settings(ils.port)) as client,
    ):
        with pytest.raises(NoAnswer, match="lines that are no answer"):
            await client.ask(checkout("167N00000001"), soon())


# ---- states


async def test_off_line_in_the_middle_of_a_checkout_is_no_answer_and_nothing_is_done() -> None:
    shelf = library()
    async with (
        FakeIls(scripted({"11": [[Say(off_line())]]}, shelf)) as ils,
        running(settings(ils.port)) as client,
    ):
        with pytest.raises(NoAnswer, match="off-line"):
            await client.ask(checkout("167N00000001"), soon())
        assert shelf.done == []
        assert (await client.ask(patron(), soon())).first("CQ") == "Y"
        assert ils.codes().count("11") == 1


async def test_a_status_instead_of_an_answer_is_heard_and_the_request_is_said_again() -> None:
    shelf = library()
    async with (
        FakeIls(scripted({"11": [[Say(off_line(online=True))]]}, shelf)) as ils,
        running(settings(ils.port)) as client,
    ):
        assert (await client.ask(checkout("167N00000001"), soon())).fixed["ok"] == "1"
        assert len(shelf.done) == 1
        first, again = [message for message in ils.heard if message.code == "11"]
        assert first.seq != again.seq


async def test_a_status_that_nobody_asked_for_disturbs_nothing() -> None:
    shelf = library()
    unasked = Say(off_line(online=True), seq=None)

    def answer(message: Message) -> Sequence[Act]:
        return [unasked, *shelf(message)] if message.code == "63" else shelf(message)

    async with FakeIls(answer) as ils, running(settings(ils.port)) as client:
        assert (await client.ask(patron(), soon())).code == "64"
        assert ils.codes().count("63") == 1


async def test_an_answer_to_another_request_is_never_taken() -> None:
    shelf = library()
    stray = Message("12", {"ok": "1", "renewal_ok": "N", "magnetic_media": "N"})
    fixed = {**stray.fixed, "desensitize": "Y", "transaction_date": "20260301    101500"}
    wrong: list[Act] = [Say(replace(stray, fixed=fixed), seq=9), Silence()]
    async with (
        FakeIls(scripted({"11": [wrong] * 5}, shelf)) as ils,
        running(settings(ils.port)) as client,
    ):
        with pytest.raises(NoAnswer):
            await client.ask(checkout("167N00000001"), soon())
    assert shelf.done == []


async def test_a_log_in_refused_in_mid_day_is_said_at_once_and_not_tried_on() -> None:
    shelf = library()
    async with FakeIls(shelf) as ils, running(settings(ils.port)) as client:
        assert (await client.ask(patron(), soon())).first("CQ") == "Y"
        shelf.login = ("kiosk", "another")
        await ils.drop()
        for _ in range(5):
            with pytest.raises(LogInRefused):
                await client.ask(patron(), soon())
        assert ils.codes().count("93") == 2


async def test_a_connection_that_ended_unseen_costs_a_read_nothing() -> None:
    shelf = library()
    async with FakeIls(shelf) as ils, running(settings(ils.port)) as client:
        for _ in range(3):
            assert (await client.ask(patron(), soon())).first("CQ") == "Y"
            await ils.drop()
        assert ils.connections == 3


@pytest.mark.parametrize("reset", [False, True])
async def test_a_checkout_whose_answer_is_cut_off_is_not_said_again(reset: bool) -> None:
    shelf = library()

    def answer(message: Message) -> Sequence[Act]:
        if message.code == "11":
            shelf(message)
            return [Raw(b"121NN"), Close(reset=reset)]
        return shelf(message)

    async with FakeIls(answer) as ils, running(settings(ils.port)) as client:
        with pytest.raises(NoAnswer):
            await client.ask(checkout("167N00000001"), soon())
        assert (len(shelf.done), ils.codes().count("11")) == (1, 1)


# ---- TLS


@pytest.mark.parametrize(
    ("name", "words"), [("elsewhere.example", "another name"), ("localhost", "")]
)
async def test_a_certificate_must_be_of_the_name_that_is_configured(
    name: str, words: str, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    shelf = library()
    async with FakeIls(shelf, tls=authority.server(name)) as ils:
        plain = settings(ils.port)
        secured = replace(plain, host="localhost", tls=True, ca_file=authority.file)
        async with running(secured) as client:
            if not words:
                assert (await client.ask(patron(), soon())).first("CQ") == "Y"
                return
            with pytest.raises(NotAsked, match=words):
                await client.ask(checkout("167N00000001"), soon())
        assert (ils.heard, shelf.done) == ([], [])


# ---- what is said of it


async def test_no_fault_says_a_pin_a_password_or_a_card() -> None:
    shelf = library()
    said = []
    for acts in ([Raw(HTML)], [Say(off_line())], [Raw(b"64\r")], [Close()], [Silence()]):
        async with (
            FakeIls(scripted({"63": [acts] * 9}, shelf)) as ils,
            running(settings(ils.port)) as client,
        ):
            with pytest.raises(RegisterError) as fault:
                await client.ask(patron(), soon(0.6))
            said.append(f"{fault.value!r} {fault.value.__context__!r} {client!r}")
    assert not [text for text in said for secret in (CARD, PIN, "sesam") if secret in text]

"""A PIN that staff give a card: it opens, it costs what the site's PINs cost, it stands nowhere."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd import wire
from kioskd.control import enrolment, lists
from kioskd.control.cards import short_ids
from kioskd.control.enrolment import PinLength, weakness
from kioskd.control.verbs import Refusal
from kioskd.domain.credential import Credential
from kioskd.vault import enrolling
from kioskd.vault.enrolling import like_site
from kioskd.vault.kdf import compute, hash_pin, hash_pin_bcrypt, wrap_bcrypt
from kioskd.vault.verifiers import Argon2id, to_text, unpack_verifier
from tests.control_staff.conftest import CARD, CHEAP, OTHER, PIN, Office

PATIENCE_SECONDS = 10.0


async def test_an_enrolled_pin_opens_also_after_a_restart(office: Office) -> None:
    told = await office.ask("enrol", card=CARD, pin=PIN, label="cleaner")
    assert (told["shown"], told["label"], told["replaced"]) == ("…007", "cleaner", False)
    assert await office.enters(CARD, PIN)
    assert not await office.enters(CARD, "258014")
    office.restart()
    assert await office.enters(CARD, PIN)


async def test_a_new_pin_takes_the_place_of_the_old(office: Office) -> None:
    await office.ask("enrol", card=CARD, pin=PIN)
    assert (await office.ask("enrol", card=CARD, pin="736251"))["replaced"]
    assert await office.enters(CARD, "736251")
    assert not await office.enters(CARD, PIN)


async def test_a_pin_alone_opens_nothing_and_the_answer_says_so(office: Office) -> None:
    alone = (await office.ask("enrol", card=CARD, pin=PIN))["note"]
    assert "opens nothing until it is on the allow-list" in alone
    await office.ask("list-add", which="deny", card=CARD, until="2026-11-30", reason="lost")
    assert (await office.ask("enrol", card=CARD, pin=PIN))["note"] == alone
    await office.ask("list-remove", which="deny", card=CARD)
    await office.allow(until="2026-11-24")
    assert (await office.ask("enrol", card=CARD, pin=PIN))["note"] == ""
    await office.clock.advance(2 * 86_400)
    assert (await office.ask("enrol", card=CARD, pin=PIN))["note"] == alone, "it ran out"


async def test_a_card_that_the_register_knows_needs_no_list(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed = {office.card(CARD).cache: Credential()}
    monkeypatch.setattr(office.stores.cache, "find", fed.get)
    assert (await office.ask("enrol", card=CARD, pin=PIN))["note"] == ""
    assert (await office.ask("enrol", card=OTHER, pin=PIN))["note"] != ""


async def test_a_long_list_is_put_together_apart_from_the_loop(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def there() -> str:
        return threading.current_thread().name

    ran: list[str] = []

    def told(cards: Sequence[bytes]) -> dict[bytes, str]:
        ran.append(threading.current_thread().name)
        return short_ids(cards)

    for module in (enrolment, lists):
        monkeypatch.setattr(module, "short_ids", told)
    await office.ask("enrol", card=CARD, pin=PIN)
    await office.allow()
    assert (await office.ask("enrol", show=True))["total"] == 1
    assert (await office.ask("list-show", which="allow"))["total"] == 1
    assert len(ran) == 2
    assert await there() not in ran


async def test_who_leaves_loses_the_pin(office: Office) -> None:
    await office.ask("enrol", card=CARD, pin=PIN)
    await office.ask("enrol", card=OTHER, pin=PIN)
    assert (await office.ask("enrol", card=CARD, remove=True))["removed"] == 1
    entries = (await office.ask("enrol", show=True))["entries"]
    assert [entry["shown"] for entry in entries] == ["…002"]
    await office.ask("enrol", id=entries[0]["id"], remove=True)
    assert not await office.enters(OTHER, PIN)
    with pytest.raises(Refusal, match="not enrolled here") as told:
        await office.ask("enrol", card=CARD, remove=True)
    assert told.value.code == wire.NOT_FOUND


async def test_the_journal_knows_who_enrolled_and_looked_and_no_pin(office: Office) -> None:
    await office.ask("enrol", card=CARD, pin=PIN, label="MV")
    await office.ask("enrol", show=True)
    await office.ask("enrol", card=CARD, remove=True)
    assert [action for _, action, _ in office.acts()] == ["enrol", "enrol-show", "enrol-remove"]
    assert "MV" not in str(office.rows()), "the label goes with its enrolment"


@pytest.mark.parametrize(
    ("pin", "why"),
    [
        ("1234", "its digits follow one another"),
        ("9876", "its digits follow one another"),
        ("8901", "its digits follow one another"),
        ("0000", "one digit over and over"),
        ("2525", "its second half repeats the first"),
        ("6007", "it stands on the card"),
        ("006007", "it stands on the card"),
        ("258", "give 4 to 8 digits"),
        ("258013579", "give 4 to 8 digits"),
        ("", "digits 0 to 9 alone"),
        ("25a0", "digits 0 to 9 alone"),
        ("٢٥٨٠", "digits 0 to 9 alone"),
        (" 2580", "digits 0 to 9 alone"),
        (2580, "digits 0 to 9 alone"),
        (None, "pin: missing"),
    ],
)
async def test_a_pin_that_will_not_do_is_refused_and_not_repeated(
    office: Office, pin: object, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Refusal) as told:
        await office.ask("enrol", card=CARD, pin=pin)
    assert (told.value.code, why in told.value.message) == (wire.BAD_ARGUMENT, True)
    if pin:
        assert str(pin) not in told.value.message + caplog.text
    assert office.acts() == []
    assert not await office.enters(CARD, str(pin))


async def test_the_loop_goes_on_while_a_pin_is_hashed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(site_verifier: bytes, pin: str) -> bytes:
        begun.set()
        assert go_on.wait(PATIENCE_SECONDS), "the loop waits for the hash"
        return like_site(site_verifier, pin)

    monkeypatch.setattr(enrolling, "like_site", slow)
    asking = asyncio.create_task(office.ask("enrol", card=CARD, pin=PIN))
    assert await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
    go_on.set()
    await asking
    assert await office.enters(CARD, PIN)


async def test_without_keys_nobody_is_enrolled(office: Office) -> None:
    (office.home / "device.key").unlink()
    office.restart()
    with pytest.raises(Refusal, match="no device key there") as told:
        await office.ask("enrol", card=CARD, pin=PIN)
    assert told.value.code == wire.FAILED


def test_a_verifier_of_staff_costs_what_the_site_s_cost() -> None:
    bcrypt = hash_pin_bcrypt("1", cost=4, letter="y")
    for site in (hash_pin("1", CHEAP), bcrypt, wrap_bcrypt(to_text(bcrypt), CHEAP)):
        made, model = unpack_verifier(like_site(site, PIN)), unpack_verifier(site)
        assert type(made) is type(model)
        assert _cost(made) == _cost(model)
        assert compute(made, PIN.encode()) == made.hash
        assert compute(made, b"0") != made.hash


def _cost(verifier: object) -> object:
    if isinstance(verifier, Argon2id):
        return verifier.parameters
    setting = getattr(verifier, "setting")  # noqa: B009  # of both other kinds
    outer = getattr(verifier, "outer", None)
    return setting.cost, setting.letter, outer.parameters if outer else None


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), max_size=4))
def test_a_pin_can_be_typed_at_every_door(doors: list[tuple[int, int]]) -> None:
    length = PinLength.of(doors)
    for digits in range(length.least, length.most + 1):
        assert 4 <= digits <= 16
        assert all(least <= digits <= most for least, most in doors)


async def test_doors_that_share_no_length_are_told(office: Office) -> None:
    assert PinLength.of([(4, 5), (6, 8)]) == PinLength(6, 5)


@given(st.from_regex(r"[0-9]{4,16}", fullmatch=True))
def test_a_pin_is_as_weak_backwards_as_forwards(pin: str) -> None:
    assert bool(weakness(pin, "")) == bool(weakness(pin[::-1], ""))


async def test_what_is_kept_of_a_pin_is_sealed(office: Office) -> None:
    await office.ask("enrol", card=CARD, pin=PIN)
    with closing(sqlite3.connect(office.directory / "state.db")) as connection:
        [(sealed,)] = connection.execute("SELECT sealed FROM enrolled").fetchall()
    assert b"argon2" not in sealed
    assert PIN.encode() not in sealed

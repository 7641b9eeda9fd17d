"""PINs are checked off the loop, at the same cost whether a card is known or not."""

import asyncio
import logging
import threading
import traceback

import bcrypt
import pytest
from argon2.exceptions import HashingError
from hypothesis import given, settings
from hypothesis import strategies as st

from kioskd.errors import VaultError
from kioskd.ports import PinVerifier
from kioskd.vault import kdf
from kioskd.vault.kdf import SITE_PARAMETERS, PinChecker, hash_pin, hash_pin_bcrypt, wrap_bcrypt
from kioskd.vault.verifiers import (
    Argon2id,
    Argon2idOverBcrypt,
    Argon2Parameters,
    Bcrypt,
    Verifier,
    pack_verifier,
    to_text,
    unpack_verifier,
)

CHEAP = Argon2Parameters(8, 1, 1)
PIN, WRONG = "736251", "736252"


class Counted:
    """The real computation, and what it was asked for."""

    def __init__(self) -> None:
        self.runs: list[tuple[Verifier, bytes]] = []
        self.threads: set[int] = set()

    def __call__(self, verifier: Verifier, secret: bytes) -> bytes:
        self.runs.append((verifier, secret))
        self.threads.add(threading.get_ident())
        return kdf.compute(verifier, secret)


def scheme_and_cost(verifier: Verifier) -> tuple[object, ...]:
    match verifier:
        case Argon2id(parameters):
            return ("argon2id", parameters)
        case Bcrypt(setting):
            return ("bcrypt", setting.letter, setting.cost)
        case Argon2idOverBcrypt(setting, outer):
            return ("over", setting.letter, setting.cost, outer.parameters)


def of_each_scheme(pin: str) -> list[bytes]:
    register = hash_pin_bcrypt(pin, cost=4)
    return [hash_pin(pin, CHEAP), register, wrap_bcrypt(to_text(register), CHEAP)]


async def test_the_right_pin_and_no_other_is_right_under_each_scheme() -> None:
    checker: PinVerifier = PinChecker(hash_pin("0", CHEAP))
    for packed in of_each_scheme(PIN):
        assert await checker.check(packed, PIN) is True
        for wrong in (WRONG, PIN[:-1], PIN + "0", "", " " + PIN):
            assert await checker.check(packed, wrong) is False


@pytest.mark.parametrize("site", of_each_scheme("0000"))
async def test_an_unknown_card_costs_one_run_of_the_sites_own(site: bytes) -> None:
    counted = Counted()
    checker = PinChecker(site, compute=counted)
    assert await checker.check(None, PIN) is False
    assert await checker.check(None, "0000") is False
    like_the_site = scheme_and_cost(unpack_verifier(site))
    assert [scheme_and_cost(verifier) for verifier, _ in counted.runs] == [like_the_site] * 2


async def test_a_known_card_costs_one_run_right_or_wrong_or_empty() -> None:
    counted = Counted()
    checker = PinChecker(hash_pin("0", CHEAP), compute=counted)
    packed = hash_pin(PIN, CHEAP)
    for pin in (PIN, WRONG, ""):
        await checker.check(packed, pin)
    assert [verifier for verifier, _ in counted.runs] == [unpack_verifier(packed)] * 3


async def test_without_a_cache_a_card_costs_what_enrolment_costs() -> None:
    counted = Counted()
    assert await PinChecker(compute=counted).check(None, PIN) is False
    assert scheme_and_cost(counted.runs[0][0]) == ("argon2id", SITE_PARAMETERS)


async def test_the_site_verifier_gives_its_cost_and_keeps_nobodys_hash() -> None:
    checker = PinChecker(hash_pin("0", CHEAP))
    for packed in of_each_scheme(PIN):
        checker.site_verifier = packed
        kept = unpack_verifier(checker.site_verifier)
        assert scheme_and_cost(kept) == scheme_and_cost(unpack_verifier(packed))
        assert kept.hash != unpack_verifier(packed).hash
        assert await checker.check(None, PIN) is False


async def test_even_the_decoys_own_pin_does_not_let_an_unknown_card_in() -> None:
    checker = PinChecker(hash_pin("0", CHEAP), compute=lambda verifier, _: verifier.hash)
    assert await checker.check(None, PIN) is False
    assert await checker.check(b"\x01nonsense", PIN) is False
    assert await checker.check(hash_pin(PIN, CHEAP), PIN) is True


async def test_a_malformed_verifier_costs_the_same_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counted = Counted()
    checker = PinChecker(hash_pin("0", CHEAP), compute=counted)
    with caplog.at_level(logging.WARNING, "kioskd.vault"):
        for packed in (b"", b"\x07", hash_pin(PIN, CHEAP)[:20], b"\xff" * 60):
            assert await checker.check(packed, PIN) is False
    assert len(counted.runs) == 4
    assert [record.message for record in caplog.records] == ["verifier.malformed"]


def test_a_malformed_site_verifier_is_refused() -> None:
    with pytest.raises(ValueError, match="no known scheme"):
        PinChecker(b"\x09")


async def test_a_pin_longer_than_bcrypt_takes_is_wrong_and_costs_a_run() -> None:
    counted = Counted()
    checker = PinChecker(hash_pin("0", CHEAP), compute=counted)
    pin = "7" * 72
    for packed in of_each_scheme(pin):
        assert await checker.check(packed, pin) is True
        assert await checker.check(packed, pin + "7") is False
    assert len(counted.runs) == 6
    assert max(len(secret) for _, secret in counted.runs) == 72


async def test_the_loop_runs_on_while_a_pin_is_checked() -> None:
    counted = Counted()
    checker = PinChecker(hash_pin("0", CHEAP), compute=counted, workers=1)
    await asyncio.gather(*(checker.check(None, PIN) for _ in range(5)))
    assert len(counted.runs) == 5
    assert len(counted.threads) == 1
    assert threading.get_ident() not in counted.threads


class Gate:
    """A computation that waits until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()
        self.runs = 0

    def __call__(self, verifier: Verifier, secret: bytes) -> bytes:
        self.runs += 1
        self.begun.set()
        assert self.open.wait(30)
        return kdf.compute(verifier, secret)


async def test_cancelled_checks_leave_the_pool_free_for_the_next() -> None:
    gate = Gate()
    checker = PinChecker(hash_pin("0", CHEAP), workers=1, compute=gate)
    packed = hash_pin(PIN, CHEAP)
    running = asyncio.create_task(checker.check(packed, PIN))
    await asyncio.to_thread(gate.begun.wait, 30)
    queued = asyncio.create_task(checker.check(packed, PIN))
    await asyncio.sleep(0)
    for task in (running, queued):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    gate.open.set()
    assert await checker.check(packed, PIN) is True
    assert gate.runs == 2  # the queued one was never computed


async def test_a_closed_checker_says_so() -> None:
    checker = PinChecker(hash_pin("0", CHEAP))
    checker.close()
    with pytest.raises(VaultError, match="stopping"):
        await checker.check(None, PIN)


@pytest.mark.parametrize("fault", [HashingError("Memory allocation error"), MemoryError()])
async def test_a_device_that_cannot_compute_is_a_fault_and_not_a_wrong_pin(
    fault: Exception,
) -> None:
    def fails(verifier: Verifier, secret: bytes) -> bytes:
        raise fault

    checker = PinChecker(hash_pin("0", CHEAP), compute=fails)
    with pytest.raises(VaultError, match="could not be checked") as caught:
        await checker.check(hash_pin(PIN, CHEAP), PIN)
    assert PIN not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("pin", ["", "7" * 73])
def test_a_pin_that_could_never_verify_is_not_enrolled(pin: str) -> None:
    for enrol in (hash_pin, hash_pin_bcrypt):
        with pytest.raises(ValueError, match="a PIN has 1 to 72 bytes"):
            enrol(pin)


def test_two_verifiers_of_one_pin_differ() -> None:
    assert hash_pin(PIN, CHEAP) != hash_pin(PIN, CHEAP)
    assert hash_pin_bcrypt(PIN, 4) != hash_pin_bcrypt(PIN, 4)


def test_a_pin_is_in_nothing_that_can_be_printed() -> None:
    checker = PinChecker(hash_pin(PIN, CHEAP))
    asyncio.run(checker.check(hash_pin(PIN, CHEAP), PIN))
    for packed in of_each_scheme(PIN):
        assert PIN.encode() not in packed
        assert PIN not in repr(unpack_verifier(packed))
    assert PIN not in repr(vars(checker))


@settings(deadline=None, max_examples=40)
@given(pin=st.text(min_size=1, max_size=18), other=st.text(max_size=18))
def test_any_pin_verifies_as_itself_alone(pin: str, other: str) -> None:
    async def verdicts() -> None:
        checker = PinChecker(hash_pin("0", CHEAP))
        packed = hash_pin(pin, CHEAP)
        assert await checker.check(packed, pin) is True
        assert await checker.check(packed, other) is (other == pin)
        checker.close()

    asyncio.run(verdicts())


@settings(deadline=None, max_examples=30)
@given(secret=st.binary(min_size=1, max_size=72), letter=st.sampled_from("aby"))
def test_bcrypt_agrees_with_the_library(secret: bytes, letter: str) -> None:
    packed = hash_pin_bcrypt("0", cost=4, letter=letter)
    verifier = unpack_verifier(packed)
    assert isinstance(verifier, Bcrypt)
    digest = bcrypt.hashpw(secret, verifier.setting.text.encode())
    text = verifier.setting.text + digest.decode()[29:]
    assert bcrypt.checkpw(secret, text.encode())
    assert to_text(pack_verifier(text)) == text
    assert kdf.compute(verifier, secret) == unpack_verifier(pack_verifier(text)).hash


@settings(deadline=None)
@given(
    verifier=st.none() | st.binary(max_size=80),
    pin=st.text(st.characters(exclude_categories=()), max_size=90),
)
def test_no_verifier_and_no_pin_makes_a_check_raise(verifier: bytes | None, pin: str) -> None:
    async def verdict() -> bool:
        checker = PinChecker(hash_pin("0", CHEAP), compute=lambda v, _: b"Z" * len(v.hash))
        try:
            return await checker.check(verifier, pin)
        finally:
            checker.close()

    assert asyncio.run(verdict()) is False

"""Sealed credentials: they open under their own key and index, whole, or not at all."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.credential import Credential
from kioskd.errors import VaultError
from kioskd.vault.packing import pack
from kioskd.vault.sealing import NONCE_BYTES, OVERHEAD_BYTES, Nonces, Sealer

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
INDEX, OTHER_INDEX = b"i" * 16, b"j" * 16
CREDENTIAL = Credential(verifier=b"v" * 56, ref="k3j9x0q2m7ab")

indices = st.binary(min_size=16, max_size=16)


def test_a_sealed_credential_opens_under_its_key_and_index() -> None:
    blob = Sealer(KEY).seal(INDEX, CREDENTIAL)
    assert len(blob) == len(pack(CREDENTIAL)) + OVERHEAD_BYTES
    assert Sealer(KEY).unseal(INDEX, blob) == CREDENTIAL
    assert b"k3j9x0q2m7ab" not in blob


def test_another_key_and_another_card_do_not_open_it() -> None:
    blob = Sealer(KEY).seal(INDEX, CREDENTIAL)
    for key, index in ((OTHER_KEY, INDEX), (KEY, OTHER_INDEX), (OTHER_KEY, OTHER_INDEX)):
        with pytest.raises(VaultError, match=r"does not open.*import a full feed"):
            Sealer(key).unseal(index, blob)


def test_a_credential_of_a_later_version_says_so() -> None:
    sealer = Sealer(KEY)
    with pytest.raises(VaultError, match=r"not understood \(.*version 9.*another version"):
        sealer.unseal(INDEX, sealer.seal_bytes(INDEX, b"\x09\x00\x00"))


def test_every_byte_counts() -> None:
    sealer = Sealer(KEY)
    blob = sealer.seal(INDEX, CREDENTIAL)
    for at in range(len(blob)):
        for bit in range(8):
            changed = bytearray(blob)
            changed[at] ^= 1 << bit
            with pytest.raises(VaultError):
                sealer.unseal(INDEX, bytes(changed))
        with pytest.raises(VaultError):
            sealer.unseal(INDEX, blob[:at])


def test_nonces_are_not_given_out_twice_over_many_blocks() -> None:
    nonces = Nonces()
    taken = [nonces.take() for _ in range(5000)]
    assert len(set(taken)) == len(taken)
    assert {len(nonce) for nonce in taken} == {NONCE_BYTES}


def test_two_threads_never_get_the_same_nonce() -> None:
    nonces = Nonces()
    taken: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: taken.extend(nonces.take() for _ in range(5000)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == len(taken) == 20_000


def test_a_fork_shares_no_nonce_with_its_parent() -> None:
    process = 100
    nonces = Nonces(lambda: process)
    nonces.take()
    in_stock = set(nonces._left)
    assert in_stock
    process = 101
    assert in_stock.isdisjoint(nonces.take() for _ in range(len(in_stock)))


@given(key=st.binary(min_size=32, max_size=32), index=st.binary(max_size=40), data=st.binary())
def test_any_bytes_come_back(key: bytes, index: bytes, data: bytes) -> None:
    sealer = Sealer(key)
    assert sealer.unseal_bytes(index, sealer.seal_bytes(index, data)) == data


@given(index=indices, other=indices)
def test_no_other_index_opens(index: bytes, other: bytes) -> None:
    sealer = Sealer(KEY)
    blob = sealer.seal_bytes(index, b"data")
    if index != other:
        with pytest.raises(VaultError):
            sealer.unseal_bytes(other, blob)


@given(blob=st.binary(max_size=200))
def test_made_up_bytes_do_not_open(blob: bytes) -> None:
    with pytest.raises(VaultError):
        Sealer(KEY).unseal(INDEX, blob)

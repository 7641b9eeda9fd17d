"""Card indices: known answers, and which key indexes for what."""

import hashlib
import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.errors import VaultError
from kioskd.ports import CardIndex
from kioskd.vault.card_index import CardIndexer, index_of
from kioskd.vault.keyring import Keyring, Purpose

CARD = "167A006007"
DEVICE_KEY = bytes(32)


def test_known_answers_of_rfc_4231() -> None:
    # Test cases 1 and 2, first 16 bytes.
    assert index_of(b"\x0b" * 20, "Hi There").hex() == "b0344c61d8db38535ca8afceaf0bf12b"
    answer = index_of(b"Jefe", "what do ya want for nothing?")
    assert answer.hex() == "5bdcc146bf60754e6a042426089575c7"


def test_cache_and_state_are_indexed_under_keys_of_their_own(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path, DEVICE_KEY)
    indexer: CardIndex = CardIndexer(keyring)
    keys = indexer.keys_of(CARD)
    assert keys.cache == index_of(keyring.newest(Purpose.CACHE_INDEX).secret, CARD)
    assert keys.state == (index_of(keyring.newest(Purpose.STATE_INDEX).secret, CARD),)
    assert keys.cache not in keys.state


def test_after_a_rekey_the_old_state_index_is_still_looked_up_and_comes_second(
    tmp_path: Path,
) -> None:
    old = Keyring.create(tmp_path, DEVICE_KEY)
    before = CardIndexer(old).keys_of(CARD)
    new = old.rekeyed(bytes([1]) * 32)
    after = CardIndexer(new).keys_of(CARD)
    assert len(after.state) == 2
    assert after.state[1:] == before.state
    assert after.state[0] == index_of(new.newest(Purpose.STATE_INDEX).secret, CARD)


def test_the_generation_in_use_names_the_cache_key(tmp_path: Path) -> None:
    old = Keyring.create(tmp_path, DEVICE_KEY)
    before = CardIndexer(old)
    indexer = CardIndexer(old.rekeyed(bytes([1]) * 32))
    assert indexer.keys_of(CARD).cache != before.keys_of(CARD).cache
    indexer.use_cache_key(old.newest(Purpose.CACHE_INDEX).id)
    assert indexer.keys_of(CARD).cache == before.keys_of(CARD).cache


def test_a_cache_made_with_a_dropped_key_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path, DEVICE_KEY)
    dropped = keyring.newest(Purpose.CACHE_INDEX).id
    keyring.drop_cache_keys()
    indexer = CardIndexer(keyring)
    before = indexer.keys_of(CARD)
    with pytest.raises(VaultError, match="import a full feed"):
        indexer.use_cache_key(dropped)
    assert indexer.keys_of(CARD) == before


def test_a_key_of_another_purpose_is_not_taken_for_the_cache(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path, DEVICE_KEY)
    with pytest.raises(VaultError, match="no cache-index key"):
        CardIndexer(keyring).use_cache_key(keyring.newest(Purpose.STATE_INDEX).id)


@given(key=st.binary(min_size=1, max_size=80), number=st.text(max_size=64))
def test_the_index_is_the_first_half_of_hmac_sha_256(key: bytes, number: str) -> None:
    expected = hmac.new(key, number.encode(), hashlib.sha256).digest()
    assert index_of(key, number) == expected[:16]

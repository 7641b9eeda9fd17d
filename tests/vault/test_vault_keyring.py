"""The keyring: what opens it, what it keeps through a new device key, what a cut leaves."""

import base64
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from kioskd.errors import VaultError
from kioskd.vault import files
from kioskd.vault.keyring import FILE_NAME, Keyring, Purpose

DEVICE_KEY = bytes(range(32))
OTHER_KEY = bytes(32)
DAY = timedelta(days=1)


class Calendar:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.day = datetime(2026, 11, 23, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.day


def secrets_of(keyring: Keyring) -> dict[str, bytes]:
    return {key.id: key.secret for purpose in Purpose for key in keyring.all(purpose)}


def test_a_new_keyring_has_a_key_for_each_purpose_and_opens_again(tmp_path: Path) -> None:
    made = Keyring.create(tmp_path, DEVICE_KEY)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    opened = Keyring.open(tmp_path, DEVICE_KEY)
    for purpose in Purpose:
        assert opened.newest(purpose) == made.newest(purpose)
        assert opened.all(purpose) == (made.newest(purpose),)
    assert len(set(secrets_of(opened).values())) == len(Purpose)
    assert all(len(secret) == 32 for secret in secrets_of(opened).values())


def test_nothing_but_the_keyring_is_left_in_the_folder(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path, DEVICE_KEY)
    keyring.drop_cache_keys()
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_an_existing_keyring_is_never_replaced(tmp_path: Path) -> None:
    Keyring.create(tmp_path, DEVICE_KEY)
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(VaultError, match="there is a keyring already"):
        Keyring.create(tmp_path, OTHER_KEY)
    assert (tmp_path / FILE_NAME).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_missing_wrong_key_and_damaged_are_told_apart(tmp_path: Path) -> None:
    assert not Keyring.exists(tmp_path)
    with pytest.raises(VaultError, match=r"no keyring there; restore it from a backup"):
        Keyring.open(tmp_path, DEVICE_KEY)
    Keyring.create(tmp_path, DEVICE_KEY)
    assert Keyring.exists(tmp_path)
    with pytest.raises(VaultError, match=r"the device key is not the one.*secrets\.device_key"):
        Keyring.open(tmp_path, OTHER_KEY)
    (tmp_path / FILE_NAME).write_bytes(b"{}")
    with pytest.raises(VaultError, match=r"damaged; restore it from a backup"):
        Keyring.open(tmp_path, DEVICE_KEY)


def test_the_right_key_under_a_wrong_fingerprint_is_damage(tmp_path: Path) -> None:
    Keyring.create(tmp_path, DEVICE_KEY)
    path = tmp_path / FILE_NAME
    file = json.loads(path.read_bytes())
    path.write_text(json.dumps(file | {"device_key": "0" * 16}))
    with pytest.raises(VaultError, match="damaged"):
        Keyring.open(tmp_path, DEVICE_KEY)


def test_a_wrapped_key_is_bound_to_its_id_and_purpose(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path, DEVICE_KEY)
    for row in json.loads((tmp_path / FILE_NAME).read_bytes())["keys"]:
        wrapped = base64.b64decode(row["wrapped"])
        bound_to = f"kioskd key {row['purpose']} {row['id']}".encode()
        secret = AESGCM(DEVICE_KEY).decrypt(wrapped[:12], wrapped[12:], bound_to)
        assert secret == keyring.by_id(row["id"]).secret
        assert keyring.by_id(row["id"]).purpose == row["purpose"]


def test_a_later_format_is_not_called_damage(tmp_path: Path) -> None:
    Keyring.create(tmp_path, DEVICE_KEY)
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes().replace(b'"format": 1', b'"format": 2'))
    with pytest.raises(VaultError, match="format 2 is not one that this version reads"):
        Keyring.open(tmp_path, DEVICE_KEY)


def test_a_folder_in_its_place_and_no_folder_are_vault_errors(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(VaultError, match="cannot be read"):
        Keyring.open(tmp_path, DEVICE_KEY)
    with pytest.raises(VaultError, match="could not be written"):
        Keyring.create(tmp_path / "nowhere", DEVICE_KEY)


def test_a_write_that_fails_leaves_the_old_keys_in_force(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path, DEVICE_KEY)
    before = secrets_of(keyring)
    (tmp_path / FILE_NAME).unlink()
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(VaultError, match="could not be written"):
        keyring.drop_cache_keys()
    assert secrets_of(keyring) == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_new_device_key_opens_every_old_key_and_brings_new_ones(tmp_path: Path) -> None:
    old = Keyring.create(tmp_path, DEVICE_KEY)
    kept = secrets_of(old)
    new = old.rekeyed(OTHER_KEY)
    reopened = Keyring.open(tmp_path, OTHER_KEY)
    assert secrets_of(reopened) == secrets_of(new)
    assert kept.items() <= secrets_of(reopened).items()
    for purpose in Purpose:
        renewed = purpose not in (Purpose.OUTBOX, Purpose.CHAIN)
        assert len(reopened.all(purpose)) == (2 if renewed else 1)
        assert (reopened.newest(purpose).id not in kept) is renewed
    with pytest.raises(VaultError, match="the device key is not the one"):
        Keyring.open(tmp_path, DEVICE_KEY)


def test_the_cache_index_stays_until_a_full_feed_takes_the_new_one(tmp_path: Path) -> None:
    calendar = Calendar()
    keyring = Keyring.create(tmp_path, DEVICE_KEY, calendar).rekeyed(OTHER_KEY)
    new, old = keyring.all(Purpose.CACHE_INDEX)
    assert new.pending
    assert not old.pending
    assert old.retired is None

    calendar.day += DAY
    keyring.take_cache_index(new.id)
    new, old = Keyring.open(tmp_path, OTHER_KEY).all(Purpose.CACHE_INDEX)
    assert not new.pending
    assert new.retired is None
    assert old.retired == calendar.day


def test_a_feed_that_began_before_the_rekey_leaves_the_new_key_pending(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path, DEVICE_KEY).rekeyed(OTHER_KEY)
    new, old = keyring.all(Purpose.CACHE_INDEX)
    keyring.take_cache_index(old.id)
    assert keyring.all(Purpose.CACHE_INDEX) == (new, old)
    with pytest.raises(VaultError, match="no cache-index key"):
        keyring.take_cache_index(keyring.newest(Purpose.CHAIN).id)


def test_old_keys_go_when_retention_has_passed_and_no_key_in_use_does(tmp_path: Path) -> None:
    calendar = Calendar()
    keyring = Keyring.create(tmp_path, DEVICE_KEY, calendar).rekeyed(OTHER_KEY)
    old_index = keyring.all(Purpose.CACHE_INDEX)[1]
    assert keyring.retire(before=calendar.day) == ()

    calendar.day += 15 * DAY
    gone = keyring.retire(before=calendar.day - 14 * DAY)
    assert len(gone) == 3  # the old seals and the old state index; no feed took the cache index
    reopened = Keyring.open(tmp_path, OTHER_KEY, calendar)
    assert reopened.by_id(old_index.id) == old_index
    for key_id in gone:
        with pytest.raises(VaultError, match="import a full feed"):
            reopened.by_id(key_id)

    reopened.take_cache_index(reopened.newest(Purpose.CACHE_INDEX).id)
    assert reopened.retire(before=calendar.day + 400 * DAY) == (old_index.id,)
    assert {purpose: len(reopened.all(purpose)) for purpose in Purpose} == dict.fromkeys(Purpose, 1)


def test_dropping_the_cache_deletes_its_keys_and_no_others(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path, DEVICE_KEY)
    before = {purpose: keyring.newest(purpose) for purpose in Purpose}
    keyring.drop_cache_keys()
    reopened = Keyring.open(tmp_path, DEVICE_KEY)
    for purpose, key in before.items():
        dropped = purpose in (Purpose.CACHE_INDEX, Purpose.CACHE_SEAL)
        assert (key.secret not in secrets_of(reopened).values()) is dropped
        assert len(reopened.all(purpose)) == 1


def test_what_a_power_cut_left_aside_does_not_keep_dropped_keys(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path, DEVICE_KEY)
    stale = tmp_path / f"{FILE_NAME}.0a1b2c3d{files.UNFINISHED}"
    stale.write_bytes((tmp_path / FILE_NAME).read_bytes())
    keyring.drop_cache_keys()
    assert not stale.exists()


def test_no_secret_shows_in_a_representation(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path, DEVICE_KEY)
    for purpose in Purpose:
        key = keyring.newest(purpose)
        for text in (repr(key), repr(keyring), str(key), f"{keyring}"):
            assert key.secret.hex() not in text
            assert repr(key.secret)[2:-1] not in text
    assert repr(DEVICE_KEY)[2:-1] not in repr(keyring)


def test_no_secret_is_in_the_file(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path, DEVICE_KEY)
    data = (tmp_path / FILE_NAME).read_bytes()
    for secret in (*secrets_of(keyring).values(), DEVICE_KEY):
        assert secret not in data
        assert secret.hex().encode() not in data


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    directory = tmp_path_factory.mktemp("whole")
    Keyring.create(directory, DEVICE_KEY)
    return directory, (directory / FILE_NAME).read_bytes()


def test_a_keyring_cut_at_any_byte_is_called_damaged(whole: tuple[Path, bytes]) -> None:
    directory, data = whole
    for end in range(len(data) - 1):  # the last byte is a newline and says nothing
        (directory / FILE_NAME).write_bytes(data[:end])
        with pytest.raises(VaultError, match="damaged"):
            Keyring.open(directory, DEVICE_KEY)


@settings(deadline=None)
@given(at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_keyring_changed_at_any_byte_never_gives_other_keys(
    whole: tuple[Path, bytes], at: int, flip: int
) -> None:
    directory, data = whole
    (directory / FILE_NAME).write_bytes(data)
    sound = secrets_of(Keyring.open(directory, DEVICE_KEY))
    changed = bytearray(data)
    changed[at % len(data)] ^= flip
    (directory / FILE_NAME).write_bytes(changed)
    try:
        # White space between values, and base64's spare bits, may change with no effect.
        assert secrets_of(Keyring.open(directory, DEVICE_KEY)) == sound
    except VaultError as error:
        assert "damaged" in str(error) or "format" in str(error)  # noqa: PT017 either is right


@given(key=st.binary(min_size=32, max_size=32).filter(lambda key: key != DEVICE_KEY))
def test_no_other_device_key_opens_it(whole: tuple[Path, bytes], key: bytes) -> None:
    directory, data = whole
    (directory / FILE_NAME).write_bytes(data)
    with pytest.raises(VaultError, match="the device key is not the one"):
        Keyring.open(directory, key)

"""The hub's key: what it seals opens where it belongs and nowhere else."""

import os
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from kioskd.errors import VaultError
from kioskd.vault.device_key import write_device_key
from sync.hub.model import Person
from sync.hub.sealing import REF_CHARACTERS, HubKeys, read_hub_key
from sync.hub.sealing_person import pack_person, unpack_person
from tests.hub_core.people import persons
from tests.hub_core.world import KEY, person_of

KEYS = HubKeys(KEY)
OTHER = HubKeys(bytes(32))


@given(persons)
def test_a_person_comes_back(person: Person) -> None:
    index = KEYS.card_index(person.card)
    assert KEYS.open_person("esi", index, KEYS.seal_person("esi", index, person)) == person


@given(st.binary(max_size=200))
def test_other_bytes_are_no_person(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"packed person"):
        unpack_person(data)


def test_bytes_of_another_version_are_told_apart() -> None:
    data = bytearray(pack_person(person_of(1)))
    assert data[1] == 1
    data[1] = 2
    with pytest.raises(ValueError, match="of version 2"):
        unpack_person(bytes(data))
    sealed = KEYS._persons.seal_bytes(b"esi" + bytes(16), bytes(data))
    with pytest.raises(VaultError, match="another version of kioskd-hub"):
        KEYS.open_person("esi", bytes(16), sealed)


def test_a_row_opens_in_its_feed_under_its_card_with_its_key_alone() -> None:
    person = person_of(1)
    index = KEYS.card_index(person.card)
    sealed = KEYS.seal_person("esi", index, person)
    swapped = KEYS.card_index("167A000002")
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for keys, feed, card, blob in (
        (OTHER, "esi", index, sealed),
        (KEYS, "toi", index, sealed),
        (KEYS, "esi", swapped, sealed),
        (KEYS, "esi", index, changed),
        (KEYS, "esi", index, b""),
    ):
        with pytest.raises(VaultError, match="does not open") as fault:
            keys.open_person(feed, card, blob)
        assert person.card not in str(fault.value)


def test_a_sealed_row_shows_nothing_and_never_repeats() -> None:
    person = person_of(1, category="STUDENT")
    index = KEYS.card_index(person.card)
    sealed = {KEYS.seal_person("esi", index, person) for _ in range(50)}
    assert len(sealed) == 50
    assert not any(b"167A" in blob or b"STUDENT" in blob for blob in sealed)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_references_are_stable_opaque_and_of_one_patron(
    feed: str, identity: str, feed2: str, identity2: str
) -> None:
    ref = KEYS.ref(feed, identity)
    assert ref == KEYS.ref(feed, identity) != OTHER.ref(feed, identity)
    assert len(ref) == REF_CHARACTERS
    assert ref.isascii()
    assert ref.replace("-", "").replace("_", "").isalnum() or set(ref) <= {"-", "_"}
    assert (ref == KEYS.ref(feed2, identity2)) == ((feed, identity) == (feed2, identity2))


def test_every_purpose_has_a_key_of_its_own() -> None:
    data = b"167A000001"
    made = {KEYS.card_index("167A000001"), KEYS.source_digest(data), OTHER.source_digest(data)}
    assert len(made) == 3
    assert all(len(digest) == 16 for digest in made)
    assert KEYS.check_of() == HubKeys(KEY).check_of() != OTHER.check_of()
    assert repr(KEYS) == "HubKeys()"


def test_texts_open_in_their_context() -> None:
    sealed = KEYS.seal_text("published ESI 3", "sisältö")
    assert "sisältö".encode() not in sealed
    assert KEYS.open_text("published ESI 3", sealed) == "sisältö"
    for keys, context in ((KEYS, "published ESI 4"), (OTHER, "published ESI 3")):
        with pytest.raises(VaultError, match=f"{context}: a sealed text does not open"):
            keys.open_text(context, sealed)


def test_signatures() -> None:
    signature = KEYS.sign(b"payload")
    public = Ed25519PublicKey.from_public_bytes(KEYS.public_key)
    public.verify(signature, b"payload")
    with pytest.raises(InvalidSignature):
        public.verify(signature, b"payloaf")
    assert HubKeys(KEY).public_key == KEYS.public_key != OTHER.public_key


class TestReadingTheKey:
    """Where `hub.key` may lead, and what is said when it does not."""

    def test_a_file_and_a_credential(self, tmp_path: Path) -> None:
        path = tmp_path / "hub-key"
        write_device_key(path)
        key = read_hub_key(f"file:{path}", {})
        assert len(key) == 32
        path.chmod(0o440)  # as a unit's credential looks
        environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
        assert read_hub_key("credential:hub-key", environ) == key

    @pytest.mark.parametrize(
        ("reference", "why"),
        [
            ("", "names no key"),
            ("hub.key", "names no key"),
            ("file:", "names no key"),
            ("credential:../hub-key", "names no key"),
            ("file:/nowhere/hub.key", r"no hub key there; make one with `kioskd-hub init`"),
            ("credential:nothing", "cannot be read: No such file"),
            ("credential:folder", "not a hub key"),
            ("credential:short", "not a hub key"),
        ],
    )
    def test_what_is_no_key(self, tmp_path: Path, reference: str, why: str) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "short").write_text("A" * 42)
        with pytest.raises(VaultError, match=why):
            read_hub_key(reference, {"CREDENTIALS_DIRECTORY": str(tmp_path)})

    def test_no_credentials_at_all(self) -> None:
        with pytest.raises(VaultError, match="CREDENTIALS_DIRECTORY is not set"):
            read_hub_key("credential:hub-key", {})

    def test_a_key_that_others_may_read(self, tmp_path: Path) -> None:
        path = tmp_path / "hub.key"
        write_device_key(path)
        os.chmod(path, 0o644)  # noqa: PTH101 - what an installer did wrong
        with pytest.raises(VaultError, match="chmod 600"):
            read_hub_key(f"file:{path}", {})

    def test_bytes_of_another_length(self) -> None:
        with pytest.raises(VaultError, match="32 bytes"):
            HubKeys(bytes(31))

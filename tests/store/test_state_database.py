"""state.db: lists, enrolled verifiers, lockdown and the journal's mirror."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.credential import Credential, Source
from kioskd.errors import StoreDamaged, StoreError, VaultError
from kioskd.ports import Listed
from kioskd.store.journal_start import Mirror
from kioskd.store.state import STATE, NoState, StateDatabase
from tests.store.rig import DAY, NOW, card

ENROLLED = Credential(verifier=b"v", source=Source.ENROLLED)


def unseal(index: bytes, sealed: bytes) -> Credential:
    """Opens what was sealed as its own index; anything else is somebody else's."""
    if index != sealed:
        raise VaultError("a sealed record does not open")
    return ENROLLED


def opened(directory: Path, *, read_only: bool = False) -> StateDatabase:
    return StateDatabase(directory, unseal, read_only=read_only)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateDatabase]:
    with closing(opened(tmp_path)) as made:
        yield made


def test_a_new_state_knows_nobody_and_locks_nothing(state: StateDatabase, tmp_path: Path) -> None:
    assert state.listed((card(1),), NOW) == Listed()
    assert state.enrolled((card(1),)) is None
    assert (state.lockdown(), state.mirror()) == (False, None)
    assert (tmp_path / STATE).stat().st_mode & 0o077 == 0


def test_a_list_entry_holds_until_its_time(state: StateDatabase) -> None:
    state.put_listed(card(1), "allow", NOW, "cleaner", "maija")
    state.put_listed(card(1), "deny", NOW + DAY, "lost card", "maija")
    assert state.listed((card(1),), NOW - DAY) == Listed(allowed=True, denied=True)
    assert state.listed((card(1),), NOW) == Listed(denied=True)
    assert state.listed((card(1),), NOW + DAY) == Listed()


def test_a_card_is_found_under_every_index_key_that_it_ever_had(state: StateDatabase) -> None:
    state.put_listed(card(2), "allow", NOW + DAY, "guard", "maija")
    state.put_enrolled(card(2), card(2))
    assert state.listed((card(1), card(2)), NOW).allowed
    assert state.enrolled((card(1), card(2))) == ENROLLED
    assert state.enrolled((card(1),)) is None


def test_an_enrolled_verifier_that_does_not_open_is_not_nobody(state: StateDatabase) -> None:
    state.put_enrolled(card(1), b"under another key")
    with pytest.raises(VaultError):
        state.enrolled((card(1),))


def test_a_lockdown_survives_a_restart(state: StateDatabase, tmp_path: Path) -> None:
    state.set_lockdown(on=True)
    state.close()
    with closing(opened(tmp_path)) as again:
        assert again.lockdown()
        again.set_lockdown(on=False)
        assert not again.lockdown()


@pytest.mark.parametrize("value", ["nn", "of", "ofg", "", "OFF"])
def test_a_lockdown_that_cannot_be_read_is_a_lockdown(state: StateDatabase, value: str) -> None:
    state.put_value("lockdown", value)
    assert state.lockdown()


def test_no_state_is_a_lockdown() -> None:
    assert NoState().lockdown()
    assert NoState().listed((card(1),), NOW) == Listed()
    assert NoState().enrolled((card(1),)) is None


def test_the_mirror_comes_back(state: StateDatabase) -> None:
    mirror = Mirror("id", 7, "f" * 64)
    state.put_mirror(mirror)
    assert state.mirror() == mirror


_HASH = "f" * 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        '{"journal":"x"}',
        '{"journal":1,"seq":"x"}',
        "[" * 100_000,
        '{"journal":"x","seq":1e999,"hash":"' + _HASH + '"}',
        '{"journal":"x","seq":9223372036854775808,"hash":"' + _HASH + '"}',
        '{"journal":"x","seq":-1,"hash":"' + _HASH + '"}',
        '{"journal":"\\ud800","seq":1,"hash":"' + _HASH + '"}',
        '{"journal":"x","seq":1,"hash":"\\ud800"}',
    ],
)
def test_a_damaged_mirror_is_no_mirror(state: StateDatabase, text: str) -> None:
    state.put_value("journal", text)
    assert state.mirror() is None


def test_resealing_is_all_or_nothing(state: StateDatabase) -> None:
    for number in range(3):
        state.put_enrolled(card(number), b"old")

    def rows() -> Iterator[tuple[bytes, bytes]]:
        yield card(0), b"new"
        raise VaultError("a sealed record does not open")

    with pytest.raises(VaultError):
        state.replace_sealed(rows())
    assert {sealed for _, sealed in state.sealed_rows()} == {b"old"}
    state.replace_sealed((index, b"new") for index, _ in state.sealed_rows())
    assert {sealed for _, sealed in state.sealed_rows()} == {b"new"}


def test_a_reader_beside_the_daemon_sees_what_it_wrote(
    state: StateDatabase, tmp_path: Path
) -> None:
    with closing(opened(tmp_path, read_only=True)) as reader:
        state.set_lockdown(on=True)
        assert reader.lockdown()
        with pytest.raises(StoreError, match="cannot be written"):
            reader.put_value("x", "y")


def test_a_reader_before_the_first_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no state yet; `kioskd run` begins it"):
        opened(tmp_path, read_only=True)


@pytest.mark.parametrize("damage", [b"garbage " * 2048, b"SQLite format 3\x00" + b"\xff" * 9000])
def test_a_damaged_state_is_refused_and_kept(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / STATE).write_bytes(damage)
    with pytest.raises(StoreDamaged, match="restore it from a backup"):
        opened(tmp_path)
    assert (tmp_path / STATE).read_bytes() == damage


def test_a_state_of_a_newer_version_is_refused(state: StateDatabase, tmp_path: Path) -> None:
    state.close()
    with closing(sqlite3.connect(tmp_path / STATE)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer kioskd"):
        opened(tmp_path)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_value_comes_back(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: str
) -> None:
    with closing(opened(tmp_path_factory.getbasetemp())) as made:
        made.put_value(f"x{key}", value)
        assert made.value(f"x{key}") == value

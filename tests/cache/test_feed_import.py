"""Feeds into the cache: what a full feed, a delta, a dry run and a broken export do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

import pytest

from kioskd.domain.credential import Credential, Restriction, RestrictionKind
from kioskd.errors import InputError, StoreError, VaultError
from kioskd.store import generations
from kioskd.vault.device_key import read_device_key
from kioskd.vault.kdf import hash_pin_bcrypt
from kioskd.vault.keyring import Keyring
from kioskd.vault.keys import Purpose
from kioskd.vault.sealing import Sealer
from kioskd.vault.verifiers import pack_verifier, to_text, unpack_verifier

if TYPE_CHECKING:
    from tests.cache.conftest import Site


def test_a_first_full_feed_makes_a_cache_that_a_door_can_read(site: Site) -> None:
    ban = [{"kind": "use-ban", "until": "2027-01-31", "branch": "ESI"}]
    rows = [*site.rows(9), site.row(9, restrictions=ban, expires="2027-05-31")]
    report = site.load(site.feed(rows))
    assert (report.rows, report.loaded, report.bad, report.credentials) == (10, 10, 0, 10)
    assert report.previous is None
    door = site.open()
    found = door.find(9)
    assert found is not None
    assert found.expires == date(2027, 5, 31)
    assert found.restrictions == (Restriction(RestrictionKind.USE_BAN, date(2027, 1, 31), "ESI"),)
    assert found.verifier is not None
    assert to_text(found.verifier) == site.pin_hash("167A000009")
    assert door.find(10) is None
    state = door.cache.state()
    assert state.readable
    assert state.credentials == 10
    assert state.synced is not None
    door.cache.close()


def test_a_csv_feed_does_the_same(site: Site) -> None:
    lines = [f'{site.card(n)},"{site.pin_hash(site.card(n))}",r{n}' for n in range(5)]
    site.load(site.text("\ufeffcard,pin_hash,ref\r\n" + "\r\n".join(lines)))
    assert site.known(range(6)) == [0, 1, 2, 3, 4]


def test_a_refusal_names_the_first_bad_row(site: Site) -> None:
    text = f"card,pin_hash\n{site.card(1)},{site.pin_hash('x')}\n"
    with pytest.raises(InputError, match=r"line 2: 4 cells under a header of 2; quote"):
        site.load(site.text(text))


def test_a_full_feed_replaces_everything_and_the_old_generation_goes(site: Site) -> None:
    first = site.load(site.feed(site.rows(10)))
    second = site.load(site.feed(site.rows(10, first=5)))
    assert second.previous == 10
    assert site.known(range(20)) == list(range(5, 15))
    assert first.generation != second.generation
    assert [path.name for path in site.databases()] == [f"credentials.{second.generation}.db"]


def test_a_delta_changes_adds_and_removes(site: Site) -> None:
    site.load(site.feed(site.rows(10)))
    delta = [
        {"card": site.card(3), "deleted": True},
        {"card": site.card(99), "deleted": True},
        site.row(4, restrictions=[{"kind": "lost"}]),
        site.row(10),
    ]
    report = site.load(site.feed(delta), delta=True)
    assert (report.loaded, report.deleted, report.credentials) == (2, 1, 10)
    assert site.known(range(12)) == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]
    door = site.open()
    changed = door.find(4)
    assert changed is not None
    assert changed.restrictions == (Restriction(RestrictionKind.LOST),)
    door.cache.close()
    current = generations.read_current(site.directory)
    assert current == generations.Current(report.generation, change=1)


def test_a_delta_needs_a_cache(site: Site) -> None:
    with pytest.raises(InputError, match="full `kioskd feed import` first"):
        site.load(site.feed(site.rows(1)), delta=True)


def test_of_a_card_that_is_there_twice_the_last_row_counts(site: Site) -> None:
    rows = [site.row(1, ref="first"), *site.rows(1500, first=2), site.row(1, ref="last")]
    report = site.load(site.feed(rows))
    assert (report.rows, report.loaded, report.duplicates) == (1502, 1501, 1)
    door = site.open()
    found = door.find(1)
    assert found is not None
    assert found.ref == "last"
    door.cache.close()


def test_a_card_that_a_full_feed_marks_deleted_is_not_loaded(site: Site) -> None:
    rows = [*site.rows(3), {"card": site.card(1), "deleted": True}]
    report = site.load(site.feed(rows))
    assert (report.loaded, report.duplicates, report.deleted) == (2, 1, 1)
    assert site.known(range(3)) == [0, 2]


def test_bad_rows_are_named_and_the_others_load(site: Site) -> None:
    rows = [site.row(0), {"card": "nonsense"}, site.row(2), site.row(3, expires="soon")]
    report = site.load(site.feed(rows))
    assert (report.rows, report.loaded, report.bad) == (4, 2, 2)
    assert [row.line for row in report.bad_rows] == [2, 4]
    assert site.known(range(4)) == [0, 2]


BAN_MISSPELT = [{"kind": "use-bann"}]


def test_a_bad_last_row_leaves_its_card_out_and_lets_no_earlier_row_stand(site: Site) -> None:
    rows = [*site.rows(4), site.row(1, restrictions=BAN_MISSPELT), site.row(2, expires="soon")]
    report = site.load(site.feed([*rows, site.row(2)]))
    assert (report.rows, report.loaded, report.bad, report.deleted) == (7, 3, 2, 0)
    assert site.known(range(4)) == [0, 2, 3]  # of card 2 the last row is a good one


def test_a_dry_run_counts_the_cards_that_bad_rows_leave_out(site: Site) -> None:
    rows = [*site.rows(4), site.row(1, restrictions=BAN_MISSPELT)]
    report = site.load(site.feed(rows), dry_run=True)
    assert (report.rows, report.loaded, report.bad, report.deleted) == (5, 3, 1, 0)


def test_a_bad_row_of_a_delta_takes_its_card_out_of_the_cache(site: Site) -> None:
    site.load(site.feed(site.rows(4)))
    delta = [site.row(1, restrictions=BAN_MISSPELT), {"card": site.card(2), "deleted": "perhaps"}]
    report = site.load(site.feed(delta), delta=True)
    assert (report.rows, report.loaded, report.bad, report.credentials) == (2, 0, 2, 2)
    assert site.known(range(4)) == [0, 3]


def test_more_than_a_credential_can_hold_leaves_its_card_out_too(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(sealer: Sealer, card: bytes, credential: Credential) -> bytes:
        if credential.ref == "large":
            raise ValueError
        return seal(sealer, card, credential)

    seal = Sealer.seal
    monkeypatch.setattr(Sealer, "seal", refused)
    report = site.load(site.feed([*site.rows(3), site.row(1, ref="large")]))
    assert (report.rows, report.loaded, report.bad) == (4, 2, 1)
    assert site.known(range(3)) == [0, 2]


def test_only_the_first_bad_rows_are_named(site: Site) -> None:
    report = site.load(site.feed([*site.rows(5), *({"card": "x"} for _ in range(1200))]))
    assert report.bad == 1200
    assert [row.line for row in report.bad_rows] == list(range(6, 26))


def test_a_personal_column_anywhere_loads_nothing(site: Site) -> None:
    site.load(site.feed(site.rows(4)))
    before = site.files()
    rows = [*site.rows(2000), site.row(2000, address="Esimerkkikatu 1")]
    with pytest.raises(InputError, match="line 2001: column address: personal data"):
        site.load(site.feed(rows))
    assert site.files() == before
    assert site.known(range(6)) == [0, 1, 2, 3]


def test_a_feed_that_loses_over_half_needs_a_word(site: Site) -> None:
    site.load(site.feed(site.rows(10)))
    before = site.files()
    with pytest.raises(InputError, match=r"4 credentials .* 10 credentials.*--confirm-shrink"):
        site.load(site.feed(site.rows(4)))
    assert site.files() == before
    assert site.known(range(10)) == list(range(10))
    assert site.load(site.feed(site.rows(5))).credentials == 5
    assert site.load(site.feed(site.rows(1)), confirm_shrink=True).credentials == 1


@pytest.mark.parametrize("content", ["", "card,pin_hash\n", "\n\n"])
def test_an_empty_feed_needs_a_word(site: Site, content: str) -> None:
    with pytest.raises(InputError, match=r"0 credentials .* no cache.*--confirm-shrink"):
        site.load(site.text(content))
    assert site.load(site.text(content), confirm_shrink=True).credentials == 0
    assert site.known([1]) == []


def test_a_dry_run_of_a_first_feed_leaves_no_directory(site: Site) -> None:
    report = site.load(site.feed([*site.rows(3), {"card": "x"}]), dry_run=True)
    assert (report.loaded, report.bad, report.credentials, report.dry_run) == (3, 1, 3, True)
    assert not site.directory.exists()


def test_a_dry_run_changes_no_byte(site: Site) -> None:
    site.load(site.feed(site.rows(5)))
    before = {path.name: path.read_bytes() for path in site.directory.iterdir()}
    full = site.load(site.feed(site.rows(9)), dry_run=True)
    delta = site.load(
        site.feed([site.row(5), site.row(4), {"card": site.card(0), "deleted": True}]),
        delta=True,
        dry_run=True,
    )
    with pytest.raises(InputError, match="--confirm-shrink"):
        site.load(site.feed(site.rows(2)), dry_run=True)
    assert full.credentials == 9
    assert (delta.loaded, delta.deleted, delta.credentials) == (2, 1, 5)
    after = {path.name: path.read_bytes() for path in site.directory.iterdir()}
    assert {name for name in after if not name.endswith(("-wal", "-shm"))} == set(before)
    assert all(after[name] == content for name, content in before.items())


def test_kinds_of_verifiers_are_counted_through_deltas(site: Site) -> None:
    bcrypt = to_text(hash_pin_bcrypt("1234", cost=4))
    rows = [*site.rows(4), site.row(4, pin_hash=""), site.row(5, pin_hash=bcrypt)]
    report = site.load(site.feed(rows))
    argon2id = "argon2id m=19456 t=2 p=1"
    assert report.verifiers == {argon2id: 4, "none": 1, "bcrypt 2a c=4": 1}
    delta = [site.row(4), site.row(0, pin_hash=bcrypt), {"card": site.card(1), "deleted": True}]
    report = site.load(site.feed(delta), delta=True)
    assert report.verifiers == {argon2id: 3, "bcrypt 2a c=4": 2}


def test_an_unknown_card_costs_what_most_cards_cost_and_is_nobody_s_hash(site: Site) -> None:
    bcrypt = to_text(hash_pin_bcrypt("1234", cost=4))
    rows = [site.row(0), *(site.row(n, pin_hash=bcrypt) for n in range(1, 4))]
    site.load(site.feed(rows))
    door = site.open()
    meta = door.cache.meta
    assert meta is not None
    assert meta.site_verifier is not None
    assert to_text(meta.site_verifier).startswith("$2a$04$")
    own = {found.verifier for n in range(4) if (found := door.find(n)) is not None}
    assert meta.site_verifier not in own
    assert unpack_verifier(meta.site_verifier).hash not in {
        unpack_verifier(verifier).hash for verifier in own if verifier is not None
    }
    door.cache.close()


def test_one_import_at_a_time(site: Site) -> None:
    site.load(site.feed(site.rows(3)))
    with (
        generations.import_lock(site.directory),
        pytest.raises(InputError, match="another feed import is running"),
    ):
        site.load(site.feed(site.rows(3)))
    site.load(site.feed(site.rows(3)))


def test_the_storage_directory_is_made_for_its_owner_alone(site: Site) -> None:
    old = os.umask(0o022)
    try:
        site.load(site.feed(site.rows(1)))
    finally:
        os.umask(old)
    assert site.directory.stat().st_mode & 0o777 == 0o700


def test_a_lost_keyring_is_not_made_anew_over_a_cache(site: Site) -> None:
    site.load(site.feed(site.rows(2)))
    (site.directory / "keyring.json").unlink()
    with pytest.raises(VaultError, match="keyring"):
        site.load(site.feed(site.rows(2)))
    assert not (site.directory / "keyring.json").exists()


def test_after_a_rekey_a_full_feed_takes_the_new_keys_and_a_delta_the_old(site: Site) -> None:
    site.load(site.feed(site.rows(4)))
    device_key = read_device_key(f"file:{site.key_file}")
    old = Keyring.open(site.directory, device_key)
    old.rekeyed(device_key)
    site.load(site.feed([site.row(7)]), delta=True)
    assert site.known(range(8)) == [0, 1, 2, 3, 7]
    site.load(site.feed(site.rows(4)))
    new = Keyring.open(site.directory, device_key)
    door = site.open()
    meta = door.cache.meta
    assert meta is not None
    assert (
        meta.index_key == new.newest(Purpose.CACHE_INDEX).id != old.newest(Purpose.CACHE_INDEX).id
    )
    assert not new.newest(Purpose.CACHE_INDEX).pending
    door.cache.close()
    assert site.known(range(8)) == [0, 1, 2, 3]


def test_a_damaged_current_is_mended_by_a_full_feed(site: Site) -> None:
    site.load(site.feed(site.rows(3)))
    (site.directory / "current").write_text("{")
    with pytest.raises(StoreError, match="full `kioskd feed import`"):
        site.load(site.feed(site.rows(1)), delta=True)
    site.load(site.feed(site.rows(3)))
    assert site.known(range(3)) == [0, 1, 2]
    assert len(site.databases()) == 1


def test_nothing_that_is_written_shows_a_card_or_a_hash(site: Site) -> None:
    rows = site.rows(300)
    site.load(site.feed(rows))
    site.load(site.feed([site.row(1, ref="changed"), site.row(301)]), delta=True)
    door = site.open()
    door.find(5)
    wanted = list(_traces(site, map(site.card, range(302))))
    for path in site.directory.iterdir():
        content = path.read_bytes()
        found = [trace for trace in wanted if trace in content]
        assert not found, path.name
    door.cache.close()
    feed = (site.home / "feed.jsonl").read_bytes()  # the search itself finds what is there
    assert any(trace in feed for trace in wanted)


def _traces(site: Site, cards: Iterable[str]) -> Iterator[bytes]:
    """A card as text, its hash as text, and its hash as bytes."""
    for card in cards:
        text = site.pin_hash(card)
        yield card.encode()
        yield text.encode()
        yield text.rpartition("$")[2].encode()
        yield unpack_verifier(pack_verifier(text)).hash

"""Packed credentials: everything comes back, nothing else is read, and they are small."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.credential import Credential, Restriction, RestrictionKind, Source
from kioskd.vault.packing import pack, pack_verifier, unpack

VERIFIER = pack_verifier(
    "$argon2id$v=19$m=19456,t=2,p=1$z3Gi2gtbU+NlzvrzDa9UYw"
    "$Un/Cz/cg0JohCN+BzY8xUbJio6WKwn3VLjwSuqFSVYI"
)
TYPICAL = Credential(verifier=VERIFIER, expires=date(2027, 5, 31), ref="k3j9x0q2m7ab")

texts = st.text(max_size=60)
restrictions = st.builds(
    Restriction,
    st.sampled_from(RestrictionKind),
    st.none() | st.dates(),
    st.none() | texts,
    st.none() | texts,
)
credentials = st.builds(
    Credential,
    verifier=st.none() | st.binary(max_size=255),
    restrictions=st.lists(restrictions, max_size=9).map(tuple),
    expires=st.none() | st.dates(),
    eligible_from=st.none() | st.dates(),
    consent=st.booleans() | st.lists(texts, max_size=5).map(tuple),
    category=st.none() | texts,
    language=st.none() | texts,
    ref=st.none() | texts,
    source=st.sampled_from(Source),
)


def test_a_typical_row_is_76_bytes() -> None:
    assert len(pack(TYPICAL)) == 76
    assert unpack(pack(TYPICAL)) == TYPICAL


def test_the_format_on_disk_does_not_change_unnoticed() -> None:
    credential = Credential(
        verifier=b"\x01v",
        restrictions=(
            Restriction(RestrictionKind.USE_BAN, date(2026, 12, 6), "ESI"),
            Restriction(RestrictionKind.NO_OFFLINE_LOAN),
        ),
        expires=date(9999, 12, 31),
        eligible_from=date(2026, 11, 24),
        consent=("ESI", "Å"),
        category="HENK",
        language="sv",
        ref="r1",
        source=Source.ENROLLED,
    )
    assert pack(credential).hex(" ", 1) == (
        "01 05 ef 02 01 76 02 c1 0b 4a 74 03 45 53 49 08 37 b9 db 0b 4a 68 "
        "02 03 45 53 49 02 c3 85 04 48 45 4e 4b 02 73 76 02 72 31"
    )


def test_a_restriction_with_its_code_on_disk() -> None:
    locked = Restriction(RestrictionKind.USE_BAN, date(2026, 12, 6), "ESI", "account-locked")
    category = Restriction(RestrictionKind.CATEGORY_NOT_ALLOWED)
    credential = Credential(restrictions=(locked, category))
    assert pack(credential).hex(" ", 1) == (
        "01 00 02 02 e1 0b 4a 74 03 45 53 49 0e 61 63 63 6f 75 6e 74 2d 6c 6f 63 6b 65 64 09"
    )
    assert unpack(pack(credential)) == credential


def test_every_kind_of_restriction_has_a_code() -> None:
    all_kinds = Credential(restrictions=tuple(Restriction(kind) for kind in RestrictionKind))
    assert unpack(pack(all_kinds)) == all_kinds


@pytest.mark.parametrize(
    "credential",
    [
        Credential(ref="x" * 256),
        Credential(category="ä" * 128),
        Credential(verifier=bytes(256)),
        Credential(consent=("ESI",) * 256),
        Credential(restrictions=(Restriction(RestrictionKind.FEES),) * 256),
    ],
)
def test_what_is_too_long_is_refused(credential: Credential) -> None:
    with pytest.raises(ValueError, match="longer than 255"):
        pack(credential)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cut off"),
        (b"\x01", "cut off"),
        (b"\x02\x00\x00", "version 2; this reads 1"),
        (b"\x01\x08\x00", "flags that mean nothing"),
        (b"\x01\x00\x30", "flags that mean nothing"),
        (b"\x01\x06\x00", "no known source"),
        (b"\x01\x00\x02\x01\x1f", "no known kind"),
        (b"\x01\x00\x02\x01\xff", "no known kind"),
        (b"\x01\x00\x02\x01\x21", "cut off"),
        (b"\x01\x00\x04\x00\x00\x00", "no day"),
        (b"\x01\x00\x00\x00", "after its end"),
        (b"\x01\x01\x00\x02\xff\xff", "not UTF-8"),
    ],
)
def test_what_is_not_understood_says_so(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        unpack(data)


@given(credential=credentials)
def test_every_credential_comes_back(credential: Credential) -> None:
    back = unpack(pack(credential))
    assert back == credential
    assert type(back.consent) is type(credential.consent)


@given(credential=credentials, data=st.data())
def test_a_credential_cut_anywhere_is_refused(credential: Credential, data: st.DataObject) -> None:
    packed = pack(credential)
    end = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(ValueError):  # noqa: PT011 which of the faults it is hangs on the place
        unpack(packed[:end])


@given(credential=credentials, more=st.binary(min_size=1, max_size=9))
def test_bytes_after_the_end_are_refused(credential: Credential, more: bytes) -> None:
    with pytest.raises(ValueError, match="after its end"):
        unpack(pack(credential) + more)


@given(head=st.sampled_from([b"", b"\x01"]), data=st.binary(max_size=300))
def test_any_bytes_are_a_credential_or_a_value_error(head: bytes, data: bytes) -> None:
    try:
        credential = unpack(head + data)
    except ValueError:
        return
    assert unpack(pack(credential)) == credential

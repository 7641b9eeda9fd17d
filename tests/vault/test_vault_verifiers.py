"""Verifier texts: taken as the libraries write them, refused with a reason, and packed."""

import argon2
import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.vault.kdf import compute, wrap_bcrypt
from kioskd.vault.verifiers import (
    MAX_MEMORY_KIB,
    Argon2id,
    Argon2idOverBcrypt,
    Argon2Parameters,
    Bcrypt,
    BcryptSetting,
    Verifier,
    pack_verifier,
    repack,
    to_text,
    unpack_verifier,
    verifier_text,
)

CHEAP = Argon2Parameters(8, 1, 1)
ARGON2ID = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
TAIL = ARGON2ID.removeprefix("$argon2id")
OVER = "$argon2id-bcrypt$b=2a,c=05,s=CCCCCCCCCCCCCCCCCCCCC." + TAIL

# argon2: test.c of the reference implementation; bcrypt: crypt_blowfish and jBCrypt.
PUBLISHED = [
    (ARGON2ID, "password"),
    (
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        "password",
    ),
    (
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "password",
    ),
    (BCRYPT, "U*U"),
    ("$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe", "a"),
    ("$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i", "abc"),
]


@pytest.mark.parametrize(("text", "secret"), PUBLISHED)
def test_published_answers(text: str, secret: str) -> None:
    verifier = unpack_verifier(pack_verifier(text))
    assert compute(verifier, secret.encode()) == verifier.hash
    assert compute(verifier, b"x" + secret.encode()) != verifier.hash


@pytest.mark.parametrize("text", [text for text, _ in PUBLISHED] + [OVER])
def test_a_text_comes_back_as_it_was(text: str) -> None:
    assert to_text(pack_verifier(text)) == text


def test_what_argon2_cffi_writes_is_taken() -> None:
    text = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=2).hash("2468")
    verifier = unpack_verifier(pack_verifier(text))
    assert isinstance(verifier, Argon2id)
    assert verifier.parameters == Argon2Parameters(64, 1, 2)
    assert compute(verifier, b"2468") == verifier.hash


@pytest.mark.parametrize("letter", ["a", "b", "y"])
def test_what_bcrypt_writes_is_taken_under_each_letter(letter: str) -> None:
    text = bcrypt.hashpw(b"2468", bcrypt.gensalt(4)).decode().replace("$2b$", f"$2{letter}$")
    packed = pack_verifier(text)
    assert len(packed) == 42
    verifier = unpack_verifier(packed)
    assert compute(verifier, b"2468") == verifier.hash
    assert to_text(packed) == text


@pytest.mark.parametrize("version", ["2a", "2b", "2y"])
def test_the_wrapped_form_is_argon2id_over_the_whole_bcrypt_string(version: str) -> None:
    text = bcrypt.hashpw(b"2468", bcrypt.gensalt(4)).decode().replace("$2b$", f"${version}$")
    packed = wrap_bcrypt(text, CHEAP)
    verifier = unpack_verifier(packed)
    assert compute(verifier, b"2468") == verifier.hash
    assert compute(verifier, b"2469") != verifier.hash
    letter, cost, salt = text[2], text[4:6], text[7:29]
    assert to_text(packed).startswith(f"$argon2id-bcrypt$b=2{letter},c={cost},s={salt}$v=19$m=8,")
    # As a verifier of its own, the outer half accepts exactly that string.
    outer = "$argon2id$v=19" + to_text(packed).split("$v=19", 1)[1]
    assert argon2.PasswordHasher().verify(outer, text)


def test_only_bcrypt_can_be_wrapped() -> None:
    for text in (ARGON2ID, OVER):
        with pytest.raises(ValueError, match="nothing to wrap"):
            wrap_bcrypt(text, CHEAP)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "neither argon2id nor bcrypt"),
        ("2468", "neither argon2id nor bcrypt"),
        ("$", "neither argon2id nor bcrypt"),
        ("$5$rounds=5000$x$y", "neither argon2id nor bcrypt"),
        (ARGON2ID.replace("argon2id", "argon2i"), "is argon2i; only argon2id"),
        (ARGON2ID.replace("argon2id", "argon2d"), "is argon2d; only argon2id"),
        (ARGON2ID.replace("v=19", "v=16"), "only v=19"),
        (ARGON2ID.replace("$v=19", ""), "only v=19"),
        (
            ARGON2ID.replace("m=256", "m=131073"),
            r"memory \(m, KiB\) is 131073, outside 8 to 131072",
        ),
        (ARGON2ID.replace("m=256", "m=7"), "memory"),
        (ARGON2ID.replace("m=256,t=2,p=1", "m=15,t=2,p=2"), "memory .* outside 16 to"),
        (ARGON2ID.replace("m=256", "m=0256"), "goes on wrong"),
        (ARGON2ID.replace("m=256", "m=9999999999"), "goes on wrong"),
        (ARGON2ID.replace("m=256", "m=\u0662\u0665\u0666"), "goes on wrong"),
        (ARGON2ID.replace("t=2", "t=0"), r"time cost \(t\) is 0"),
        (ARGON2ID.replace("t=2", "t=17"), r"time cost \(t\) is 17"),
        (ARGON2ID.replace("p=1", "p=0"), r"parallelism \(p\) is 0"),
        (ARGON2ID.replace("p=1", "p=9"), r"parallelism \(p\) is 9"),
        (ARGON2ID.replace("p=1", "p=1,keyid=a"), "goes on wrong"),
        (ARGON2ID.replace("c29tZXNhbHQ", "c29tZXNhbA"), "salt length is 7"),
        (ARGON2ID.replace("c29tZXNhbHQ", "A" * 87), "salt length is 65"),
        (ARGON2ID.replace("c29tZXNhbHQ", "c29tZXNhbHQ="), "goes on wrong"),
        (ARGON2ID.replace("c29tZXNhbHQ", "c29tZXNhb"), "argon2 salt is not base64"),
        (ARGON2ID.replace("c29tZXNhbHQ", "c29tZXNhbHR"), "argon2 salt .* last character"),
        (ARGON2ID[:-24], "hash length is 14|argon2 hash"),
        (ARGON2ID + "A" * 44, "hash length is 65|argon2 hash"),
        (ARGON2ID + "$", "goes on wrong"),
        (ARGON2ID + "\n", "goes on wrong"),
        (ARGON2ID + "A" * 400, "longer than 400"),
        (BCRYPT.replace("$05$", "$03$"), "bcrypt cost is 3, outside 4 to 14"),
        (BCRYPT.replace("$05$", "$15$"), "bcrypt cost is 15"),
        (BCRYPT.replace("$05$", "$5$"), "begins as bcrypt .* 60 characters"),
        (BCRYPT.replace("2a", "2x"), "neither argon2id nor bcrypt"),
        (BCRYPT[:-1], "begins as bcrypt .* 60 characters"),
        (BCRYPT + "a", "begins as bcrypt .* 60 characters"),
        (BCRYPT.replace("C.E5", "CCE5"), "bcrypt salt .* last character"),
        (BCRYPT[:-1] + "X", "bcrypt hash .* last character"),
        (OVER.replace("b=2a", "b=2x"), "begins as argon2id-bcrypt and goes on wrong"),
        (OVER.replace("c=05", "c=15"), "bcrypt cost is 15"),
        (OVER.replace("m=256", "m=131073"), "memory"),
    ],
)
def test_what_is_refused_and_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        pack_verifier(text)
    for part in text.split("$")[1:]:
        assert len(part) < 20 or part not in str(caught.value)


argon2_parameters = st.integers(1, 8).flatmap(
    lambda lanes: st.builds(
        Argon2Parameters,
        memory_kib=st.integers(8 * lanes, MAX_MEMORY_KIB),
        time_cost=st.integers(1, 16),
        parallelism=st.just(lanes),
    )
)
argon2ids = st.builds(
    Argon2id,
    argon2_parameters,
    salt=st.binary(min_size=8, max_size=64),
    hash=st.binary(min_size=16, max_size=64),
)
settings_of_bcrypt = st.builds(
    BcryptSetting,
    st.sampled_from("aby"),
    st.integers(4, 14),
    st.binary(min_size=16, max_size=16),
)
bcrypts = st.builds(Bcrypt, settings_of_bcrypt, st.binary(min_size=23, max_size=23))
verifiers: st.SearchStrategy[Verifier] = st.one_of(
    argon2ids, bcrypts, st.builds(Argon2idOverBcrypt, settings_of_bcrypt, argon2ids)
)


@given(verifier=verifiers)
def test_every_verifier_survives_text_and_packing(verifier: Verifier) -> None:
    packed = repack(verifier)
    assert unpack_verifier(packed) == verifier
    assert pack_verifier(verifier_text(verifier)) == packed
    assert len(packed) < 256


@given(verifier=verifiers, cut=st.integers(0, 200))
def test_a_packed_verifier_cut_short_is_refused_or_another_hash(
    verifier: Verifier, cut: int
) -> None:
    packed = repack(verifier)[:cut]
    if len(packed) == len(repack(verifier)):
        return
    try:
        shorter = unpack_verifier(packed)
    except ValueError:
        return
    assert len(shorter.hash) < len(verifier.hash)  # an argon2 hash may be any length in bounds


@given(scheme=st.sampled_from([b"", b"\x01", b"\x02", b"\x03"]), data=st.binary(max_size=200))
def test_any_bytes_are_a_verifier_or_a_value_error(scheme: bytes, data: bytes) -> None:
    try:
        verifier = unpack_verifier(scheme + data)
    except ValueError:
        return
    assert repack(verifier) == scheme + data


@given(text=st.text(max_size=200) | st.text("$argon2idbcypt=,vmp.0123456789", max_size=200))
def test_any_text_is_a_verifier_or_a_value_error(text: str) -> None:
    try:
        packed = pack_verifier(text)
    except ValueError:
        return
    assert to_text(packed) == text


@given(at=st.integers(0, 200), by=st.characters(codec="ascii"))
def test_a_changed_text_never_packs_to_the_same_verifier(at: int, by: str) -> None:
    for text in (ARGON2ID, BCRYPT, OVER):
        changed = text[: at % len(text)] + by + text[at % len(text) + 1 :]
        try:
            assert changed == text or pack_verifier(changed) != pack_verifier(text)
        except ValueError:
            continue


@given(verifier=verifiers)
def test_no_salt_or_hash_shows_in_a_representation(verifier: Verifier) -> None:
    assert "salt=" not in repr(verifier)
    assert "hash=" not in repr(verifier)

"""The device key: made once, kept to its owner, and every fault says what to do."""

import base64
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.errors import VaultError
from kioskd.vault.device_key import read_device_key, write_device_key


def key_file(path: Path, data: bytes, mode: int = 0o600) -> str:
    path.write_bytes(data)
    path.chmod(mode)
    return f"file:{path}"


def test_a_made_key_is_read_back_and_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    write_device_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = read_device_key(f"file:{path}")
    assert len(key) == 32
    assert base64.urlsafe_b64encode(key) + b"\n" == path.read_bytes()


def test_two_made_keys_differ(tmp_path: Path) -> None:
    write_device_key(tmp_path / "a")
    write_device_key(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


def test_the_mode_does_not_hang_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_device_key(tmp_path / "device.key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "device.key").stat().st_mode) == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    path.write_bytes(b"precious")
    with pytest.raises(VaultError, match="never overwritten"):
        write_device_key(path)
    assert path.read_bytes() == b"precious"


def test_a_dangling_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VaultError):
        write_device_key(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"nowhere.*could not be written"):
        write_device_key(tmp_path / "nowhere" / "device.key")


def test_a_missing_key_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"kioskd keygen --out .*device\.key"):
        read_device_key(f"file:{tmp_path / 'device.key'}")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o601, 0o777])
def test_a_key_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    reference = key_file(tmp_path / "k", base64.urlsafe_b64encode(bytes(32)), mode)
    with pytest.raises(VaultError, match=r"chmod 600 "):
        read_device_key(reference)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_of_its_owner_is_taken(tmp_path: Path, mode: int) -> None:
    reference = key_file(tmp_path / "k", base64.urlsafe_b64encode(bytes(32)), mode)
    assert read_device_key(reference) == bytes(32)


def test_a_folder_and_a_pipe_are_no_keys(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("pipe", "."):
        with pytest.raises(VaultError, match="not a plain file"):
            read_device_key(f"file:{tmp_path / name}")


def test_a_credential_is_found_in_the_units_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    # The service manager grants by access list, which shows as a group bit.
    key_file(tmp_path / "device-key", base64.urlsafe_b64encode(b"k" * 32), 0o440)
    assert read_device_key("credential:device-key") == b"k" * 32


def test_a_credential_outside_the_unit_says_where_it_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(VaultError, match=r"CREDENTIALS_DIRECTORY is not set.*file:/path"):
        read_device_key("credential:device-key")


@pytest.mark.parametrize("name", ["../device-key", "/etc/shadow", "..", "a/b"])
def test_a_credential_cannot_climb_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(VaultError, match="plain name"):
        read_device_key(f"credential:{name}")


@pytest.mark.parametrize("reference", ["", "file:", "credential:", "/etc/key", "http://x"])
def test_a_reference_of_another_form_says_which_forms_there_are(reference: str) -> None:
    with pytest.raises(VaultError, match=r"file:/path.*credential:"):
        read_device_key(reference)


@pytest.mark.parametrize(
    "text",
    [b"", b"\n", b"A" * 42, b"A" * 44, b"A" * 42 + b"+", os.urandom(32) + b"\xff", b"A" * 9999],
)
def test_what_is_not_32_bytes_of_base64url_is_refused(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(VaultError, match="not a device key"):
        read_device_key(key_file(tmp_path / "k", text))


@given(key=st.binary(min_size=32, max_size=32), padded=st.booleans(), end=st.sampled_from("\r\n "))
def test_any_key_is_read_with_and_without_padding(
    tmp_path_factory: pytest.TempPathFactory, key: bytes, padded: bool, end: str
) -> None:
    text = base64.urlsafe_b64encode(key)
    text = (text if padded else text.rstrip(b"=")) + end.encode()
    path = tmp_path_factory.getbasetemp() / "any.key"
    assert read_device_key(key_file(path, text)) == key

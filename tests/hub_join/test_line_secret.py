"""The token's file: its owner's alone, plain, and a token."""

from pathlib import Path

import pytest

from kioskd.daemon.line_secret import is_replaceable, token_of
from kioskd.errors import VaultError

TOKEN = "kd1.front." + "b" * 43


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hub.token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_its_owner_alone(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert token_of(f"file:{file}") == TOKEN


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o601])
def test_a_file_of_others_too_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(VaultError, match=rf"mode {mode:04o}\); run `chmod 600 {file}`") as caught:
        token_of(f"file:{file}")
    assert TOKEN not in str(caught.value)


def test_a_credential_of_the_unit_shows_an_access_list(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(file.parent))
    assert token_of("credential:hub.token") == TOKEN


@pytest.mark.parametrize("data", [b"", b"kd1.x.y", b"\xff", TOKEN.encode() + b"\nmore"])
def test_what_is_no_token(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    with pytest.raises(VaultError, match="is not a token"):
        token_of(f"file:{file}")
    assert not is_replaceable(file)


def test_what_a_new_token_may_replace(file: Path, tmp_path: Path) -> None:
    assert is_replaceable(file)
    assert is_replaceable(tmp_path / "nothing")
    link = tmp_path / "link"
    link.symlink_to(file)
    assert not is_replaceable(link)
    assert not is_replaceable(tmp_path)

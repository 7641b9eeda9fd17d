"""The password towards the library system: where it is read from, and what is said when not."""

import os
from pathlib import Path

import pytest

from kioskd.daemon.ils_secret import secret_of
from kioskd.errors import VaultError


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("päss wörd\n", encoding="utf-8")
    file.chmod(0o600)
    return file


def test_a_file_has_the_password_as_its_one_line(secret: Path) -> None:
    assert secret_of(f"file:{secret}") == "päss wörd"
    secret.write_bytes(b"sesam\r\n")
    assert secret_of(f"file:{secret}") == "sesam"
    assert secret_of("") == ""


def test_a_credential_is_where_the_unit_loads_it(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret.chmod(0o640)  # an access list of systemd shows so
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret.parent))
    assert secret_of("credential:secret") == "päss wörd"
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(VaultError, match="LoadCredential=secret:FILE"):
        secret_of("credential:secret")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_may_use_is_refused(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    with pytest.raises(VaultError, match=f"chmod 600 {secret}"):
        secret_of(f"file:{secret}")


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"one\ntwo\n", b"x" * 256, b"\xff\xfe", b"with\x00nul", b"with\ttab\n"]
)
def test_what_is_no_password_is_refused_and_not_repeated(secret: Path, data: bytes) -> None:
    secret.write_bytes(data)
    with pytest.raises(VaultError, match="one line") as met:
        secret_of(f"file:{secret}")
    assert "two" not in str(met.value)
    assert met.value.__context__ is None


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("pipe", "not a plain file"), ("none", "No such file"), (".", "plain file")):
        with pytest.raises(VaultError, match=why):
            secret_of(f"file:{tmp_path / name}")

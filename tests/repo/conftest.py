"""What the tests of the repository look at: its root, its files, its own settings."""

import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

PACKAGES = ("kioskd", "drivers", "sync", "ui")


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder of the repository."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def project(root: Path) -> dict[str, Any]:
    """pyproject.toml as a table."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def files(root: Path) -> list[Path]:
    """Every file that is tracked, or would be with the next commit."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    found = [root / name for name in listed.stdout.split("\0") if name]
    return [path for path in found if path.is_file()]


@pytest.fixture(scope="session")
def modules(root: Path) -> dict[str, Path]:
    """Every module of the four packages: dotted name -> file."""
    return {
        _dotted(path.relative_to(root)): path
        for package in PACKAGES
        for path in (root / package).rglob("*.py")
    }


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

"""What the tests of the control socket share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place() -> Iterator[Path]:
    """Where a socket may be: a short path, because a socket's has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="kc-") as folder:
        yield Path(folder) / "control.sock"

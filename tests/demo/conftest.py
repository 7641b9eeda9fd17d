"""A stage that is set once for all who play on it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kioskd.cli.demo_config import WATCHED
from kioskd.cli.demo_ending import Ending
from kioskd.cli.demo_play import play_step, set_stage
from kioskd.cli.demo_script import START
from kioskd.cli.demo_stage import Stage
from tests.demo.left_behind import processes_of


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A door with its daemon running; everything is gone after the module."""
    base = tmp_path_factory.mktemp("d")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as closing:
        patch.setattr("tempfile.tempdir", str(base))
        stage = set_stage(closing, Ending(), 120.0, WATCHED)
        for step in START:
            assert play_step(step, stage)[1] == []
        yield stage
    assert processes_of(base) == []
    assert list(base.iterdir()) == []


@pytest.fixture
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty directory with a short path: the demo's sockets have room for 107 bytes."""
    return tmp_path_factory.mktemp("d")

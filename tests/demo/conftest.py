"""A stage that is set once for all who play on it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from kioskd.cli.demo_config import WATCHED
from kioskd.cli.demo_ending import Ending
from kioskd.cli.demo_play import play_step, set_stage
from kioskd.cli.demo_script import START, Step
from kioskd.cli.demo_script_hub import HUB_START
from kioskd.cli.demo_stage import Stage
from tests.demo.left_behind import processes_of


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A door with its daemon running; everything is gone after the module."""
    with _set(tmp_path_factory.mktemp("d"), START, with_hub=False) as stage:
        yield stage


@pytest.fixture(scope="module")
def hub_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The same with a hub that serves it; everything is gone after the module."""
    with _set(tmp_path_factory.mktemp("d"), HUB_START, with_hub=True) as stage:
        yield stage


@contextmanager
def _set(base: Path, steps: Sequence[Step], *, with_hub: bool) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch, ExitStack() as closing:
        patch.setattr("tempfile.tempdir", str(base))
        stage = set_stage(closing, Ending(), 300.0, WATCHED, with_hub=with_hub)
        for step in steps:
            assert play_step(step, stage)[1] == []
        yield stage
    assert processes_of(base) == []
    assert list(base.iterdir()) == []


@pytest.fixture
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty directory with a short path: the demo's sockets have room for 107 bytes."""
    return tmp_path_factory.mktemp("d")

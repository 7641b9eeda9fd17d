"""Where the control socket is, and where it is looked for."""

from dataclasses import replace
from pathlib import Path

import pytest

from kioskd.config.load import load
from kioskd.config.model import Config, Control
from kioskd.config.socket import MOST_BYTES, PACKAGED, candidates, socket_path, too_long

STORAGE = Path("/var/lib/kioskd/control.sock")
RUNTIME = Path("/run/site/control.sock")


@pytest.fixture
def config() -> Config:
    return load(Path(__file__).parents[2] / "config" / "example-door.toml")


@pytest.fixture
def configured(config: Config) -> Config:
    return replace(config, control=Control(Path("/srv/door.sock")))


@pytest.mark.parametrize("runtime", ["/run/site", "/run/site:/run/other"])
def test_the_daemon_listens_in_its_runtime_directory(config: Config, runtime: str) -> None:
    assert socket_path(config, {"RUNTIME_DIRECTORY": runtime}) == RUNTIME


@pytest.mark.parametrize("environment", [{}, {"RUNTIME_DIRECTORY": ""}, {"RUNTIME_DIRECTORY": "x"}])
def test_without_one_it_listens_in_its_storage(config: Config, environment: dict[str, str]) -> None:
    assert socket_path(config, environment) == STORAGE


def test_a_configured_socket_is_the_only_one(configured: Config) -> None:
    environment = {"RUNTIME_DIRECTORY": "/run/site"}
    assert socket_path(configured, environment) == Path("/srv/door.sock")
    for is_default in (True, False):
        places = candidates(configured, environment, is_default=is_default)
        assert places == [Path("/srv/door.sock")]


def test_only_the_default_file_may_mean_the_packaged_daemon(config: Config) -> None:
    assert candidates(config, {}, is_default=True) == [STORAGE, PACKAGED]
    assert candidates(config, {}, is_default=False) == [STORAGE]


@pytest.mark.parametrize("runtime", ["", "/run/site", "/run/kioskd", "/var/lib/kioskd"])
def test_wherever_the_daemon_listens_a_command_looks_once(config: Config, runtime: str) -> None:
    environment = {"RUNTIME_DIRECTORY": runtime}
    for is_default in (True, False):
        places = candidates(config, environment, is_default=is_default)
        assert socket_path(config, environment) == places[0]
        assert len(places) == len(set(places))


def test_a_path_that_no_socket_can_have_says_the_way_out() -> None:
    assert too_long(Path("/" + "x" * (MOST_BYTES - 1))) is None
    assert "set control.socket" in str(too_long(Path("/" + "x" * MOST_BYTES)))

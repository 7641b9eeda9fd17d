"""A good configuration, and ways to read it with something wrong in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.errors import ConfigError

GOOD = r"""
[site]
name = "Esimerkkilän kirjasto"
branch = "ESI"
[storage]
directory = "/var/lib/kioskd"
retention_days = 14
[secrets]
device_key = "file:/etc/kioskd/device.key"
[cards]
patron = ['\d{3}[A-Z]\d{6}']
[devices.scanner]
driver = "serial-scanner"
port = "/dev/scanner"
[devices.pad]
driver = "serial-keypad"
port = "/dev/pad"
[devices.relay]
driver = "lcus-relay"
port = "socket://127.0.0.1:4001"
[doors.front]
reader = "scanner"
keypad = "pad"
strike = { device = "relay" }
[schedule]
holidays = ""
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
"""


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def changed() -> Callable[[str, str], str]:
    """The good file with one thing changed."""

    def change(old: str, new: str) -> str:
        assert GOOD.count(old) == 1, old
        return GOOD.replace(old, new)

    return change


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(text: str | bytes) -> Path:
        path = tmp_path / "c.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


@pytest.fixture
def read(written: Callable[[str | bytes], Path]) -> Callable[[str], Config]:
    return lambda text: load(written(text))


@pytest.fixture
def faults(read: Callable[[str], Config]) -> Callable[[str], list[str]]:
    """The faults of a file, without its name in front of each."""

    def find(text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            read(text)
        lines = caught.value.faults
        assert str(caught.value) == "\n".join(lines)
        assert all("c.toml: " in line and line.isprintable() for line in lines)
        return [line.partition("c.toml: ")[2] for line in lines]

    return find


@pytest.fixture
def warnings(read: Callable[[str], Config]) -> Callable[[str], list[str]]:
    """The warnings of a file, without its name in front of each."""
    return lambda text: [line.partition("c.toml: ")[2] for line in read(text).warnings]


@pytest.fixture
def told(warnings: Callable[[str], list[str]], good: str) -> Callable[[str], list[str]]:
    """The warnings that lines of [register.sip2] lead to in a good file."""
    return lambda lines: [
        line for line in warnings(f"{good}\n{lines}") if line.startswith("register.sip2")
    ]

"""Commands of an account that may not use the files: one line each, and never a traceback."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from kioskd.config.load import load
from kioskd.daemon.importing import ImportRequest
from kioskd.daemon.offline import ask_offline
from kioskd.vault.device_key import write_device_key
from tests.control_staff.conftest import CARD, CONFIGURATION, PIN

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give it up")

SOMEBODY = 65533  # an account that owns nothing here
# Every module is in memory before the account changes, wherever the interpreter is installed and
# whoever may read it there: all are imported, and a site of root's own is asked.
PROGRAM = """
import contextlib, io, os, pkgutil, sys
from importlib import import_module
import kioskd, rich.console, rich.table
for found in pkgutil.walk_packages(kioskd.__path__, "kioskd."):
    if found.name.split(".")[1] in ("cli", "daemon", "store", "vault"):
        import_module(found.name)
from kioskd.cli.main import main
from kioskd.daemon.import_worker import main as work
for asked in ("list show allow", "schedule show", "journal verify"):
    with contextlib.redirect_stdout(io.StringIO()):
        assert main([*asked.split(), "--config", sys.argv[2]]) == 0
os.setgroups([]); os.setresgid(65533, 65533, 65533); os.setresuid(65533, 65533, 65533)
sys.exit(main(sys.argv[3:]) if sys.argv[1] == "main" else work(sys.argv[3:]))
"""
STAFF = (
    "list show allow",
    "list add allow --until 2199-01-01 --reason cleaner",
    "lockdown on",
    "lockout list",
    "lockout clear --all",
    "schedule show",
    "schedule except 2199-12-07 closed --reason x",
    "why front",
    "clock accept --reason x",
    "enrol --show",
    "enrol",
    "explain --door front --card-stdin",
    "probe scanner --seconds 1",
)
READERS = (
    "journal export",
    "journal verify",
    "stats --from 2026-01-01 --to 2026-01-02",
)
As = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home() -> Iterator[Path]:
    """A site of root's that anybody can read the configuration of, with a stale socket."""
    home = Path(tempfile.mkdtemp(prefix="ko-"))
    home.chmod(0o755)
    _begin(home)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(home / "c.sock"))
    (home / "c.sock").chmod(0o666)
    (home / "own").mkdir(mode=0o700)
    _begin(home / "own")
    yield home
    shutil.rmtree(home)


def _begin(home: Path) -> None:
    (home / "storage").mkdir(mode=0o700)
    write_device_key(home / "device.key")
    text = CONFIGURATION.format(home=home) + f'[control]\nsocket = "{home}/c.sock"\n'
    (home / "kioskd.toml").write_text(text, encoding="utf-8")
    (home / "kioskd.toml").chmod(0o644)
    ask_offline(load(home / "kioskd.toml"), "lockdown", {"on": False})


@pytest.fixture
def somebody(home: Path) -> As:
    def run(*arguments: str, what: str = "main") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [
                sys.executable,
                "-P",
                "-c",
                PROGRAM,
                what,
                str(home / "own" / "kioskd.toml"),
                *arguments,
            ],
            input=f"{CARD}\n{PIN}\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def of_one_line(done: "subprocess.CompletedProcess[str]") -> str:
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    lines = [line for line in done.stderr.splitlines() if "scan or type now" not in line]
    (line,) = [line for line in lines if not line.startswith(("nothing came", "  "))]
    return line


@pytest.mark.parametrize("command", STAFF)
def test_where_no_daemon_runs_staff_are_told_to_start_it(
    somebody: As, home: Path, command: str
) -> None:
    line = of_one_line(somebody(*command.split(), "--config", str(home / "kioskd.toml")))
    assert line.startswith(f"{home}/storage: no daemon runs, and this account may not use")
    assert "systemctl start kioskd" in line
    assert "as root" in line


@pytest.mark.parametrize("mode", [0o700, 0o755])
@pytest.mark.parametrize("command", READERS)
def test_what_only_root_may_read_says_so(somebody: As, home: Path, command: str, mode: int) -> None:
    (home / "storage").chmod(mode)
    line = of_one_line(somebody(*command.split(), "--config", str(home / "kioskd.toml")))
    assert line.startswith(f"{home}/storage")
    assert "this account may not" in line
    assert "as root" in line


def test_a_feed_of_somebody_else_is_refused_in_a_line(somebody: As, home: Path) -> None:
    request = ImportRequest(config=str(home / "kioskd.toml"), feed="/dev/null")
    done = somebody(msgspec.json.encode(request).decode(), what="work")
    assert done.stderr == ""
    assert "this account may not look into it" in done.stdout


def test_a_rekey_of_somebody_else_is_refused_in_a_line(somebody: As, home: Path) -> None:
    for name in ("old.key", "new.key"):
        write_device_key(home / name)
        os.chown(home / name, SOMEBODY, SOMEBODY)
    options = ("--new", f"{home}/new.key", "--key-file", f"{home}/old.key")
    done = somebody("rekey", *options, "--config", str(home / "kioskd.toml"))
    assert "this account may not look into it" in of_one_line(done)


def test_a_file_that_staff_may_not_read_names_the_command(somebody: As, home: Path) -> None:
    (home / "kioskd.toml").chmod(0o600)
    done = somebody("status", "--config", str(home / "kioskd.toml"))
    assert done.returncode == 2
    assert f"chmod 644 {home}/kioskd.toml (it holds no secret)" in done.stderr
    (home / "kioskd.toml").chmod(0o644)
    home.chmod(0o700)
    done = somebody("status", "--config", str(home / "kioskd.toml"))
    home.chmod(0o755)
    assert f"chmod 755 {home}" in done.stderr


def test_a_socket_that_nobody_can_see_is_no_reason_to_join_a_group(
    somebody: As, home: Path
) -> None:
    """Beside the files, which are the daemon's alone: nobody can tell whether it runs."""
    path = home / "kioskd.toml"
    text = path.read_text(encoding="utf-8").partition("[control]")[0]
    path.write_text(text, encoding="utf-8")
    line = of_one_line(somebody("status", "--config", str(path)))
    assert line.startswith(f"{home}/storage/control.sock: this account may not look whether")
    assert "control.socket" in line

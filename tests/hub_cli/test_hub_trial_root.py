"""Commands of root: whose the files are, which home a library sees, what is told to do by hand."""

import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.databases import Server
from tests.hub_cli.hub_files import TEXT, Hub

SOMEBODY = 65533  # an account that has no name
NOBODY = pwd.getpwnam("nobody")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

AS = "import sys; from sync.hub.accounts import become; become(*map(int, sys.argv[1:3])); "
HOME = "import os; print(os.environ['HOME'], os.environ['USER'], os.environ['LOGNAME'])"


@pytest.fixture
def base() -> Iterator[Path]:
    """A directory that every account may look into."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def owned(base: Path) -> Hub:
    """A hub whose database's directory is somebody's."""
    home = base / "own"
    home.mkdir()
    os.chown(home, SOMEBODY, SOMEBODY)
    hub = Hub(base, f"sqlite:///{home / 'hub.db'}")
    hub.write()
    return hub


def test_who_becomes_another_account_has_its_home() -> None:
    for user, told in (
        (NOBODY.pw_uid, f"{NOBODY.pw_dir} nobody nobody\n"),
        (SOMEBODY, f"/nonexistent {SOMEBODY} {SOMEBODY}\n"),
    ):
        asked = [sys.executable, "-P", "-c", AS + HOME, str(user), str(user)]
        done = subprocess.run(asked, capture_output=True, check=True, text=True, timeout=60)
        assert done.stdout == told


def test_root_who_looks_before_it_makes_a_key_leaves_no_file_of_its_own(owned: Hub) -> None:
    assert owned.process("init").returncode == 0
    key = owned.base / "hub.key"
    key.unlink()
    done = owned.process("init")
    assert done.returncode == 2
    assert "put the copy back" in done.stderr
    assert not key.exists()
    assert {path.stat().st_uid for path in (owned.base / "own").iterdir()} == {SOMEBODY}


def test_a_file_that_the_hub_s_account_may_not_read_is_to_be_piped(owned: Hub) -> None:
    assert owned.process("init").returncode == 0
    export = owned.base / "export.jsonl"
    export.write_text('{"card": "001A000001"}\n')
    export.chmod(0o600)
    done = owned.process("import", str(export), "--feed", "esi")
    assert done.returncode == 2
    assert f"{export}: the account number {SOMEBODY} may not read it" in done.stderr
    assert f"pipe it: kioskd-hub import - --feed esi < {export}" in done.stderr
    piped = owned.process("import", "-", "--feed", "esi", stdin=export.read_bytes())
    assert piped.returncode == 0


def test_an_account_that_may_not_open_the_database_is_named(owned: Hub) -> None:
    assert owned.process("init").returncode == 0
    file = owned.base / "own" / "hub.db"
    os.chown(file, 0, 0)
    done = owned.process("device", "list")
    assert done.returncode == 2
    told = f"the account number {SOMEBODY} may not read and write it"
    assert f"{file}: {told}; it belongs to root\n" in done.stderr


def test_init_on_postgresql_says_whose_the_key_has_to_be(base: Path, postgresql: Server) -> None:
    hub = Hub(base, postgresql.empty_database())
    hub.write(TEXT)
    done = hub.run("init")
    assert done.returncode == 0
    assert f"now: chown ACCOUNT {base / 'hub.key'}" in done.stderr
    os.chown(base / "hub.key", NOBODY.pw_uid, NOBODY.pw_gid)
    again = hub.process("init")
    assert again.returncode == 0, again.stderr
    assert "chown" not in again.stderr

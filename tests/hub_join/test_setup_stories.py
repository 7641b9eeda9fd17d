"""setup --join, as its person sees it: a machine becomes a device of a hub that answers."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kioskd.config.load import load
from kioskd.config.model import HubAccess
from kioskd.daemon.line_secret import token_of
from kioskd.daemon.line_side import Hold
from kioskd.daemon.published import kept
from kioskd.store import generations
from kioskd.store.cache_delta import read_state
from tests.hub_join.hub_there import CARDS, HubThere, Machine, answering
from tests.hub_line.certificates import Authority

NOBODY = 65534
# All is imported while it may still be read, wherever the interpreter is installed.
PROGRAM = """
import pkgutil, sys
from importlib import import_module
import kioskd, sync
for package in (kioskd, sync):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if found.name.split(".")[1] not in ("hub",):
            import_module(found.name)
from kioskd.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def credentials(storage: Path) -> int:
    current = generations.read_current(storage)
    return 0 if current is None else read_state(storage, current).credentials


def test_a_machine_without_anything_becomes_a_device(
    there: HubThere, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert machine.setup(there.code("esi1"), there.url) == 0
    said = capsys.readouterr()
    assert "joined as esi1 of branch ESI" in said.out
    assert f"{CARDS} credentials" in said.out
    assert "add devices and doors" in said.out
    config = load(machine.config)
    assert config.register.hub == HubAccess(there.url, f"file:{machine.token}")
    assert (mode(machine.config), mode(machine.token)) == (0o644, 0o600)
    assert mode(machine.base / "device.key") == 0o600
    assert token_of(f"file:{machine.token}").startswith("kd1.esi1.")
    assert token_of(f"file:{machine.token}") not in said.out + said.err
    assert credentials(machine.storage) == CARDS
    assert kept(machine.storage, "ESI").key not in ("", "?")
    assert machine.setup(there.code("esi1"), "") == 0, "anew, with what it wrote itself"


def test_paths_may_be_relative(
    there: HubThere, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(machine.base)
    assert Machine(Path()).setup(there.code("esi-relative"), there.url) == 0
    assert load(machine.config).secrets.device_key == f"file:{machine.base}/device.key"


def test_the_successor_gets_the_copy_of_the_device_before(
    there: HubThere, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    there.leave("esi2", machine.text(f"{there.url}/"))
    assert machine.setup(there.code("esi2"), there.url, "--json") == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert (answer["name"], answer["credentials"], answer["fault"]) == ("esi2", CARDS, "")
    config = load(machine.config)
    assert [door.name for door in config.doors] == ["front"]
    assert config.register.hub == HubAccess(there.url, f"file:{machine.token}", pull_seconds=77)
    assert "card_only_accepted_by" in answer["notes"][0]
    assert "Maija" not in machine.config.read_text()


def test_what_somebody_planted_does_nothing(
    there: HubThere, machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("of root\n")
    precious.chmod(0o640)
    planted = '[alerts]\ncommand = ["/bin/sh", "-c", "id > /owned"]\n'
    text = machine.text(
        there.url, token=f"file:{precious}", key=f"file:{tmp_path}/away.key", more=planted
    )
    there.leave("esi3", text)
    assert machine.setup(there.code("esi3"), there.url) == 0
    said = capsys.readouterr()
    assert (precious.read_text(), mode(precious)) == ("of root\n", 0o640)
    assert not (tmp_path / "away.key").exists()
    config = load(machine.config)
    assert config.alerts.command == ()
    assert '# command = ["/bin/sh", "-c", "id > /owned"]' in machine.config.read_text()
    assert config.register.hub is not None
    assert config.register.hub.token == f"file:{machine.token}"
    assert config.secrets.device_key == f"file:{machine.base}/device.key"
    assert "id > /owned" in said.err
    assert "away.key" in said.err


@pytest.mark.parametrize(
    ("url", "changed", "says"),
    [
        ("https://evil.example.invalid", {}, "another hub, https://evil.example.invalid"),
        ("", {"branch": "NAA"}, "branch NAA"),
        ("", {"storage": "/etc"}, "others may look into it"),
        ("", {"more": "[what]"}, "what: unknown key"),
    ],
)
def test_a_copy_that_is_not_to_be_believed_is_kept_aside(
    there: HubThere,
    machine: Machine,
    capsys: pytest.CaptureFixture[str],
    url: str,
    changed: dict[str, str],
    says: str,
) -> None:
    name = f"esi4-{len(url)}-{'-'.join(changed)}"
    text = machine.text(url or there.url, **changed)
    there.leave(name, text)
    assert machine.setup(there.code(name), there.url) == 1
    assert says in capsys.readouterr().err
    config = load(machine.config)
    assert config.register.hub == HubAccess(there.url, f"file:{machine.token}")
    assert (config.site.branch, config.storage.directory) == ("ESI", machine.storage)
    assert not config.doors
    aside = machine.base / "kioskd.toml.from-hub"
    assert (aside.read_text(), mode(aside)) == (text, 0o600)
    assert credentials(machine.storage) == CARDS, "the device works with its hub all the same"


def test_an_unusual_storage_directory_is_told(
    there: HubThere, machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there.leave("esi5", machine.text(there.url, storage=str(tmp_path / "elsewhere")))
    assert machine.setup(there.code("esi5"), there.url) == 0
    assert f"the storage directory is {tmp_path}/elsewhere" in capsys.readouterr().err
    assert credentials(tmp_path / "elsewhere") == CARDS


def test_a_configuration_that_is_there_stays(there: HubThere, machine: Machine) -> None:
    text = machine.text(there.url)
    machine.config.write_text(text)
    there.leave("esi6", machine.text("https://evil.example.invalid"))
    assert machine.setup(there.code("esi6"), "") == 0
    assert machine.config.read_text() == text
    assert token_of(f"file:{machine.token}").startswith("kd1.esi6.")


def test_joining_anew_ends_that_the_credentials_are_held_back(
    there: HubThere, machine: Machine
) -> None:
    assert machine.setup(there.code("esi7"), there.url) == 0
    hold = Hold(machine.storage)
    hold.put()
    assert machine.setup(there.code("esi7"), "") == 0
    assert not hold.is_on()


def test_an_authority_of_one_s_own(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, machine: Machine
) -> None:
    authority = Authority(tmp_path)
    authority.server()
    key = next(tmp_path.glob("localhost-*.pem"))
    key.chmod(0o600)
    with answering(tmp_path_factory.mktemp("tls"), key) as there:
        there.leave("esi8", machine.text(there.url))
        code = there.code("esi8")
        assert machine.setup(code, there.url) == 1, "an authority that nobody knows"
        assert not machine.token.exists()
        assert machine.setup(code, there.url, "--ca-file", str(authority.file)) == 0
    access = load(machine.config).register.hub
    assert access is not None
    assert access.ca_file == authority.file


@pytest.fixture
def shared() -> Iterator[Machine]:
    """A machine whose storage directory is somebody else's; others may enter where it is."""
    home = Path(tempfile.mkdtemp(prefix="kioskd-"))
    home.chmod(0o755)
    machine = Machine(home)
    machine.storage.mkdir(mode=0o700)
    os.chown(machine.storage, NOBODY, NOBODY)
    yield machine
    shutil.rmtree(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give it up")
def test_root_leaves_secrets_to_the_owner_of_the_storage_directory(
    there: HubThere, shared: Machine
) -> None:
    there.leave("esi9", shared.text(there.url))
    arguments = ["--hub", there.url, "--config", str(shared.config), "--json"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, "setup", "--join", there.code("esi9"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert json.loads(done.stdout)["name"] == "esi9", done.stderr
    theirs = [shared.token, shared.base / "device.key", *shared.storage.iterdir()]
    assert {path.stat().st_uid for path in theirs} == {NOBODY}
    assert {mode(path) for path in theirs if not path.name.startswith("credentials")} == {0o600}
    assert (shared.config.stat().st_uid, mode(shared.config)) == (0, 0o644)
    assert {path.name for path in shared.storage.iterdir()} >= {"published.key", "published.json"}

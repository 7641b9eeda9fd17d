"""What setup refuses: nothing is written, and where it can be helped no code is spent."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.hub_join.hub_there import HubThere, Machine

TOKEN = "kd1.old." + "a" * 43


def told(capsys: pytest.CaptureFixture[str]) -> str:
    found = capsys.readouterr()
    assert "Traceback" not in found.err
    return found.err


def _text_for_a_token(machine: Machine) -> None:
    machine.token.write_text("precious\n")


def _link_for_a_token(machine: Machine) -> None:
    (machine.base / "elsewhere").write_text(TOKEN)
    machine.token.symlink_to(machine.base / "elsewhere")


def _pipe_for_a_token(machine: Machine) -> None:
    os.mkfifo(machine.token)


def _link_for_a_configuration(machine: Machine) -> None:
    machine.config.symlink_to(machine.base / "nowhere")


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (_text_for_a_token, "is no token of a hub"),
        (_link_for_a_token, "is no token of a hub"),
        (_pipe_for_a_token, "is no token of a hub"),
        (_link_for_a_configuration, "there is no such file"),
    ],
)
def test_what_is_there_is_not_replaced_and_the_code_stays_good(
    there: HubThere,
    machine: Machine,
    capsys: pytest.CaptureFixture[str],
    prepare: Callable[[Machine], None],
    says: str,
) -> None:
    name = prepare.__name__.strip("_").replace("_", "-")
    prepare(machine)
    before = sorted((path.name, os.lstat(path)) for path in machine.base.iterdir())
    code = there.code(name)
    assert machine.setup(code, there.url) == 2
    assert says in told(capsys)
    assert [name for name, _ in before] == sorted(path.name for path in machine.base.iterdir())
    for path in (machine.token, machine.config):
        path.unlink(missing_ok=True)
    assert machine.setup(code, there.url) == 0


def test_an_old_token_is_replaced(there: HubThere, machine: Machine) -> None:
    machine.token.write_text(TOKEN)
    assert machine.setup(there.code("old"), there.url) == 0
    assert TOKEN not in machine.token.read_text()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"token": "file:{tmp}/elsewhere/hub.token"}, "beside the configuration"),
        ({"token": "credential:hub-token"}, "is a credential of the unit"),
    ],
)
def test_a_configuration_with_its_token_elsewhere(
    there: HubThere,
    machine: Machine,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, str],
    says: str,
) -> None:
    token = changed["token"].format(tmp=tmp_path)
    machine.config.write_text(machine.text(there.url, token=token))
    assert machine.setup(there.code("elsewhere"), "") == 2
    assert says in told(capsys)
    assert not (tmp_path / "elsewhere").exists()


def test_a_device_key_elsewhere_is_not_made(
    there: HubThere, machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.config.write_text(machine.text(there.url, key=f"file:{tmp_path}/away.key"))
    assert machine.setup(there.code("keyless"), "") == 1
    assert f"kioskd keygen --out {tmp_path}/away.key" in told(capsys)
    assert not (tmp_path / "away.key").exists()
    assert machine.token.exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--proxy", "https://proxy.example.invalid"), "register.hub.proxy"),
        (("--ca-file", "/nowhere.pem"), "/nowhere.pem"),
    ],
)
def test_an_option_that_cannot_be_used_spends_no_code(
    there: HubThere,
    machine: Machine,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, str],
    says: str,
) -> None:
    url = there.url.replace("http:", "https:")
    assert machine.setup(there.code("options"), url, *options) == 2
    assert says in told(capsys)
    assert list(machine.base.iterdir()) == []


def test_no_hub_there(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert machine.setup("AAAA-AAAA-AAAA", "http://127.0.0.1:1") == 1
    assert "127.0.0.1:1" in told(capsys)
    assert list(machine.base.iterdir()) == []


def test_which_hub(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert machine.setup("AAAA-AAAA-AAAA", "") == 2
    assert "--hub" in told(capsys)


def test_codes_that_are_wrong_used_or_too_old(
    there: HubThere, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    used = there.code("used")
    assert machine.setup(used, there.url) == 0
    for path in (machine.config, machine.token):
        path.unlink()
    old = there.code("too-old")
    ended = datetime(2020, 1, 1, tzinfo=UTC).isoformat()
    there.write("UPDATE join_code SET expires = ? WHERE device = ?", ended, "too-old")
    for code in (used, old, "AAAA-AAAA-AAAA", "x"):
        capsys.readouterr()
        assert machine.setup(code, there.url) == 1, code
        assert "code" in told(capsys)
        assert not machine.token.exists()
        assert not machine.config.exists()


def test_a_held_cache_takes_no_file(
    there: HubThere, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    from kioskd.cli.main import main
    from kioskd.daemon.line_side import Hold

    assert machine.setup(there.code("held"), there.url) == 0
    feed = machine.base / "feed.jsonl"
    feed.write_text(json.dumps({"card": "001A000009"}) + "\n")
    command = ["feed", "import", str(feed), "--confirm-shrink", "--config", str(machine.config)]
    capsys.readouterr()
    assert main(command) == 0
    assert "credentials from a hub" in told(capsys)
    Hold(machine.storage).put()
    assert main(command) == 2
    said = told(capsys)
    assert "sync-now" in said
    assert "setup --join" in said
    machine.config.write_text(machine.config.read_text().replace('kind = "hub"', 'kind = "file"'))
    assert main(command) == 0, "no hub could say otherwise any more"

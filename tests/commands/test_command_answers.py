"""What a command makes of its daemon, its terminal and its files when they are not as usual."""

import asyncio
import json
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kioskd import __version__, wire
from kioskd.cli import answers, main, status
from kioskd.cli.answers import answered
from kioskd.cli.asking import Site
from kioskd.cli.main import COMMANDS
from kioskd.cli.staffing import print_table
from kioskd.cli.status import Line
from kioskd.client import OTHER_VERSION, SILENT, AskError, Client
from kioskd.daemon.boot import DirectoryLock
from kioskd.errors import ConfigError
from kioskd.vault.device_key import write_device_key
from tests.control.wired import Wired
from tests.control_staff.conftest import CARD, CONFIGURATION
from tests.outside.premises import KIOSKD

HELLO = wire.hello("0.0.9")
Said = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home() -> Iterator[Path]:
    """A site with a short path, because a socket's has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="ka-") as folder:
        home = Path(folder)
        (home / "storage").mkdir(mode=0o700)
        write_device_key(home / "device.key")
        (home / "kioskd.toml").write_text(CONFIGURATION.format(home=home), encoding="utf-8")
        yield home


@pytest.fixture
def kioskd(home: Path) -> Said:
    def run(*arguments: str, stdin: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
        place = () if "--socket" in arguments else ("--config", str(home / "kioskd.toml"))
        return subprocess.run(
            [*KIOSKD, *arguments, *place],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, **more},
        )

    return run


@contextmanager
def a_daemon(place: Path, answer: dict[str, Any] | None) -> Iterator[list[dict[str, Any]]]:
    """One that greets as 0.0.9 and gives every verb this answer; none at all for None."""
    asked: list[dict[str, Any]] = []
    over = threading.Event()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    peer, _ = listening.accept()
                except OSError:
                    return
                with peer, peer.makefile("rb") as lines:
                    peer.sendall(HELLO)
                    for line in lines:
                        asked.append(json.loads(line))
                        if answer is not None:
                            peer.sendall(wire.line({"id": asked[-1]["id"], "ok": answer}))
                        else:
                            over.wait(60)
                            return

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield asked
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)
            serving.join()


# Another version


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "open front --reason x",
        "lock front",
        "lockdown on",
        "lockout list",
        "lockout clear --all",
        "list show allow",
        "enrol --show",
        "schedule show",
        "clock accept --reason x",
        "why front",
        "explain --door front --card-stdin",
        "reload",
    ],
)
def test_an_answer_of_another_version_is_told_in_a_line(
    home: Path, kioskd: Said, command: str
) -> None:
    with a_daemon(home / "storage" / "control.sock", {"new": "shape"}):
        done = kioskd(*command.split(), stdin=f"{CARD}\n")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert f"the daemon (0.0.9) answers otherwise than this program ({__version__})" in line
    assert "restart the older one" in line


def test_what_is_missing_within_an_answer_is_told_too() -> None:
    told = answered({"doors": [{"name": "front", "more": {"a": 1}}]}, "status", "0.0.9\x1b[2J")
    assert told["doors"][0]["more"]["a"] == 1
    assert told.get("nothing") is None
    with pytest.raises(AskError, match=r"status: the daemon \(0.0.9\?\[2J\).*'state'") as met:
        told["doors"][0]["state"]
    assert met.value.code == OTHER_VERSION


# A file with faults, and no file


@pytest.mark.parametrize(
    "command",
    [
        "lockout list",
        "list show deny",
        "enrol --show",
        "list remove deny",
        "clock accept --reason x",
        "schedule show",
        "why front",
        "explain --door front --card-stdin",
        "status",
        "reload",
    ],
)
@pytest.mark.parametrize("by_socket", [False, True])
def test_the_daemon_is_asked_whatever_the_file_says(
    home: Path, kioskd: Said, command: str, *, by_socket: bool
) -> None:
    text = (home / "kioskd.toml").read_text(encoding="utf-8")
    (home / "kioskd.toml").write_text(f"{text}\n[doors.front.typo]\n", encoding="utf-8")
    place = home / "storage" / "control.sock"
    options = ("--socket", str(place)) if by_socket else ()
    with a_daemon(place, {"entries": [], "removed": 1}) as asked:
        kioskd(*command.split(), *options, "--json", stdin=f"{CARD}\n")
    assert len(asked) == 1
    if "--card-stdin" in command or command == "list remove deny":
        assert asked[0]["args"]["card"] == CARD


def test_a_file_with_faults_is_told_where_no_daemon_runs(home: Path, kioskd: Said) -> None:
    (home / "kioskd.toml").write_text("[site", encoding="utf-8")
    for command in ("status", "list show allow", "why front", "probe scanner"):
        done = kioskd(*command.split())
        assert (done.returncode, "kioskd.toml: " in done.stderr) == (2, True), command


def test_a_socket_that_is_named_is_all_that_is_asked(home: Path, kioskd: Said) -> None:
    done = kioskd("lockdown", "on", "--socket", str(home / "none.sock"))
    assert (done.returncode, f"{home}/none.sock: no such socket" in done.stderr) == (1, True)
    assert list((home / "storage").iterdir()) == []


async def test_a_hung_daemon_is_told_before_the_faults_of_the_file(home: Path) -> None:
    def faulty() -> Any:
        raise ConfigError(["kioskd.toml: wrong"])

    (home / "kioskd.toml").write_text(
        f'[storage]\ndirectory = "{home}/storage"\n', encoding="utf-8"
    )
    site = Site(home / "kioskd.toml", faulty)
    with pytest.raises(ConfigError):
        site.ask("status", {})
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(home / "storage" / "control.sock"))
        hanging.listen()
        with pytest.raises(AskError, match="did not answer"):
            site.ask("status", {}, timeout=0.05)


# Explaining


async def test_a_running_daemon_explains_whatever_kind_of_key_it_has(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = home / "storage" / "control.sock"
    lock = DirectoryLock.take(home / "storage")
    assert lock is not None
    async with Wired(place) as wired:
        command = [*KIOSKD, "explain", "--door", "front", "--card-stdin", "--json"]
        child = await asyncio.create_subprocess_exec(
            *command,
            *("--at", "2026-11-23T18:00", "--config", str(home / "kioskd.toml")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        said, _ = await child.communicate(CARD.encode())
        asked = {"door": "front", "card": CARD, "at": "2026-11-23T18:00"}
        assert wired.remembered.asked == [("root", "explain", asked)]
    lock.release()
    assert json.loads(said) == {"did": "explain"}


# A daemon that is slow


def test_connecting_takes_no_longer_than_ever_whatever_the_answer_takes(home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(home / "c"))
        hanging.listen()
        with pytest.raises(AskError, match=r"did not answer within 0\.05 s") as met:
            Client(home / "c", 0.05, 60.0)
    assert met.value.code == SILENT
    silent = pytest.raises(AskError, match=r"did not answer within 0\.05 s")
    with a_daemon(home / "d", None), Client(home / "d", 60.0, 0.05) as daemon, silent:
        daemon.ask("open")


def test_a_person_who_waits_long_is_told_so(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(answers, "SLOW_SECONDS", 0.0)
    place = home / "storage" / "control.sock"
    site = Site(home / "kioskd.toml", lambda: pytest.fail("not needed"), place)
    with a_daemon(place, None), pytest.raises(AskError, match="did not answer"):
        site.ask("open", {}, timeout=1.0)
    assert capsys.readouterr().err == "open: the daemon has not answered yet; waiting\n"


# Files


def test_a_key_that_is_gone_is_to_be_put_back_and_not_made_anew(home: Path, kioskd: Said) -> None:
    (home / "device.key").unlink()
    until = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
    add = ("list", "add", "allow", "--until", until, "--reason", "x")
    assert "kioskd keygen" in kioskd(*add, stdin=CARD).stderr
    write_device_key(home / "device.key")
    assert kioskd("lockdown", "off").returncode == 0
    (home / "device.key").unlink()
    done = kioskd(*add, stdin=CARD)
    assert done.returncode == 2
    assert f"{home}/device.key: no device key there, and" in done.stderr
    assert "put it back from its copy" in done.stderr
    assert "keygen" not in done.stderr


def test_a_medium_that_takes_no_writes_is_not_the_accounts_fault(
    home: Path, kioskd: Said, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(DirectoryLock, "take", lambda directory: None)
    assert main.main(["lockdown", "on", "--config", str(home / "kioskd.toml")]) == 1
    told = capsys.readouterr().err
    assert "takes no writes" in told
    assert "as root" not in told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(13, "Permission denied", "/a\x1b"), "/a?: Permission denied; run the"),
        (OSError(5, "Input/output error", "/b"), "/b: Input/output error\n"),
        (OSError("odd"), "odd\n"),
    ],
)
def test_whatever_was_forgotten_ends_with_a_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
    told: str,
) -> None:
    def fail(arguments: object) -> int:
        raise error

    monkeypatch.setattr(main, "_dispatch", fail)
    assert main.main(["status"]) == 1
    assert capsys.readouterr().err.startswith(told)


# Terminals


def test_a_terminal_without_utf_8_ends_nothing(home: Path, kioskd: Said) -> None:
    plain = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    add = ("list", "add", "deny", "--until", "2199-01-01", "--reason", "x")
    assert "14 days" in kioskd(*add, stdin=CARD, **plain).stderr
    kioskd("enrol", stdin=f"{CARD}\n258013\n")
    shown = kioskd("enrol", "--show", **plain)
    assert (shown.returncode, "?007" in shown.stdout) == (0, True)
    (entry,) = json.loads(kioskd("enrol", "--show", "--json", **plain).stdout)["entries"]
    assert entry["shown"] == "…007", "JSON loses nothing"
    assert kioskd("schedule", "show", **plain).returncode == 0


def test_junk_in_place_of_a_card_is_refused_as_a_card(home: Path) -> None:
    command = [*KIOSKD, "list", "remove", "deny", "--config", str(home / "kioskd.toml")]
    done = subprocess.run(command, input=b"\xff\xfe\n", capture_output=True, check=False)
    assert done.returncode == 2
    assert b"fits no pattern" in done.stderr


def test_a_table_in_a_pipe_is_as_wide_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    row = ("aabbccddeeff0011", "x" * 300, "through 2027-06-01")
    print_table(("id", "reason", "how long"), [row], "none")
    out = capsys.readouterr().out
    assert all(cell in out for cell in row)
    assert "…" not in out


def test_a_table_in_a_small_terminal_folds_and_cuts_no_id(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    at = "2026-11-23T18:00:00+02:00"
    print_table(("id", "card", "reason", "added"), [("aabbccdd", "…007", "y" * 50, at)], "none")
    out = capsys.readouterr().out
    assert "aabbccdd" in out
    cells = [line.replace("┃", "│").split("│") for line in out.splitlines() if "│" in line]
    assert "".join(cell[4].strip() for cell in cells) == at
    assert "".join(cell[3].strip() for cell in cells).count("y") == 50


def test_what_is_bad_comes_first_in_a_small_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("ok", "info", "look", "ok", "bad", "look")
    told = [Line(word, f"{number}.", "x") for number, word in enumerate(words)]
    monkeypatch.setattr(status, "lines_of", lambda answer: told)
    Console().print(status._table({}))
    shown = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert shown == ["4.", "2.", "5.", "0.", "1.", "3."]


# Help


def test_the_overview_has_room_for_every_name(kioskd: Said) -> None:
    done = subprocess.run([*KIOSKD], capture_output=True, text=True, check=False)
    for name, (_, told) in COMMANDS.items():
        assert f"  {name} " in done.stderr
        assert told in done.stderr


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"run", "demo"}))
def test_every_command_says_what_it_does(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main([name, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    # Between the usage and the arguments, or there is only the usage.
    assert shown.split("\n\n")[1].strip()[0].isupper(), shown


def test_a_door_is_one_door(kioskd: Said) -> None:
    done = kioskd("check-config")
    assert "well; 1 door, 3 devices" in done.stdout

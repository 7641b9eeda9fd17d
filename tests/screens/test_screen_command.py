"""`kiosk-ui` as it is started: on a terminal, without one, with --json, and in vain."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import pytest

from kioskd.client import NoPlace, sockets
from kioskd.client.places import PACKAGED, PACKAGED_CONFIG
from kioskd.domain.notice import Notice, Shown
from tests.screens.doorkeeper import Doorkeeper
from tests.screens.terminal import KIOSK_UI, kiosk_ui
from ui.main import kiosk_console


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command without a terminal, to its end."""
    return subprocess.run(
        [*KIOSK_UI, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        encoding="utf-8",
    )


def test_a_door_on_a_terminal_until_it_is_told_to_stop(keeper: Doorkeeper) -> None:
    with keeper.in_a_thread() as daemon:
        daemon.show(Shown(Notice.CLOSED))
        with kiosk_ui("--door", "front", "--socket", str(keeper.path)) as screen:
            screen.until("Biblioteket är stängt.")
            daemon.show(Shown(Notice.GRANTED))
            screen.until("Access granted.")
            screen.type(b"\x11\x03\x1a\x04q\x1b")  # ctrl+q, ctrl+c, ctrl+z, ctrl+d, q, escape
            daemon.show(Shown(Notice.FULL))
            screen.until("The library is full.")
            screen.signal(signal.SIGTERM)
            assert screen.code() == 0
            assert screen.seen.endswith(b"l")
            assert b"\x1b[?25h" in screen.seen  # the cursor is back
            assert b"\x1b[?1049l" in screen.seen  # and so is what was there before


def test_the_daemon_goes_and_comes_back(keeper: Doorkeeper) -> None:
    with kiosk_ui("--door", "front", "--socket", str(keeper.path)) as screen:
        screen.until("Please wait.")
        screen.until("The door is out of order. Code 61.")
        with keeper.in_a_thread():
            screen.until("Scan your library card")
            screen.seen = b""
        screen.until("Please wait.")
        screen.until("The door is out of order. Call +358 44 123 4567. Code 61.")


def test_a_developer_leaves_with_a_key(keeper: Doorkeeper) -> None:
    with (
        keeper.in_a_thread(),
        kiosk_ui("--door", "front", "--socket", str(keeper.path), "--allow-exit") as screen,
    ):
        screen.until("Scan your library card")
        screen.type(b"\x11")
        assert screen.code() == 0


def test_a_terminal_that_hangs_up_ends_the_screen(keeper: Doorkeeper) -> None:
    with (
        keeper.in_a_thread(),
        kiosk_ui("--door", "front", "--socket", str(keeper.path)) as screen,
    ):
        screen.until("Scan your library card")
        screen.signal(signal.SIGHUP)
        assert screen.code() == 0


def test_a_small_terminal_is_told(keeper: Doorkeeper) -> None:
    with kiosk_ui("--door", "front", "--socket", str(keeper.path), columns=39, rows=11) as screen:
        screen.until("39 x 11")


def test_what_a_screen_shows_is_printed_as_lines(keeper: Doorkeeper) -> None:
    with keeper.in_a_thread() as daemon:
        daemon.show(Shown(Notice.ENTER_PIN, digits=2))
        command = [*KIOSK_UI, "--door", "front", "--socket", str(keeper.path), "--json"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        ) as printing:
            assert printing.stdout is not None
            first = line(printing.stdout.readline())
            daemon.show(Shown(Notice.FAULT, code="4\x1b[2J1"))
            second = line(printing.stdout.readline())
            daemon.stop()
            third = line(printing.stdout.readline())
            printing.terminate()
            assert printing.wait(30) == 0
    assert (first["notice"], first["digits"], first["mood"]) == ("enter-pin", 2, "asking")
    assert first["text"]["sv"] == "Ange PIN-kod"
    assert first["door"] == "front"
    assert (second["code"], second["pictogram"]) == ("4[2J1", "phone")
    assert (third["connected"], third["notice"]) == (False, "wait")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["at"])


def line(text: bytes) -> dict[str, Any]:
    assert b"\x1b" not in text
    read = json.loads(text)
    assert isinstance(read, dict)
    return read


def test_nobody_reads_the_lines_any_more(keeper: Doorkeeper) -> None:
    with keeper.in_a_thread() as daemon:
        command = [*KIOSK_UI, "--door", "front", "--socket", str(keeper.path), "--json"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        ) as printing:
            assert printing.stdout is not None
            assert printing.stderr is not None
            printing.stdout.readline()
            printing.stdout.close()
            daemon.show(Shown(Notice.FULL))
            assert printing.wait(30) == 1
            assert printing.stderr.read() == b""


@pytest.mark.parametrize("end", ["pipe", "socket"])
def test_lines_that_nobody_reads_end_before_there_is_another(keeper: Doorkeeper, end: str) -> None:
    """As in `kiosk-ui --json | head -1`."""
    reads, writes = _ends(end)
    with keeper.in_a_thread():
        command = [*KIOSK_UI, "--door", "front", "--socket", str(keeper.path), "--json"]
        with subprocess.Popen(command, stdout=writes, stdin=subprocess.DEVNULL) as child:
            os.close(writes)
            assert line(os.read(reads, 65_536).partition(b"\n")[0])["notice"] == "idle"
            os.close(reads)
            assert child.wait(30) == 1


def test_lines_into_a_file_go_on_until_told_to_stop(keeper: Doorkeeper, tmp_path: Path) -> None:
    """A file has no other end that could go away."""
    with keeper.in_a_thread() as daemon, (tmp_path / "lines").open("wb") as file:
        command = [*KIOSK_UI, "--door", "front", "--socket", str(keeper.path), "--json"]
        with subprocess.Popen(command, stdout=file, stdin=subprocess.DEVNULL) as child:
            for notice in (Notice.IDLE, Notice.FULL):
                daemon.show(Shown(notice))
                end = time.monotonic() + 30
                while f'"{notice.value}"' not in (tmp_path / "lines").read_text("utf-8"):
                    assert time.monotonic() < end
                    time.sleep(0.01)
            child.terminate()
            assert child.wait(30) == 0


def test_lines_are_utf_8_whatever_the_terminals_letters_are(keeper: Doorkeeper) -> None:
    latin = {"PYTHONIOENCODING": "ascii"}
    with (
        keeper.in_a_thread() as daemon,
        printing("--door", "front", "--socket", str(keeper.path), environment=latin) as lines,
    ):
        daemon.show(Shown(Notice.ENTER_PIN))
        assert "tunnusluku" in line(lines.readline())["text"]["fi"].casefold()
        daemon.show(Shown(Notice.GRANTED))
        assert "Pääsy" in line(lines.readline())["text"]["fi"]


def _ends(kind: str) -> tuple[int, int]:
    if kind == "pipe":
        return os.pipe()
    reads, writes = socket.socketpair()
    return reads.detach(), writes.detach()


@contextmanager
def printing(
    *arguments: str, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[IO[bytes]]:
    """The lines of the command as they come; it is ended with the block."""
    with subprocess.Popen(
        [*KIOSK_UI, *arguments, "--json"],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    ) as child:
        assert child.stdout is not None
        try:
            yield child.stdout
        finally:
            child.kill()


def test_an_unknown_door_is_refused_with_those_that_there_are(keeper: Doorkeeper) -> None:
    with keeper.in_a_thread():
        done = run("--door", "back", "--socket", str(keeper.path), "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "kiosk-ui: no door 'back' at this site; it has: front, yard\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--desk", "lending"], "--desk: not built into this version"),
        (["--door", "front"], "a screen needs a terminal on its input and error output"),
        (["--door", "front", "--config", "/nowhere.toml", "--json"], "/nowhere.toml: No such file"),
        (["--door", "front", "--desk", "lending"], "not allowed with argument"),
        (["--doo", "front"], "unrecognized arguments"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_nameless_door_waits_for_the_daemon_that_knows_it(keeper: Doorkeeper) -> None:
    keeper.site["doors"] = {"side": {"minimum_age": 18}}
    with printing("--socket", str(keeper.path)) as lines:
        first = line(lines.readline())
        with keeper.in_a_thread():
            told = first
            while not told["connected"]:
                told = line(lines.readline())
    assert (first["door"], first["notice"]) == ("", "wait")
    assert (told["door"], told["notice"]) == ("side", "idle")


def test_a_nameless_door_of_a_daemon_with_two_ends_once_that_is_known(keeper: Doorkeeper) -> None:
    with kiosk_ui("--socket", str(keeper.path)) as screen:
        screen.until("Please wait.")
        with keeper.in_a_thread():
            assert screen.code() == 2
    assert b"kiosk-ui: say --door NAME; this site has: front, yard" in screen.seen


def test_the_staff_screen_is_not_built_yet(capsys: pytest.CaptureFixture[str]) -> None:
    assert kiosk_console([]) == 2
    assert capsys.readouterr().err == "kiosk-console: not built into this version\n"


def test_lines_need_no_textual(keeper: Doorkeeper) -> None:
    """What only prints stays small: 60 MB are for a screen."""
    probe = (
        "import sys, ui.main, ui.panel.lines; "
        "sys.exit(bool({'textual', 'rich'} & set(sys.modules)))"
    )
    assert subprocess.run([KIOSK_UI[0], "-P", "-c", probe], check=False).returncode == 0


CONFIG = '[storage]\ndirectory = "/var/lib/kioskd"\n'


@pytest.mark.parametrize(
    ("config", "environment", "found"),
    [
        ('[control]\nsocket = "/run/c.sock"\n' + CONFIG, {}, ["/run/c.sock"]),
        (CONFIG, {}, ["/var/lib/kioskd/control.sock"]),
        (
            CONFIG,
            {"RUNTIME_DIRECTORY": "/run/x:/run/y"},
            ["/run/x/control.sock", "/var/lib/kioskd/control.sock"],
        ),
        ("control = 7\n" + CONFIG, {}, ["/var/lib/kioskd/control.sock"]),
    ],
)
def test_a_configuration_says_where_the_socket_is(
    tmp_path: Path, config: str, environment: Mapping[str, str], found: list[str]
) -> None:
    file = tmp_path / "k.toml"
    file.write_text(config, encoding="utf-8")
    assert [str(path) for path in sockets(None, file, environment)] == found


def test_a_socket_is_taken_as_given_and_nothing_means_the_packaged_one() -> None:
    given = Path("x.sock")
    assert sockets(given, Path("/nowhere"), {}) == (given,)
    assert sockets(None, None, dict(os.environ)) == (PACKAGED,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = [", "say kioskd check-config"),
        ("[site]\n", "names no control.socket and no storage.directory"),
        ('[storage]\ndirectory = "relative"\n', "names no control.socket"),
    ],
)
def test_a_configuration_that_says_nothing_is_told(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "k.toml"
    file.write_text(text, encoding="utf-8")
    assert file != PACKAGED_CONFIG
    with pytest.raises(NoPlace, match=message):
        sockets(None, file, {})

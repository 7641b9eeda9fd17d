"""The commands of staff as they are typed: input from a pipe or a terminal, output, exit codes."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kioskd.cli.asking import Site
from kioskd.cli.main import main
from kioskd.vault.device_key import write_device_key
from tests.control_staff.conftest import CARD, CONFIGURATION, OTHER, PIN

KIOSKD = (
    sys.executable,
    "-P",
    "-c",
    "import sys; from kioskd.cli.main import main; sys.exit(main())",
)
TODAY = datetime.now(UTC).date()
UNTIL = (TODAY + timedelta(days=5)).isoformat()
PATIENCE_SECONDS = 30.0
Said = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "storage").mkdir(mode=0o700)
    write_device_key(tmp_path / "device.key")
    text = CONFIGURATION.format(home=tmp_path)
    (tmp_path / "kioskd.toml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def kioskd(home: Path) -> Said:
    """Runs a command to its end; what it says is kept, to be looked through."""

    def run(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        command = [*KIOSKD, *arguments, "--config", str(home / "kioskd.toml")]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        with (home / "said.log").open("a", encoding="utf-8") as said:
            said.write(" ".join(arguments) + done.stdout + done.stderr)
        return done

    return run


def test_who_enrols_a_card_on_no_list_is_told_that_it_opens_nothing(kioskd: Said) -> None:
    alone = kioskd("enrol", stdin=f"{CARD}\n{PIN}\n")
    assert (alone.returncode, "opens nothing until" in alone.stdout) == (0, True)
    kioskd("list", "add", "allow", "--until", UNTIL, "--reason", "cleaner", stdin=CARD)
    assert "opens nothing" not in kioskd("enrol", stdin=f"{CARD}\n{PIN}\n").stdout


def test_a_cleaner_is_listed_and_enrolled_shown_and_removed(kioskd: Said) -> None:
    added = kioskd("list", "add", "allow", "--until", UNTIL, "--reason", "cleaner", stdin=CARD)
    assert (added.returncode, added.stderr) == (0, "")
    assert f"…007 is on the allow-list through {UNTIL} (id " in added.stdout
    assert "`kioskd enrol`" in added.stdout
    enrolled = kioskd("enrol", "--label", "cleaner", stdin=f"{CARD}\n{PIN}\n")
    assert (enrolled.returncode, "…007 has a PIN here" in enrolled.stdout) == (0, True)
    for shown in (kioskd("list", "show", "allow"), kioskd("enrol", "--show")):
        assert (shown.returncode, "…007" in shown.stdout) == (0, True)
    [entry] = json.loads(kioskd("list", "show", "allow", "--json").stdout)["entries"]
    assert (entry["shown"], entry["reason"], entry["expired"]) == ("…007", "cleaner", False)
    assert kioskd("list", "remove", "allow", "--id", entry["id"]).returncode == 0
    assert kioskd("enrol", "--remove", stdin=CARD).returncode == 0
    assert kioskd("list", "show", "allow").stdout == "nobody is on the allow-list\n"
    assert kioskd("enrol", "--show").stdout == "no card has a PIN of staff\n"


def test_lockdown_lockouts_and_clock_say_what_they_did(kioskd: Said) -> None:
    on = kioskd("lockdown", "on", "--reason", "man in the yard", "--json")
    assert (on.returncode, json.loads(on.stdout)["changed"]) == (0, True)
    assert "locked down already since" in kioskd("lockdown", "on").stdout
    assert "the lockdown is lifted; it held since" in kioskd("lockdown", "off").stdout
    assert kioskd("lockdown", "off").stdout == "there was no lockdown\n"
    assert kioskd("lockout", "list").stdout == "no card has wrong PINs\n"
    assert json.loads(kioskd("lockout", "list", "--json").stdout) == {"entries": []}
    cleared = kioskd("lockout", "clear", stdin=CARD)
    assert (cleared.returncode, cleared.stdout) == (0, "forgotten: 0 cards with wrong PINs\n")
    accepted = kioskd("clock", "accept", "--reason", "as my watch says", "--json")
    assert accepted.returncode == 0
    assert json.loads(accepted.stdout).keys() == {"accepted", "at", "note"}


@pytest.mark.parametrize(
    ("arguments", "stdin", "why"),
    [
        (["list", "add", "allow", "--reason", "x"], CARD, "--until"),
        (["list", "add", "allow", "--until", UNTIL], CARD, "--reason"),
        (["list", "add", "grey", "--until", UNTIL, "--reason", "x"], CARD, "invalid choice"),
        (["list", "add", "deny", "--until", "2020-01-01", "--reason", "x"], CARD, "is over"),
        (["list", "add", "deny", "--until", "2199-01-01", "--reason", "x"], CARD, "14 days"),
        (["list", "add", "allow", "--until", UNTIL, "--reason", "x"], "", "(nothing)"),
        (["list", "add", "allow", "--until", UNTIL, "--reason", "x"], "123", "fits no pattern"),
        (["list", "add", "allow", "--until", UNTIL, "--reason", " "], CARD, "reason"),
        (["list", "remove", "allow"], CARD, "not on the allow-list"),
        (["list", "remove", "allow", "--id", "abc"], "", "at least 8"),
        (["enrol"], f"{CARD}\n1234\n", "follow one another"),
        (["enrol"], f"{CARD}\n", "the PIN in the next"),
        (["enrol", "--remove"], CARD, "not enrolled"),
        (["enrol", "--remove", "--show"], "", "not allowed with"),
        (["enrol", "--id", "aabbccdd"], "", "--id goes with --remove"),
        (["enrol", "--show", "--label", "x"], "", "--label goes with"),
        (["lockdown"], "", "{on,off}"),
        (["lockout", "clear", "--all", "--id", "aabbccdd"], "", "not allowed with"),
        (["lockout", "clear"], "", "(nothing)"),
        (["clock", "accept"], "", "--reason"),
    ],
)
def test_bad_input_ends_with_2_and_a_word(
    kioskd: Said, arguments: list[str], stdin: str, why: str
) -> None:
    done = kioskd(*arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    for typed in stdin.split():
        assert len(typed) < 4 or typed not in done.stderr


def test_a_key_is_named_where_the_unit_has_it(kioskd: Said, home: Path) -> None:
    path = home / "kioskd.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub('device_key = ".*"', 'device_key = "credential:k"', text), "utf-8")
    add = ("list", "add", "allow", "--until", UNTIL, "--reason", "cleaner")
    refused = kioskd(*add, stdin=CARD)
    assert (refused.returncode, "LoadCredential=k:FILE" in refused.stderr) == (2, True)
    added = kioskd(*add, "--key-file", str(home / "device.key"), stdin=CARD)
    assert (added.returncode, added.stderr) == (0, "")


def test_no_number_and_no_pin_stands_in_anything_that_was_written(kioskd: Said, home: Path) -> None:
    kioskd("list", "add", "allow", "--until", UNTIL, "--reason", "cleaner", stdin=CARD)
    kioskd("list", "add", "deny", "--until", UNTIL, "--reason", "lost", stdin=f"]A0*{OTHER}*\n")
    kioskd("enrol", stdin=f"{CARD}\n{PIN}\n")
    kioskd("enrol", stdin=f"{OTHER}\n0000\n")
    kioskd("lockout", "clear", stdin=CARD)
    for which in ("allow", "deny"):
        kioskd("list", "show", which)
    kioskd("journal", "export")
    written = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert len(written) > 6
    for path, data in written.items():
        if path.name != "kioskd.toml":
            for secret in (CARD, OTHER, CARD.lower(), PIN):
                assert secret.encode() not in data, f"{secret} in {path.name}"
    assert "…007".encode() in written[home / "said.log"]


class Terminal:
    """A person at a terminal: sees what comes, types what is asked for."""

    def __init__(self, command: list[str]) -> None:
        self._master, slave = pty.openpty()
        self._child = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command], stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        self.seen = ""

    def wait_for(self, text: str) -> None:
        while text not in self.seen:
            ready, _, _ = select.select([self._master], [], [], PATIENCE_SECONDS)
            assert ready, f"nothing more came after {self.seen!r}"
            try:
                data = os.read(self._master, 4096)
            except OSError:  # the other end is closed
                data = b""
            assert data, f"it ended with {self.seen!r}"
            self.seen += data.decode()

    def type(self, prompt: str, line: str) -> None:
        self.wait_for(prompt)
        self.seen = self.seen.partition(prompt)[2]
        os.write(self._master, line.encode() + b"\n")

    def end(self) -> int:
        code = self._child.wait(PATIENCE_SECONDS)
        while select.select([self._master], [], [], 0)[0]:
            try:
                self.seen += os.read(self._master, 4096).decode()
            except OSError:
                break
        os.close(self._master)
        return code


@pytest.fixture
def terminal(home: Path) -> Iterator[Callable[..., Terminal]]:
    if shutil.which("setsid") is None:
        pytest.skip("needs setsid (util-linux)")
    begun: list[Terminal] = []

    def begin(*arguments: str) -> Terminal:
        made = Terminal([*KIOSKD, *arguments, "--config", str(home / "kioskd.toml")])
        begun.append(made)
        return made

    yield begin
    for each in begun:
        if each._child.poll() is None:
            each._child.kill()
            each._child.wait()


def test_at_a_terminal_nothing_that_is_typed_is_shown(
    terminal: Callable[..., Terminal],
) -> None:
    person = terminal("enrol", "--label", "cleaner")
    person.type("Card number: ", CARD)
    person.type("New PIN: ", PIN)
    person.type("The same again: ", PIN)
    person.wait_for("has a PIN here")
    assert person.end() == 0
    assert CARD not in person.seen
    assert PIN not in person.seen


def test_two_pins_that_differ_change_nothing(
    terminal: Callable[..., Terminal], kioskd: Said
) -> None:
    person = terminal("enrol")
    person.type("Card number: ", CARD)
    person.type("New PIN: ", PIN)
    person.type("The same again: ", "736251")
    person.wait_for("the two PINs differ; nothing was changed")
    assert person.end() == 2
    assert json.loads(kioskd("enrol", "--show", "--json").stdout) == {"entries": []}


def test_whoever_types_no_card_is_told(terminal: Callable[..., Terminal]) -> None:
    person = terminal("list", "add", "allow", "--until", UNTIL, "--reason", "x")
    person.type("Card number: ", "\x04")
    person.wait_for("nothing was typed")
    assert person.end() == 2


Pages = Callable[[Mapping[str, Any]], dict[str, Any]]


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pages], list[tuple[str, dict[str, Any]]]]:
    """Has a function answer in place of the daemon; what it was asked."""

    def answered(answer: Pages) -> list[tuple[str, dict[str, Any]]]:
        asked: list[tuple[str, dict[str, Any]]] = []

        def ask(site: Site, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
            asked.append((verb, dict(args)))
            return answer(args)

        monkeypatch.setattr(Site, "ask", ask)
        return asked

    return answered


def test_a_long_list_is_asked_for_page_by_page(
    home: Path,
    daemon: Callable[[Pages], list[tuple[str, dict[str, Any]]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    entry = {"failures": 1, "step": 0, "remaining_seconds": 0}

    def page(args: Mapping[str, Any]) -> dict[str, Any]:
        start = int(args.get("from", 0))
        found = [{"id": f"{n:08x}", **entry} for n in range(start, min(start + 2, 5))]
        return {"entries": found, "total": 5, "next": start + 2 if start + 2 < 5 else None}

    asked = daemon(page)
    assert main(["lockout", "list", "--json", "--config", str(home / "kioskd.toml")]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [e["id"] for e in shown["entries"]] == [f"{n:08x}" for n in range(5)]
    assert shown.keys() == {"entries"}
    assert asked == [
        ("lockout-list", {}),
        ("lockout-list", {"from": 2}),
        ("lockout-list", {"from": 4}),
    ]


def test_what_another_person_wrote_moves_no_cursor(
    home: Path,
    daemon: Callable[[Pages], list[tuple[str, dict[str, Any]]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    evil = "\x1b[2J[bold]\u202e"
    row = {"id": "aabbccdd", "shown": evil, "until": "x", "by": evil, "added": None}
    entry = {**row, "reason": evil, "label": evil, "expired": True}
    daemon(lambda args: {"which": "allow", "entries": [entry], "total": 1, "next": None})
    for command in (["list", "show", "allow"], ["enrol", "--show"]):
        for options in ([], ["--json"]):
            assert main([*command, *options, "--config", str(home / "kioskd.toml")]) == 0
            out = capsys.readouterr().out
            assert "\x1b" not in out
            assert "\u202e" not in out
            assert "[bold]" in out

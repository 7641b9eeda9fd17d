"""What the documents tell a library's IT to type, and the codes that they explain, are real."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from kioskd.access.notices import FAULT_CODE, STRIKE_FAULT_CODE
from kioskd.cli.main import COMMANDS
from kioskd.domain.decision import Reason
from kioskd.entry.front import PROGRAM_FAULT_CODE
from kioskd.entry.standing import KEYPAD_FAULT_CODE
from kioskd.health.alerts import RULES
from ui.panel.view import SCREEN_CODE

DOCUMENTS = ("README.md", "CHANGELOG.md", "docs/OPERATIONS.md", "docs/ARCHITECTURE.md")
OPERATIONS = "docs/OPERATIONS.md"
FENCED = re.compile(r"^ *```$.*?^ *```$", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"^ *(?:[#$] )?kioskd (.+)$", re.MULTILINE)
INLINE = re.compile(r"`(?:[#$] )?kioskd ([^`]+)`")
OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")
VERB = re.compile(r"[a-z][a-z0-9-]*")
# of commands
GROUPS = frozenset({"feed", "journal", "list", "lockout", "schedule", "clock", "sync", "sip2"})
CODE = re.compile(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b")
NO_REASONS = frozenset({"SO_PEERCRED", "SO_PEERGROUPS"})  # options of a socket
NEWEST = "## 0.1.0, not yet released: talking to the library system\n"
BEFORE = {  # commands of the versions before
    *("run", "demo", "check-config", "keygen", "rekey", "feed", "explain", "journal", "secure"),
    *("stats", "status", "doctor", "devices", "probe", "open", "lock", "lockdown", "lockout"),
    *("list", "enrol", "schedule", "clock", "why", "reload", "tune-argon2", "support-bundle"),
    *("sync", "setup"),
}


@pytest.fixture(scope="module")
def told(root: Path) -> str:
    """All that is told to people who do not read code."""
    return "\n".join((root / name).read_text(encoding="utf-8") for name in DOCUMENTS)


@pytest.fixture(scope="module")
def operations(root: Path) -> str:
    """What those who look after the devices read."""
    return (root / OPERATIONS).read_text(encoding="utf-8")


def test_every_command_that_is_told_exists_with_its_options(told: str) -> None:
    typed = _typed(told)
    wrong = {line: why for line in typed if (why := _wrong(line))}
    assert len(typed) > len(COMMANDS)
    assert wrong == {}


def test_a_command_that_is_not_there_would_be_found() -> None:
    told = "`kioskd opne front`\n```\n$ kioskd status --wach\n```\n`# kioskd list ad allow`"
    assert [line for line in _typed(told) if not _wrong(line)] == []
    assert len(_typed(told)) == 3


def test_every_command_has_its_place_in_operations(operations: str) -> None:
    named = {line.split()[0] for line in _typed(operations)}
    assert set(COMMANDS) - named == {"demo"}  # nothing to operate


def test_the_changes_name_every_new_command(root: Path) -> None:
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = changes[changes.index(NEWEST) + len(NEWEST) :].partition("\n## ")[0]
    named = {line.split()[0] for line in _typed(newest)}
    assert set(COMMANDS) - BEFORE - named == set()


def test_every_reason_that_is_told_exists(told: str) -> None:
    codes = set(CODE.findall(told)) - NO_REASONS
    assert codes
    assert codes - {reason.value for reason in Reason} == set()


def test_operations_explain_every_alert_and_no_other(operations: str) -> None:
    assert _first_cells(operations, "| alert |") == [f"`{name}`" for name in RULES]


def test_operations_explain_every_code_that_a_door_shows(operations: str) -> None:
    codes = {*FAULT_CODE.values(), STRIKE_FAULT_CODE, KEYPAD_FAULT_CODE}
    shown = codes | {PROGRAM_FAULT_CODE, SCREEN_CODE}
    assert _first_cells(operations, "| code | meaning | what") == sorted(shown)


def _typed(text: str) -> list[str]:
    """What follows `kioskd`, in a sentence or a block of lines to type."""
    blocks = [line for block in FENCED.findall(text) for line in LINE.findall(block)]
    return blocks + INLINE.findall(FENCED.sub("", text))


def _wrong(line: str) -> str:
    words = line.split()
    command = words[:1]
    if command[0] in GROUPS and words[1:] and VERB.fullmatch(words[1]):
        command = words[:2]
    code, help_text = _help(tuple(command))
    if code:
        return help_text
    absent = [option for option in OPTION.findall(line) if option not in help_text]
    return f"no {', '.join(absent)}" if absent else ""


@cache
def _help(command: tuple[str, ...]) -> tuple[int, str]:
    program = str(Path(sys.executable).with_name("kioskd"))
    if command[0].startswith("-"):
        command = ()
    asked = [program, *command, "--help"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def _first_cells(text: str, head: str) -> list[str]:
    """The first column of the table that begins with this head."""
    rows = text[text.index(head) :].partition("\n\n")[0].splitlines()[2:]
    return [row.split("|")[1].strip() for row in rows]

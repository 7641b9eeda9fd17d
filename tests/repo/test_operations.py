"""What the documents tell a library's IT to type, and the codes that they explain, are real."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kioskd.domain.decision import Reason

DOCUMENTS = ("README.md", "CHANGELOG.md", "docs/OPERATIONS.md", "docs/ARCHITECTURE.md")
COMMAND = re.compile(r"`kioskd ((?:feed |journal )?[a-z][a-z-]*)")
CODE = re.compile(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b")
NO_REASONS = frozenset({"SO_PEERCRED", "SO_PEERGROUPS"})  # options of a socket


@pytest.fixture(scope="module")
def told(root: Path) -> str:
    """All that is told to people who do not read code."""
    return "\n".join((root / name).read_text(encoding="utf-8") for name in DOCUMENTS)


def test_every_command_that_is_told_exists(told: str) -> None:
    program = str(Path(sys.executable).with_name("kioskd"))
    commands = sorted(set(COMMAND.findall(told)))
    refused = {
        command: done.stderr
        for command in commands
        if (done := _help(program, command)).returncode or "usage:" not in done.stdout
    }
    assert commands
    assert refused == {}


def test_every_reason_that_is_told_exists(told: str) -> None:
    codes = set(CODE.findall(told)) - NO_REASONS
    assert codes
    assert codes - {reason.value for reason in Reason} == set()


def _help(program: str, command: str) -> subprocess.CompletedProcess[str]:
    asked = [program, *command.split(), "--help"]
    return subprocess.run(asked, capture_output=True, text=True, check=False)

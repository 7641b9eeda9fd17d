"""What a look at a device found: one finding a check, with a word, a fact and a way out.

Deliberately not here: looking (kioskd.daemon), judging (checks) and drawing (kioskd.cli).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Word(StrEnum):
    """How something stands; said as a word, so that nothing hangs on a colour."""

    OK = "ok"
    LOOK = "look"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor. check: what was looked at; todo: the way out, empty when well."""

    check: str
    word: Word
    what: str
    todo: str = ""


def ok(check: str, what: str) -> Finding:
    """It is as it should be."""
    return Finding(check, Word.OK, what)


def look(check: str, what: str, todo: str) -> Finding:
    """The door works; somebody should look all the same."""
    return Finding(check, Word.LOOK, what, todo)


def bad(check: str, what: str, todo: str) -> Finding:
    """The door does not work as it should, or will not for long."""
    return Finding(check, Word.BAD, what, todo)


def is_bad(findings: Iterable[Finding]) -> bool:
    """Whether any of them is bad."""
    return any(finding.word is Word.BAD for finding in findings)


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """{"well": bool, "checks": [{"check", "word", "what", "todo"}]}."""
    checks = [
        {"check": f.check, "word": f.word.value, "what": f.what, "todo": f.todo} for f in findings
    ]
    return {"well": not is_bad(findings), "checks": checks}

"""The locks install on any machine: pinned, hashed, and silent about where they came from."""

import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

RUNTIME = "requirements.lock"
DEMO = "requirements-demo.lock"
DEVELOPMENT = "requirements-dev.lock"
ENTRY = re.compile(r"([a-z0-9-]+)==(\S+)( ; \S.*)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


@pytest.mark.parametrize("lock", [RUNTIME, DEMO, DEVELOPMENT])
def test_a_lock_holds_pins_and_hashes_and_nothing_else(root: Path, lock: str) -> None:
    lines = (root / lock).read_text(encoding="utf-8").splitlines()
    said = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert [line for line in said if not ENTRY.fullmatch(line) and not HASH.fullmatch(line)] == []


@pytest.mark.parametrize("lock", [RUNTIME, DEMO, DEVELOPMENT])
def test_a_lock_names_no_address_and_no_folder(root: Path, lock: str) -> None:
    text = (root / lock).read_text(encoding="utf-8")
    assert re.findall(r"\S*(?:://|@|/[a-z])\S*", text) == []


def test_the_locks_serve_what_the_project_asks_for(root: Path, project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    runtime = [*project["project"]["dependencies"], *extras["build"]]
    assert _unserved(runtime, _pins(root / RUNTIME)) == []
    assert _unserved([*runtime, *extras["demo"]], _pins(root / DEMO)) == []
    developer = [*runtime, *extras["demo"], *extras["dev"]]
    assert _unserved(developer, _pins(root / DEVELOPMENT)) == []


@pytest.mark.parametrize("lock", [DEMO, DEVELOPMENT])
def test_others_run_on_the_versions_of_the_daemon(root: Path, lock: str) -> None:
    runtime, other = _pins(root / RUNTIME), _pins(root / lock)
    assert {name: other.get(name) for name in runtime} == runtime


def test_every_direct_dependency_has_its_reason_written_down(
    root: Path, project: dict[str, Any]
) -> None:
    reasons = (root / "docs" / "DEPENDENCIES.md").read_text(encoding="utf-8")
    extras = project["project"]["optional-dependencies"]
    asked = [*project["project"]["dependencies"], *extras["build"], *extras["demo"], *extras["dev"]]
    assert [text for text in asked if f"`{Requirement(text).name}`" not in reasons] == []


def _pins(path: Path) -> dict[str, str]:
    found = (ENTRY.fullmatch(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {match[1]: match[2] for match in found if match}


def _unserved(asked: list[str], pins: dict[str, str]) -> list[str]:
    requirements = [Requirement(text) for text in asked]
    return [
        str(requirement)
        for requirement in requirements
        if not requirement.specifier.contains(pins.get(canonicalize_name(requirement.name), "0"))
    ]

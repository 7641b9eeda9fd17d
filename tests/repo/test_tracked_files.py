"""What is in the repository speaks of the project alone, and what it promises is there."""

import re
from pathlib import Path
from typing import Any

import pytest

# folders that exist on every machine; a clone below any other one must not leave its name behind
COMMON_FOLDERS = {"builds", "home", "media", "mnt", "opt", "root", "srv", "tmp", "usr", "var"}
PERSONAL_FOLDER = re.compile(r"/(?:home/[a-z]|root/|Users/)")
PACKAGE_INDEX_OPTION = re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host")
ADDRESS = re.compile(
    r"\b(?:https?|ssh|git)://(?:[^\s/@\"'`<>]*@)?\[?([0-9A-Za-z][0-9A-Za-z.-]*|::1)"
)
RESERVED = re.compile(r"(.+\.)?(example|invalid|test|example\.(com|net|org))")
LOOPBACK = {"127.0.0.1", "::1"}
CITED_HOSTS = {"www.w3.org"}  # the name of SVG, which is an address that nobody asks
MAKE_COMMAND = re.compile(r"(?:^|`)make ([a-z]+)", re.MULTILINE)
NEWCOMERS_COMMANDS = {"demo", "test"}


def test_no_file_holds_a_path_of_somebody_s_machine(root: Path, files: list[Path]) -> None:
    here = {str(root)} if len(root.parts) > 1 else set()
    if root.parts[1] not in COMMON_FOLDERS:
        here.add(f"/{root.parts[1]}/")
    found = {
        path.name: match[0] if (match := PERSONAL_FOLDER.search(text)) else "this clone"
        for path, text in _texts(files)
        if PERSONAL_FOLDER.search(text) or any(folder in text for folder in here)
    }
    assert found == {}


def test_no_file_names_a_package_index(files: list[Path]) -> None:
    found = {
        path.name
        for path, text in _texts(files)
        if PACKAGE_INDEX_OPTION.search(text) and path != Path(__file__)
    }
    assert found == set()


def test_addresses_are_reserved_ones_or_loopback(files: list[Path]) -> None:
    """A device contacts only hosts of its configuration: no other address has a reason to be."""
    hosts = {(path.name, host) for path, text in _texts(files) for host in ADDRESS.findall(text)}
    assert {(name, host) for name, host in hosts if not _is_harmless(host)} == set()


def test_every_make_command_in_the_documents_exists(root: Path, files: list[Path]) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {
        (path.name, command)
        for path, text in _texts(files)
        if path.suffix == ".md"
        for command in MAKE_COMMAND.findall(text)
    }
    assert {(name, command) for name, command in named if command not in targets} == set()
    assert {command for name, command in named if name == "README.md"} >= NEWCOMERS_COMMANDS


def test_ci_runs_what_a_developer_runs(root: Path) -> None:
    assert re.search(r"\bmake test$", (root / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)


def test_links_between_documents_lead_somewhere(root: Path, files: list[Path]) -> None:
    there = {place for path in files for place in (path, *path.parents)}  # git has no empty folders
    broken = {
        f"{path.relative_to(root)}: {target}"
        for path, text in _texts(files)
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#\s]+)", text)
        if "://" not in target and (path.parent / target).resolve() not in there
    }
    assert broken == set()


def test_the_licence_is_the_one_that_the_project_names(root: Path, project: dict[str, Any]) -> None:
    text = (root / "LICENSE").read_text(encoding="utf-8")
    assert project["project"]["license"] == "MIT"
    assert text.startswith("MIT License\n")
    assert "The kioskd authors" in text


@pytest.mark.parametrize(
    ("host", "harmless"),
    [
        ("hub.example.invalid", True),
        ("127.0.0.1", True),
        ("localhost", True),
        ("koha.example.org", True),
        ("example.fi", False),
        ("", False),
    ],
)
def test_which_hosts_are_harmless(host: str, harmless: bool) -> None:
    assert _is_harmless(host) is harmless


def _is_harmless(host: str) -> bool:
    nowhere = bool(host) and "." not in host  # a name without a dot is nobody's on the internet
    return nowhere or host in CITED_HOSTS | LOOPBACK or bool(RESERVED.fullmatch(host))


def _texts(files: list[Path]) -> list[tuple[Path, str]]:
    found = []
    for path in files:
        try:
            found.append((path, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue  # not text: nothing that this could be said of
    return found

"""The house stands as docs/ARCHITECTURE.md draws it: storeys, pure rooms, small modules."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LONGEST_MODULE = 400  # lines
# what is to be pure, built or not; those that are built must stand in the import contract
PURE_ROOMS = (
    "kioskd.domain",
    "kioskd.access",
    "kioskd.circ",
    "drivers.codecs",
    "sync.sip2.messages",
    "sync.sip2.connection",
    "sync.koha.mapping",
    "sync.retry",
)
IMPURE_CALLS = {"open", "print", "input", "exec", "eval"}
IMPURE_METHODS = {"now", "today", "utcnow"}  # of datetime and date: time comes in as a value


def test_every_module_of_the_daemon_stands_in_a_layer(
    project: dict[str, Any], modules: dict[str, Path]
) -> None:
    layers = _contract(project, "layers")["layers"]
    rooms = {room.strip(" ()") for layer in layers for room in re.split(r"[|:]", layer)}
    built = {".".join(name.split(".")[:2]) for name in modules if name.startswith("kioskd.")}
    assert built - rooms == set(), "put it into the layers contract of pyproject.toml"


def test_every_pure_room_stands_in_the_import_contract(
    project: dict[str, Any], modules: dict[str, Path]
) -> None:
    built = {room for room in PURE_ROOMS if any(_inside(name, room) for name in modules)}
    assert built <= set(_contract(project, "pure")["source_modules"])


def test_the_import_rules_hold_without_their_checker(
    project: dict[str, Any], modules: dict[str, Path]
) -> None:
    """Imports inside functions and under TYPE_CHECKING count as well."""
    forbidden = set(_contract(project, "pure")["forbidden_modules"])
    for name, tree in _pure_trees(modules):
        taken = {module.split(".")[0] for module in _imports(tree)}
        assert taken & forbidden == set(), name


def test_pure_rooms_read_no_clock_and_touch_nothing(modules: dict[str, Path]) -> None:
    for name, tree in _pure_trees(modules):
        assert list(_impurities(tree)) == [], name


def test_modules_stay_small(root: Path, files: list[Path]) -> None:
    lines = {
        str(path.relative_to(root)): len(path.read_text(encoding="utf-8").splitlines())
        for path in files
        if path.suffix == ".py"
    }
    assert {name: count for name, count in lines.items() if count > LONGEST_MODULE} == {}


def test_no_part_of_the_daemon_loads_a_screen(modules: dict[str, Path]) -> None:
    """rich, textual and ui stay out of the process that holds the doors."""
    headless = sorted(
        name
        for name in modules
        if not _inside(name, "kioskd.cli") and not _inside(name, "ui") and "__main__" not in name
    )
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(*{'rich', 'textual', 'ui'} & set(sys.modules))"
    )
    command = [sys.executable, "-P", "-c", script, *headless]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("async def f(): ...", ["async def f"]),
        ("def f():\n    global x\n    x = 1", ["global"]),
        ("from datetime import datetime\nat = datetime.now()", ["now()"]),
        ("text = open('x').read()", ["open()"]),
        ("import dataclasses\nx = dataclasses.field(default=1)", []),
    ],
)
def test_what_counts_as_impure(source: str, found: list[str]) -> None:
    assert list(_impurities(ast.parse(source))) == found


def test_imports_are_found_wherever_they_stand() -> None:
    source = "import os.path\ndef f():\n    from time import sleep\n    return sleep"
    assert list(_imports(ast.parse(source))) == ["os.path", "time"]


def _contract(project: dict[str, Any], which: str) -> dict[str, Any]:
    contracts: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return next(contract for contract in contracts if contract["id"] == which)


def _inside(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def _pure_trees(modules: dict[str, Path]) -> Iterator[tuple[str, ast.Module]]:
    for name, path in modules.items():
        if any(_inside(name, room) for room in PURE_ROOMS):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _impurities(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.AsyncFunctionDef(name=name):
                yield f"async def {name}"
            case ast.Global():
                yield "global"
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
                yield f"{name}()"
            case ast.Call(func=ast.Attribute(attr=name)) if name in IMPURE_METHODS:
                yield f"{name}()"

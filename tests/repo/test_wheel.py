"""The wheel, installed as a site would: four packages, nobody else's, and nothing missing."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

PACKAGES = ("kioskd", "drivers", "sync", "ui")
DISTRIBUTION = "kioskd-omatoimi"
OWNERS = """
from importlib.metadata import packages_distributions
found = packages_distributions()
for name in ("kioskd", "drivers", "sync", "ui"):
    print(name, *sorted(set(found[name])))
"""


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this tree, built offline with the locked build requirements."""
    folder = tmp_path_factory.mktemp("wheel")
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(root))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment: the wheel in it, its dependencies visible from it."""
    home = tmp_path_factory.mktemp("site") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = home / "bin" / "python"
    _pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return home / "bin"


def test_the_four_packages_are_ours_alone(installed: Path) -> None:
    """Another distribution with a package `ui` or `drivers` would overwrite files of ours."""
    owners = _run(installed / "python", "-I", "-c", OWNERS)
    assert owners.stdout.split("\n")[:-1] == [f"{name} {DISTRIBUTION}" for name in PACKAGES]


def test_the_installed_code_is_the_wheel_s(installed: Path) -> None:
    found = _run(installed / "python", "-I", "-c", "import drivers; print(drivers.__file__)")
    assert Path(found.stdout.strip()).is_relative_to(installed.parent)


def test_every_file_of_the_packages_is_in_the_wheel(
    root: Path, files: list[Path], wheel: Path
) -> None:
    """Texts and migrations as well, not modules alone."""
    ours = {str(path.relative_to(root)) for path in files}
    wanted = {name for name in ours if name.split("/")[0] in PACKAGES}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.split("/")[0] in PACKAGES}
    assert packed == wanted


@pytest.mark.parametrize("command", ["kiosk-console"])
def test_a_command_that_is_not_built_says_so(installed: Path, command: str) -> None:
    helped = _run(installed / command, "--help")
    assert helped.stdout.startswith(f"usage: {command}")
    assert "Not built into this version" in " ".join(helped.stdout.split())
    refused = _run(installed / command, "--config", "site.toml", expect=2)
    assert refused.stderr == f"{command}: not built into this version\n"


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _run(program: Path, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    command = [str(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stderr
    return done

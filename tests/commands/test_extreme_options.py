"""Times, texts and limits at which a command must answer in words, and never with a traceback."""

import io
import json
import resource
import sys
from pathlib import Path

import pytest

from kioskd.cli.common import print_json, printable
from kioskd.cli.main import main
from kioskd.cli.times import day, instant
from kioskd.config.load import load
from kioskd.daemon.import_run import run_import
from kioskd.daemon.importing import ImportRequest
from kioskd.errors import InputError
from kioskd.vault.device_key import write_device_key
from sync import feed_rows

CARD = "167A006007"
MARKUP = "[/x]"
CONFIGURATION = r"""
[site]
name = "Esimerkkilän kirjasto"
branch = "ESI"
[storage]
directory = "{home}/storage"
retention_days = 14
[secrets]
device_key = "file:{home}/device.key"
[cards]
patron = ['\d{{3}}[A-Z]\d{{6}}']
[clock]
source = "assume"
[devices.scanner]
driver = "serial-scanner"
port = "/dev/no-scanner"
[devices.pad]
driver = "serial-keypad"
port = "/dev/no-keypad"
[devices.relay]
driver = "lcus-relay"
port = "/dev/no-relay"
[doors.front]
reader = "scanner"
keypad = "pad"
strike = {{ device = "relay" }}
categories = ["ADULT"]
[schedule]
holidays = "FI"
[schedule.weekly]
monday = ["00:00-24:00 self-service"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A site whose only patron has a category that looks like markup."""
    path = tmp_path / "kioskd.toml"
    path.write_text(CONFIGURATION.format(home=tmp_path), encoding="utf-8")
    write_device_key(tmp_path / "device.key")
    return path


def imported(config: Path, category: str) -> None:
    feed = config.with_name("feed.jsonl")
    feed.write_text(json.dumps({"card": CARD, "category": category}) + "\n", encoding="utf-8")
    run_import(ImportRequest(str(config), str(feed)), load(config))


def explained(config: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{CARD}\n"))
    return main(["explain", "--door", "front", "--card-stdin", "--config", str(config), *options])


def test_explain_takes_a_category_for_no_markup(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(config, MARKUP)
    assert explained(config, monkeypatch) == 0
    assert f"category {MARKUP}; allowed: ADULT" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_explain_sends_no_control_character_of_a_cache_to_a_terminal(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
) -> None:
    # As a cache of an earlier version may hold it; a feed of today cannot.
    monkeypatch.setattr(feed_rows, "is_code", lambda text: True)
    imported(config, "a\x9b2Jb\u202ec\x7f")
    assert explained(config, monkeypatch, *options) == 0
    out = capsys.readouterr().out
    assert "2Jb" in out
    assert all(c.isprintable() or c == "\n" for c in out)


def test_json_says_the_same_with_and_without_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"who": "Äijä 😀 \x9b\u2028\U000e0001", "n": 1}
    print_json(value)
    out = capsys.readouterr().out
    assert json.loads(out) == value
    assert "Äijä 😀 \\u009b\\u2028" in out


def test_printable_keeps_letters_and_shows_that_something_was_there() -> None:
    assert printable("Pääkirjasto\x1b[2J\x9b\n") == "Pääkirjasto?[2J??"


OUT_OF_RANGE = [
    "0001-01-01",
    "1969-12-31T23:59:59",
    "2201-01-01",
    "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00+14:00",
]


@pytest.mark.parametrize("text", OUT_OF_RANGE)
def test_a_time_far_away_ends_with_2_and_says_what_can_be_used(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    imported(config, "ADULT")
    assert explained(config, monkeypatch, "--at", text) == 2
    assert main(["journal", "export", "--since", text, "--config", str(config)]) == 2
    assert main(["stats", "--from", text[:10], "--to", text[:10], "--config", str(config)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert all("years 1970 to 2200 can be used" in line for line in said)


@pytest.mark.parametrize(
    "text", ["1970-01-01", "2200-12-31T23:59:59.999999", "1970-01-01T00+14:00"]
)
def test_a_time_at_the_edge_is_answered(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    imported(config, "ADULT")
    assert explained(config, monkeypatch, "--at", text) == 0
    assert "front at " in capsys.readouterr().out


def test_what_is_no_time_is_still_told_as_such() -> None:
    for read in (day, lambda text: instant(text, "Europe/Helsinki")):
        with pytest.raises(InputError, match="write it as 2026-11-23"):
            read("soon")


def test_no_command_may_leave_a_core_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda *limit: limits.append(limit))
    assert main(["--version"]) == 0
    assert limits == [(resource.RLIMIT_CORE, (0, 0))]

"""`kioskd feed import` as an administrator meets it: exit codes, summary, JSON, big feeds."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import subprocess
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import pytest

from kioskd.cli.main import main
from kioskd.daemon import import_sealing
from kioskd.daemon.import_sealing import RowSealer, SealingKeys, seal_all
from kioskd.daemon.importing import import_feed
from kioskd.domain.card import CodePatterns
from kioskd.errors import InputError, StoreError
from sync.feed_file import Chunk, FeedFormat
from sync.feed_rows import RowRules

if TYPE_CHECKING:
    from tests.cache.conftest import Site


def command(site: Site, feed: object, *options: str) -> int:
    arguments = ["feed", "import", str(feed), "--config", str(site.config_file), *options]
    return main(arguments)


def test_a_good_feed_ends_with_0_and_a_summary(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command(site, site.feed(site.rows(1200))) == 0
    out = capfd.readouterr().out
    assert "full feed loaded" in out
    assert "1,200 with argon2id m=19456 t=2 p=1" in out
    assert site.known([0, 1199, 1200]) == [0, 1199]


def test_bad_rows_end_with_1_and_are_listed_without_their_values(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [*site.rows(40), *({"card": f"BAD-CARD-{n}"} for n in range(25))]
    assert command(site, site.feed(rows)) == 1
    captured = capfd.readouterr()
    assert "line 41: card: fits none of the patron patterns" in captured.out
    assert "and 5 more bad rows" in captured.out
    assert "BAD-CARD" not in captured.out + captured.err


def test_a_refused_file_ends_with_2_and_names_each_column(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    feed = site.text("card,name,phone\n2600000001,Matti,040\n")
    assert command(site, feed) == 2
    err = capfd.readouterr().err
    assert "column name: personal data" in err
    assert "column phone: personal data" in err
    assert "Matti" not in err
    assert site.files() == ["import.lock", "keyring.json"]


def test_a_shrinking_feed_ends_with_2_until_it_is_confirmed(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command(site, site.feed(site.rows(10))) == 0
    small = site.feed(site.rows(2))
    assert command(site, small) == 2
    assert "2 credentials would take the place of 10 credentials" in capfd.readouterr().err
    assert command(site, small, "--confirm-shrink") == 0


def test_json_is_one_object(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    assert command(site, site.feed([*site.rows(3), {"card": "x"}]), "--json") == 1
    found = json.loads(capfd.readouterr().out)
    assert (found["rows"], found["loaded"], found["bad"]) == (4, 3, 1)
    assert found["bad_rows"] == [
        {"line": 4, "why": "card: fits none of the patron patterns of [cards]"}
    ]
    assert command(site, site.home / "nothing", "--json") == 2
    assert "no such file" in json.loads(capfd.readouterr().out)["refused"]


def test_a_wrong_configuration_ends_with_2(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    feed = site.feed(site.rows(1))
    site.config_file.write_text("[sight]\n")
    assert command(site, feed) == 2
    assert "sight: unknown key" in capfd.readouterr().err


def test_a_missing_key_ends_with_2_and_says_keygen(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    site.key_file.unlink()
    assert command(site, site.feed(site.rows(1))) == 2
    assert "kioskd keygen --out" in capfd.readouterr().err


def test_a_feed_comes_from_standard_input(site: Site, python: Callable[..., list[str]]) -> None:
    feed = site.feed(site.rows(5)).read_bytes()
    script = "import sys; from kioskd.cli.main import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["feed", "import", "-", "--config", str(site.config_file)]
    done = subprocess.run(python(script, *arguments), input=feed, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert site.known(range(6)) == [0, 1, 2, 3, 4]


def test_an_import_that_is_killed_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kioskd.daemon.importing.WORKER", "signal")  # runs, and reports nothing
    with pytest.raises(StoreError, match=r"ended from outside .* the cache is as it was"):
        import_feed(site.request(site.feed(site.rows(1))))


# Newer Pythons warn of forking beside threads; the worker has none, this process may.
forks = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def _sealer() -> RowSealer:
    rules = RowRules(CodePatterns((re.compile(r"26\d{8}"),)), str.encode, date(2026, 11, 23))
    return RowSealer(FeedFormat(None), rules, SealingKeys(bytes(32), bytes(32)))


def _chunks(count: int) -> list[Chunk]:
    lines: list[bytes | None] = [b'{"card":"26%08d"}' % n for n in range(10 * count)]
    lines[15] = b"nonsense"
    lines[25] = None
    return [Chunk(at + 1, lines[at : at + 10]) for at in range(0, len(lines), 10)]


@forks
@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_child_processes_seal_the_same_rows_in_the_same_order(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    chunks = _chunks(max(count, 3))[:count]
    alone = list(seal_all(_sealer(), chunks, 1))
    apart = list(seal_all(_sealer(), chunks, import_sealing.WORTH_PROCESSES))
    assert len(apart) == count
    for one, other in zip(alone, apart, strict=True):
        assert [row[:2] for row in one.rows] == [row[:2] for row in other.rows]
        assert one.bad == other.bad


@forks
def test_an_error_in_a_big_feed_ends_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    sealed = seal_all(_sealer(), _chunks(9), import_sealing.WORTH_PROCESSES)
    next(sealed)
    children = multiprocessing.active_children()
    assert len(children) == import_sealing.PROCESSES
    with pytest.raises(InputError):
        sealed.throw(InputError("refused"))
    assert not multiprocessing.active_children()

"""The demo's library system: it stands beside each stage, and a step of the day asks it."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from kioskd.cli import demo_ils, demo_moves_ils, demo_people
from kioskd.cli.demo_config import BRANCH
from kioskd.cli.demo_day import DAY
from kioskd.cli.demo_ending import Ending
from kioskd.cli.demo_ils import HOST, MISSING
from kioskd.cli.demo_moves_ils import ASKS_ILS, ILS, LOANS
from kioskd.cli.demo_play import play_step, set_stage
from kioskd.cli.demo_script import Step
from kioskd.cli.demo_stage import Stage
from kioskd.config.load import load
from sync.demo_ils import people
from sync.demo_ils.catalogue import HERE, ITEMS
from tests.demo.left_behind import processes_of

SILENT: Final = (sys.executable, "-c", "import time; time.sleep(60)")
ENDS: Final = (sys.executable, "-c", "raise SystemExit(3)")


@contextmanager
def staged(directory: Path, *, with_hub: bool = False) -> Iterator[Stage]:
    """A stage with nothing running but its library system; nothing is left of it."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as closing:
        patch.setattr("tempfile.tempdir", str(directory))
        yield set_stage(closing, Ending(), 60.0, with_hub=with_hub)
    assert processes_of(directory) == []
    assert list(directory.iterdir()) == []


def test_it_is_asked_before_anybody_comes(directory: Path) -> None:
    assert [step for step in DAY if step in ILS] == list(ILS)
    with staged(directory) as stage:
        said = [played(step, stage) for step in ILS]
        assert any("sync.demo_ils.main" in line for line in processes_of(directory))
    assert said[0].startswith("right, wrong, unknown, denied; 3 loans: Fänrik")
    assert said[1].startswith("Kalevala until ")
    assert "Kanteletar is reserved" in said[1]
    assert said[1].endswith("costs 2.00 EUR")
    assert said[2] == "2 renewed, 1 not; Hämärän kääntöpiiri travels to KES"


def played(step: Step, stage: Stage) -> str:
    seen, faults, over = play_step(step, stage)
    assert (faults, over) == ([], False)
    return seen.said[0]


@pytest.mark.parametrize("with_hub", [False, True])
def test_the_device_is_configured_for_it(directory: Path, *, with_hub: bool) -> None:
    with staged(directory, with_hub=with_hub) as stage:
        assert stage.ils is not None
        register = load(stage.site.config).register
        sip2 = register.sip2
        assert register.uses_hub == with_hub
        assert sip2 is not None
        assert (sip2.host, sip2.port, sip2.tls) == (HOST, stage.ils.port, False)
        assert (sip2.dialect, sip2.user, sip2.institution) == ("koha", people.USER, BRANCH)
        secret = Path(sip2.secret.removeprefix("file:"))
        assert secret.read_text(encoding="utf-8").strip() == stage.ils.password != people.PASSWORD
        assert secret.stat().st_mode & 0o077 == 0


def test_without_pysip2_the_demo_goes_on_without_it(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_ils, "find_spec", lambda _: None)
    with staged(directory) as stage:
        assert stage.ils is None
        assert load(stage.site.config).register.sip2 is None
        seen, faults, over = play_step(ASKS_ILS, stage)
        assert (seen.said, faults, over) == ((MISSING,), [], False)
    assert "pip install 'kioskd-omatoimi[demo]'" in MISSING


def test_an_answer_that_is_not_right_is_told(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with staged(directory) as stage:
        for name, value, told in (
            ("USER", "nobody", "the log-in was refused"),
            ("PIN", "0000", "…001: expected <Standing.OK"),
            ("WRONG_PIN", people.PIN, "…001: expected <Standing.WRONG"),
            ("NOBODY", people.WELL, "…002: expected <Standing.UNKNOWN"),
            ("LOANS", ("Kalevala",), "loans: expected ('Kalevala',), got ("),
        ):
            with monkeypatch.context() as patch:
                patch.setattr(demo_moves_ils, name, value)
                (fault,) = play_step(ASKS_ILS, stage)[1]
                assert fault.startswith("the library system: ")
                assert told in fault


def test_one_that_died_is_told(directory: Path) -> None:
    with staged(directory) as stage:
        assert stage.ils is not None
        stage.ils.kill()
        (fault,) = play_step(ASKS_ILS, stage)[1]
        assert fault.startswith("the library system: ")


def test_one_that_does_not_begin_is_told_and_the_site_stands(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_ils, "_PATIENCE_SECONDS", 0.3)
    for program in (ENDS, SILENT):
        monkeypatch.setattr(demo_ils, "_PROGRAM", program)
        with staged(directory) as stage:
            assert load(stage.site.config).register.sip2 is None
            assert play_step(ASKS_ILS, stage)[1] == ["the library system did not begin to listen"]


def test_a_demo_interrupted_while_it_begins_leaves_nothing_behind(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(directory))
    monkeypatch.setattr(demo_ils, "_PROGRAM", SILENT)
    ending = Ending()
    ending.ended = True
    with pytest.raises(KeyboardInterrupt), ExitStack() as closing:
        set_stage(closing, ending, 60.0)
    assert processes_of(directory) == []
    assert list(directory.iterdir()) == []


def test_its_people_are_those_who_come_to_the_door() -> None:
    assert HERE == BRANCH
    assert people.PIN == demo_people.PIN
    numbers = {person.number: person.title.split(",")[0] for person in demo_people.PEOPLE}
    told = {one.card: one.name.split()[0] for one in people.PATRONS}
    assert told.items() <= numbers.items()
    for here, there in (
        (people.CARD_LOST, demo_people.LOST),
        (people.EXPIRED, demo_people.EXPIRED),
        (people.BLOCKED, demo_people.DEBARRED),
        (people.WITH_FEES, demo_people.WITH_FEES),
        (people.NOBODY, demo_people.UNKNOWN),
    ):
        assert here == there
    assert set(LOANS) <= {item.title for item in ITEMS}

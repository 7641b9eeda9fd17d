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
from kioskd.cli.demo_moves_ils import ASKS_ILS, TITLE
from kioskd.cli.demo_play import play_step, set_stage
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
    assert DAY.count(ASKS_ILS) == 1
    with staged(directory) as stage:
        seen, faults, over = play_step(ASKS_ILS, stage)
        assert (faults, over) == ([], False)
        assert seen.said == ("3 loans, Seitsemän veljestä",)
        assert seen.done == "SIP2: log-in, status, patron, item"
        assert any("sync.demo_ils.main" in line for line in processes_of(directory))


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
            ("USER", "nobody", "log-in: expected '1', got '0'"),
            ("PIN", "0000", "card and PIN: expected ('Y', 'Y'), got ('Y', 'N')"),
            ("WITH_LOANS", people.WELL, "a loan: expected True, got False"),
            ("TITLE", "Kalevala", f"its title: expected 'Kalevala', got '{TITLE}'"),
        ):
            with monkeypatch.context() as patch:
                patch.setattr(demo_moves_ils, name, value)
                assert play_step(ASKS_ILS, stage)[1] == [f"the library system: {told}"]


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
    assert TITLE in {item.title for item in ITEMS}

"""kioskd schedule show and kioskd schedule except, as they are typed."""

import asyncio
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from kioskd.access.schedule import Schedule, StaffException, hours_of
from kioskd.cli.asking import Site
from kioskd.cli.main import main
from kioskd.cli.schedule_picture import draw
from kioskd.config.calendar import schedule_of
from kioskd.config.hours import spans_of
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.control.hours import hours_verbs, noted
from kioskd.control.people import Person, Role
from kioskd.control.verbs import Verbs
from kioskd.vault.device_key import write_device_key
from tests.commands.test_schedule_verb import At, no_holiday

EXAMPLE = Path(__file__).parents[2] / "config" / "example-many-doors.toml"
NOW = datetime(2026, 12, 4, 10, 20, tzinfo=UTC)  # a Friday, 12:20 in Helsinki
STAFF = [
    StaffException(date(2026, 12, 5), spans_of(["10:00-14:00 staffed"]), "Satupäivä", "maija"),
    StaffException(date(2026, 12, 7), (), "Inventointi ja muuttopäivä, ovet kiinni", "maija"),
]
HELSINKI = ZoneInfo("Europe/Helsinki")
ANY_STATE = st.sampled_from(["staffed", "self-service", "closed"])
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "kioskd.toml"
    text = EXAMPLE.read_text(encoding="utf-8").replace("/var/lib/kioskd", str(tmp_path))
    text = re.sub("device_key = .*", f'device_key = "file:{tmp_path}/device.key"', text)
    path.write_text(text, encoding="utf-8")
    write_device_key(tmp_path / "device.key")
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What the command asked for; the answers are those of a daemon on 4 December 2026."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def ask(site: Site, verb: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append((verb, dict(args)))
        assert site.config is not None
        return answer(site.config, **args) if verb == "schedule-show" else {"date": args["date"]}

    monkeypatch.setattr(Site, "ask", ask)
    return asked


@pytest.fixture
def run(
    site: Path, asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["schedule", *arguments, "--config", str(site)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def answer(config: Config, **args: Any) -> Mapping[str, Any]:
    return answer_of(schedule_of(config, extra=hours_of(STAFF)), config, **args)


def answer_of(schedule: Schedule, config: Config, **args: Any) -> Mapping[str, Any]:
    verbs = Verbs(hours_verbs(lambda: schedule, lambda: noted(config, STAFF), At(NOW)))
    viewer = Person("maija", frozenset({Role.VIEWER}))
    return asyncio.run(verbs.ask(viewer, "schedule-show", args))


def drawn(shown: Mapping[str, Any], width: int, encoding: str = "utf-8") -> list[str]:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    draw(shown, Console(file=file, width=width, highlight=False))
    file.flush()
    return raw.getvalue().decode(encoding).splitlines()


def test_two_weeks_are_a_picture_of_eighty_columns(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = run("show")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "Fri  4 Dec 2026 12:20 Europe/Helsinki: staffed until 17:00",
        "           00          06          12          18          24",
        "Fri  4 Dec ············▒▒▒▒▒▒██████┃█████████▒▒▒▒▒▒▒▒▒▒▒▒▒▒",
        "Sat  5 Dec ▒▒▒▒················████████····················  Satupäivä",
        "Sun  6 Dec ····························▒▒▒▒················  Itsenäisyyspäivä",
        "Mon  7 Dec ················································",
        "  Inventointi ja muuttopäivä, ovet kiinni",
        *(
            f"{name} Dec ············▒▒▒▒▒▒████████████████████▒▒▒▒▒▒▒▒··"
            for name in ("Tue  8", "Wed  9", "Thu 10")
        ),
        "Fri 11 Dec ············▒▒▒▒▒▒████████████████▒▒▒▒▒▒▒▒▒▒▒▒▒▒",
        "Sat 12 Dec ▒▒▒▒················████████████▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒",
        "Sun 13 Dec ▒▒▒▒····················▒▒▒▒▒▒▒▒▒▒▒▒············",
        *(
            f"{name} Dec ············▒▒▒▒▒▒████████████████████▒▒▒▒▒▒▒▒··"
            for name in ("Mon 14", "Tue 15", "Wed 16", "Thu 17")
        ),
        "█ staffed  ▒ self-service  · closed  ┃ now",
    ]


def test_forty_columns_are_enough(site: Path) -> None:
    lines = drawn(answer(load(site)), 40)
    assert lines[2:7] == [
        "           00    06    12    18    24",
        "Fri  4 Dec ······▒▒▒███┃████▒▒▒▒▒▒▒",
        "Sat  5 Dec ▒▒········████··········",
        "  Satupäivä",
        "Sun  6 Dec ··············▒▒········",
    ]
    assert lines[-1] == "█ staffed ▒ self-service · closed ┃ now"
    assert max(map(cell_len, lines)) <= 40


def test_a_terminal_without_these_characters_is_drawn_in_ascii(site: Path) -> None:
    lines = drawn(answer(load(site)), 80, "ascii")
    assert "Fri  4 Dec ............======######|#########==============" in lines
    assert "Sun  6 Dec ............................====................  Itsen?isyysp?iv?" in lines
    assert lines[-1] == "# staffed  = self-service  . closed  | now"


def test_the_hour_that_spring_leaves_out_is_blank(site: Path) -> None:
    shown = answer(load(site), **{"from": "2026-03-28", "days": 2})
    assert drawn(shown, 80)[3:] == [
        "Sun 29 Mar ▒▒▒▒··  ················▒▒▒▒▒▒▒▒▒▒▒▒············  23 h, clocks change",
        "█ staffed  ▒ self-service  · closed",
    ]


def test_the_hour_that_autumn_repeats_keeps_its_place(site: Path) -> None:
    shown = answer(load(site), **{"from": "2026-10-25", "days": 1})
    assert drawn(shown, 80)[2] == (
        "Sun 25 Oct ▒▒▒▒····················▒▒▒▒▒▒▒▒▒▒▒▒············  25 h, clocks change"
    )


def test_a_public_holiday_is_named_as_one(site: Path) -> None:
    shown = answer(load(site), **{"from": "2026-12-25", "days": 1})
    assert drawn(shown, 80)[2].endswith("············  public holiday")


def test_colours_are_beside_the_shades_not_instead(site: Path) -> None:
    file = io.StringIO()
    draw(answer(load(site)), Console(file=file, width=80, force_terminal=True, highlight=False))
    rows = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in file.getvalue().splitlines()]
    assert "\x1b[" in file.getvalue()
    assert rows == drawn(answer(load(site)), 80)


def test_what_a_title_says_never_acts_on_the_terminal(site: Path) -> None:
    shown = dict(answer(load(site), days=1))
    shown["days"] = [{**shown["days"][0], "title": "\x1b[2J[red]x"}]
    assert any("?[2J[red]x" in line for line in drawn(shown, 80))


def test_json_is_the_whole_answer(run: Run, site: Path) -> None:
    code, out, _ = run("show", "--json", "--from", "2026-12-24", "--days", "3")
    assert code == 0
    assert json.loads(out) == answer(load(site), **{"from": "2026-12-24", "days": 3})


def test_days_that_cannot_be_shown_are_wrong_usage(run: Run, asked: list[Any]) -> None:
    for arguments in (["--days", "0"], ["--days", "32"], ["--from", "tomorrow"]):
        code, out, err = run("show", *arguments)
        assert (code, out) == (2, "")
        assert err
    assert asked == []


@settings(max_examples=25, deadline=None)
@given(st.lists(ANY_STATE, min_size=7, max_size=7), st.integers(40, 130), st.booleans())
def test_no_picture_is_wider_than_its_terminal(
    states: list[str], width: int, unicode: bool
) -> None:
    weekly = [spans_of([f"22:30-01:15 {state}"]) for state in states]
    schedule = Schedule(weekly, hours_of(STAFF), (), no_holiday, HELSINKI)
    shown = answer_of(schedule, load(EXAMPLE), days=5)
    lines = drawn(shown, width, "utf-8" if unicode else "ascii")
    assert max(map(cell_len, lines)) <= width


# What is typed, and what the daemon is asked for.
HOURS = [
    (["closed"], []),
    (["10:00-14:00 staffed"], ["10:00-14:00 staffed"]),
    (["10:00-14:00 staffed", "9:00-10:00 self-service"],
     ["10:00-14:00 staffed", "09:00-10:00 self-service"]),
    (["10:00-14:00", "staffed", "14:00", "-", "24:00", "self-service"],
     ["10:00-14:00 staffed", "14:00-24:00 self-service"]),
    (["10:00-14:00 staffed, 18:00-02:00 self-service"],
     ["10:00-14:00 staffed", "18:00-02:00 self-service"]),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "hours"), HOURS)
def test_a_date_gets_other_hours(
    run: Run, asked: list[Any], typed: list[str], hours: list[str]
) -> None:
    on = str(tomorrow())
    code, out, err = run("except", on, *typed, "--title", "Talkoot", "--reason", "ask Maija")
    assert (code, err) == (0, "")
    assert out == f"{on}: {', '.join(hours) or 'closed'} (Talkoot)\n"
    given = {"date": on, "hours": hours, "title": "Talkoot", "reason": "ask Maija"}
    assert asked == [("schedule-except", {**given, "remove": False})]


def test_a_date_gets_its_own_hours_back(run: Run, asked: list[Any]) -> None:
    code, out, _ = run("except", str(tomorrow()), "--remove", "--json")
    assert (code, json.loads(out)) == (0, {"date": str(tomorrow())})
    ((verb, args),) = asked
    assert (verb, args["remove"], args["hours"]) == ("schedule-except", True, [])


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["2020-01-31", "closed", "--reason", "x"], "2020-01-31 is past"),
        (["31.12.2026", "closed", "--reason", "x"], "write it as 2026-11-23"),
        (["TOMORROW", "--reason", "x"], "or: closed"),
        (["TOMORROW", "closed"], "--reason: say why"),
        (["TOMORROW", "closed", "--reason", " "], "--reason: say why"),
        (["TOMORROW", "closed", "--reason", "\x1b[2J"], "--reason: leave out control"),
        (["TOMORROW", "closed", "--title", "\x1b[2J", "--reason", "x"], "--title: leave out"),
        (["TOMORROW", "10-14", "--reason", "x"], '"10-14" is not a span'),
        (["TOMORROW", "10:00-14:00 open", "--reason", "x"], '"open" is not a state'),
        (["TOMORROW", "10:00-14:00 staffed", "13:00-15:00 staffed", "--reason", "x"], "overlaps"),
        (["TOMORROW", "closed", "10:00-14:00 staffed", "--reason", "x"], '"closed" is not a span'),
        (["TOMORROW", "closed", "--remove"], "give it no HOURS"),
        (["TOMORROW", "--title", "x", "--remove"], "no --title"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anybody_is_asked(
    run: Run, asked: list[Any], typed: list[str], says: str
) -> None:
    code, out, err = run("except", *(t.replace("TOMORROW", str(tomorrow())) for t in typed))
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert asked == []


def test_today_may_still_be_changed(run: Run, asked: list[Any]) -> None:
    today = datetime.now(HELSINKI).date()
    assert run("except", str(today), "closed", "--reason", "storm")[0] == 0
    assert len(asked) == 1


def test_without_a_daemon_the_command_keeps_it_in_the_files(site: Path) -> None:
    on = str(tomorrow())
    given = typed(site, "except", on, "10:00-14:00 staffed", "--title", "Talkoot", "--reason", "x")
    assert (given.returncode, given.stderr) == (0, "")
    assert told_of(site, on) == ("staff", "Talkoot")
    assert typed(site, "except", on, "--remove").returncode == 0
    assert told_of(site, on)[0] != "staff"


def told_of(site: Path, on: str) -> tuple[str, str]:
    shown = typed(site, "show", "--json", "--from", on, "--days", "1")
    (day,) = json.loads(shown.stdout)["days"]
    return day["source"], day["title"]


def typed(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("kioskd"))
    line = [program, "schedule", *arguments, "--config", str(site)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def tomorrow() -> date:
    return datetime.now(HELSINKI).date() + timedelta(days=1)

"""What the doctor says of a hub and the line to it."""

from dataclasses import replace
from typing import Any

import pytest

from kioskd.domain.line import LineView
from kioskd.health.checks import judge
from kioskd.health.examined import Examination, HubLook
from kioskd.health.findings import Word
from kioskd.health.line_checks import hub_checks

URL = "https://hub.example.invalid"
UP = LineView("hub.example.invalid", up=True, hints=True, certificate_days=90)


def seen(hub: HubLook) -> Examination:
    return Examination("/etc/kioskd/kioskd.toml", "0.1.0", hub=hub)


def hub(**fields: Any) -> HubLook:
    return replace(HubLook(URL, "10.0.0.9", line=UP), **fields)


def line(**fields: Any) -> HubLook:
    return hub(line=replace(UP, **fields))


@pytest.mark.parametrize(
    ("look", "check", "word", "said"),
    [
        (hub(own="", why="no address"), "network", Word.BAD, "no address"),
        (hub(line=None), "hub", Word.LOOK, "not asked"),
        (hub(token="/t: no token"), "hub token", Word.BAD, "no token"),
        (hub(proxy="http://p:1"), "network", Word.OK, "through http://p:1"),
        (line(up=False, why="DNS: no such name"), "hub", Word.LOOK, "no such name"),
        (line(refused=True, why="401"), "hub", Word.BAD, "does not know"),
        (line(hints=False), "hub", Word.OK, "now and then"),
        (line(held=True), "credentials", Word.BAD, "nobody is let in"),
        (line(config_why="not signed"), "published", Word.BAD, "not signed"),
        (line(dead=3), "events", Word.LOOK, "refused 3"),
        (line(certificate_days=13), "hub certificate", Word.LOOK, "13 days"),
        (line(certificate_days=-1), "hub certificate", Word.LOOK, "-1 days"),
        (line(skew_seconds=-61.0), "clock", Word.LOOK, "-61 s"),
    ],
)
def test_what_is_said_of_a_hub(look: HubLook, check: str, word: Word, said: str) -> None:
    found = [f for f in judge(seen(look)) if f.check == check and f.word is word]
    assert any(said in f.what for f in found), judge(seen(look))
    assert all(f.todo for f in found if word is not Word.OK)


@pytest.mark.parametrize("look", [hub(), line(waiting=3), line(skew_seconds=59.0)])
def test_a_line_that_is_well_is_nothing_but_ok(look: HubLook) -> None:
    told = [f for f in judge(seen(look)) if f.check in ("network", "hub", "hub certificate")]
    assert {f.word for f in told} == {Word.OK}
    assert any(URL in f.what and "10.0.0.9" in f.what for f in told)


def test_a_library_system_beside_the_hub_is_named_as_well() -> None:
    (network, *_) = hub_checks(hub(), "sip.example.invalid:6001")
    assert network.what.endswith("to sip.example.invalid:6001")
    assert "alone" not in network.what
    assert "alone" in next(iter(hub_checks(hub()))).what

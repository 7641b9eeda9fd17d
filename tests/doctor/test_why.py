"""The last attempt in plain words, over a real journal: what happened, and that the look shows."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.fakes import FakeClock
from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.control.acts import Acts
from kioskd.control.cards import SiteCards
from kioskd.control.explain_verb import explain_verbs
from kioskd.control.meanings import MEANINGS
from kioskd.control.people import Person, Role
from kioskd.control.verbs import Refusal, Verbs
from kioskd.control.why import why_verbs
from kioskd.daemon.attempts import JournalAttempts
from kioskd.domain.card import CodePatterns
from kioskd.domain.decision import Reason
from kioskd.domain.record import Kind, Record
from kioskd.entry.fakes import FakeCardIndex, FakeClockTrust, FakeJournal
from tests.doctor.test_plugged import SITE
from tests.store.rig import NOW, ZONE, Rig, card, entry

PATRON = (re.compile(r"\d{3}[A-Z]\d{6}"),)
MAIJA = Person("maija", frozenset({Role.OPERATOR}))
VIEWER = Person("esa", frozenset({Role.VIEWER}))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "c.toml"
    path.write_text(SITE.replace("PORT", "/dev/relay"), encoding="utf-8")
    return load(path)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    directory = tmp_path / "storage"
    directory.mkdir()
    rig = Rig(directory)
    yield rig
    rig.close()


class Desk:
    """Somebody of staff who asks."""

    def __init__(self, config: Config, rig: Rig) -> None:
        self.journal = FakeJournal()
        clock = FakeClock()
        self.acts = Acts(self.journal, clock, FakeClockTrust())
        self.verbs = Verbs(why_verbs(config, JournalAttempts(rig.directory), self.acts))

    def why(self, door: str = "front", person: Person = MAIJA, **args: Any) -> Mapping[str, Any]:
        return asyncio.run(self.verbs.ask(person, "why", {"door": door, **args}))


@pytest.fixture
def desk(config: Config, rig: Rig) -> Desk:
    rig.open()
    return Desk(config, rig)


def later(number: int, kind: Kind, **detail: object) -> Record:
    at = NOW + timedelta(seconds=number)
    return Record(f"id-later-{number}", at, kind, "front", detail=detail)


def test_nobody_was_there_yet(desk: Desk) -> None:
    told = desk.why()
    assert (told["at"], told["granted"], told["reason"]) == (None, None, None)
    assert told["why"] == [
        "Nobody has tried this door since the journal began, or its rows are deleted."
    ]


def test_somebody_came_in(desk: Desk, rig: Rig) -> None:
    rig.append(
        entry(1, reason=Reason.UNKNOWN_CARD),
        entry(2),
        later(1, Kind.STRIKE_RELEASED, entry="id-2", seconds=5.0),
        later(2, Kind.DOOR_OPENED),
        later(3, Kind.STRIKE_SECURED, why="pulse"),
        later(4, Kind.DOOR_CLOSED),
    )
    told = desk.why()
    assert (told["at"], told["granted"]) == ("2026-11-23T18:00:00+02:00", True)
    assert told["strike"] == "released"
    assert told["happened"][:3] == [
        "The strike was released for 5 s.",
        "The door was opened.",
        "The door was closed.",
    ]


def test_a_relay_that_did_not_answer_showed_a_fault(desk: Desk, rig: Rig) -> None:
    rig.append(entry(2), later(1, Kind.DOOR_NOT_OPENED, entry="id-2", why="strike"))
    told = desk.why()
    assert told["strike"] == "not-released"
    assert [(s["notice"], s["code"]) for s in told["seen"]] == [("fault", "41")]
    assert "relay" in told["happened"][0]


def test_a_grant_that_a_lock_overtook_was_told_as_denied(desk: Desk, rig: Rig) -> None:
    rig.append(entry(2), later(1, Kind.DOOR_NOT_OPENED, entry="id-2", why="locked"))
    told = desk.why()
    assert (told["granted"], told["strike"]) == (True, "not-released")
    assert [s["notice"] for s in told["seen"]] == ["denied"]
    assert "Staff locked the door" in told["happened"][0]


def test_an_opening_of_staff_that_came_to_nothing_says_nothing_of_who_came_in(
    desk: Desk, rig: Rig
) -> None:
    rig.append(entry(2), later(1, Kind.DOOR_NOT_OPENED, entry="id-other", why="locked"))
    assert [s["notice"] for s in desk.why()["seen"]] == ["granted"]


def test_what_followed_belongs_to_this_attempt_alone(desk: Desk, rig: Rig) -> None:
    rig.append(
        entry(2),
        later(1, Kind.STRIKE_RELEASED, entry="id-2", seconds=5.0),
        entry(3, reason=Reason.WRONG_PIN),
        later(4, Kind.STRIKE_RELEASED, why="schedule", entry="id-other"),
    )
    told = desk.why()
    assert (told["reason"], told["strike"]) == ("WRONG_PIN", "not-released")
    assert told["happened"] == ["The strike stayed secured."]


def test_a_deny_listed_card_may_have_seen_either_notice(desk: Desk, rig: Rig) -> None:
    rig.append(entry(2, reason=Reason.DENY_LISTED))
    assert [s["notice"] for s in desk.why()["seen"]] == ["denied", "wrong-card-or-pin"]


def test_the_notice_is_told_in_the_language_asked_for(desk: Desk, rig: Rig) -> None:
    rig.append(entry(2, reason=Reason.CARD_LOST))
    texts = {language: desk.why(language=language)["seen"][0]["text"] for language in ("fi", "sv")}
    assert texts["fi"] != texts["sv"]
    with pytest.raises(Refusal, match="language 'xx'"):
        desk.why(language="xx")


def test_the_look_is_journalled_before_it_is_answered(desk: Desk, rig: Rig) -> None:
    rig.append(entry(2))
    desk.why()
    [row] = desk.journal.rows
    assert (row.kind, row.by, row.door) == (Kind.STAFF_ACTION, "maija", "front")
    assert row.detail == {"action": "why", "entry": "id-2"}


def test_without_a_row_of_the_look_nothing_is_told(desk: Desk, rig: Rig) -> None:
    rig.append(entry(2))
    desk.journal.broken = True
    with pytest.raises(Refusal) as refused:
        desk.why()
    assert refused.value.code == "failed"


def test_who_may_not_look_is_told_nothing(desk: Desk, rig: Rig) -> None:
    rig.append(entry(2))
    with pytest.raises(Refusal, match="may not ask"):
        desk.why(person=VIEWER)
    assert desk.journal.rows == []


def test_an_unknown_door_names_those_that_are(desk: Desk) -> None:
    with pytest.raises(Refusal, match="doors: front"):
        desk.why("back")


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words_and_nothing_of_the_person(
    reason: Reason, desk: Desk, rig: Rig
) -> None:
    rig.append(entry(7, reason=reason))
    told = desk.why()
    assert told["why"][0] == MEANINGS[reason].why
    assert all(sentence.endswith(".") for sentence in told["why"])
    assert told["seen"]
    assert all(seen["text"] or seen["title"] for seen in told["seen"])
    assert card(7).hex() not in f"{told}"


def test_a_reason_of_a_later_version_is_said_to_be_one(desk: Desk, rig: Rig) -> None:
    rig.append(entry(2))
    rig.sql("UPDATE event SET reason = 'LATER'")
    told = desk.why()
    assert told["why"] == ["The reason LATER is none that this version knows."]


# explain


async def test_a_look_at_a_card_is_journalled_with_its_index_and_never_its_number() -> None:
    journal, index = FakeJournal(), FakeCardIndex()
    acts = Acts(journal, FakeClock(), FakeClockTrust())
    patterns = CodePatterns(PATRON)
    asked: list[tuple[str, str, Any]] = []

    async def explain(door: str, number: str, at: Any) -> dict[str, Any]:
        asked.append((door, number, at))
        return {"door": door}

    cards = SiteCards(index, patterns)
    verbs = Verbs(explain_verbs(explain, cards, acts, ZONE))
    told = await verbs.ask(
        MAIJA, "explain", {"door": "front", "card": "*167a006007*", "at": "2026-11-23T18:00"}
    )
    assert told == {"door": "front"}
    assert asked[0][1] == "167A006007"
    assert asked[0][2] == NOW
    [row] = journal.rows
    assert row.card == index.keys_of("167A006007").state[0]
    assert "167" not in f"{row.detail}"


@pytest.mark.parametrize(
    "args",
    [
        {"door": "front"},
        {"door": "front", "card": "1234"},
        {"door": "front", "card": "167A006007", "at": "soon"},
        {"door": "front", "card": "167A006007", "at": "0001-01-01T00:00"},
        {"door": "front", "card": "167A006007", "pin": "1234"},
    ],
)
async def test_what_cannot_be_explained_is_refused_and_shows_no_card(args: dict[str, Any]) -> None:
    journal = FakeJournal()
    acts = Acts(journal, FakeClock(), FakeClockTrust())

    async def explain(door: str, number: str, at: Any) -> dict[str, Any]:
        raise AssertionError("nobody is to be asked")

    cards = SiteCards(FakeCardIndex(), CodePatterns(PATRON))
    verbs = Verbs(explain_verbs(explain, cards, acts, ZONE))
    with pytest.raises(Refusal) as refused:
        await verbs.ask(MAIJA, "explain", args)
    assert refused.value.code == "bad-argument"
    assert "167A006007" not in refused.value.message
    assert journal.rows == []

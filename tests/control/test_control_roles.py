"""Who may ask for what: every verb as every role, over the socket."""

from pathlib import Path

import pytest

from kioskd.control.people import TOPICS, VERBS, Role
from tests.control.wired import Wired

# Written out by hand from the wishes of the people: s screen, t technician, v viewer, o operator.
# Administrators may do everything. A verb that is new in the daemon has to be entered here too.
MAY = {
    "site": "stvo",
    "subscribe": "stvo",
    "status": "tvo",
    "schedule-show": "tvo",
    "devices": "tvo",
    "health": "tvo",
    "open": "to",
    "lock": "to",
    "lockdown": "o",
    "schedule-except": "o",
    "clock-accept": "o",
    "lockout-list": "o",
    "lockout-clear": "o",
    "sync-now": "to",
    "list-add": "o",
    "list-remove": "o",
    "list-show": "o",
    "enrol": "o",
    "why": "o",
    "explain": "o",
    "reload": "",
}
MAY_HEAR = {"panel:front": "so", "events": "tvo", "rows": "o", "probe:reader": "t"}
LETTERS = {
    "s": Role.SCREEN,
    "t": Role.TECHNICIAN,
    "v": Role.VIEWER,
    "o": Role.OPERATOR,
    "a": Role.ADMINISTRATOR,
}
EVERYBODY = [*LETTERS, ""]  # "": somebody without any role


@pytest.mark.parametrize("who", EVERYBODY)
async def test_every_verb_as_every_role(place: Path, who: str) -> None:
    assert MAY.keys() == VERBS.keys(), "say here who may ask for the new verb"
    async with Wired(place) as wired:
        caller = await wired.call(*(LETTERS[letter] for letter in who))
        for verb, letters in MAY.items():
            args: dict[str, object] = {"topics": []} if verb == "subscribe" else {"door": "front"}
            answer = await caller.ask(verb, **args)
            if who == "a" or (who and who in letters):
                assert "ok" in answer, verb
            else:
                assert answer["error"]["code"] == "not-allowed", verb
        asked = {verb for _, verb, _ in wired.remembered.asked}
        may = {verb for verb, letters in MAY.items() if who == "a" or (who and who in letters)}
        assert asked == may - {"subscribe"}, "what is refused is not done"


@pytest.mark.parametrize("who", EVERYBODY)
async def test_every_topic_as_every_role(place: Path, who: str) -> None:
    assert {topic.partition(":")[0] for topic in MAY_HEAR} == TOPICS.keys()
    async with Wired(place) as wired:
        caller = await wired.call(*(LETTERS[letter] for letter in who))
        for topic, letters in MAY_HEAR.items():
            answer = await caller.ask("subscribe", topics=[topic])
            if who == "a" or (who and who in letters):
                assert answer["ok"] == {"topics": [topic]}
            else:
                assert answer["error"]["code"] == "not-allowed", topic
                assert wired.broadcast.listeners(topic) == 0


async def test_two_roles_add_up(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(Role.SCREEN, Role.TECHNICIAN)
        assert "ok" in await caller.ask("open", door="front")
        assert (await caller.ask("enrol"))["error"]["code"] == "not-allowed"


async def test_a_verb_learns_who_asks_and_what_for(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(Role.OPERATOR, name="maija as root")
        assert (await caller.ask("open", door="front"))["ok"] == {"did": "open"}
        assert wired.remembered.asked == [("maija as root", "open", {"door": "front"})]


async def test_a_verb_that_nobody_knows_is_nobodys(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(Role.ADMINISTRATOR)
        for verb in ("reboot", "", "open ", "OPEN", "__init__", "x" * 60_000):
            assert (await caller.ask(verb))["error"]["code"] == "unknown-verb"


async def test_a_refusal_says_for_whom_the_verb_is(place: Path) -> None:
    async with Wired(place) as wired:
        viewer = await wired.call(Role.VIEWER)
        told = (await viewer.ask("open", door="front"))["error"]["message"]
        assert told == (
            "maija (viewer) may not ask for open; it is for: administrator, operator, technician"
        )

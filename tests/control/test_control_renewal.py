"""A role that is taken away is gone at once, from connections that are open too."""

from pathlib import Path

import pytest

from kioskd.control.peers import Peers
from kioskd.control.people import Person, Role
from kioskd.control.room import Limits
from tests.control.wired import Wired

STAFF, GAMES = 7003, 7009
MAIJA = 1000
SELDOM = Limits(tend=3600.0)  # so that only the event or the line can have told


class Site:
    """The roles of a configuration, and who is who by them."""

    def __init__(self) -> None:
        self.roles = {"operator": "staff"}
        self.peers = Peers(
            lambda: self.roles,
            990,
            gid_of={"staff": STAFF, "games": GAMES}.get,
            name_of={MAIJA: "maija", 0: "root"}.get,
        )

    def maija(self) -> Person:
        return self.peers.person(MAIJA, {100, STAFF})

    def wired(self, place: Path, limits: Limits | None = None) -> Wired:
        return Wired(place, renewed=self.peers.renewed, limits=limits)


@pytest.fixture
def site() -> Site:
    return Site()


async def test_a_role_that_a_reload_takes_away_is_gone_at_the_next_line(
    place: Path, site: Site
) -> None:
    async with site.wired(place, SELDOM) as wired:
        caller = await wired.call_as(site.maija())
        assert "ok" in await caller.ask("open", door="front")
        site.roles["operator"] = "games"
        error = (await caller.ask("open", door="front"))["error"]
        assert error["code"] == "not-allowed"
        assert "games (operator)" in error["message"]
        assert len(wired.remembered.asked) == 1


async def test_a_role_that_comes_back_is_there_again(place: Path, site: Site) -> None:
    async with site.wired(place, SELDOM) as wired:
        caller = await wired.call_as(site.maija())
        site.roles.clear()
        assert "error" in await caller.ask("status")
        site.roles["viewer"] = "staff"
        assert "ok" in await caller.ask("status")
        assert "error" in await caller.ask("open", door="front")


async def test_a_listener_without_its_role_hears_no_event_more(place: Path, site: Site) -> None:
    async with site.wired(place, SELDOM) as wired:
        caller = await wired.call_as(site.maija())
        await caller.ask("subscribe", topics=["rows"])
        wired.broadcast.publish("rows", {"kind": "heard"})
        assert (await caller.line())["kind"] == "heard"
        site.roles = {"viewer": "staff"}
        wired.broadcast.publish("rows", {"kind": "secret"})
        assert await caller.hung_up()
        assert await listens_no_more(wired)


async def test_a_listener_without_its_role_is_found_while_nothing_happens(
    place: Path, site: Site
) -> None:
    async with site.wired(place) as wired:
        caller = await wired.call_as(site.maija())
        await caller.ask("subscribe", topics=["rows"])
        site.roles = {"viewer": "staff"}
        assert await caller.hung_up()
        assert await listens_no_more(wired)


async def test_who_keeps_a_role_that_may_hear_it_listens_on(place: Path, site: Site) -> None:
    async with site.wired(place, SELDOM) as wired:
        caller = await wired.call_as(site.maija())
        await caller.ask("subscribe", topics=["events"])
        site.roles = {"viewer": "staff"}
        wired.broadcast.publish("events", {"kind": "door.opened"})
        assert (await caller.line())["kind"] == "door.opened"


async def listens_no_more(wired: Wired) -> bool:
    other = await wired.call(Role.VIEWER)
    while wired.broadcast.listeners("rows"):
        assert "ok" in await other.ask("status")
    return True


def test_to_renew_somebody_looks_nothing_up(site: Site) -> None:
    """It is done in the loop, and a directory server may take seconds."""
    maija, asked = site.maija(), []

    def look_up(group: str) -> int | None:
        asked.append(group)
        return GAMES

    slow = Peers(lambda: {"operator": "games"}, 990, gid_of=look_up)
    person = Person("maija", frozenset(), account=MAIJA, gids=frozenset({GAMES}))
    assert slow.renewed(maija).roles == slow.renewed(person).roles == frozenset()
    assert asked == []
    slow.gids()
    assert slow.renewed(maija).roles == frozenset()
    assert slow.renewed(person).roles == {Role.OPERATOR}


@pytest.mark.parametrize("uid", [0, 990])
def test_root_and_the_daemons_own_account_stay_what_they_are(site: Site, uid: int) -> None:
    person = site.peers.person(uid, {STAFF}, 1000)
    site.roles.clear()
    assert site.peers.renewed(person) == person
    assert person.account is None, "no limit binds them"


def test_an_unmapped_account_gets_no_role_by_being_renewed(site: Site) -> None:
    site.maija()  # its groups are known from now on
    nobody = site.peers.person(65534, {STAFF})
    assert nobody.account == 65534
    assert site.peers.renewed(nobody).roles == frozenset()

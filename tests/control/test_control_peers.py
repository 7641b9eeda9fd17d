"""Who somebody is, from what the kernel says about a connection."""

import os
import socket
from collections.abc import Collection

import pytest

from kioskd.control.peers import NAMES_SECONDS, Peers, credentials, gid_of, login_of, name_of
from kioskd.control.people import Role

ROLES = {
    "screen": "kioskd-screen",
    "technician": "kioskd-tech",
    "viewer": "kioskd-view",
    "operator": "kioskd-staff",
    "administrator": "kioskd-admin",
}
GIDS = {name: 7000 + number for number, name in enumerate(ROLES.values())}
NAMES = {0: "root", 990: "kioskd", 1000: "maija", 65534: "nobody"}
OWN = 990


def peers(roles: dict[str, str] | None = None) -> Peers:
    found = ROLES if roles is None else roles
    return Peers(lambda: found, OWN, gid_of=GIDS.get, name_of=NAMES.get, monotonic=lambda: 0.0)


@pytest.mark.parametrize("role", ROLES)
def test_a_group_gives_its_role_and_no_other(role: str) -> None:
    person = peers().person(1000, {100, GIDS[ROLES[role]]})
    assert person.name == "maija"
    assert person.roles == {Role(role)}


def test_several_groups_give_several_roles() -> None:
    person = peers().person(1000, {7000, 7003})
    assert person.roles == {Role.SCREEN, Role.OPERATOR}


def test_one_group_may_stand_for_two_roles() -> None:
    roles = {"viewer": "kioskd-staff", "operator": "kioskd-staff"}
    assert peers(roles).person(1000, {7003}).roles == {Role.VIEWER, Role.OPERATOR}


@pytest.mark.parametrize("gids", [(), (0,), (OWN,), (100, 65534)])
def test_who_is_in_no_group_is_told_which_there_are(gids: Collection[int]) -> None:
    person = peers().person(1000, gids)
    assert person.roles == frozenset()
    assert "kioskd-staff (operator)" in person.refused("open", frozenset())


def test_a_group_that_does_not_exist_gives_nothing() -> None:
    strange = peers({"operator": "no-such-group"})
    assert strange.person(1000, {7003}).roles == frozenset()
    assert strange.gids() == frozenset()


@pytest.mark.parametrize("uid", [0, OWN])
def test_root_and_the_daemons_own_account_are_administrators(uid: int) -> None:
    assert peers({}).person(uid, ()).roles == {Role.ADMINISTRATOR}


@pytest.mark.parametrize(
    ("uid", "login", "name"),
    [
        (0, None, "root"),
        (0, 0, "root"),
        (0, 1000, "maija as root"),
        (0, 4711, "uid 4711 as root"),
        (OWN, 1000, "maija as kioskd"),
        (OWN, OWN, "kioskd"),
        (1000, 4711, "maija"),
        (4711, None, "uid 4711"),
    ],
)
def test_people_have_names(uid: int, login: int | None, name: str) -> None:
    assert peers().person(uid, (), login).name == name


def test_an_unmapped_account_never_has_a_role(caplog: pytest.LogCaptureFixture) -> None:
    """With PrivateUsers=yes every client is 65534, whoever it was."""
    everybody = Peers(lambda: ROLES, 65534, gid_of=GIDS.get, name_of=NAMES.get)
    for _ in range(3):
        person = everybody.person(65534, set(GIDS.values()))
        assert person.roles == frozenset()
        assert "PrivateUsers=no" in person.refused("status", frozenset())
    assert [record.message for record in caplog.records] == ["control.unmapped_user"]


def test_the_unmapped_group_never_gives_a_role() -> None:
    strange = Peers(lambda: {"operator": "nogroup"}, OWN, gid_of={"nogroup": 65534}.get)
    assert strange.gids() == frozenset()
    left, right = socket.socketpair()
    with left, right:
        assert 65534 not in credentials(left)[2]


def test_names_are_looked_up_once_in_a_while() -> None:
    """200 clients ask a directory server once; a new member waits half a minute at most."""
    asked: list[str] = []
    now, gids = 0.0, {"kioskd-staff": 7003}

    def look_up(group: str) -> int | None:
        asked.append(group)
        return gids.get(group)

    found = Peers(lambda: {"operator": "kioskd-staff"}, OWN, gid_of=look_up, monotonic=lambda: now)
    for _ in range(200):
        assert found.person(1000, {7003}).roles == {Role.OPERATOR}
    assert asked == ["kioskd-staff"]
    gids["kioskd-staff"] = 8000
    now = NAMES_SECONDS
    assert found.person(1000, {7003}).roles == frozenset()
    assert found.person(1000, {8000}).roles == {Role.OPERATOR}


def test_roles_are_those_of_the_configuration_of_now() -> None:
    roles: dict[str, str] = {}
    found = Peers(lambda: roles, OWN, gid_of=GIDS.get, name_of=NAMES.get)
    assert found.person(1000, {7003}).roles == frozenset()
    roles["operator"] = "kioskd-staff"
    assert found.person(1000, {7003}).roles == {Role.OPERATOR}
    assert found.gids() == {7003}


def test_a_socket_that_is_closed_is_nobodys() -> None:
    left, right = socket.socketpair()
    left.close()
    right.close()
    assert peers().person_of(left).roles == frozenset()


def test_the_kernel_knows_this_process() -> None:
    left, right = socket.socketpair()
    with left, right:
        process, uid, gids = credentials(left)
    assert (process, uid) == (os.getpid(), os.getuid())
    assert os.getgid() in gids


def test_what_does_not_exist_has_no_name() -> None:
    assert name_of(4_294_967_290) is None
    assert gid_of("no such group") is None
    assert gid_of("a\0b") is None
    assert login_of(2**30) is None

"""Real accounts at a real socket: each client is a process of its own under another account."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kioskd.control.broadcast import Broadcaster
from kioskd.control.peers import Peers
from kioskd.control.people import VERBS, Role
from kioskd.control.server import ControlServer
from kioskd.control.verbs import Verbs
from tests.control.wired import Remembered, until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other accounts")

# Numbers that no account of this machine has; names are not needed to be in a group.
GIDS = {f"test-{role}": 61_000 + number for number, role in enumerate(Role)}
SOMEBODY = 61_100
ASK = """
import json, socket, sys
with socket.socket(socket.AF_UNIX) as plain:
    try:
        plain.connect(sys.argv[1])
    except OSError as error:
        sys.exit(print(json.dumps({"connect": type(error).__name__})))
    lines = plain.makefile("rb")
    told = {"hello": json.loads(lines.readline())["hello"]}
    for number, verb in enumerate(sys.argv[2:]):
        plain.sendall(json.dumps({"id": number, "verb": verb}).encode() + b"\\n")
        answer = json.loads(lines.readline())
        told[verb] = answer.get("error", {}).get("code", "ok")
        told["message"] = answer.get("error", {}).get("message", "")
    print(json.dumps(told))
"""


@dataclass
class Door:
    path: Path
    remembered: Remembered

    async def ask_as(self, *options: str, verbs: Sequence[str] = tuple(VERBS)) -> dict[str, Any]:
        """Every verb from a process that `setpriv` turned into somebody: code by verb."""
        command = ["setpriv", *options, sys.executable, "-I", "-S", "-c", ASK, str(self.path)]
        process = await asyncio.create_subprocess_exec(
            *command, *verbs, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        read = json.loads(output)
        assert isinstance(read, dict)
        return read


@asynccontextmanager
async def door(place: Path, roles: Mapping[str, str]) -> AsyncIterator[Door]:
    """A socket that knows people by the kernel alone."""
    place.parent.chmod(0o755)
    peers = Peers(lambda: roles, os.getuid(), gid_of=GIDS.get)
    remembered = Remembered()
    verbs = Verbs({verb: remembered.run(verb) for verb in VERBS if verb != "subscribe"})
    server = ControlServer(place, verbs, Broadcaster(), peers.person_of, "1", gids=peers.gids)
    serving = asyncio.create_task(server.serve())
    await until(place.exists)
    try:
        yield Door(place, remembered)
    finally:
        serving.cancel()
        await asyncio.wait([serving])


ROLES = {role.value: f"test-{role}" for role in Role}


def somebody(*gids: int) -> tuple[str, ...]:
    groups = f"--groups={','.join(map(str, gids))}" if gids else "--clear-groups"
    return (f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", groups)


async def test_root_may_do_everything(place: Path) -> None:
    async with door(place, ROLES) as at:
        told = await at.ask_as()
        refused = {verb for verb in VERBS if told[verb] not in ("ok", "bad-argument")}
        assert refused == set()
        assert {name.rpartition(" as ")[2] for name, _, _ in at.remembered.asked} == {"root"}


@pytest.mark.parametrize("role", Role)
async def test_who_is_in_one_group_has_its_role(place: Path, role: Role) -> None:
    """That group alone, not the daemon's: the socket itself lets it in."""
    async with door(place, ROLES) as at:
        told = await at.ask_as(*somebody(GIDS[f"test-{role}"]))
        for verb, roles in VERBS.items():
            may = role in roles or role is Role.ADMINISTRATOR
            assert (told[verb] == "not-allowed") is not may, verb
        assert {name for name, _, _ in at.remembered.asked} <= {f"uid {SOMEBODY}"}


async def test_the_primary_group_counts_too(place: Path) -> None:
    async with door(place, ROLES) as at:
        options = (f"--reuid={SOMEBODY}", f"--regid={GIDS['test-viewer']}", "--clear-groups")
        told = await at.ask_as(*options, verbs=["status", "open"])
        assert (told["status"], told["open"]) == ("ok", "not-allowed")


async def test_who_is_in_no_group_does_not_come_in(place: Path) -> None:
    async with door(place, ROLES) as at:
        assert await at.ask_as(*somebody()) == {"connect": "PermissionError"}
        assert await at.ask_as(*somebody(61_500)) == {"connect": "PermissionError"}


async def test_who_is_in_the_daemons_group_alone_is_told_what_gives_a_role(place: Path) -> None:
    async with door(place, ROLES) as at:
        told = await at.ask_as(*somebody(os.getgid()))
        assert {told[verb] for verb in VERBS} == {"not-allowed"}
        assert "test-operator (operator)" in told["message"]
        assert at.remembered.asked == []


async def test_the_account_of_nobody_has_no_role_whatever_its_groups(place: Path) -> None:
    async with door(place, ROLES) as at:
        alone = ("--reuid=65534", "--regid=65534", "--clear-groups")
        assert await at.ask_as(*alone) == {"connect": "PermissionError"}
        every = ",".join(map(str, [os.getgid(), *GIDS.values()]))
        told = await at.ask_as("--reuid=65534", "--regid=65534", f"--groups={every}")
        assert {told[verb] for verb in VERBS} == {"not-allowed"}
        assert at.remembered.asked == []


@pytest.mark.parametrize("groups", [256, 257, 4000])
async def test_somebody_may_be_in_hundreds_of_groups(place: Path, groups: int) -> None:
    async with door(place, ROLES) as at:
        many = [GIDS["test-viewer"], *range(70_000, 70_000 + groups - 1)]
        told = await at.ask_as(*somebody(*many), verbs=["status"])
        assert told["status"] == "ok"

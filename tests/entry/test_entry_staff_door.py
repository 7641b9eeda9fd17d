"""What staff do to a door from afar: open it once, lock it, look at it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kioskd import wire
from kioskd.cli.main import main
from kioskd.clock.system import SystemClock
from kioskd.control.acts import Acts
from kioskd.control.broadcast import Broadcaster
from kioskd.control.door_verbs import door_verbs
from kioskd.control.people import Person, Role
from kioskd.control.server import ControlServer
from kioskd.control.verbs import Answer, Refusal, Verbs
from kioskd.domain.notice import Notice
from kioskd.domain.record import Kind

if TYPE_CHECKING:
    from tests.entry.conftest import World

MAIJA = Person("maija", frozenset({Role.OPERATOR}))


def verbs_of(world: "World") -> Verbs:
    acts = Acts(world.journal, world.time, world.trust)
    return Verbs(door_verbs({"front": world.staff}, acts))


async def ask(world: "World", verb: str, **args: object) -> Answer:
    return await verbs_of(world).ask(MAIJA, verb, args)


async def test_staff_open_a_door_once(world: "World") -> None:
    at = world.clock.monotonic()
    told = await ask(world, "open", door="front", reason="a delivery")
    await world.wait(60)
    (act,) = world.journal.of(Kind.STAFF_ACTION)
    assert told == {"door": "front", "seconds": 5.0, "id": act.id}
    assert (act.by, act.door) == ("maija", "front")
    assert act.detail == {"action": "open", "reason": "a delivery"}
    assert world.strike.log == [(at, "on"), (at + 5, "off")]
    (released,) = world.journal.of(Kind.STRIKE_RELEASED)
    assert released.detail == {"entry": act.id, "seconds": 5.0}
    assert world.journal.rows.index(act) < world.journal.rows.index(released)


async def test_staff_open_in_a_lockdown_too(world: "World") -> None:
    world.state.locked_down = True
    await ask(world, "open", door="front", reason="the police")
    assert world.strike.commands == ["on"]


async def test_no_record_no_opening(world: "World") -> None:
    world.journal.broken = True
    with pytest.raises(Refusal) as refused:
        await ask(world, "open", door="front", reason="a delivery")
    assert refused.value.code == wire.FAILED
    await world.wait(10)
    assert world.strike.commands == []


async def test_a_row_that_comes_late_opens_nothing_and_says_so(world: "World") -> None:
    world.journal.gate.clear()
    asking = asyncio.create_task(ask(world, "open", door="front", reason="a delivery"))
    await world.wait(2.1)
    world.journal.gate.set()
    await world.settled()
    with pytest.raises(Refusal, match="over 2 s"):
        await asking
    (act,) = world.journal.of(Kind.STAFF_ACTION)
    (not_opened,) = world.journal.of(Kind.DOOR_NOT_OPENED)
    assert not_opened.detail == {"entry": act.id, "why": "late"}
    assert world.strike.commands == []


async def test_who_hangs_up_before_the_row_is_written_opens_nothing(world: "World") -> None:
    world.journal.gate.clear()
    asking = asyncio.create_task(ask(world, "open", door="front", reason="a delivery"))
    await world.settled()
    asking.cancel()
    await world.settled()
    world.journal.gate.set()
    await world.settled()
    (act,) = world.journal.of(Kind.STAFF_ACTION)
    (not_opened,) = world.journal.of(Kind.DOOR_NOT_OPENED)
    assert not_opened.detail == {"entry": act.id, "why": "stopping"}
    assert world.strike.commands == []


async def test_lock_overtakes_an_opening_whose_row_is_being_written(world: "World") -> None:
    world.journal.gate.clear()
    asking = asyncio.create_task(ask(world, "open", door="front", reason="a delivery"))
    await world.settled()
    await world.staff.lock()
    world.journal.gate.set()
    with pytest.raises(Refusal, match="front: not opened, it was locked meanwhile"):
        await asking
    await world.wait(10)
    (act,) = world.journal.of(Kind.STAFF_ACTION)
    (not_opened,) = world.journal.of(Kind.DOOR_NOT_OPENED)
    assert not_opened.detail == {"entry": act.id, "why": "locked"}
    assert world.strike.commands == ["off"]
    await ask(world, "open", door="front", reason="again")
    assert world.strike.commands == ["off", "on"]


async def test_a_relay_that_is_not_there_is_told_with_its_code(world: "World") -> None:
    world.strike.absent = True
    with pytest.raises(Refusal, match="front: not opened, fault 41"):
        await ask(world, "open", door="front", reason="a delivery")
    await world.settled()
    (act,) = world.journal.of(Kind.STAFF_ACTION)
    (not_opened,) = world.journal.of(Kind.DOOR_NOT_OPENED)
    assert not_opened.detail == {"entry": act.id, "why": "strike"}
    world.strike.absent = False
    await world.wait(10)
    assert "on" not in world.strike.commands


async def test_a_door_that_is_not_served_opens_for_nobody(world: "World") -> None:
    world.attending.cancel()
    await world.settled()
    with pytest.raises(Refusal, match="does not run"):
        await ask(world, "open", door="front", reason="a delivery")
    assert (world.journal.rows, world.strike.commands) == ([], [])


async def test_a_release_of_staff_ends_with_the_task_that_serves_the_door(world: "World") -> None:
    await ask(world, "open", door="front", reason="a delivery")
    world.attending.cancel()
    await world.settled()
    assert world.strike.commands == ["on", "off"]


async def test_lock_secures_at_once(world: "World") -> None:
    await world.come()
    assert await ask(world, "lock", door="front") == {"door": "front", "locked": True}
    assert world.strike.commands[:2] == ["on", "off"]
    await world.settled()
    (act,) = world.journal.of(Kind.STAFF_ACTION)
    (secured,) = world.journal.of(Kind.STRIKE_SECURED)
    assert (act.by, act.detail) == ("maija", {"action": "lock"})
    assert secured.detail == {"why": "locked"}


async def test_lock_secures_a_door_that_is_secured_already(world: "World") -> None:
    await ask(world, "lock", door="front")
    await world.settled()
    assert world.strike.commands == ["off"]
    assert world.journal.of(Kind.STRIKE_SECURED) == []


async def test_lock_needs_no_journal(world: "World") -> None:
    await world.come()
    world.journal.broken = True
    await ask(world, "lock", door="front")
    assert world.strike.commands[:2] == ["on", "off"]


async def test_a_lock_that_did_not_get_out_is_told_and_goes_on_being_tried(
    world: "World",
) -> None:
    await world.come()
    world.strike.failing = True
    with pytest.raises(Refusal, match="fault 41"):
        await ask(world, "lock", door="front")
    (act,) = world.journal.of(Kind.STAFF_ACTION)
    assert act.detail["failed"]
    world.strike.failing = False
    await world.wait(1)
    assert world.strike.commands == ["on", "off"]


async def test_a_person_who_pulls_a_door_that_was_just_locked_forces_it(
    new_world: "type[World]",
) -> None:
    async with new_world(contact=True) as world:
        await ask(world, "open", door="front", reason="a delivery")
        await ask(world, "lock", door="front")
        await world.settled()
        world.inputs.set(1, high=True)
        await world.settled()
        assert len(world.journal.of(Kind.DOOR_FORCED)) == 1


@pytest.mark.parametrize("verb", ["open", "lock"])
@pytest.mark.parametrize(
    ("args", "code"),
    [
        ({"door": "back"}, wire.NOT_FOUND),
        ({"door": 7}, wire.BAD_ARGUMENT),
        ({"door": "front\x1b[2J"}, wire.BAD_ARGUMENT),
        ({}, wire.BAD_ARGUMENT),
        ({"door": "front", "seconds": 3600}, wire.BAD_ARGUMENT),
    ],
)
async def test_what_is_no_door_or_no_argument_does_nothing(
    world: "World", verb: str, args: dict[str, object], code: str
) -> None:
    given = {"reason": "a delivery", **args} if verb == "open" else args
    with pytest.raises(Refusal) as refused:
        await ask(world, verb, **given)
    assert refused.value.code == code
    assert (world.journal.rows, world.strike.commands) == ([], [])


async def test_open_without_a_reason_does_nothing(world: "World") -> None:
    for reason in (None, "", " ", "x" * 201):
        with pytest.raises(Refusal, match="reason"):
            await ask(world, "open", door="front", reason=reason)
    assert (world.journal.rows, world.strike.commands) == ([], [])


async def test_a_view_tells_how_the_door_stands_and_what_was_decided_last(world: "World") -> None:
    view = world.staff.view()
    assert (view.state, view.released, view.unlocked) == ("secured", False, False)
    assert (view.last_at, view.last_granted, view.last_reason) == (None, None, "")
    await world.scan(world.card)
    await world.press("9999#")
    at = world.clock.wall
    await world.wait(2)
    view = world.staff.view()
    assert (view.last_at, view.last_granted, view.last_reason) == (at, False, "WRONG_PIN")
    await world.come()
    view = world.staff.view()
    assert (view.state, view.released, view.last_granted) == ("released", True, True)
    assert (world.clock.wall - view.since).total_seconds() == 2


# The commands, over a real socket


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "kioskd.toml"
    file.write_text(
        f"""
[site]
name = "Esimerkkilän kirjasto"
branch = "ESI"
[storage]
directory = "{tmp_path}"
retention_days = 14
[secrets]
device_key = "file:{tmp_path}/device.key"
[control]
socket = "{tmp_path}/control.sock"
[cards]
patron = ['\\d{{3}}[A-Z]\\d{{6}}']
[devices.reader]
driver = "serial-scanner"
port = "socket://127.0.0.1:1"
[devices.relay]
driver = "lcus-relay"
port = "socket://127.0.0.1:2"
[devices.keypad]
driver = "serial-keypad"
port = "socket://127.0.0.1:3"
[doors.front]
reader = "reader"
keypad = "keypad"
strike = {{ device = "relay" }}
[schedule.weekly]
""",
        encoding="utf-8",
    )
    return file


@asynccontextmanager
async def listening(world: "World", path: Path) -> AsyncIterator[None]:
    server = ControlServer(path, verbs_of(world), Broadcaster(), lambda peer: MAIJA, "0")
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(10):
            while not path.exists():  # noqa: ASYNC110, ASYNC240 - the socket's file tells it
                await asyncio.sleep(0.01)
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_the_commands_open_and_lock(
    new_world: "type[World]", config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def kioskd(*command: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main, [*command, "--config", str(config)])
        return code, *capsys.readouterr()

    async with (
        new_world(real=SystemClock()) as world,
        listening(world, config.with_name("control.sock")),
    ):
        opened = await kioskd("open", "front", "--reason", "a delivery")
        assert opened == (0, "front: released for 5 s\n", "")
        assert world.strike.commands == ["on"]
        assert world.panel.shown[-1].notice is Notice.IDLE  # nobody at the door was answered
        assert await kioskd("lock", "front") == (0, "front: locked\n", "")
        code, out, _ = await kioskd("open", "front", "--reason", "again", "--json")
        assert (code, json.loads(out)["door"]) == (0, "front")
        code, out, _ = await kioskd("lock", "front", "--json")
        assert (code, json.loads(out)) == (0, {"door": "front", "locked": True})
        code, _, err = await kioskd("lock", "back")
        assert (code, err) == (2, "door 'back': there is none; use front\n")
        world.strike.absent = True
        code, _, err = await kioskd("open", "front", "--reason", "again")
        assert code == 1
        assert "fault 41" in err
        world.strike.absent = False
    actions = [row.detail["action"] for row in world.journal.of(Kind.STAFF_ACTION)]
    assert actions == ["open", "lock", "open", "lock", "open"]

"""Devices: a token each, a way to take another's place, and commands."""

import asyncio
import re
from datetime import timedelta

import pytest

from kioskd.errors import InputError
from sync.hub import join
from sync.hub.devices import Devices
from sync.hub.join import WrongCode
from sync.hub.schema import COMMAND, DEVICE, JOIN_CODE
from sync.hub.slowing import TooOften
from sync.hub_wire import TOKEN
from tests.hub_desk.desk import Desk


@pytest.fixture
def devices(desk: Desk) -> Devices:
    return Devices(desk.database, desk.clock)


async def test_a_token_names_its_device_and_nothing_like_it_is_kept(
    desk: Desk, devices: Devices
) -> None:
    token = await devices.add("front", "ESI")
    assert TOKEN.fullmatch(token)
    device = await devices.by_token(token)
    assert device is not None
    assert (device.name, device.branch) == ("front", "ESI")
    row = await desk.device()
    assert len(row.token) == 32
    assert token.rpartition(".")[2] not in repr(row)


async def test_the_secret_of_one_device_is_good_under_no_other_name(devices: Devices) -> None:
    front = await devices.add("front", "ESI")
    await devices.add("back", "NAA")
    secret = front.rpartition(".")[2]
    assert await devices.by_token(f"kd1.back.{secret}") is None
    assert await devices.by_token(f"kd1.nobody.{secret}") is None


@pytest.mark.parametrize(
    "token", ["", "kd1.front", "kd1.front.", "kd2.front." + "a" * 43, "kd1.front." + "ä" * 43]
)
async def test_what_is_no_token_is_nobodys(devices: Devices, token: str) -> None:
    await devices.add("front", "ESI")
    assert await devices.by_token(token) is None


async def test_a_token_of_one_letter_more_is_nobodys(devices: Devices) -> None:
    token = await devices.add("front", "ESI")
    assert await devices.by_token(token + "A") is None
    assert await devices.by_token(token + "\n") is None


async def test_a_revoked_device_is_refused_at_its_next_request_and_may_be_added_anew(
    devices: Devices,
) -> None:
    old = await devices.add("front", "ESI")
    await devices.revoke("front")
    assert await devices.by_token(old) is None
    new = await devices.add("front", "NAA")
    assert await devices.by_token(old) is None
    device = await devices.by_token(new)
    assert device is not None
    assert device.branch == "NAA"


async def test_a_live_device_is_not_added_a_second_time(devices: Devices) -> None:
    token = await devices.add("front", "ESI")
    with pytest.raises(InputError, match="revoke it first"):
        await devices.add("front", "ESI")
    assert await devices.by_token(token) is not None, "the refusal changed nothing"


async def test_of_two_that_add_the_same_device_at_once_one_gets_it(
    devices: Devices, second: Desk
) -> None:
    other = Devices(second.database, second.clock)
    answers = await asyncio.gather(
        devices.add("front", "ESI"), other.add("front", "ESI"), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {str, InputError}


@pytest.mark.parametrize(
    "name", ["", "-front", "a.b", "kd1.x", "x" * 65, "ä", "a b", "../x", "a\n"]
)
async def test_what_is_no_name_is_refused(devices: Devices, name: str) -> None:
    with pytest.raises(InputError, match="no name of a device"):
        await devices.add(name, "ESI")
    with pytest.raises(InputError, match="no name of a device"):
        await devices.join_code(name, "ESI")
    with pytest.raises(InputError, match="no such device"):
        await devices.revoke(name)


async def test_the_list_says_how_each_device_stands(devices: Devices) -> None:
    await devices.add("front", "ESI")
    await devices.add("back", "NAA")
    await devices.revoke("back")
    back, front = await devices.listed()
    assert (back.name, front.name) == ("back", "front")
    assert back.revoked is not None
    assert (front.seen, front.cache_age, front.alarm, front.waiting) == (None, None, "", 0)


# Joining


async def test_a_new_machine_takes_the_place_of_the_old_one(desk: Desk, devices: Devices) -> None:
    old = await devices.add("front", "ESI")
    code = await devices.join_code("front", "ESI")
    assert await devices.by_token(old) is not None, "the old one works until then"
    newcomer = await devices.join(code)
    assert (newcomer.name, newcomer.branch, newcomer.config_text) == ("front", "ESI", "")
    assert await devices.by_token(old) is None
    assert await devices.by_token(newcomer.token) is not None
    assert code not in repr(await desk.rows(JOIN_CODE))
    assert newcomer.token not in repr(newcomer)


async def test_a_code_can_be_typed_as_people_type(devices: Devices) -> None:
    code = await devices.join_code("front", "ESI")
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}", code)
    typed = " " + code.lower().replace("-", " ").replace("0", "o").replace("1", "l") + "\n"
    assert (await devices.join(typed)).name == "front"


async def test_a_code_is_good_once(devices: Devices) -> None:
    code = await devices.join_code("front", "ESI")
    first = await devices.join(code)
    with pytest.raises(WrongCode):
        await devices.join(code)
    assert await devices.by_token(first.token) is not None


async def test_of_two_that_use_one_code_at_once_one_wins(devices: Devices, second: Desk) -> None:
    code = await devices.join_code("front", "ESI")
    desks = [devices, Devices(second.database, second.clock)] * 4
    answers = await asyncio.gather(*(d.join(code) for d in desks), return_exceptions=True)
    won = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(won) == 1
    assert all(isinstance(a, WrongCode) for a in answers if isinstance(a, BaseException))
    assert await devices.by_token(won[0].token) is not None


async def test_a_code_is_over_after_24_hours(desk: Desk, devices: Devices) -> None:
    code = await devices.join_code("front", "ESI")
    desk.clock.turn(hours=24)
    with pytest.raises(WrongCode):
        await devices.join(code)


async def test_a_new_code_and_a_revocation_end_the_code_before(devices: Devices) -> None:
    first = await devices.join_code("front", "ESI")
    newer = await devices.join_code("front", "ESI")
    with pytest.raises(WrongCode):
        await devices.join(first)
    await devices.join(newer)
    last = await devices.join_code("front", "ESI")
    await devices.revoke("front")
    with pytest.raises(WrongCode):
        await devices.join(last)


async def test_wrong_codes_are_slowed_and_a_right_one_never_waits(
    desk: Desk, devices: Devices
) -> None:
    code = await devices.join_code("front", "ESI")
    for _ in range(10):
        with pytest.raises(WrongCode):
            await devices.join(join.new_code())
    with pytest.raises(TooOften) as slowed:
        await devices.join(join.new_code())
    assert 1 <= slowed.value.retry_after <= 6
    assert (await devices.join(code)).name == "front"
    desk.clock.turn(seconds=6)
    with pytest.raises(WrongCode):
        await devices.join("no code at all")


async def test_the_message_does_not_repeat_the_code(devices: Devices) -> None:
    typed = "7QK4-2MZX-90PT-HB6D-5WNA"
    with pytest.raises(WrongCode) as wrong:
        await devices.join(typed)
    assert "7QK4" not in str(wrong.value)


async def test_the_configuration_goes_on_to_the_next_machine_of_that_branch(
    desk: Desk, devices: Devices
) -> None:
    await devices.add("front", "ESI")
    async with desk.database.writing() as connection:
        await connection.execute(DEVICE.update().values(config_text="[site]", seq=7, journal="j1"))
    newcomer = await devices.join(await devices.join_code("front", "ESI"))
    assert newcomer.config_text == "[site]"
    row = await desk.device()
    assert (row.seq, row.journal) == (None, None), "its journal is another one"


@pytest.mark.parametrize("added", [True, False], ids=["added", "not added"])
async def test_a_configuration_stays_at_its_branch(
    desk: Desk, devices: Devices, *, added: bool
) -> None:
    await devices.add("front", "ESI")
    async with desk.database.writing() as connection:
        await connection.execute(DEVICE.update().values(config_text="[site]"))
    with pytest.raises(InputError, match="it is at ESI"):
        await devices.join_code("front", "NAA")
    await devices.revoke("front")
    if added:
        await devices.add("front", "NAA")
    newcomer = await devices.join(await devices.join_code("front", "NAA"))
    assert newcomer.config_text == ""
    assert (await desk.device()).config_text is None


async def test_what_a_revoked_device_said_is_offered_to_nobody(
    desk: Desk, devices: Devices
) -> None:
    for anew in (False, True):
        if not anew:
            await devices.add("front", "ESI")
        async with desk.database.writing() as connection:
            await connection.execute(DEVICE.update().values(config_text="[evil]"))
        await devices.revoke("front")
        if anew:
            await devices.add("front", "ESI")
        newcomer = await devices.join(await devices.join_code("front", "ESI"))
        assert newcomer.config_text == ""
        assert (await desk.device()).config_text is None


# Commands


async def test_a_command_is_told_until_it_is_done(desk: Desk, devices: Devices) -> None:
    await devices.add("front", "ESI")
    first = await devices.command("front", "sync-now")
    desk.clock.turn(seconds=1)
    assert await devices.command("front", "sync-now") == first, "not twice at a time"
    await devices.done("front", ["nothing", "\0", "'; DROP TABLE command"])
    assert [(c.id, c.kind) for c in await devices.commands_for("front")] == [(first, "sync-now")]
    await devices.done("front", [first])
    assert await devices.commands_for("front") == []
    assert await devices.command("front", "sync-now") != first


@pytest.mark.parametrize(
    ("told", "waits"),
    [
        (("drop-cache", "sync-now"), ["drop-cache", "sync-now"]),
        (("drop-cache", "sync-now", "drop-cache"), ["drop-cache"]),
        (("sync-now", "drop-cache"), ["drop-cache"]),
        (("sync-now", "drop-cache", "sync-now"), ["drop-cache", "sync-now"]),
        (("drop-cache", "sync-now", "sync-now"), ["drop-cache", "sync-now"]),
    ],
)
@pytest.mark.parametrize("seconds", [1, 0, -3600])
async def test_the_last_word_is_in_force_at_a_device_that_was_away(
    desk: Desk, devices: Devices, told: tuple[str, ...], waits: list[str], seconds: int
) -> None:
    await devices.add("front", "ESI")
    for kind in told:
        last = await devices.command("front", kind)
        desk.clock.turn(seconds=seconds)
    found = await devices.commands_for("front")
    assert [c.kind for c in found] == waits
    assert found[-1].id == last


async def test_no_device_ends_the_commands_of_another(devices: Devices) -> None:
    await devices.add("front", "ESI")
    await devices.add("back", "ESI")
    told = await devices.command("front", "drop-cache")
    await devices.done("back", [told])
    assert [c.id for c in await devices.commands_for("front")] == [told]
    assert await devices.commands_for("back") == []


async def test_what_nobody_could_carry_out_is_refused(desk: Desk, devices: Devices) -> None:
    await devices.add("front", "ESI")
    with pytest.raises(InputError, match="drop-cache and sync-now"):
        await devices.command("front", "open")
    with pytest.raises(InputError, match="no such device"):
        await devices.command("side", "sync-now")
    await devices.revoke("front")
    with pytest.raises(InputError, match="revoked"):
        await devices.command("front", "sync-now")
    assert await desk.rows(COMMAND) == []


async def test_a_new_machine_does_not_hear_what_the_old_one_was_told(devices: Devices) -> None:
    await devices.add("front", "ESI")
    await devices.command("front", "drop-cache")
    await devices.join(await devices.join_code("front", "ESI"))
    assert await devices.commands_for("front") == []


def test_codes_have_a_hundred_bits_and_differ() -> None:
    codes = {join.new_code() for _ in range(200)}
    assert len(codes) == 200
    assert len(join.ALPHABET) ** (join.GROUPS * join.GROUP) == 2**100
    assert {c for code in codes for c in code} - {"-"} == set(join.ALPHABET)
    assert timedelta(hours=24) == join.LIFETIME

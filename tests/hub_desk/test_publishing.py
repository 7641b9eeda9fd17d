"""Publishing: what a branch's devices are told of hours, texts and lists, sealed and signed."""

import asyncio
import base64
import json
from datetime import date, timedelta

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from kioskd.errors import ConfigError, InputError, VaultError
from kioskd.words.texts import book
from sync.hub.published_file import PublishedPart, read_published
from sync.hub.publishing import Publishing
from sync.hub.schema import PUBLISHED
from sync.hub.sealing import HubKeys
from sync.hub_wire import PublishedConfig, SignedConfig
from tests.hub_desk.desk import CARD, CONFIG, NOON, Desk

TODAY = date(2026, 11, 23)
FIRST = int(NOON.timestamp())
FILE = f"""
help_phone = "+358 5 1234"
[schedule]
holidays = "FI"
[schedule.weekly]
monday = ["07:00-21:00 self-service"]
[[schedule.exceptions]]
date = 2026-12-07
title = {{ fi = "Inventointi" }}
hours = []
[texts."closed-until.text"]
fi = "Kiinni, avataan {{day}} klo {{time}}."
[texts.granted.text]
fi = "Tervetuloa!"
sv = "Välkommen!"
[[lists.deny]]
card = "{CARD.lower()}"
until = 2026-12-01
reason = "lost card"
"""


def closed_id() -> str:
    """The id of a text that has {day} and {time} in it."""
    return next(k for k, v in book("fi").words.items() if "{day}" in v and k.endswith(".text"))


WHOLE = FILE.replace("closed-until.text", closed_id())


@pytest.fixture
def publishing(desk: Desk) -> Publishing:
    return Publishing(desk.database, desk.keys, desk.config, desk.clock)


def opened(signed: SignedConfig) -> PublishedConfig:
    """As a device checks and reads it."""
    raw = {
        name: base64.urlsafe_b64decode(getattr(signed, name) + "==")
        for name in ("key", "signature")
    }
    payload = signed.payload.encode()
    Ed25519PublicKey.from_public_bytes(raw["key"]).verify(raw["signature"], payload)
    return msgspec.json.decode(payload, type=PublishedConfig)


async def test_a_device_gets_what_was_published_for_its_branch(
    desk: Desk, publishing: Publishing
) -> None:
    assert await publishing.publish("ESI", WHOLE) == FIRST
    told = opened(await publishing.current("ESI"))
    assert (told.version, told.branch, told.help_phone) == (FIRST, "ESI", "+358 5 1234")
    assert told.schedule is not None
    assert told.schedule["exceptions"] == [
        {"date": "2026-12-07", "title": {"fi": "Inventointi"}, "hours": []}
    ]
    assert told.texts["granted.text"] == {"fi": "Tervetuloa!", "sv": "Välkommen!"}
    assert told.deny is not None
    assert [(e.card, e.until) for e in told.deny] == [(CARD, date(2026, 12, 1))]
    assert told.allow is None, "not published, so the device's own list stays"
    (row,) = await desk.rows(PUBLISHED)
    assert CARD.encode() not in row.sealed
    assert CARD not in repr(told)


async def test_nothing_published_is_version_nought(desk: Desk, publishing: Publishing) -> None:
    signed = await publishing.current("ESI")
    assert (signed.version, signed.payload, signed.signature) == (0, "", "")
    assert base64.urlsafe_b64decode(signed.key + "=") == desk.keys.public_key
    assert await publishing.published("ESI") is None


async def test_each_branch_has_versions_of_its_own_and_only_the_newest_is_kept(
    desk: Desk, publishing: Publishing
) -> None:
    given = [await publishing.publish("ESI", f'help_phone = "{n}"') for n in (1, 2, 3)]
    assert given == [FIRST, FIRST + 1, FIRST + 2], "also within a second"
    assert await publishing.publish("NAA", 'help_phone = "x"') == FIRST
    versions = (await publishing.version("ESI"), await publishing.version("NAA"))
    assert versions == (FIRST + 2, FIRST)
    assert opened(await publishing.current("ESI")).help_phone == "3"
    assert len(await desk.rows(PUBLISHED)) == 2


async def test_of_two_that_publish_at_once_each_gets_a_number(
    desk: Desk, publishing: Publishing, second: Desk
) -> None:
    other = Publishing(second.database, second.keys, second.config, second.clock)
    texts = [f'help_phone = "{n}"' for n in range(6)]
    hubs = [publishing, other] * 3
    given = await asyncio.gather(
        *(hub.publish("ESI", text) for hub, text in zip(hubs, texts, strict=True))
    )
    assert sorted(given) == [FIRST + n for n in range(6)]
    assert opened(await publishing.current("ESI")).help_phone == texts[given.index(FIRST + 5)][-2]


async def test_a_database_from_a_backup_gives_no_number_a_second_time(
    desk: Desk, publishing: Publishing
) -> None:
    await publishing.publish("ESI", 'help_phone = "1"')
    backup = [row._mapping for row in await desk.rows(PUBLISHED)]
    desk.clock.turn(hours=1)
    lost = await publishing.publish("ESI", 'help_phone = "2"')
    async with desk.database.writing() as connection:
        await connection.execute(PUBLISHED.delete())
        await connection.execute(PUBLISHED.insert(), backup)
    desk.clock.turn(hours=1)
    assert await publishing.publish("ESI", WHOLE) > lost, "its devices know that one"


async def test_a_clock_that_goes_back_takes_no_number_back(
    desk: Desk, publishing: Publishing
) -> None:
    await publishing.publish("ESI", 'help_phone = "1"')
    desk.clock.turn(days=-400)
    assert await publishing.publish("ESI", 'help_phone = "2"') == FIRST + 1


async def test_a_changed_payload_and_another_key_are_noticed(
    desk: Desk, publishing: Publishing
) -> None:
    await publishing.publish("ESI", WHOLE)
    signed = await publishing.current("ESI")
    forged = msgspec.structs.replace(signed, payload=signed.payload.replace("5 1234", "5 6666"))
    with pytest.raises(InvalidSignature):
        opened(forged)
    stranger = Publishing(desk.database, HubKeys(bytes(32)), desk.config, desk.clock)
    with pytest.raises(VaultError, match="publish it again"):
        await stranger.current("ESI")


async def test_what_is_sealed_for_one_branch_opens_for_no_other(
    desk: Desk, publishing: Publishing
) -> None:
    await publishing.publish("ESI", WHOLE)
    async with desk.database.writing() as connection:
        await connection.execute(PUBLISHED.update().values(branch="NAA"))
    with pytest.raises(VaultError):
        await publishing.current("NAA")


async def test_a_card_whose_day_is_over_is_told_no_more_and_then_kept_no_more(
    desk: Desk, publishing: Publishing
) -> None:
    await publishing.publish("ESI", WHOLE)
    desk.clock.turn(days=8)
    assert await publishing.forget_over() == 0, "its last day"
    (before,) = await desk.rows(PUBLISHED)
    desk.clock.turn(days=1)
    assert opened(await publishing.current("ESI")).deny == []
    assert await publishing.forget_over() == 1
    assert await publishing.forget_over() == 0
    (after,) = await desk.rows(PUBLISHED)
    assert len(after.sealed) < len(before.sealed)
    assert opened(await publishing.current("ESI")).version == FIRST


async def test_only_branches_of_this_hub_are_published_for(publishing: Publishing) -> None:
    with pytest.raises(InputError, match="there are: ESI, NAA"):
        await publishing.publish("XXX", WHOLE)


async def test_a_file_with_faults_publishes_nothing(desk: Desk, publishing: Publishing) -> None:
    with pytest.raises(ConfigError):
        await publishing.publish("ESI", WHOLE + '\nhelp = "x"')
    assert await desk.rows(PUBLISHED) == []


async def test_the_example_file_can_be_published_again_from_what_is_told(
    publishing: Publishing,
) -> None:
    await publishing.publish("ESI", WHOLE)
    told = json.loads((await publishing.current("ESI")).payload)
    assert set(told) == {
        "version",
        "branch",
        "published",
        "schedule",
        "help_phone",
        "texts",
        "deny",
    }


# The file


def read(text: str, today: date = TODAY) -> PublishedPart:
    return read_published(text, "f.toml", CONFIG.cards, today)


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as wrong:
        read(text)
    return [fault.removeprefix("f.toml: ") for fault in wrong.value.faults]


def entry(which: str, until: object, card: str = CARD, reason: str = "lost card") -> str:
    return f'[[lists.{which}]]\ncard = "{card}"\nuntil = {until}\nreason = "{reason}"\n'


def test_every_fault_is_told_in_one_run() -> None:
    text = """
help_fone = "1"
[schedule.weekly]
mondy = []
tuesday = ["25:00-26:00 staffed"]
[texts."granted.txt"]
fi = "x"
[texts."granted.title"]
de = "x"
[[lists.deny]]
card = "167A000001"
"""
    told = faults(text)
    assert told[0] == "help_fone: unknown key; did you mean help_phone?"
    for start in (
        "schedule.weekly.mondy: unknown key; did you mean monday?",
        "schedule.weekly.tuesday: ",
        "texts.granted.txt: no such text; did you mean granted.text?",
        "texts.granted.title.de: unknown key",
        "lists.deny[1].until: missing",
        "lists.deny[1].reason: missing",
    ):
        assert any(fault.startswith(start) for fault in told), start


@pytest.mark.parametrize(
    ("which", "until", "told"),
    [
        ("deny", TODAY - timedelta(days=1), "is over"),
        ("deny", TODAY + timedelta(days=14), "2026-12-06 is the last day"),
        ("allow", TODAY + timedelta(days=366), "2027-11-23 is the last day"),
        ("allow", '"2026-12-01"', "must be a date"),
        ("allow", "2026-12-01T10:00:00", "must be a date"),
    ],
)
def test_no_card_is_on_a_list_for_ever(which: str, until: object, told: str) -> None:
    (fault,) = faults(entry(which, until))
    assert fault.startswith(f"lists.{which}[1].until: ")
    assert told in fault


@pytest.mark.parametrize("which", ["allow", "deny"])
def test_the_last_day_that_is_told_can_be_given(which: str) -> None:
    days = {"allow": 365, "deny": 13}[which]
    part = read(entry(which, TODAY + timedelta(days=days)))
    assert getattr(part, which) is not None


def test_no_message_has_a_card_number_in_it() -> None:
    number = "999B123456"
    for text in (
        entry("deny", "2026-12-01", number),
        entry("deny", "2026-12-01") * 2,
        entry("deny", "2026-12-01") + entry("allow", "2026-12-01"),
        entry("deny", "2026-12-01", number) + f'card = "{number}"',
        f"[[lists.deny]]\ncard = {number}",
        f'lists = "{number}"',
        f'[lists]\ndeny = ["{number}"]',
        f'[lists]\ndeny = "{number}"',
    ):
        told = "\n".join(faults(text))
        assert number not in told
        assert CARD not in told


def test_a_list_that_is_empty_empties_and_one_that_is_not_there_says_nothing() -> None:
    part = read("[lists]\nallow = []")
    assert (part.allow, part.deny) == ([], None)


@pytest.mark.parametrize("text", ["", "# nothing\n", "[", "a = 1\na = 2", "x = " + "[" * 5000])
def test_what_says_nothing_or_is_no_toml_is_refused(text: str) -> None:
    assert faults(text)


def test_a_file_that_is_too_long_is_refused() -> None:
    assert "longer than" in faults("# " + "x" * 300_000)[0]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("{name}", "is no value of this text"),
        ("{day.__class__}", "bare names"),
        ("{day!r}", "bare names"),
        ("{day:>99999999}", "bare names"),
        ("{}", "bare names"),
        ("{0}", "bare names"),
        ("{day", "a brace is not closed"),
        ("", "one line"),
        ("a\\u001b[2J", "one line"),
        ("x" * 201, "one line"),
    ],
)
def test_a_text_that_a_device_could_not_say_is_refused(said: str, told: str) -> None:
    (fault,) = faults(f'[texts."{closed_id()}"]\nfi = "{said}"')
    assert told in fault


def test_a_short_text_fits_its_display() -> None:
    short = closed_id().replace(".text", ".short")
    (fault,) = faults(f'[texts."{short}"]\nfi = "{"x" * 81}"')
    assert "80 characters" in fault


def test_what_is_odd_and_can_be_published_is_a_warning() -> None:
    assert "always closed" in read("[schedule.weekly]").warnings[0]


@given(st.text(max_size=60))
def test_a_text_that_is_taken_can_be_said(said: str) -> None:
    quoted = json.dumps(said, ensure_ascii=True) if said.isascii() else '"' + "x" + '"'
    try:
        part = read(f'[texts."{closed_id()}"]\nfi = {quoted}')
    except ConfigError:
        return
    assert part.texts is not None
    part.texts[closed_id()]["fi"].format_map({"day": "d", "time": "t"})

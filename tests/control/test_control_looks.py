"""Who listens to persons' rows: the journal names them first."""

from pathlib import Path

import pytest

from kioskd.control.people import Role
from tests.control.wired import Wired

MAY = [Role.OPERATOR, Role.ADMINISTRATOR]


@pytest.mark.parametrize("role", MAY)
async def test_whoever_listens_to_rows_is_written_down(place: Path, role: Role) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(role)
        assert "ok" in await caller.ask("subscribe", topics=["rows", "events"])
        assert wired.remembered.listened == [("maija", "rows")]
        wired.broadcast.publish("rows", {"kind": "entry.decided"})
        assert (await caller.line())["kind"] == "entry.decided"


async def test_without_a_row_nobody_listens(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(Role.OPERATOR)
        await caller.ask("subscribe", topics=["events"])
        wired.remembered.full = True
        error = (await caller.ask("subscribe", topics=["rows"]))["error"]
        assert (error["code"], error["message"]) == ("failed", "the journal takes no rows")
        assert wired.broadcast.listeners("rows") == 0
        assert wired.broadcast.listeners("events") == 1, "what it listened to before stays"


async def test_other_topics_need_no_row(place: Path) -> None:
    async with Wired(place) as wired:
        wired.remembered.full = True
        caller = await wired.call(Role.ADMINISTRATOR)
        topics = ["events", "panel:front", "probe:reader"]
        assert "ok" in await caller.ask("subscribe", topics=topics)
        assert wired.remembered.listened == []


async def test_who_may_not_listen_is_refused_without_a_row(place: Path) -> None:
    async with Wired(place) as wired:
        caller = await wired.call(Role.TECHNICIAN)
        assert (await caller.ask("subscribe", topics=["rows"]))["error"]["code"] == "not-allowed"
        assert wired.remembered.listened == []

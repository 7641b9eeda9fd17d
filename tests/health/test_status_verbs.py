"""What the daemon says of itself: status, health, site, alerts and metrics from one look."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kioskd import wire
from kioskd.cli.status import lines_of
from kioskd.control.people import Person, Role
from kioskd.control.status import (
    DeviceView,
    Standing,
    Vitals,
    health_of,
    status_of,
    status_verbs,
)
from kioskd.control.verbs import Refusal, Verbs
from kioskd.daemon import gauges
from kioskd.daemon.gauges import DiskGauge, disk_of
from kioskd.domain.decision import Decision, Reason
from kioskd.domain.record import Kind, Record
from kioskd.health.alerts import Disk, DoorNow
from kioskd.health.metrics import render
from tests.health.looked import TECHNICIAN, Looked

SCREEN = Person("screen", frozenset({Role.SCREEN}))


@pytest.fixture
async def looked(tmp_path: Path) -> AsyncIterator[Looked]:
    async with Looked(tmp_path) as found:
        found.feed()
        yield found


@pytest.fixture
def verbs(looked: Looked) -> Verbs:
    return Verbs(status_verbs(looked.config, looked.overview))


async def test_a_site_at_which_all_is_well(looked: Looked, verbs: Verbs) -> None:
    await looked.pass_seconds(30)
    status = await verbs.ask(TECHNICIAN, "status", {})
    since = "2026-11-23T10:00:00+02:00"
    device = {"driver": "serial-scanner", "present": True, "since": since, "why": ""}
    assert status["hours"] == {
        "state": "self-service",
        "next_change": "2026-11-23T21:00:00+02:00",
    }
    assert status["at"] == "2026-11-23T10:00:30+02:00"
    assert status["doors"] == [
        {
            "name": "front",
            "state": "secured",
            "since": since,
            "released": False,
            "unlocked": False,
            "awaits_first_person": False,
            "contact": "closed",
            "fault": "",
        }
    ]
    assert status["devices"][0] == {"name": "scanner", **device}
    assert status["cache"]["credentials"] == 1000
    assert status["cache"]["age_seconds"] == 30
    assert (status["lockdown"], status["alerts"], status["late"]) == (False, [], [])
    assert (status["version"], status["uptime_seconds"]) == ("0.1.0", 30.0)
    assert status["clock"] == {"trusted": True, "why": ""}


async def test_what_is_wrong_is_in_it(looked: Looked, verbs: Verbs) -> None:
    looked.device("relay").unplug()
    looked.doors_view(fault="41", contact="open", state="held")
    looked.state.set_lockdown(on=True)
    looked.gauges.ticks.ticker("door front")
    await looked.pass_seconds(30)
    status = await verbs.ask(TECHNICIAN, "status", {})
    assert status["lockdown"] is True
    assert status["late"] == ["door front"]
    assert status["doors"][0]["fault"] == "41"
    assert (status["devices"][2]["present"], status["devices"][2]["why"]) == (
        False,
        "relay: unplugged",
    )
    alerts = {(a["alert"], a["subject"], a["level"]) for a in status["alerts"]}
    assert alerts == {
        ("strike-missing", "front", "bad"),
        ("device-lost", "relay", "bad"),
        ("lockdown", "", "info"),
        ("task-hung", "door front", "bad"),
    }
    assert status["alerts"][0]["since"] == "2026-11-23T10:00:05+02:00"


async def test_a_device_that_is_back_tells_since_when(looked: Looked, verbs: Verbs) -> None:
    looked.device("scanner").unplug()
    await looked.pass_seconds(60)
    looked.device("scanner").plug()
    status = await verbs.ask(TECHNICIAN, "status", {})
    assert status["devices"][0]["since"] == "2026-11-23T10:01:00+02:00"
    assert status["devices"][0]["why"] == ""
    assert looked.watch.events == [("lost", "scanner"), ("back", "scanner")]


async def test_nothing_of_a_person_is_in_it(looked: Looked, verbs: Verbs) -> None:
    at = looked.clock.moment().wall
    looked.doors_view(last_at=at, last_granted=False, last_reason="USE_BAN")
    card = bytes.fromhex("c0ffee") * 5
    decision = Decision(Reason.USE_BAN)
    await looked.journal.append(
        Record("id", at, Kind.ENTRY_DECIDED, "front", decision, by="maija", card=card)
    )
    for verb in ("status", "health"):
        text = json.dumps(await verbs.ask(TECHNICIAN, verb, {}))
        for word in ("USE_BAN", "maija", "c0ffee", "last"):
            assert word not in text
    assert "c0ffee" not in render(looked.overview.snapshot())


async def test_stores_that_cannot_be_opened(looked: Looked, verbs: Verbs) -> None:
    looked.without_stores()
    status = await verbs.ask(TECHNICIAN, "status", {})
    assert status["journal"] == {"seq": None, "writes": False}
    assert status["lockdown"] is True  # what cannot be read is one
    now = await looked.overview.conditions()
    assert now.stores == {"journal"}
    assert now.lockdown


async def test_a_journal_that_refuses_rows_is_an_alert(looked: Looked, verbs: Verbs) -> None:
    (looked.directory / "journal.db").unlink()
    looked.notebook.note(Kind.DOOR_OPENED, "front")
    await looked.pass_seconds(15)
    assert ("store-failed", "journal") in {
        (a["alert"], a["subject"]) for a in looked.book.current()
    }


async def test_a_journal_that_takes_rows_again_is_the_all_clear(looked: Looked) -> None:
    row = Record("id", looked.clock.moment().wall, Kind.DOOR_OPENED, "front")
    looked.gauges.happened(row)
    await looked.pass_seconds(15)
    looked.notebook.note(Kind.DOOR_OPENED, "front")
    await looked.pass_seconds(5)
    assert looked.book.current() == []
    rows = [kind for kind in await _kinds(looked) if kind.startswith("alert.")]
    assert rows == ["alert.raised", "alert.cleared"]


async def _kinds(looked: Looked) -> list[str]:
    journal = looked.stores.journal
    found = await journal.run(  # type: ignore[union-attr]
        lambda: journal.opened.file.connection.exec_driver_sql(  # type: ignore[union-attr]
            "SELECT kind FROM event ORDER BY seq"
        ).fetchall()
    )
    return [row[0] for row in found]


async def test_what_the_rules_are_held_against(looked: Looked) -> None:
    looked.device("relay").unplug()
    await looked.clock.advance(3600.0)
    now = await looked.overview.conditions()
    assert now.doors == {"front": DoorNow(shut=True, strike=False)}
    assert now.devices == {"scanner": True, "keypad": True, "relay": False}
    assert now.feed_age == timedelta(hours=1)
    assert now.disk is not None
    assert now.disk.free <= now.disk.total


async def test_health_is_for_the_doctor(looked: Looked, verbs: Verbs) -> None:
    looked.gauges.lag.woke(0.0123)
    for number in range(2000):
        for _ in range(5):
            looked.lockouts.charge((number.to_bytes(16),), looked.clock.moment())
    await looked.pass_seconds(5)
    health = await verbs.ask(TECHNICIAN, "health", {})
    assert health["versions"] == {"kioskd": "0.1.0", "argon2-cffi": "25.1"}
    assert (health["watchdog"], health["loop_lag_seconds"]) == (True, 0.0123)
    assert (health["lockouts"], health["faults"]) == (2000, ["a fault of the start"])
    assert health["clock"] == {
        "trusted": True,
        "why": "",
        "source": "assume",
        "synchronised": True,
    }


async def test_metrics_are_of_the_same_look(looked: Looked) -> None:
    at = looked.clock.moment().wall
    await looked.journal.append(
        Record("id", at, Kind.ENTRY_DECIDED, "front", Decision(Reason.OK), card=b"x" * 16)
    )
    page = render(looked.overview.snapshot())
    for line in (
        'kioskd_info{kioskd="0.1.0",argon2_cffi="25.1"} 1',
        'kioskd_entries_total{decision="granted"} 1',
        'kioskd_door_state{door="front",state="secured"} 1',
        'kioskd_hours{state="self-service"} 1',
        "kioskd_cache_credentials 1000",
    ):
        assert line in page.splitlines()


async def test_a_line_for_systemd(looked: Looked) -> None:
    await looked.pass_seconds(5)
    assert looked.overview.line() == "doors 1, devices 3/3"
    looked.device("keypad").unplug()
    await looked.pass_seconds(20)
    assert looked.overview.line() == "doors 1, devices 2/3; alerts: device-lost keypad"


async def test_a_screen_is_told_what_it_shows_of_itself_and_no_more(verbs: Verbs) -> None:
    assert await verbs.ask(SCREEN, "site", {}) == {
        "name": {"fi": "Esimerkkilän kirjasto", "sv": "Exempelby bibliotek"},
        "languages": ["fi", "sv"],
        "help_phone": "+358 9 123",
        "timezone": "Europe/Helsinki",
        "branch": "ESI",
        "doors": {"front": {"minimum_age": 12}},
    }
    with pytest.raises(Refusal) as refused:
        await verbs.ask(SCREEN, "status", {})
    assert refused.value.code == wire.NOT_ALLOWED


@pytest.mark.parametrize("verb", ["status", "health", "site"])
async def test_arguments_that_nobody_knows_are_refused(verbs: Verbs, verb: str) -> None:
    with pytest.raises(Refusal) as refused:
        await verbs.ask(TECHNICIAN, verb, {"door": "front"})
    assert refused.value.code == wire.BAD_ARGUMENT


async def test_an_answer_fits_into_a_line(looked: Looked, verbs: Verbs) -> None:
    looked.device("scanner").unplug()
    looked.news.lost("scanner", "x" * 100_000)
    looked.stores.faults.append("y" * 100_000)
    for verb in ("status", "health"):
        wire.line({"id": 1, "ok": await verbs.ask(TECHNICIAN, verb, {})})


class Crowded:
    """A site with hundreds of devices, most of them in order."""

    def __init__(self, looked: Looked) -> None:
        self._look = looked.overview
        at = looked.clock.moment().wall
        why = "spare: not there; is it plugged in, and does it get power?" * 2
        self.devices = tuple(
            DeviceView(f"spare-{number}", "serial-scanner", number % 50 != 49, at, why)
            for number in range(500)
        )
        alert = {"alert": "device-lost", "level": "bad", "since": at.isoformat(), "words": why}
        self.alerts = tuple({**alert, "subject": f"spare-{number}"} for number in range(500))

    def standing(self) -> Standing:
        return replace(self._look.standing(), devices=self.devices, alerts=self.alerts)

    def vitals(self) -> Vitals:
        return self._look.vitals()


async def test_a_site_of_hundreds_of_devices_is_an_answer_too(looked: Looked) -> None:
    """It was "failed by a fault of the program", and the command had nothing to show."""
    crowded = Crowded(looked)
    told = status_of(looked.config, crowded, looked.zone)
    wire.line({"id": wire.MAX_ID, "ok": told})
    for name in ("devices", "alerts"):
        assert len(told[name]) > 100
        assert len(told[name]) + told["more"][name] == 500
    assert told["more"].keys() == {"devices", "alerts"}
    away = [device["name"] for device in told["devices"] if not device["present"]]
    assert away == [f"spare-{number}" for number in range(49, 500, 50)], "what is away stays"
    table = [(line.about, line.told) for line in lines_of(told)]
    assert ("devices", f"and {told['more']['devices']} more than an answer has room for") in table


async def test_the_health_of_such_a_site_is_an_answer_too(looked: Looked) -> None:
    told = health_of(Crowded(looked), looked.zone)
    wire.line({"id": wire.MAX_ID, "ok": told})
    assert len(told["alerts"]) + told["more"]["alerts"] == 500
    assert told["faults"] == ["a fault of the start"]


def test_a_disk_is_asked_for_its_room(tmp_path: Path) -> None:
    found = disk_of(tmp_path)
    assert found is not None
    assert 0 < found.free <= found.total
    assert disk_of(tmp_path / "missing") is None


async def test_a_disk_that_hangs_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, asked = asyncio.Event(), []
    loop = asyncio.get_running_loop()

    def hanging(directory: Path) -> Disk:
        asked.append(directory)
        asyncio.run_coroutine_threadsafe(hangs.wait(), loop).result()
        return Disk(1, 2)

    monkeypatch.setattr(gauges, "disk_of", hanging)
    monkeypatch.setattr(gauges, "DISK_SECONDS", 0.01)
    gauge = DiskGauge(tmp_path)
    assert [await gauge.look() for _ in range(5)] == [None] * 5
    assert asked == [tmp_path]
    hangs.set()
    monkeypatch.setattr(gauges, "DISK_SECONDS", 10.0)
    while (found := await gauge.look()) is None:  # noqa: ASYNC110 - the thread ends soon
        await asyncio.sleep(0.001)
    assert found == Disk(1, 2)

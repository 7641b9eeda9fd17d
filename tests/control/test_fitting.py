"""Answers of a site with hundreds of devices still fit a line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd import wire
from kioskd.control.cards import PAGE_BYTES
from kioskd.control.device_verbs import device_verbs
from kioskd.control.fitting import fitted
from kioskd.control.people import Person, Role
from kioskd.control.reloading import reload_verbs

ADMINISTRATOR = Person("root", frozenset({Role.ADMINISTRATOR}))
ENTRIES = st.lists(st.text(max_size=300), max_size=60)


@given(ENTRIES, ENTRIES, st.integers(1000, 5000))
def test_what_is_cut_fits_and_is_counted(one: list[str], other: list[str], room: int) -> None:
    answer: dict[str, Any] = {"one": one, "other": other, "rest": "x"}
    told = fitted(answer, "one", "other", room=room)
    assert wire.size_of(told) <= room
    more = told.get("more", {})
    for name, whole in (("one", one), ("other", other)):
        assert told[name] == whole[: len(whole) - more.get(name, 0)]
    assert told["rest"] == "x"
    if wire.size_of(answer) <= room:
        assert told == answer


def test_a_short_list_is_whole_beside_a_long_one() -> None:
    answer = {"late": ["door front"], "devices": ["x" * 100] * 2000}
    told = fitted(answer, "devices", "late")
    assert told["late"] == ["door front"]
    assert told["more"] == {"devices": 2000 - len(told["devices"])}
    assert wire.size_of(told) > PAGE_BYTES - 1000, "no room is wasted"


async def test_a_list_of_five_hundred_ports_is_an_answer() -> None:
    async def listing() -> dict[str, Any]:
        port = {"node": "/dev/ttyUSB0", "port": "/dev/serial/by-id/" + "x" * 200}
        missing = [{"name": f"spare-{number}", "why": "y" * 150} for number in range(500)]
        return {"ports": [port] * 500, "missing": missing, "lines": [], "hints": []}

    told = await device_verbs(listing)["devices"](ADMINISTRATOR, {})
    wire.line({"id": wire.MAX_ID, "ok": told})
    assert len(told["ports"]) + told["more"]["ports"] == 500
    assert len(told["missing"]) + told["more"]["missing"] == 500


@pytest.mark.parametrize("count", [3, 3000])
async def test_a_reload_with_hundreds_of_changes_tells_what_has_room(count: int) -> None:
    async def reload(person: Person) -> dict[str, Any]:
        changed = [f"devices.spare-{number}.port: none -> x" for number in range(count)]
        return {
            "changed": changed,
            "held_back": ["site.timezone"],
            "devices": [],
            "doors": [],
            "warnings": [],
        }

    told = await reload_verbs(reload)["reload"](ADMINISTRATOR, {})
    wire.line({"id": wire.MAX_ID, "ok": told})
    assert told["held_back"] == ["site.timezone"]
    assert len(told["changed"]) + told.get("more", {}).get("changed", 0) == count

"""The [doors.NAME] tables: each door with its devices, its PIN policy and its times.

Deliberately not here: the devices themselves (devices.py), what a door does with them.
"""

import re

from kioskd.config.devices import CHANNELS, LINES, Devices
from kioskd.config.later import DOOR_LATER, each
from kioskd.config.leaves import code, flag, many, one_of, seconds, text, whole
from kioskd.config.model import Door, InputConfig, StrikeConfig
from kioskd.config.walk import Leaf, Place, Table, Unfit, read

RELEASE = (0.5, 60.0)  # seconds; longer is an unlocked door
_NAME_AND_DATE = re.compile(r".*\w.*,.*\d.*")
_PIN = ("always", "never")


def doors(place: Place, value: object, devices: Devices) -> tuple[Door, ...]:
    """[doors]: one table a door; each lock has a relay channel of its own."""
    return tuple(_door(place.of(name), name, t, devices) for name, t in each(place, value))


def _door_leaves(devices: Devices) -> dict[str, Leaf]:
    return {
        "reader": devices.of_role("reader"),
        "keypad": devices.of_role("keypad"),
        "strike": _strike(devices),
        "indicator": devices.of_role("indicator"),
        "display": devices.of_role("display"),
        "panel": flag,
        "contact": _input(devices, "closed"),
        "rex": _input(devices, "pressed"),
        "staff_button": _input(devices, "pressed"),
        "release_seconds": seconds(*RELEASE),
        "long_release_seconds": seconds(*RELEASE),
        "pin": _pin,
        "card_only_accepted_by": _accepted,
        "staffed": one_of("locked", "unlocked"),
        "pin_min": whole(1, 16),
        "pin_max": whole(1, 16),
        "pin_timeout_seconds": seconds(5, 300),
        "held_warn_seconds": seconds(1, 3600),
        "held_seconds": seconds(1, 3600),
        "categories": many(code),
        "minimum_age": whole(0, 99),
        **DOOR_LATER,
    }


def _door(place: Place, name: str, value: object, devices: Devices) -> Door:
    table = read(place, value, _door_leaves(devices), required=("reader", "strike"))
    asked = table.values.get("pin", {})
    door = table.build(
        Door,
        name=name,
        pin_self_service=asked.get("self-service", "always") == "always",
        pin_staffed=asked.get("staffed", "always") == "always",
    )
    _check_pin(table, door)
    _check_order(table, door)
    _check_told(table, door)
    return door


def _strike(devices: Devices) -> Leaf:
    leaves = {
        "device": devices.of_role("relay"),
        "channel": whole(1, CHANNELS),
        "lock": one_of("fail-secure", "fail-safe"),
    }

    def leaf(place: Place, value: object) -> StrikeConfig | None:
        table = read(place, value, leaves, required=("device",))
        if not table.sound(*leaves):
            return None
        strike = table.build(StrikeConfig)
        devices.own(strike.device, "channel")(place, strike.channel)
        return strike

    return leaf


def _input(devices: Devices, active: str) -> Leaf:
    """A line of an inputs device; `active` is the key of the level that means it."""
    leaves = {
        "device": devices.of_role("inputs"),
        "line": whole(1, LINES),
        active: one_of("low", "high"),
    }

    def leaf(place: Place, value: object) -> InputConfig | None:
        table = read(place, value, leaves, required=("device",))
        if not table.sound(*leaves):
            return None
        level = {"active": table.values[active]} if active in table.values else {}
        line = table.build(InputConfig, **level)
        devices.own(line.device, "line")(place, line.line)
        return line

    return leaf


def _pin(place: Place, value: object) -> dict[str, str] | None:
    """When a PIN is asked for: one word for both states, or a word for each."""
    if isinstance(value, dict):
        table = read(place, value, dict.fromkeys(("self-service", "staffed"), one_of(*_PIN)))
        return table.values if table.sound("self-service", "staffed") else None
    word: str = one_of(*_PIN)(place, value)
    return {"self-service": word, "staffed": word}


def _accepted(place: Place, value: object) -> str:
    who = text(place, value)
    if not _NAME_AND_DATE.fullmatch(who):
        raise Unfit('must say who accepted a door without PIN, and when: "name, date"')
    return who


def _check_pin(table: Table, door: Door) -> None:
    place = table.place
    if not door.pin_self_service and table.sound("card_only_accepted_by"):
        if door.card_only_accepted_by is None:
            place.of("pin").fault(
                "never in self-service lets in whoever holds the card; if that is meant, add "
                'card_only_accepted_by = "name, date"'
            )
    elif door.card_only_accepted_by and table.sound("pin"):
        place.of("card_only_accepted_by").warn("a PIN is asked for in self-service; has no effect")
    asks = door.pin_self_service or door.pin_staffed
    if asks and door.keypad is None and table.sound("pin", "keypad"):
        place.of("keypad").fault('missing; without one nobody can enter a PIN (pin = "always")')


def _check_order(table: Table, door: Door) -> None:
    for low, high in (
        ("pin_min", "pin_max"),
        ("release_seconds", "long_release_seconds"),
        ("held_warn_seconds", "held_seconds"),
    ):
        least, most = getattr(door, low), getattr(door, high)
        if table.sound(low, high) and least > most:
            table.place.of(high).fault(f"{most:g} is less than {low} ({least:g})")


def _check_told(table: Table, door: Door) -> None:
    """What the installer should know of the people at this door."""
    shown = ("indicator", "display", "panel")
    if table.sound(*shown) and not any(getattr(door, key) for key in shown):
        table.place.warn("patrons would see nothing: no indicator, panel, display or OSDP reader")
    if door.staffed == "unlocked" and door.staff_button is None and table.sound("staff_button"):
        table.place.of("staffed").warn(
            "the door stays on card and PIN until somebody on the allow-list has come in that "
            "day; a staff_button is another way"
        )

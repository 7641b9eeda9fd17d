"""What later versions read, answered well by this one.

Two answers: a key that decides who is let in, or that a site would rely on, is a fault; a key
that nothing reads yet, and that harms nobody by resting, is checked as far as sensible and gives
the warning "not built into this version, ignored".
"""

from kioskd.config.leaves import NAME, NOT_BUILT, ignored, not_built, one_of, whole
from kioskd.config.walk import Leaf, Place, kind, read

REGISTER_LATER: dict[str, Leaf] = {
    "verify": one_of("none", later=("hub", "koha", "sip2")),
    "circulation": one_of("none", later=("koha", "sip2")),
    "koha": ignored,
}

# Keys of a door: inputs that a site would rely on, and an output that only tells something.
DOOR_LATER: dict[str, Leaf] = {
    **dict.fromkeys(("tamper", "fire", "counter", "exit_reader"), not_built),
    "buzzer": ignored,
}


def desks(place: Place, value: object, device: Leaf) -> None:
    """[desks.NAME]: lending desks of a later version; their devices must exist all the same."""
    for name, table in each(place, value):
        desk = place.of(name)
        read(desk, table, _desk_leaves(device))
        desk.warn(f"{NOT_BUILT}, ignored")


def each(place: Place, value: object) -> list[tuple[str, object]]:
    """The named tables of [devices], [doors] or [desks]; a name is a word."""
    if not isinstance(value, dict):
        place.fault(f"must be tables with a name each, [{place.key}.NAME], not {kind(value)}")
        return []
    for name in value:
        if not NAME.fullmatch(name):
            place.of(name).fault("a name has 1 to 64 of A-Z a-z 0-9 _ - and starts with no sign")
    return list(value.items())


def _desk_leaves(device: Leaf) -> dict[str, Leaf]:
    named = dict.fromkeys(("reader", "rfid", "printer", "keypad"), device)
    return {**named, "audio": _anything, "pin": _anything, "offline_checkouts": whole(0, 1000)}


def _anything(place: Place, value: object) -> object:
    return value

"""What a door shows and sounds besides words."""

from enum import Enum, StrEnum


class Light(Enum):
    """Lamps of an indicator: one at a time, or none."""

    OFF = "off"
    RED = "red"
    GREEN = "green"
    WAIT = "wait"


class Tone(Enum):
    """Sounds of an indicator. A denial sounds the same whatever its reason."""

    NONE = "none"
    KEY = "key"  # the same for every key
    PLEASE = "please"  # something is asked for
    GRANTED = "granted"
    DENIED = "denied"


class Pictogram(StrEnum):
    """The picture beside a notice, for who does not read its words."""

    CARD = "card"
    KEYS = "keys"
    HOURGLASS = "hourglass"
    WALK = "walk"
    STOP = "stop"
    CLOCK = "clock"
    ASK = "ask"
    PHONE = "phone"

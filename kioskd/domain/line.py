"""How the line to the hub is, for status, doctor and alerts."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LineView:
    """The line as it stands.

    hub: its host. up: the last try came through; why: it did not. pulled: the last complete pull,
    None before the first since the start. hints: changes come at once, else at the next look.
    waiting, dead: events not delivered, and those that the hub refused. certificate_days: until
    the hub's certificate ends. skew_seconds: this clock minus the hub's. refused: the hub does not
    know this device. held: the cache was dropped on the hub's word and waits for it.
    config_why: why what the hub published is not in force.
    """

    hub: str
    up: bool = False
    why: str = ""
    pulled: datetime | None = None
    hints: bool = False
    waiting: int = 0
    dead: int = 0
    certificate_days: int | None = None
    skew_seconds: float | None = None
    refused: bool = False
    held: bool = False
    config_why: str = ""

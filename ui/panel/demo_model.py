"""What the demo's panel knows at one moment. Values alone.

Deliberately not here: reading them from the wire (demo_reading), how one becomes the next
(demo_story), and drawing them (demo_page).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from string import ascii_lowercase
from typing import Final

from ui.panel.following import Scene

LETTERS: Final = ascii_lowercase  # one for each of the people who can come
ROWS_KEPT: Final = 200  # more than any terminal shows


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a card. letter: the key that scans it. pin: the right one, empty for none."""

    id: str
    letter: str
    title: str
    pin: str = field(default="", repr=False)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """The simulated door. offset: of the daemon's clock. daemon: runs, starting or gone.

    lamps: by name, whether they burn. devices: by name, whether they are plugged in. line: to the
    hub, whole or cut; empty where there is none. beside: a command for another terminal.
    """

    released: bool = False
    lamps: Mapping[str, bool] = field(default_factory=dict)
    display: tuple[str, ...] = ()
    devices: Mapping[str, bool] = field(default_factory=dict)
    open: bool = False
    offset: timedelta = timedelta()
    daemon: str = "starting"
    line: str = ""
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule and what came of it; `passed` is None where it does not apply."""

    name: str
    passed: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the right side tells of one visit. granted: None while it is not decided.

    visitor: None when the card was not scanned here. rules: empty while they are not known.
    why: sentences for staff.
    """

    visitor: Visitor | None = None
    granted: bool | None = None
    reason: str = ""
    decided_by: str = ""
    rules: tuple[Rule, ...] = ()
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the journal, or a word of the panel's own between two (kind is empty then)."""

    at: datetime | None
    kind: str
    door: str = ""
    granted: bool | None = None
    reason: str = ""
    by: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """The daemon's status in a few words; each with whether it is as it should be."""

    words: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """All of it. connected: whether the daemon tells of its journal."""

    scene: Scene
    visitors: tuple[Visitor, ...] = ()
    stage: Stage = field(default_factory=Stage)
    verdict: Verdict | None = None
    journal: tuple[Entry, ...] = ()
    site: Site = field(default_factory=Site)
    message: str = ""
    connected: bool = False

"""The demo's panel without sockets: what it knows after a visit, and its page as people read it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kioskd.domain.notice import Notice, Shown
from tests.screens.doorkeeper import SITE
from tests.screens.stagehand import PEOPLE, STATE, STATUS, rules
from ui.panel.demo_page import page
from ui.panel.demo_pieces import Line, key_at
from ui.panel.demo_reading import visitors_of
from ui.panel.demo_story import Story
from ui.panel.following import Scene
from ui.panel.site import site_of

NOW = datetime(2026, 11, 23, 10, 4, 31, tzinfo=UTC)
SIZES = ((80, 24), (100, 30), (140, 40), (200, 60))
BLOCK = "until 2026-12-23, every branch"


def scene(shown: Shown, *, connected: bool = True) -> Scene:
    return Scene("front", site_of(SITE), shown, connected)


def story(state: Any = STATE, people: Any = PEOPLE) -> Story:
    """A panel whose daemon runs, before anybody came."""
    found = Story(scene(Shown(Notice.IDLE)), "front")
    found.peopled(visitors_of({"people": people}))
    found.staged(state)
    found.looked(STATUS)
    found.listening(connected=True)
    return found


def row(kind: str, **more: Any) -> dict[str, Any]:
    return {"event": "rows", "at": "2026-11-23T10:04:31.123456Z", "kind": kind, **more}


def denied() -> Story:
    """Eeva came, typed the right PIN, and is blocked."""
    told = story()
    eeva = told.model.visitors[4]
    told.scanned(eeva)
    told.shown(scene(Shown(Notice.ENTER_PIN)))
    told.explained(eeva, rules("SELF_SERVICE_BLOCK", BLOCK))
    told.happened(row("staff.action", by="root", detail={"action": "explain"}))
    told.happened(
        row(
            "entry.decided",
            door="front",
            decision="denied",
            reason="SELF_SERVICE_BLOCK",
            decided_by="cache",
        )
    )
    told.judged({"reason": "SELF_SERVICE_BLOCK", "why": ["There is a block."], "todo": "Wait."})
    told.shown(scene(Shown(Notice.SELF_SERVICE_BLOCK)))
    return told


def drawn(told: Story, size: tuple[int, int]) -> list[Line]:
    return page(told.model, NOW, *size, chosen=told.chosen)


def texts(lines: Sequence[Line]) -> list[str]:
    return ["".join(piece.text for piece in line) for line in lines]


def words(lines: Sequence[Line]) -> str:
    return " ".join(" ".join(texts(lines)).split())


def inks(lines: Sequence[Line], text: str) -> set[Any]:
    return {piece.ink for line in lines for piece in line if text in piece.text}


def places(lines: Sequence[Line]) -> dict[str, tuple[int, int]]:
    """Where each key is clicked."""
    found: dict[str, tuple[int, int]] = {}
    for y, text in enumerate(texts(lines)):
        for x in range(len(text)):
            if key := key_at(lines, x, y):
                found.setdefault(key, (x, y))
    return found

"""How what the panel knows changes with what it hears: visits, decisions, rows, the stage.

A card that is scanned while another is being served is answered "please wait" and forgotten; so
it is here: who was scanned is taken for the visitor once the door takes the card.
Deliberately not here: sockets (demo_links), and the application that owns this (demo_app).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from kioskd.domain.notice import Notice
from ui.panel.demo_model import ROWS_KEPT, Entry, Model, Rule, Verdict, Visitor
from ui.panel.demo_reading import decided, entry_of, rules_of, site_of, stage_of, why_of
from ui.panel.following import Scene

_ENTRY: Final = "entry.decided"
_IN_SESSION: Final = frozenset({Notice.ENTER_PIN, Notice.WAIT})
_GONE: Final = "the daemon is gone"
_BACK: Final = "the daemon answers"


class Story:
    """Holds the model. door: the one that the panel shows."""

    def __init__(self, scene: Scene, door: str) -> None:
        self.model = Model(scene)
        self._door = door
        self._scanned: Visitor | None = None
        self._served: Visitor | None = None
        self._rules: dict[str, tuple[Rule, ...]] = {}

    @property
    def chosen(self) -> Visitor | None:
        """Whose card was scanned last, of those that the door took."""
        last = self.model.verdict.visitor if self.model.verdict else None
        return self._served or self._scanned or last

    def peopled(self, visitors: tuple[Visitor, ...]) -> None:
        """Who can come."""
        self.model = replace(self.model, visitors=visitors)

    def staged(self, state: Mapping[str, Any]) -> None:
        """How the simulated door stands."""
        self.model = replace(self.model, stage=stage_of(state))

    def shown(self, scene: Scene) -> None:
        """What the door's screen shows."""
        shown = scene.shown
        if shown.notice is Notice.WAIT:
            self._scanned = None
        elif shown.notice is Notice.ENTER_PIN and not shown.digits and self._scanned is not None:
            self._serve(self._scanned)
        self.model = replace(self.model, scene=scene)

    def scanned(self, visitor: Visitor) -> None:
        """A card was held before the scanner."""
        self._scanned = visitor
        self._rules.pop(visitor.id, None)
        if self.model.scene.shown.notice not in _IN_SESSION:
            self._served = None

    def explained(self, visitor: Visitor, answer: Mapping[str, Any]) -> None:
        """Every rule for that card, as they stood at its scan."""
        self._rules[visitor.id] = rules_of(answer)
        verdict = self.model.verdict
        if verdict is not None and verdict.visitor == visitor and not verdict.rules:
            event = {"reason": verdict.reason, "decision": _word(verdict.granted)}
            rules = decided(event, visitor, self._rules[visitor.id]).rules
            self.model = replace(self.model, verdict=replace(verdict, rules=rules))

    def happened(self, event: Mapping[str, Any]) -> bool:
        """A row of the journal; whether it is a decision at this door."""
        entry = entry_of(event)
        self._write(entry)
        if entry.kind != _ENTRY or entry.door != self._door:
            return False
        visitor = self._served or self._scanned
        self._served = self._scanned = None
        rules = self._rules.get(visitor.id, ()) if visitor else ()
        self.model = replace(self.model, verdict=decided(event, visitor, rules))
        return True

    def judged(self, answer: Mapping[str, Any]) -> None:
        """Why it was decided so, in words; of the last decision."""
        verdict = self.model.verdict
        if verdict is not None and answer.get("reason") == verdict.reason:
            self.model = replace(self.model, verdict=replace(verdict, why=why_of(answer)))

    def looked(self, status: Mapping[str, Any]) -> None:
        """How the site stands."""
        self.model = replace(self.model, site=site_of(status))

    def listening(self, *, connected: bool) -> None:
        """Whether the daemon tells of its journal; each change stands between the rows."""
        if connected == self.model.connected:
            return
        if connected or self.model.journal:
            self._write(Entry(None, "", detail=_BACK if connected else _GONE))
        self._served = self._scanned = None
        self.model = replace(self.model, connected=connected)

    def say(self, message: str) -> None:
        """What was done last, or why it was not."""
        self.model = replace(self.model, message=message)

    def _serve(self, visitor: Visitor) -> None:
        self._served, self._scanned = visitor, None
        verdict = Verdict(visitor, rules=self._rules.get(visitor.id, ()))
        self.model = replace(self.model, verdict=verdict)

    def _write(self, entry: Entry) -> None:
        journal = (*self.model.journal, entry)[-ROWS_KEPT:]
        self.model = replace(self.model, journal=journal)


def _word(granted: bool | None) -> str | None:
    return None if granted is None else "granted" if granted else "denied"

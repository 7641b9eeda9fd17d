"""What the demo and its daemon answer, as values of the panel; junk becomes a default.

Never raises: a panel must outlive whatever it is told. All text is cleaned for a terminal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from ui.panel.demo_model import LETTERS, Entry, Rule, Site, Stage, Verdict, Visitor
from ui.panel.plain import clean

_DISPLAY_ROWS: Final = 4
_LONGEST_OFFSET: Final = 10 * 366 * 86_400  # seconds; further no demo moves its clock
_PIN_RULE: Final = "WRONG_PIN"  # whose detail says that an explanation asks for no PIN
_DECIDED: Final = "decided this visit"
_NOT_TOLD: Final = frozenset({"id", "entry", "act", "release", "card"})  # ids say nothing to people


def visitors_of(answer: Mapping[str, Any]) -> tuple[Visitor, ...]:
    """Those of the demo's verb `people`, as many as there are letters."""
    told = [each for each in _list(answer, "people") if isinstance(each, dict) and each.get("id")]
    return tuple(
        Visitor(
            _text(each, "id"), letter, _text(each, "title"), _text(each, "pin"), _text(each, "note")
        )
        for letter, each in zip(LETTERS, told, strict=False)
    )


def stage_of(state: Mapping[str, Any]) -> Stage:
    """The answer to the demo's verb `state`, or an event of its topic `stage`."""
    lines = [clean(line) for line in _list(state, "display") if isinstance(line, str)]
    return Stage(
        released=state.get("relay") == "released",
        lamps={clean(str(k)): v is True for k, v in _table(state, "lamps").items()},
        display=tuple(lines[:_DISPLAY_ROWS]),
        devices={clean(str(k)): v == "plugged" for k, v in _table(state, "devices").items()},
        open=state.get("contact") == "open",
        offset=timedelta(seconds=_seconds(state.get("offset_seconds"))),
        daemon=_text(state, "daemon"),
        line=_text(state, "line"),
        beside=_text(state, "beside"),
    )


def rules_of(answer: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of an answer to `explain`, in their order."""
    return tuple(
        Rule(_text(each, "rule"), _verdict(each.get("passed")), _text(each, "detail"))
        for each in _list(answer, "rules")
        if isinstance(each, dict)
    )


def entry_of(event: Mapping[str, Any]) -> Entry:
    """A row of the journal as the topic `rows` tells it."""
    return Entry(
        at=_at(event.get("at")),
        kind=_text(event, "kind") or "?",
        door=_text(event, "door"),
        granted={"granted": True, "denied": False}.get(str(event.get("decision"))),
        reason=_text(event, "reason"),
        by=_text(event, "by"),
        detail=_detail(_table(event, "detail")),
    )


def decided(event: Mapping[str, Any], visitor: Visitor | None, rules: tuple[Rule, ...]) -> Verdict:
    """The verdict of such a row, when it is one of a decision.

    rules: as they were explained at the scan, where a PIN is taken as right. The rule that
    decided is marked as failed, whatever was explained: the journal has the last word.
    """
    entry = entry_of(event)
    return Verdict(
        visitor,
        entry.granted,
        entry.reason,
        _text(event, "decided_by"),
        tuple(_as_journalled(rule, entry.reason) for rule in rules),
    )


def _as_journalled(rule: Rule, reason: str) -> Rule:
    if rule.name != reason:
        return replace(rule, detail="") if rule.name == _PIN_RULE else rule
    return rule if rule.passed is False else Rule(rule.name, passed=False, detail=_DECIDED)


def why_of(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The sentences of an answer to `why`, what can be done about it last."""
    told = [*_list(answer, "why"), answer.get("todo")]
    return tuple(clean(each) for each in told if isinstance(each, str) and each)


def site_of(status: Mapping[str, Any]) -> Site:
    """An answer to `status` in a few words."""
    return Site(tuple(_words(status)))


def _words(status: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    if status.get("lockdown") is True:
        yield "LOCKDOWN", False
    if hours := _text(_table(status, "hours"), "state"):
        yield hours, hours != "closed"
    trusted = _table(status, "clock").get("trusted") is True
    yield ("clock trusted" if trusted else "clock NOT trusted"), trusted
    cache = _table(status, "cache")
    readable = cache.get("readable") is True
    cards = clean(f"{cache.get('credentials')} cards")
    yield (cards if readable else "cards NOT readable"), readable
    if line := _table(status, "line"):
        yield _line_words(line)
    if alerts := len(_list(status, "alerts")):
        yield f"alerts: {alerts}", False


def _line_words(line: Mapping[str, Any]) -> tuple[str, bool]:
    """Whether the hub is to be had, and when the last complete pull was: local, to the second."""
    at = _at(line.get("pulled"))
    pulled = f", pulled {at:%H:%M:%S}" if at else ""
    up = line.get("up") is True
    return (f"hub up{pulled}" if up else f"hub AWAY{pulled}"), up


def _detail(detail: Mapping[str, Any]) -> str:
    told = [str(detail["action"])] if "action" in detail else []
    told += [
        value if isinstance(value, str) else f"{name}={value}"
        for name, value in detail.items()
        if name != "action" and name not in _NOT_TOLD and isinstance(value, str | int | float)
    ]
    return clean(" ".join(told))


def _verdict(passed: object) -> bool | None:
    return passed if isinstance(passed, bool) else None


def _at(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is not None and at.utcoffset() is not None else None


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or not abs(value) <= _LONGEST_OFFSET:
        return 0.0
    return float(value)


def _list(answer: Mapping[str, Any], name: str) -> list[Any]:
    value = answer.get(name)
    return value if isinstance(value, list) else []


def _table(answer: Mapping[str, Any], name: str) -> dict[Any, Any]:
    value = answer.get(name)
    return value if isinstance(value, dict) else {}


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    return clean(value) if isinstance(value, str) else ""

"""The right side of the demo's panel: the last decision with every rule, and the journal.

Rules are drawn in one of three ways, by the room that there is: one in a row with what it looked
at, two in a row, or by outcome in running text. All three name every rule and its outcome in
words. Deliberately not here: the left side (demo_left).
"""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import Final

from ui.panel.demo_model import Entry, Model, Rule, Verdict
from ui.panel.demo_pieces import Line, Piece, Tint, block, fitted, line
from ui.panel.plain import shortened, wrap

_LEAST_JOURNAL: Final = 6  # rows, its title included
_NAME: Final = 20  # columns of the longest rule's name
_DETAILED: Final = 60  # columns, from which a row has room for a rule and what it looked at
_PAIRED: Final = 54  # columns, from which two rules go into a row
_KIND: Final = 17
_OUTCOMES: Final = {True: "passes", False: "FAILS", None: "does not apply"}
_SHORT: Final = {True: "passes", False: "FAILS", None: "n/a"}
_INKS: Final = {True: Tint.GOOD, False: Tint.BAD, None: Tint.FAINT}
_QUIET: Final = frozenset({"why", "explain"})  # the panel's own looks, journalled like anybody's


def right(model: Model, zone: tzinfo, columns: int, rows: int) -> list[Line]:
    """The whole side in exactly so many rows and columns."""
    decision = _decision(model.verdict, columns, rows - _LEAST_JOURNAL)
    left = rows - len(decision)
    title = f" JOURNAL  {'live' if model.connected else 'the daemon does not answer'}"
    told = [_entry(each, zone, columns) for each in model.journal[-max(0, left - 1) :]]
    if not told:
        told = [line(Piece(" Rows stand here as they are written.", Tint.FAINT))]
    journal = [fitted((Piece(title, Tint.TITLE),), columns, Tint.TITLE), *told]
    return block([*decision, *journal], columns, rows)


def _decision(verdict: Verdict | None, columns: int, rows: int) -> list[Line]:
    if verdict is None:
        blank = fitted((), columns, Tint.TITLE)
        told = Piece(" No decision yet: scan a card by its letter.", Tint.TITLE)
        return [fitted((told,), columns, Tint.TITLE), blank]
    head = [_bar(verdict, columns), _whose(verdict, columns)]
    rules = _rules(verdict.rules, columns, rows - len(head))
    room = rows - len(head) - len(rules)
    return [*head, *_why(verdict, columns, room), *rules]


def _bar(verdict: Verdict, columns: int) -> Line:
    if verdict.granted is None:
        return fitted((Piece(" NOT DECIDED YET  the PIN is awaited", Tint.WARN),), columns)
    tint = Tint.GRANTED if verdict.granted else Tint.DENIED
    word = "GRANTED" if verdict.granted else "DENIED"
    told = f" {word}  {verdict.reason}"
    by = f"by {verdict.decided_by} " if verdict.decided_by else ""
    gap = max(1, columns - len(told) - len(by))
    return fitted((Piece(f"{told}{' ' * gap}{by}", tint),), columns, tint)


def _whose(verdict: Verdict, columns: int) -> Line:
    visitor = verdict.visitor
    if visitor is None:
        return line(Piece(" a card that was not scanned here", Tint.FAINT))
    note = f" - {visitor.note}" if visitor.note else ""
    return line(Piece(shortened(f" {visitor.title}{note}", columns)))


def _why(verdict: Verdict, columns: int, room: int) -> list[Line]:
    wrapped = [part for each in verdict.why for part in wrap(each, columns - 2)]
    told = wrapped if len(wrapped) <= room else wrapped[: max(0, room)]
    return [line(Piece(f" {each}", Tint.FAINT)) for each in told]


def _rules(rules: Sequence[Rule], columns: int, rows: int) -> list[Line]:
    if not rules:
        return [line(Piece(" its rules are not known: the daemon did not explain", Tint.FAINT))]
    if columns >= _DETAILED and rows >= len(rules):
        return [_detailed(rule, columns) for rule in rules]
    half = -(-len(rules) // 2)
    if columns >= _PAIRED and rows >= half + 1:
        return [*_failing(rules, columns), *_paired(rules, half, columns)]
    return list(_running(rules, columns))[:rows]


def _detailed(rule: Rule, columns: int) -> Line:
    outcome = f" {_OUTCOMES[rule.passed]:14} {rule.name:{_NAME}} "
    detail = shortened(rule.detail, columns - len(outcome))
    ink = _INKS[rule.passed]
    return line(Piece(outcome, ink), Piece(detail, ink if rule.passed is False else Tint.FAINT))


def _failing(rules: Sequence[Rule], columns: int) -> list[Line]:
    first = next((rule for rule in rules if rule.passed is False), None)
    told = f" {first.name}: {first.detail}" if first and first.detail else ""
    return [line(Piece(shortened(told, columns), Tint.BAD))] if told else []


def _paired(rules: Sequence[Rule], half: int, columns: int) -> Iterator[Line]:
    each = (columns + 1) // 2
    for number in range(half):
        first, *second = (_short(rule) for rule in rules[number::half])
        yield (Piece(" "), *fitted((first,), each - 1), *second)


def _short(rule: Rule) -> Piece:
    return Piece(f"{_SHORT[rule.passed]:6} {rule.name}", _INKS[rule.passed])


def _running(rules: Sequence[Rule], columns: int) -> Iterator[Line]:
    for outcome in (False, True, None):
        told = ", ".join(_with_detail(rule) for rule in rules if rule.passed is outcome)
        for text in wrap(f"{_OUTCOMES[outcome]}: {told}", columns - 2) if told else ():
            yield line(Piece(f" {text}", _INKS[outcome]))


def _with_detail(rule: Rule) -> str:
    return f"{rule.name} ({rule.detail})" if rule.passed is False and rule.detail else rule.name


def _entry(entry: Entry, zone: tzinfo, columns: int) -> Line:
    if not entry.kind:
        return line(Piece(f" --- {entry.detail} ---", Tint.WARN))
    at = f"{entry.at.astimezone(zone):%H:%M:%S}" if entry.at else "--:--:--"
    quiet = entry.detail.partition(" ")[0] in _QUIET
    kind = _kind(entry, columns)
    plain = Tint.FAINT if quiet else Tint.PLAIN
    return line(Piece(f" {at} ", Tint.FAINT), Piece(f"{kind} ", plain), *_more(entry, plain))


def _kind(entry: Entry, columns: int) -> str:
    if columns >= _DETAILED:
        return f"{entry.kind:{_KIND}}{entry.door:6}"
    return f"{entry.kind} {entry.door}".strip() if columns >= _PAIRED else entry.kind


def _more(entry: Entry, plain: Tint) -> Iterator[Piece]:
    if entry.granted is not None:
        yield Piece(f"{_word(entry)} ", Tint.GOOD if entry.granted else Tint.BAD)
    if entry.detail:
        yield Piece(f"{entry.detail} ", plain)
    if entry.by:
        yield Piece(f"by {entry.by}", Tint.FAINT)


def _word(entry: Entry) -> str:
    return f"granted {entry.reason}" if entry.granted else f"denied {entry.reason}"

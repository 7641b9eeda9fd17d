r"""Patterns of codes, and what the worst scan costs with each of them.

Python's `re` tries every way in which a pattern could fit before it says no: '(\d+)+[A-Z]' has
2^40 ways with 40 digits, and the loop that matches it ends no pulse meanwhile. So the ways and
steps of a pattern are counted before it is taken, as a bound from above: alternatives add up,
what follows one another multiplies, a repetition does both.

Deliberately not here: what a code is at most (kioskd.domain.card), and matching.
"""

import re
import warnings
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final, NamedTuple

from kioskd.config.walk import Place, Unfit, quoted
from kioskd.domain.card import MAX_SCAN

MAX_PATTERN: Final = 200  # characters
MOST_STEPS: Final = 50_000  # about a millisecond; two open repetitions need 10,000
_REPEATS: Final = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_ONE_STEP: Final = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN", "AT", "FAILURE"})


class _Cost(NamedTuple):
    """Ways to fit and steps to try them all, neither counted beyond what is too much."""

    ways: int
    steps: int


_TOO_MUCH: Final = _Cost(MOST_STEPS + 1, MOST_STEPS + 1)


def pattern(place: Place, value: object) -> re.Pattern[str]:
    """A regular expression, bounded in length and in what it costs on any scan."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PATTERN:
        raise Unfit(f"must be regular expressions of 1 to {MAX_PATTERN} characters")
    try:
        with warnings.catch_warnings(action="error"):  # "[[" and the like: not what was meant
            compiled = re.compile(value)
            # The standard library's own parser: another one would not read what `re` reads.
            tree = import_module("re._parser").parse(value)
    except (re.error, OverflowError, RecursionError, Warning) as wrong:
        raise Unfit(f"{quoted(value)} is not a regular expression: {wrong}") from None
    if _in_a_row(tree).steps > MOST_STEPS:
        raise Unfit(
            f"{quoted(value)} could hold up the door on one long scan; put no repetition inside "
            r"another and no back-reference, and repeat so many times, like \d{6} or [A-Z]{1,2}"
        )
    return compiled


def _in_a_row(nodes: Iterable[Any]) -> _Cost:
    ways, steps = 1, 1
    for name, value in nodes:
        cost = _of(str(name), value)
        steps += ways * cost.steps
        ways *= cost.ways
        if steps > MOST_STEPS:
            return _TOO_MUCH
    return _bounded(ways, steps)


def _of(name: str, value: Any) -> _Cost:
    if name in _ONE_STEP:
        return _Cost(1, 1)
    if name in _REPEATS:
        return _repeated(*value)
    if name == "BRANCH":
        costs = [_in_a_row(nodes) for nodes in value[1]]
        return _bounded(sum(c.ways for c in costs), sum(c.steps for c in costs))
    if name in ("SUBPATTERN", "ASSERT", "ASSERT_NOT"):
        return _in_a_row(value[-1])
    if name == "ATOMIC_GROUP":
        return _in_a_row(value)
    return _TOO_MUCH  # a back-reference, or what a later Python brings


def _repeated(least: int, most: int, nodes: Iterable[Any]) -> _Cost:
    once = _in_a_row(nodes)
    times = max(int(least), min(int(most), MAX_SCAN))
    ways, steps, so_far = 0, 1, 1
    for turn in range(times + 1):
        ways += so_far if turn >= least else 0
        steps += so_far * once.steps
        so_far *= once.ways
        if steps > MOST_STEPS:
            return _TOO_MUCH
    return _bounded(ways, steps)


def _bounded(ways: int, steps: int) -> _Cost:
    return _Cost(min(ways, _TOO_MUCH.ways), min(steps, _TOO_MUCH.steps))

"""Answers that fit a line of the wire, whatever a site has hundreds of.

Deliberately not here: lists that are given page by page (cards).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kioskd import wire
from kioskd.control.cards import PAGE_BYTES

_MORE: Final = 64  # bytes of a list's name and count in `more`


def fitted(answer: Mapping[str, Any], *names: str, room: int = PAGE_BYTES) -> dict[str, Any]:
    """The answer, with its lists cut at their ends where it is too long for a line.

    names: of the lists, each with what matters most at its beginning. Where any was cut, `more`
    says of which how many entries are left out: {"more": {"devices": 312}}.
    """
    if fits(answer, room):
        return dict(answer)
    sizes = {name: [wire.size_of(entry) + 1 for entry in answer[name]] for name in names}
    room -= wire.size_of(answer) - sum(map(sum, sizes.values())) + _MORE * len(names)
    kept = dict(_kept(sizes, room))
    cut = {name: list(answer[name])[: kept[name]] for name in names}
    more = {name: len(answer[name]) - kept[name] for name in names}
    return {**answer, **cut, "more": {name: count for name, count in more.items() if count}}


def fits(answer: Mapping[str, Any], room: int = PAGE_BYTES) -> bool:
    """Whether an answer is short enough as it is."""
    return wire.size_of(answer) <= room


def _kept(sizes: Mapping[str, Sequence[int]], room: int) -> Iterator[tuple[str, int]]:
    """How many of each list: a short one is whole, and the others share what it leaves."""
    shortest_first = sorted(sizes, key=lambda name: sum(sizes[name]))
    for at, name in enumerate(shortest_first):
        share = room // (len(shortest_first) - at)
        count = used = 0
        for size in sizes[name]:
            if used + size > share:
                break
            used += size
            count += 1
        room -= used
        yield name, count

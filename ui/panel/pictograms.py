"""The pictures beside a notice, as shapes in a unit square, drawn at any size.

A picture is a list of shapes: each one adds ink or takes it away, later ones over earlier ones.
x runs to the right, y runs down, both from 0 to 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import cos, hypot, pi, sin
from typing import Final, Protocol

from kioskd.domain.face import Pictogram
from ui.panel.blocks import INK, PAPER, cells

Point = tuple[float, float]


class Shape(Protocol):
    """Something that covers points, with ink or without."""

    @property
    def ink(self) -> bool: ...
    def covers(self, x: float, y: float) -> bool: ...


@dataclass(frozen=True, slots=True)
class Disc:
    x: float
    y: float
    radius: float
    ink: bool = True

    def covers(self, x: float, y: float) -> bool:
        return hypot(x - self.x, y - self.y) <= self.radius


@dataclass(frozen=True, slots=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float
    ink: bool = True

    def covers(self, x: float, y: float) -> bool:
        return self.left <= x <= self.right and self.top <= y <= self.bottom


@dataclass(frozen=True, slots=True)
class Stroke:
    """A bent line with round ends. width: of the line, across."""

    points: tuple[Point, ...]
    width: float
    ink: bool = True

    def covers(self, x: float, y: float) -> bool:
        return any(
            _distance((x, y), begin, end) <= self.width / 2 for begin, end in pairwise(self.points)
        )


@dataclass(frozen=True, slots=True)
class Area:
    """A polygon."""

    points: tuple[Point, ...]
    ink: bool = True

    def covers(self, x: float, y: float) -> bool:
        sides = zip(self.points, (*self.points[1:], self.points[0]), strict=True)
        crossed = [
            x < (x2 - x1) * (y - y1) / (y2 - y1) + x1
            for (x1, y1), (x2, y2) in sides
            if (y1 > y) != (y2 > y)
        ]
        return sum(crossed) % 2 == 1


@lru_cache(64)
def picture(name: Pictogram, columns: int, rows: int) -> tuple[str, ...]:
    """The picture in `rows` rows of `columns` block characters."""
    across, down = 2 * columns, 2 * rows
    shapes = _PICTURES[name]
    return cells(
        [
            "".join(
                INK if _inked(shapes, (x + 0.5) / across, (y + 0.5) / down) else PAPER
                for x in range(across)
            )
            for y in range(down)
        ]
    )


def _inked(shapes: Sequence[Shape], x: float, y: float) -> bool:
    return next((shape.ink for shape in reversed(shapes) if shape.covers(x, y)), False)


def _distance(point: Point, begin: Point, end: Point) -> float:
    """From a point to the nearest of a straight piece."""
    (px, py), (bx, by), (ex, ey) = point, begin, end
    dx, dy = ex - bx, ey - by
    along = ((px - bx) * dx + (py - by) * dy) / ((dx * dx + dy * dy) or 1.0)
    along = min(1.0, max(0.0, along))
    return hypot(px - bx - along * dx, py - by - along * dy)


def _arc(x: float, y: float, radius: float, begin: float, end: float) -> tuple[Point, ...]:
    """Points of an arc; begin and end in degrees, clockwise from the right."""
    angles = [begin + (end - begin) * step / 12 for step in range(13)]
    return tuple((x + radius * cos(a * pi / 180), y + radius * sin(a * pi / 180)) for a in angles)


_BARS: Final = (  # of the card's barcode: from where, how wide
    *((0.14, 0.06), (0.25, 0.03), (0.32, 0.07), (0.44, 0.03)),
    *((0.51, 0.03), (0.59, 0.07), (0.71, 0.03), (0.78, 0.08)),
)
_KEYS: Final = tuple((x, y) for x in (0.175, 0.425, 0.675) for y in (0.06, 0.31, 0.56, 0.81))

_PICTURES: Final[Mapping[Pictogram, tuple[Shape, ...]]] = {
    Pictogram.CARD: (
        Box(0.0, 0.16, 1.0, 0.84),
        Box(0.07, 0.26, 0.93, 0.74, ink=False),
        *(Box(left, 0.38, left + wide, 0.66) for left, wide in _BARS),
    ),
    Pictogram.KEYS: (
        Box(0.1, 0.0, 0.9, 1.0),
        *(Box(x, y, x + 0.15, y + 0.13, ink=False) for x, y in _KEYS),
    ),
    Pictogram.HOURGLASS: (
        Box(0.15, 0.0, 0.85, 0.1),
        Box(0.15, 0.9, 0.85, 1.0),
        Area(((0.2, 0.1), (0.8, 0.1), (0.55, 0.5), (0.8, 0.9), (0.2, 0.9), (0.45, 0.5))),
        Area(((0.29, 0.14), (0.71, 0.14), (0.62, 0.28), (0.38, 0.28)), ink=False),
        Area(((0.5, 0.55), (0.66, 0.82), (0.34, 0.82)), ink=False),
    ),
    Pictogram.WALK: (
        Disc(0.55, 0.11, 0.1),
        Stroke(((0.53, 0.3), (0.48, 0.56)), 0.19),
        Stroke(((0.47, 0.58), (0.62, 0.75), (0.66, 0.95)), 0.11),
        Stroke(((0.45, 0.58), (0.38, 0.77), (0.22, 0.94)), 0.11),
        Stroke(((0.53, 0.29), (0.69, 0.44), (0.86, 0.47)), 0.085),
        Stroke(((0.49, 0.28), (0.31, 0.38), (0.25, 0.56)), 0.085),
    ),
    Pictogram.STOP: (
        Stroke(((0.33, 0.22), (0.33, 0.6)), 0.13),
        Stroke(((0.49, 0.09), (0.49, 0.6)), 0.13),
        Stroke(((0.65, 0.14), (0.65, 0.6)), 0.13),
        Stroke(((0.8, 0.27), (0.8, 0.6)), 0.12),
        Area(((0.265, 0.5), (0.86, 0.5), (0.86, 0.68), (0.76, 0.96), (0.42, 0.96), (0.3, 0.8))),
        Stroke(((0.12, 0.52), (0.2, 0.62), (0.4, 0.86)), 0.13),
    ),
    Pictogram.CLOCK: (
        Disc(0.5, 0.5, 0.5),
        Disc(0.5, 0.5, 0.4, ink=False),
        Stroke(((0.5, 0.2), (0.5, 0.52), (0.7, 0.64)), 0.09),
    ),
    Pictogram.ASK: (
        Disc(0.5, 0.5, 0.5),
        Stroke((*_arc(0.5, 0.36, 0.16, 180, 400), (0.5, 0.58), (0.5, 0.64)), 0.1, ink=False),
        Disc(0.5, 0.8, 0.065, ink=False),
    ),
    Pictogram.PHONE: (
        Stroke(((0.2, 0.2), (0.24, 0.42), (0.4, 0.62), (0.58, 0.77), (0.8, 0.8)), 0.19),
        Stroke(((0.16, 0.1), (0.32, 0.3)), 0.22),
        Stroke(((0.7, 0.68), (0.9, 0.84)), 0.22),
    ),
}

"""Counts in a table, and what of it may be published (R30 of the privacy rules).

A cell of one to four people is not shown. Nor are as many others, the smallest that will do, as
it takes for nobody to compute it back from the totals: in a table whose rows and columns add up,
a hidden cell cannot be computed exactly when hidden cells can be raised and lowered by one in
turn around a loop through it, so that all sums stay. No hidden cell is taken below one on the
way, because everybody knows that a zero is shown as what it is. Totals count as cells: where
nothing else helps, they are hidden too, and then a loop always exists.

Deliberately not here: how a table is drawn, and other tables of the same people: two groupings
of one period, both published, may tell together what neither tells alone.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SMALLEST_SHOWN = 5  # people

Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Table:
    """Counts by row and column with their totals; None is a count that is not shown.

    cells has a row for each of `rows` and a last one with the totals of the columns; likewise
    each row ends with its total.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[int | None, ...], ...]

    @property
    def total(self) -> int | None:
        """The count of everything."""
        return self.cells[-1][-1]


def table_of(
    counts: Mapping[tuple[str, str], int], rows: Iterable[str], columns: Iterable[str]
) -> Table:
    """Exact counts with their totals; a pair that was not counted is zero."""
    row_names, column_names = tuple(rows), tuple(columns)
    lines = [[counts.get((r, c), 0) for c in column_names] for r in row_names]
    lines.append([sum(column) for column in zip(*lines, strict=True)] or [0] * len(column_names))
    return Table(row_names, column_names, tuple((*line, sum(line)) for line in lines))


def published(table: Table) -> Table:
    """The table without the cells that may not be shown."""
    hidden = _Hiding(table).hidden
    cells = tuple(
        tuple(None if (r, c) in hidden else n for c, n in enumerate(line))
        for r, line in enumerate(table.cells)
    )
    return Table(table.rows, table.columns, cells)


_Node = tuple[bool, int]  # whether it is a column, and its number


class _Hiding:
    """Chooses the hidden cells of one table.

    Rows and columns are the nodes of a graph, cells its edges: a loop of edges is a loop of cells.
    """

    def __init__(self, table: Table) -> None:
        self._last = (len(table.rows), len(table.columns))
        self._n = {(r, c): n for r, line in enumerate(table.cells) for c, n in enumerate(line) if n}
        self._edges: dict[_Node, list[Cell]] = {}
        for row, column in self._n:
            self._edges.setdefault((False, row), []).append((row, column))
            self._edges.setdefault((True, column), []).append((row, column))
        small = sorted((n, cell) for cell, n in self._n.items() if n < SMALLEST_SHOWN)
        self.hidden = {cell for _, cell in small}
        safe: set[Cell] = set()
        for _, cell in small:
            if cell not in safe:
                loop = self._cheapest_loop(cell)
                self.hidden |= loop
                safe |= loop

    def _cheapest_loop(self, cell: Cell) -> set[Cell]:
        """A loop through the cell that hides the fewest people beside those hidden already."""
        loops = (self._loop(cell, way) for way in (+1, -1) if self._moves(cell, way))
        return min((loop for loop in loops if loop), key=self._cost_of)

    def _cost_of(self, loop: set[Cell]) -> int:
        return sum(self._n[cell] for cell in loop - self.hidden)

    def _loop(self, cell: Cell, way: int) -> set[Cell]:
        """The cheapest path of cells from the cell's row to its column (Dijkstra), and the cell.

        Cells on a path from a row to a column move against the first one, those back with it.
        """
        start, end = (False, cell[0]), (True, cell[1])
        came: dict[_Node, tuple[_Node, Cell]] = {}
        queue: list[tuple[int, int, _Node, _Node, Cell]] = [(0, 0, start, start, cell)]
        while queue:
            cost, steps, node, before, over = heapq.heappop(queue)
            if node in came:
                continue
            came[node] = (before, over)
            if node == end:
                return _path(came, start, end) | {cell}
            for edge in self._edges[node]:
                onward = (not node[0], edge[0] if node[0] else edge[1])
                if onward not in came and edge != cell and self._moves(edge, _turn(way, node)):
                    price = 0 if edge in self.hidden else self._n[edge]
                    heapq.heappush(queue, (cost + price, steps + 1, onward, node, edge))
        return set()

    def _moves(self, cell: Cell, way: int) -> bool:
        """Whether the cell stays a count of people when it moves by one."""
        # A total counts against the line that it ends, the grand total against both.
        ends = (cell[0] == self._last[0]) != (cell[1] == self._last[1])
        return self._n[cell] + (-way if ends else way) >= 1


def _turn(way: int, node: _Node) -> int:
    return way if node[0] else -way


def _path(came: Mapping[_Node, tuple[_Node, Cell]], start: _Node, end: _Node) -> set[Cell]:
    cells = set()
    while end != start:
        end, cell = came[end]
        cells.add(cell)
    return cells

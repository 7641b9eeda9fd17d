"""Published counts as CSV (RFC 4180) and JSON.

A withheld count is `..`, as in official statistics; nothing tells the small ones from those that
were withheld beside them, because that would give both away.

Deliberately not here: the table on a terminal (cli.stats) and the picture (stats_plot).
"""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

from sync.hub.stats import BRANCH, Sheet

WITHHELD: Final = ".."
TOTAL: Final = "total"
HEADER: Final = ("municipality", "branch", "what", "rows", "row", "columns", "column", "n")


def shown(n: int | None) -> str:
    """A count as text."""
    return WITHHELD if n is None else str(n)


def as_csv(found: Iterable[Sheet]) -> str:
    """One line a cell, totals included; lines end in CR LF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for sheet in found:
        writer.writerows(_lines(sheet))
    return text.getvalue()


def as_json(found: Iterable[Sheet], year: int) -> dict[str, object]:
    """The same as an object; null is a withheld count."""
    return {"year": year, "tables": [_table(sheet) for sheet in found]}


def _lines(sheet: Sheet) -> Iterator[tuple[str, ...]]:
    table = sheet.table
    names = table.rows if sheet.rows == BRANCH else (*table.rows, TOTAL)
    for row, cells in zip(names, table.cells, strict=False):
        for column, n in zip((*table.columns, TOTAL), cells, strict=True):
            yield (
                sheet.municipality,
                sheet.branch,
                sheet.what,
                sheet.rows,
                row,
                sheet.columns,
                column,
                shown(n),
            )


def _table(sheet: Sheet) -> dict[str, object]:
    table = sheet.table
    lines = [
        {"row": row, "cells": dict(zip(table.columns, cells, strict=False)), "total": cells[-1]}
        for row, cells in zip((*table.rows, TOTAL), table.cells, strict=True)
    ]
    return {
        "municipality": sheet.municipality,
        "branch": sheet.branch or None,
        "what": sheet.what,
        "rows": sheet.rows,
        "columns": sheet.columns,
        "withheld": sheet.withheld,
        "lines": lines[:-1],
        "totals": lines[-1],
    }

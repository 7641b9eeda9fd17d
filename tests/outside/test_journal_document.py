"""What docs/JOURNAL.md tells others to do with an export is done here, by its own program."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from kioskd.domain.record import Kind, Record
from kioskd.store.journal_read import JournalReader
from kioskd.store.journal_start import open_journal

DOCUMENT = Path(__file__).parents[2] / "docs" / "JOURNAL.md"


def test_the_program_in_the_document_holds_for_rows_and_finds_a_changed_one(
    tmp_path: Path,
) -> None:
    lines = _exported(tmp_path)
    assert _program(lines) == ["1 holds", "2 holds", "3 holds"]
    changed = json.loads(lines[1]) | {"detail": {"device": "another"}}
    assert _program([lines[0], json.dumps(changed), lines[2]]) == [
        "1 holds",
        "2 CHANGED",
        "3 holds",
    ]


def test_the_document_covers_every_column() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+)`", text.split("## Checking it")[0]))
    row = "id seq at kind door decision reason decided_by card item by detail personal hash prev"
    assert set(row.split()) <= named


def _exported(folder: Path) -> list[str]:
    now = datetime(2026, 11, 23, 8, tzinfo=UTC)
    opened = open_journal(folder, ZoneInfo("Europe/Helsinki"), now, "0", None)
    for number in (1, 2):
        detail = {"device": "lukija ä", "why": f'"{number}"'}
        opened.file.append(
            Record(str(number), now, Kind.DEVICE_LOST, detail=detail, card=b"c" * 16)
        )
    opened.file.close()
    reader = JournalReader(folder)
    rows = [json.dumps(row, ensure_ascii=False) for row in reader.rows()]
    reader.close()
    return rows


def _program(lines: list[str]) -> list[str]:
    program = DOCUMENT.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-c", program],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout.splitlines()

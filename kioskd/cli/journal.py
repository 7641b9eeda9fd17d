"""kioskd journal export and verify: what happened, and that nobody changed it."""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kioskd.cli.common import add_config, add_json, config_of, print_json, writes_unicode
from kioskd.cli.times import instant
from kioskd.config.model import Config

if TYPE_CHECKING:
    from kioskd.store.journal_read import Verified


_LOST = {
    "restored": "the journal went on from an older copy; rows written after the copy are not here",
    "damaged": "a damaged journal was set aside as journal.damaged-*.db; this one was begun then",
    "missing": "the journal before this one was gone; its rows are not here",
}


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command's options."""
    parser = commands.add_parser(
        "journal",
        help="export or verify the journal",
        description="The journal itself, from its file, beside the daemon or without it. For root "
        "and the user that kioskd runs as: it tells of persons.",
    )
    verbs = parser.add_subparsers(required=True)
    export = verbs.add_parser("export", help="every row, in order")
    add_config(export)
    export.add_argument("--since", metavar="ISO", help="without offset in the site's zone")
    export.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
    export.add_argument("--json", action="store_true", help="JSON lines, as without it")
    export.set_defaults(run=run_export)
    verify = verbs.add_parser("verify", help="walk the chain; exit 1 where it breaks")
    add_config(verify)
    add_json(verify)
    verify.set_defaults(run=run_verify)


def run_export(args: argparse.Namespace) -> int:
    """Rows to standard output."""
    from kioskd.store.journal_read import JournalReader

    config = config_of(args)
    _look_as_owner(config)
    since = instant(args.since, config.site.timezone) if args.since else None
    reader = JournalReader(config.storage.directory)
    write = _write_csv if args.format == "csv" else _write_lines
    write(reader.rows(since))
    reader.close()
    return 0


def _look_as_owner(config: Config) -> None:
    from kioskd.daemon.privileges import drop_to_owner, may_look_into

    drop_to_owner(config.storage.directory)
    may_look_into(config.storage.directory)


def _write_lines(rows: Iterator[dict[str, object]]) -> None:
    for row in rows:
        sys.stdout.write(json.dumps(row, ensure_ascii=not writes_unicode()) + "\n")


def _write_csv(rows: Iterator[dict[str, object]]) -> None:
    from kioskd.store.journal_read import COLUMNS

    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    for row in rows:
        detail = json.dumps(row["detail"], ensure_ascii=False, sort_keys=True)
        writer.writerow([detail if name == "detail" else row[name] for name in COLUMNS])


def run_verify(args: argparse.Namespace) -> int:
    """0 when the chain holds, 1 with the first row that does not."""
    from kioskd.daemon.keys import open_keys
    from kioskd.daemon.stores import last_seen
    from kioskd.store.journal_read import JournalReader

    config = config_of(args)
    _look_as_owner(config)
    # What was seen last is read first: a row appended in between would seem to be missing.
    mirror = last_seen(config.storage.directory)
    reader = JournalReader(config.storage.directory)
    found = reader.verify(open_keys(config).mac(), mirror)
    reader.close()
    if args.json:
        print_json(_as_json(found))
    else:
        sys.stdout.write(_told(found))
    return 0 if found.broken is None else 1


def _as_json(found: "Verified") -> dict[str, object]:
    return {
        "well": found.broken is None,
        "journal": found.journal,
        "rows": found.rows,
        "persons": found.persons,
        "erased": found.erased,
        "anchored": found.anchored,
        "anchors_checked": found.anchors_checked,
        "broken": found.broken,
        "why": found.why,
        "restarts": [asdict(restart) for restart in found.restarts],
    }


def _told(found: "Verified") -> str:
    counts = {
        "rows": found.rows,
        "with a person": found.persons,
        "erased": found.erased,
        "anchored": found.anchored,
    }
    lines = ["  ".join(f"{name} {count}" for name, count in counts.items())]
    if found.anchored and not found.anchors_checked:
        lines.append("anchors were not checked: the device key cannot be read")
    lines += [f"seq {r.seq} at {r.at}: {_LOST[r.why]}" for r in found.restarts]
    if found.broken is not None:
        lines.append(f"broken at seq {found.broken}: {found.why}")
    else:
        lines.append("the chain holds")
    return "".join(f"{line}\n" for line in lines)

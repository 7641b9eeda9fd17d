"""Which parser reads which `--format` of a Koha register.

Deliberately not here: the feed's own format, and what becomes of rows.
"""

from typing import Final

from kioskd.errors import InputError
from sync.hub.imports import blocklist_csv, blocklist_mv, blocklist_yml, koha
from sync.hub.imports.rows import ParserRules
from sync.hub.imports.source import Source
from sync.hub.model import KohaConfig

BLOCKLISTS: Final = (blocklist_csv.FORMAT, blocklist_yml.FORMAT, blocklist_mv.FORMAT)
FORMATS: Final = (koha.FORMAT, *BLOCKLISTS)

KohaParser = (
    koha.KohaPatrons
    | blocklist_csv.CsvBlocklist
    | blocklist_yml.YmlBlocklist
    | blocklist_mv.MvBlocklist
)


def koha_parser(
    form: str, source: Source, rules: ParserRules, config: KohaConfig, *, full: bool
) -> KohaParser:
    """The parser of a format; closing it closes the source.

    full: who is not in the file will be dropped; of a block list nobody is. InputError: a format
    that is none of FORMATS.
    """
    if form == koha.FORMAT:
        return koha.KohaPatrons(source, rules, config, full)
    if form == blocklist_csv.FORMAT:
        return blocklist_csv.CsvBlocklist(source, rules)
    if form == blocklist_yml.FORMAT:
        return blocklist_yml.YmlBlocklist(source, rules)
    if form == blocklist_mv.FORMAT:
        return blocklist_mv.MvBlocklist(source, rules)
    raise InputError(f"--format {form}: not known; there are {', '.join(FORMATS)}")

"""Lines of /v1/restrictions: what they say of a card, and the row that comes of it.

A line tells all restrictions of a card as they are now; the rest of its credential stays. A card
that the cache lacks is none of ours. A line that cannot be used takes its card out of the cache:
what the hub meant to say may have been a ban.

Deliberately not here: the transaction (line_cache_pages).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import msgspec

from kioskd.daemon.import_enrolled import Enrolled, is_lost
from kioskd.daemon.import_sealing import SealingKeys
from kioskd.daemon.verifier_kinds import VerifierKinds
from kioskd.domain.credential import Credential, Restriction, RestrictionKind
from kioskd.errors import VaultError
from kioskd.store.cache_staging import LEFT_OUT, REMOVED, StagedRow
from kioskd.vault.card_index import index_of
from kioskd.vault.sealing import Sealer
from sync.feed_json import NOT_JSON
from sync.feed_rows import MAX_RESTRICTIONS, BadField, RowRules, restriction_of
from sync.hub_wire import RestrictionLine

_decode = msgspec.json.Decoder(RestrictionLine).decode


@dataclass(frozen=True, slots=True)
class Said:
    """The last line of one card; restrictions None: the card goes. bad: the line is no good."""

    enrolled: bytes
    restrictions: tuple[Restriction, ...] | None
    bad: bool = False


def read_restrictions(
    lines: Iterable[bytes], rules: RowRules, keys: SealingKeys, enrolled: Enrolled
) -> tuple[dict[bytes, Said], int]:
    """What is said of which card index, and how many lines are nobody's."""
    said: dict[bytes, Said] = {}
    nobodys = 0
    for raw in lines:
        card, restrictions, bad = _read(rules, raw)
        if card:
            said[index_of(keys.index, card)] = Said(enrolled.of(card), restrictions, bad)
        else:
            nobodys += 1
    return said, nobodys


def _read(rules: RowRules, raw: bytes) -> tuple[str, tuple[Restriction, ...] | None, bool]:
    """Card, restrictions, and whether the line is bad; no card where even that is not there."""
    try:
        line = _decode(raw)
        card = rules.card_of(line.card)
        if line.deleted:
            return card, None, False
        if len(line.restrictions) > MAX_RESTRICTIONS:
            return card, None, True
        return card, tuple(map(restriction_of, line.restrictions)), False
    except BadField:
        return card, None, True
    except NOT_JSON:
        return rules.card_of(_card_in(raw)), None, True


def _card_in(raw: bytes) -> object:
    try:
        found = msgspec.json.decode(raw)
    except NOT_JSON:
        return None
    return found.get("card") if isinstance(found, dict) else None


def restricted(
    said: Mapping[bytes, Said], sealed: Mapping[bytes, bytes], keys: SealingKeys, today: date
) -> Iterator[StagedRow]:
    """The rows that change by it. sealed: those of these cards that the cache has."""
    sealer, kinds = Sealer(keys.seal), VerifierKinds()
    for index, line in said.items():
        if line.restrictions is None:
            yield _gone(index, line)
            continue
        row = _changed(index, line.restrictions, sealed.get(index), sealer, kinds)
        gone = line.enrolled if is_lost(Credential(restrictions=line.restrictions), today) else b""
        if row is not None:
            yield row._replace(enrolled=gone)
        elif gone and index not in sealed:
            yield StagedRow(index, REMOVED, None, gone)  # a PIN of staff alone, for a lost card


def _gone(index: bytes, line: Said) -> StagedRow:
    if line.bad:
        return StagedRow(index, LEFT_OUT, None)
    return StagedRow(index, REMOVED, None, line.enrolled)


def _changed(
    index: bytes,
    restrictions: tuple[Restriction, ...],
    sealed: bytes | None,
    sealer: Sealer,
    kinds: VerifierKinds,
) -> StagedRow | None:
    """The row with these restrictions; None where there is nothing to write."""
    if sealed is None:
        return None
    try:
        credential = sealer.unseal(index, sealed)
        restrictions = _beside(restrictions, credential.eligible_from)
        if credential.restrictions == restrictions:
            return None
        after = sealer.seal(index, replace(credential, restrictions=restrictions))
        return StagedRow(index, kinds.kind_of(credential.verifier), after)
    except (VaultError, ValueError):
        return StagedRow(index, LEFT_OUT, None)  # it lets nobody in anyway, and says so


def _beside(
    restrictions: tuple[Restriction, ...], eligible_from: date | None
) -> tuple[Restriction, ...]:
    """Those that the row does not say already: under age until the day that it names."""
    if eligible_from is None:
        return restrictions
    said = Restriction(RestrictionKind.UNDER_AGE, eligible_from - timedelta(days=1))
    return tuple(r for r in restrictions if r != said)

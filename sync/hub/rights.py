"""From what the hub knows of a patron to what the devices of one branch may know. Pure.

Card number, verifier and right of use, nothing else: only restrictions that bind at this branch
today and of kinds that its doors and desks evaluate, their branch stripped, the longest of a kind
alone. A day of coming of age goes out only when it is near, because it tells the birth date; a
guardian's consent goes out as the absence of what it lifts.

Deliberately not here: sealing, streams, and where a person came from.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from kioskd.domain.codes import same_branch
from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.vault.verifiers import Bcrypt, unpack_verifier, verifier_text
from sync.feed_rows import RestrictionFields, RowFields
from sync.hub.model import ANY_AGE, AgeState, Branch, HubConfig, Person

LOCKED_CODE: Final = "account-locked"
DOOR_KINDS: Final = frozenset(
    {
        RestrictionKind.SELF_SERVICE_BLOCK,
        RestrictionKind.USE_BAN,
        RestrictionKind.LOST,
        RestrictionKind.TERMS_MISSING,
        RestrictionKind.UNDER_AGE,
        RestrictionKind.CATEGORY_NOT_ALLOWED,
    }
)
_ORDER: Final = {kind: place for place, kind in enumerate(RestrictionKind)}
_DAY: Final = timedelta(days=1)


def near_days_of(config: HubConfig) -> int:
    """How many days ahead a coming of age may be told: as long as a device may use a credential."""
    return config.near_hours // 24


def fields(person: Person, ref: str, branch: Branch, today: date, near_days: int) -> RowFields:
    """What this branch's devices may know of a person. today: the branch's local day."""
    under_age, eligible_from = _age(person, branch, today, near_days)
    return RowFields(
        card=person.card,
        pin_hash=_pin_hash(person.verifier),
        restrictions=_restrictions(person, branch, today, under_age=under_age) or None,
        expires=person.expires,
        eligible_from=eligible_from,
        category=person.category if branch.categories else None,
        language=person.language if branch.send_language else None,
        ref=ref or None,
    )


def restrictions_of(
    person: Person, branch: Branch, today: date, near_days: int
) -> list[RestrictionFields]:
    """The restrictions of that row, one of a kind at most, in the order of the kinds."""
    under_age, _ = _age(person, branch, today, near_days)
    return _restrictions(person, branch, today, under_age=under_age)


def restrictions_alone(
    person: Person, branch: Branch, today: date, near_days: int
) -> list[RestrictionFields]:
    """The restrictions where the rest of the row does not come with them.

    Who comes of age soon is under age here: the day that says until when is in the row, and a line
    that is cut between the two must not open a door too early.
    """
    under_age, eligible_from = _age(person, branch, today, near_days)
    if eligible_from is not None:
        until = Restriction(RestrictionKind.UNDER_AGE, eligible_from - _DAY)
        person = replace(person, restrictions=(*person.restrictions, until))
    return _restrictions(person, branch, today, under_age=under_age)


def turns(person: Person, today: date) -> date | None:
    """The first day on which something in it changes by itself; today's or earlier is overdue."""
    ends = [r.until + _DAY for r in person.restrictions if r.until and r.until < date.max]
    ages = [state for state in person.ages.values() if isinstance(state, date)]
    first = min([*ends, *ages], default=None)
    return None if first is None else max(first, today)


def turned(person: Person, today: date) -> Person:
    """The person without what is over on this day: ended restrictions, days of coming of age."""
    left = tuple(r for r in person.restrictions if r.until is None or r.until >= today)
    ages = {
        limit: AgeState.REACHED if isinstance(state, date) and state <= today else state
        for limit, state in person.ages.items()
    }
    return replace(person, restrictions=left, ages=ages)


def may_be_restricted(person: Person) -> bool:
    """Whether some branch could have a restriction for it, by what is in the person itself.

    A branch's categories, and an age limit that nobody answered for, are the branch's: whoever
    looks for all that are restricted at such a branch looks at everybody.
    """
    if person.restrictions or person.locked or person.institution or person.terms is False:
        return True
    return not person.ages or any(s is not AgeState.REACHED for s in person.ages.values())


def tells_all(branch: Branch) -> bool:
    """Whether `may_be_restricted` is true of everybody who can be restricted at this branch."""
    return not branch.categories and not branch.minimum_age


def urgent_differs(before: Person | None, after: Person | None) -> bool:
    """Whether something changed that must reach doors ahead of everything else.

    None: there is no such person, before or after.
    """
    if before is None or after is None:
        return before is not after
    return _urgent(before) != _urgent(after)


def _urgent(p: Person) -> tuple[object, ...]:
    return (
        frozenset(p.restrictions),
        p.consent,
        dict(p.ages),
        p.terms,
        p.category,
        p.locked,
        p.institution,
    )


def _restrictions(
    person: Person, branch: Branch, today: date, *, under_age: bool
) -> list[RestrictionFields]:
    longest: dict[RestrictionKind, Restriction] = {}
    for found in _binding(person, branch, today, under_age=under_age):
        known = longest.get(found.kind)
        if known is None or _longer(found, known):
            longest[found.kind] = found
    kinds = sorted(longest, key=_ORDER.__getitem__) if len(longest) > 1 else longest
    return [RestrictionFields(k, longest[k].until, code=longest[k].code) for k in kinds]


def _binding(
    person: Person, branch: Branch, today: date, *, under_age: bool
) -> Iterator[Restriction]:
    consented = _consented(person, branch)
    for restriction in person.restrictions:
        lifted = consented and restriction.kind is RestrictionKind.UNDER_AGE
        known = restriction.kind in DOOR_KINDS or restriction.kind in branch.send_kinds
        if known and not lifted and restriction.holds(today, branch.code):
            yield restriction
    if person.locked:
        yield Restriction(RestrictionKind.USE_BAN, code=LOCKED_CODE)
    if branch.terms_required and person.terms is False:
        yield Restriction(RestrictionKind.TERMS_MISSING)
    if under_age:
        yield Restriction(RestrictionKind.UNDER_AGE)
    if person.institution or (branch.categories and person.category not in branch.categories):
        yield Restriction(RestrictionKind.CATEGORY_NOT_ALLOWED)


def _longer(one: Restriction, other: Restriction) -> bool:
    if other.until is None:
        return False
    return one.until is None or one.until > other.until


def _age(person: Person, branch: Branch, today: date, near_days: int) -> tuple[bool, date | None]:
    """Whether it is under age here, or the near day on which it is so no more."""
    if not branch.minimum_age or _consented(person, branch):
        return False, None
    ages = person.ages
    state = ages.get(branch.minimum_age) or ages.get(ANY_AGE) or AgeState.UNDER
    if not isinstance(state, date):
        return state is AgeState.UNDER, None
    if state <= today:
        return False, None
    return (False, state) if (state - today).days <= near_days else (True, None)


def _consented(person: Person, branch: Branch) -> bool:
    if isinstance(person.consent, bool):
        return person.consent
    return any(same_branch(code, branch.code) for code in person.consent)


def _pin_hash(packed: bytes | None) -> str | None:
    """The verifier as a feed writes it. Plain bcrypt and what nobody understands stay here."""
    if packed is None:
        return None
    try:
        verifier = unpack_verifier(packed)
    except ValueError:
        return None
    return None if isinstance(verifier, Bcrypt) else verifier_text(verifier)

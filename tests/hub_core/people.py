"""Strategies: any person that an import may make, any branch, any day."""

from datetime import date, timedelta

from hypothesis import strategies as st

from kioskd.domain.credential import Restriction, RestrictionKind
from sync.hub.model import ANY_AGE, AgeState, Branch, Person
from tests.hub_core.world import BCRYPT, TODAY, VERIFIER

NEAR = 5
CODES = ("ESI", "esi", "TOI", "ÄÄ")
LIMITS = (ANY_AGE, 13, 15, 18)

days = st.integers(-400, 400).map(lambda n: TODAY + timedelta(days=n))
near = st.integers(-3, NEAR).map(lambda n: TODAY + timedelta(days=n))
restrictions = st.builds(
    Restriction,
    kind=st.sampled_from(RestrictionKind),
    until=st.none() | days | st.just(date.max),
    branch=st.none() | st.sampled_from(CODES),
    code=st.none() | st.just("R1"),
)
persons = st.builds(
    Person,
    card=st.from_regex(r"167A[0-9]{6}", fullmatch=True),
    verifier=st.sampled_from([None, VERIFIER, BCRYPT, b"\x09junk"]),
    restrictions=st.lists(restrictions, max_size=40).map(tuple),
    expires=st.none() | days,
    ages=st.dictionaries(st.sampled_from(LIMITS), st.sampled_from(AgeState) | near),
    consent=st.booleans() | st.lists(st.sampled_from(CODES), max_size=3).map(tuple),
    terms=st.none() | st.booleans(),
    category=st.none() | st.sampled_from(["S", "ST", "Ä"]),
    language=st.none() | st.sampled_from(["fi", "sv"]),
    locked=st.booleans(),
    institution=st.booleans(),
)
branches = st.builds(
    Branch,
    code=st.sampled_from(CODES),
    municipality=st.just("esimerkkila"),
    feeds=st.just(("esi",)),
    minimum_age=st.sampled_from((0, 13, 15, 16, 18)),
    terms_required=st.booleans(),
    categories=st.sampled_from([(), ("S",), ("ST", "Ä")]),
    send_language=st.booleans(),
    send_kinds=st.sets(st.sampled_from(["loan-ban", "no-offline-loan", "debarred", "fees"])).map(
        lambda kinds: tuple(sorted(kinds))
    ),
)

"""The page that Prometheus reads: its text, and what never stands in it."""

import re

from hypothesis import given
from hypothesis import strategies as st

from drivers.fakes import MORNING
from kioskd.access.notices import FAULT_CODE
from kioskd.domain.decision import Decision, Reason
from kioskd.domain.record import Kind, Record
from kioskd.health.metrics import Snapshot, Tally, render

# Prometheus, exposition formats, text format 0.0.4
_LABEL = r'[a-z_][a-z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
_SAMPLE = re.compile(rf"kioskd_[a-z_]+(?:\{{{_LABEL}(?:,{_LABEL})*\}})? -?\d+(?:\.\d+)?(?:e-?\d+)?")
_COMMENT = re.compile(r"# (?:HELP kioskd_[a-z_]+ [^\n]+|TYPE kioskd_[a-z_]+ (?:gauge|counter))")
NOW = Snapshot(
    versions={"kioskd": "0.1.0", "python": "3.11"},
    uptime=12.5,
    entries={"granted": 3, "denied": 1, "fault": 0},
    devices={"scanner": True, "relay": False},
    doors={"front": "secured"},
    alerts=(("device-lost", "relay", "bad"),),
    cache_readable=True,
    credentials=1_000_000,
    cache_age=3600.0,
    journal_seq=42,
    lockouts=2,
    loop_lag=0.0004,
    clock_trusted=True,
    hours="self-service",
)


def decided(reason: Reason) -> Record:
    return Record("id", MORNING, Kind.ENTRY_DECIDED, "front", Decision(reason), card=b"x" * 16)


def test_a_page_has_every_figure() -> None:
    lines = render(NOW).splitlines()
    for line in (
        'kioskd_info{kioskd="0.1.0",python="3.11"} 1',
        "kioskd_uptime_seconds 12.5",
        'kioskd_entries_total{decision="granted"} 3',
        'kioskd_device_present{device="scanner"} 1',
        'kioskd_device_present{device="relay"} 0',
        'kioskd_door_state{door="front",state="secured"} 1',
        'kioskd_alert{alert="device-lost",subject="relay",level="bad"} 1',
        "kioskd_cache_credentials 1000000",
        "kioskd_cache_age_seconds 3600",
        "kioskd_journal_seq 42",
        "kioskd_lockouts 2",
        "kioskd_loop_lag_seconds 0.0004",
        "kioskd_clock_trusted 1",
        "kioskd_lockdown 0",
        "# TYPE kioskd_entries_total counter",
    ):
        assert line in lines


def test_what_is_not_known_has_no_sample() -> None:
    page = render(Snapshot())
    assert "\nkioskd_cache_age_seconds " not in page
    assert "\nkioskd_journal_seq " not in page


def test_entries_are_counted_by_decision_and_by_nothing_else() -> None:
    tally = Tally()
    assert tally.counts() == {"granted": 0, "denied": 0, "fault": 0}
    for reason in (Reason.OK, Reason.OK, Reason.WRONG_PIN, Reason.STORE_FAILED):
        tally.observe(decided(reason))
    tally.observe(Record("id", MORNING, Kind.DOOR_OPENED, "front"))
    assert tally.counts() == {"granted": 2, "denied": 1, "fault": 1}


def test_the_page_never_tells_why_somebody_was_turned_away() -> None:
    """Whoever can open a port of the machine can watch it while somebody stands at the door."""
    personal = [reason for reason in Reason if reason is not Reason.OK and reason not in FAULT_CODE]
    pages = set()
    for reason in personal:
        tally = Tally()
        tally.observe(decided(reason))
        pages.add(render(Snapshot(entries=tally.counts())))
    assert len(personal) > 15
    assert len(pages) == 1


TEXTS = st.text(max_size=20)


@given(
    st.builds(
        Snapshot,
        versions=st.just({"kioskd": "1"}),
        uptime=st.floats(0, 1e9),
        devices=st.dictionaries(TEXTS, st.booleans(), max_size=3),
        doors=st.dictionaries(TEXTS, TEXTS, max_size=3),
        alerts=st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=3).map(tuple),
        cache_age=st.none() | st.floats(0, 1e9),
        loop_lag=st.floats(0, 100),
    )
)
def test_whatever_names_there_are_the_page_keeps_its_form(now: Snapshot) -> None:
    page = render(now)
    assert page.endswith("\n")
    for line in page[:-1].split("\n"):
        assert _SAMPLE.fullmatch(line) or _COMMENT.fullmatch(line), line

"""What the doctor says of what was looked at; each story is one fact that changed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.decision import Reason
from kioskd.health.checks import judge
from kioskd.health.examined import (
    CacheLook,
    ClockLook,
    CoverageLook,
    DaemonLook,
    DeviceLook,
    DiskLook,
    Examination,
    FileLook,
    FilesLook,
    HoursLook,
    JournalLook,
    KeyLook,
    MachineLook,
    Unseen,
)
from kioskd.health.findings import Finding, Word, as_json, is_bad

NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
STORAGE = FileLook("/var/lib/kioskd", owner="kioskd", group="kioskd", mode=0o700)
WELL = Examination(
    "/etc/kioskd/kioskd.toml",
    "0.1.0",
    versions={"Python": "3.11.7"},
    clock=ClockLook(NOW, True, "", "auto", synchronised=True, rtc=True),
    devices=(DeviceLook("scanner", "serial-scanner", "/dev/scanner", there=True, present=True),),
    files=FilesLook("kioskd", STORAGE, FileLook("/etc/kioskd/kioskd.toml", mode=0o644), None),
    key=KeyLook("file:/k", FileLook("/k", owner="kioskd", mode=0o600), tpm=False),
    machine=MachineLook((), "core"),
    disk=DiskLook(10**10, 2 * 10**10, "ext4", read_only=False, reserve=True),
    cache=CacheLook(imported=True, credentials=1_000_000, generation="g", age=timedelta(hours=2)),
    coverage=CoverageLook(30, 1_000_000, 3, {"front": {"OK": 90, "UNKNOWN_CARD": 10}}),
    journal=JournalLook(True, seq=812, rows=800, size=240_000, anchor=12, seen=812),
    daemon=DaemonLook(True, True, socket="/run/kioskd/control.sock", version="0.1.0"),
    hours=HoursLook("staffed", NOW, NOW),
)


def changed(part: str, **fields: Any) -> Examination:
    """The well device with something else in one part."""
    return replace(WELL, **{part: replace(getattr(WELL, part), **fields)})


def of(seen: Examination, check: str) -> list[Finding]:
    return [finding for finding in judge(seen) if finding.check == check]


def test_a_device_on_which_all_is_well_has_nothing_but_ok() -> None:
    findings = judge(WELL)
    assert [f for f in findings if f.word is not Word.OK] == []
    assert not is_bad(findings)
    assert all(f.todo == "" for f in findings)


@pytest.mark.parametrize(
    ("seen", "check", "word", "said"),
    [
        (replace(WELL, faults=("c: site: missing",)), "configuration", Word.BAD, "site: missing"),
        (replace(WELL, warnings=("c: no door",)), "configuration", Word.LOOK, "no door"),
        (replace(WELL, daemon=DaemonLook(False, False)), "daemon", Word.BAD, "systemctl start"),
        (replace(WELL, daemon=DaemonLook(True, False)), "daemon", Word.LOOK, "journalctl"),
        (
            replace(WELL, daemon=DaemonLook(False, False, why="not for this account")),
            "daemon",
            Word.LOOK,
            "not for this account",
        ),
        (
            replace(WELL, daemon=DaemonLook(True, False, why="no answer within 5 s", hung=True)),
            "daemon",
            Word.BAD,
            "no answer within 5 s",
        ),
        (
            replace(WELL, daemon=DaemonLook(True, False, why="protocol 9", foreign=True)),
            "daemon",
            Word.LOOK,
            "restart kioskd",
        ),
        (
            replace(WELL, daemon=DaemonLook(True, False, why="not for you", forbidden=True)),
            "daemon",
            Word.LOOK,
            "as root",
        ),
        (replace(WELL, unread=Unseen("/c: hidden", "as root")), "configuration", Word.LOOK, "root"),
        (changed("daemon", faults=("state.db: damaged",)), "daemon", Word.LOOK, "state.db"),
        (changed("daemon", late=("door front",)), "watchdog", Word.BAD, "door front"),
        (changed("daemon", alerts=("The disk is nearly full.",)), "alert", Word.LOOK, "full"),
        (changed("clock", trusted=False, why="moved; x"), "clock", Word.BAD, "clock accept"),
        (changed("clock", source="assume"), "clock", Word.LOOK, "auto"),
        (changed("clock", synchronised=False), "clock", Word.LOOK, "time server"),
        (changed("files", storage=replace(STORAGE, mode=0o750)), "permissions", Word.BAD, "700"),
        (changed("files", storage=replace(STORAGE, there=False)), "permissions", Word.BAD, "not"),
        (changed("files", config=FileLook("/c", mode=0o666)), "permissions", Word.BAD, "go-w"),
        (changed("files", user="root"), "permissions", Word.LOOK, "runs as root"),
        (changed("files", socket=FileLook("/s", mode=0o666)), "socket", Word.BAD, "660"),
        (
            changed("files", missing_groups=("kioskd-staff",)),
            "socket",
            Word.LOOK,
            "groupadd kioskd-staff",
        ),
        (changed("key", file=FileLook("/k", there=False)), "key", Word.BAD, "keygen --out /k"),
        (
            changed("key", file=FileLook("/k", there=False), keyring=True),
            "key",
            Word.BAD,
            "put it back from its copy",
        ),
        (changed("key", untried=Unseen("/k: hidden", "as root")), "key", Word.LOOK, "as root"),
        (changed("key", file=FileLook("/k", mode=0o644)), "key", Word.BAD, "chmod 600 /k"),
        (changed("key", why="another key"), "key", Word.BAD, "put the right key back"),
        (changed("machine", swaps=("/var/swap",)), "swap", Word.LOOK, "swapoff"),
        (changed("machine", core_pattern="|/usr/bin/apport %p"), "core dumps", Word.LOOK, "apport"),
        (changed("disk", free=50_000_000), "disk", Word.BAD, "50.0 MB"),
        (changed("disk", free=9 * 10**8), "disk", Word.BAD, "900.0 MB"),
        (changed("disk", read_only=True), "disk", Word.BAD, "read-only"),
        (changed("disk", kind="tmpfs"), "disk", Word.LOOK, "gone after a restart"),
        (changed("disk", reserve=False), "disk", Word.LOOK, "reserve"),
        (changed("cache", imported=False), "feed", Word.BAD, "kioskd feed import"),
        (changed("cache", readable=False, why="damaged"), "feed", Word.BAD, "damaged"),
        (changed("cache", readable=False, keyless=True), "feed", Word.BAD, "see key; no import"),
        (changed("cache", age=timedelta(hours=25)), "feed", Word.LOOK, "25.0 h"),
        (changed("cache", age=timedelta(hours=121)), "feed", Word.BAD, "denies"),
        (changed("cache", age=None), "feed", Word.BAD, "age"),
        (changed("cache", without_pin=7), "feed", Word.LOOK, "7 credentials have no PIN"),
        (changed("journal", there=False), "journal", Word.LOOK, "none yet"),
        (changed("journal", why="the file is damaged"), "journal", Word.BAD, "verify"),
        (changed("journal", takes_rows=False), "journal", Word.BAD, "takes no more"),
        (changed("journal", seen=900), "journal", Word.BAD, "rows are missing"),
        (changed("hours", state="closed", opens=None), "hours", Word.LOOK, "not open at any time"),
        (
            changed("hours", state="closed", opens=NOW + timedelta(days=8)),
            "hours",
            Word.LOOK,
            "2026-12-01",
        ),
        (replace(WELL, clock=Unseen("/x: not allowed", "as root")), "clock", Word.LOOK, "as root"),
    ],
)
def test_one_thing_that_is_not_well_is_named_with_a_way_out(
    seen: Examination, check: str, word: Word, said: str
) -> None:
    found = [f for f in of(seen, check) if f.word is word]
    assert found, judge(seen)
    assert any(said in f"{f.what} {f.todo}" for f in found)
    assert all(f.todo for f in found)
    assert is_bad(judge(seen)) is (word is Word.BAD)


DEVICE = DeviceLook("relay", "lcus-relay", "/dev/ttyUSB0", there=True, usable=True)


@pytest.mark.parametrize(
    ("device", "word", "said"),
    [
        (DEVICE, Word.OK, "there"),
        (replace(DEVICE, there=False), Word.BAD, "kioskd devices"),
        (replace(DEVICE, usable=False, group="dialout"), Word.BAD, "usermod -aG dialout"),
        (replace(DEVICE, present=False, why="in use"), Word.BAD, "in use"),
        (replace(DEVICE, present=True), Word.OK, "in use"),
        (replace(DEVICE, stable="/dev/serial/by-id/x"), Word.LOOK, "by-id/x"),
        (replace(DEVICE, port="", there=False), Word.OK, "another device"),
        (replace(DEVICE, port="", present=False, why="relay is away"), Word.BAD, "relay is away"),
    ],
)
def test_a_device_is_judged_by_the_worst_that_is_known(
    device: DeviceLook, word: Word, said: str
) -> None:
    found = of(replace(WELL, devices=(device,)), "device relay")
    worst = [f for f in found if f.word is word]
    assert any(said in f"{f.what} {f.todo}" for f in worst), found
    assert (Word.BAD in {f.word for f in found}) is (word is Word.BAD)


@pytest.mark.parametrize(
    ("reference", "tpm", "said"),
    [
        ("file:/k", False, "tier 3: a file on the same card"),
        ("credential:device-key", False, "tier 3: a systemd credential without a TPM2"),
        ("credential:device-key", True, "tier 1"),
    ],
)
def test_the_tier_of_the_key_is_said_plainly(reference: str, tpm: bool, said: str) -> None:
    [found] = of(changed("key", reference=reference, tpm=tpm), "key")
    assert said in found.what


@pytest.mark.parametrize(
    "wrong",
    [{"why": "it opens nothing"}, {"file": FileLook("/k", mode=0o644), "why": "others may use it"}],
)
def test_a_key_that_opens_nothing_has_one_finding_and_no_tier(wrong: dict[str, Any]) -> None:
    assert [f.word for f in of(changed("key", **wrong), "key")] == [Word.BAD]


def test_only_who_may_not_ask_is_told_to_ask_as_root() -> None:
    silent = DaemonLook(True, False, why="it hung up")
    for found in (silent, replace(silent, foreign=True), replace(silent, hung=True)):
        assert "root" not in of(replace(WELL, daemon=found), "daemon")[0].todo


def test_another_version_of_the_daemon_is_named() -> None:
    found = of(changed("daemon", version="0.0.9"), "daemon")
    assert [f.word for f in found] == [Word.OK, Word.LOOK]
    assert "0.0.9" in found[1].what
    assert "0.1.0" in found[1].what


def test_twenty_faults_are_shown_and_the_rest_counted() -> None:
    found = of(replace(WELL, faults=tuple(f"fault {n}" for n in range(25))), "configuration")
    assert len(found) == 21
    assert found[-1].what == "5 more faults"


@pytest.mark.parametrize(
    ("reasons", "word", "said"),
    [
        ({}, Word.OK, "nothing yet"),
        ({"CLOSED": 40, "CANCELLED": 3, "LOCKED_OUT": 2}, Word.OK, "nothing yet"),
        ({"OK": 3, "CLOSED": 100}, Word.OK, "100 % of 3 entries"),
        ({"OK": 9_995, "UNKNOWN_CARD": 5}, Word.OK, "99.9 % of 10,000"),
        ({"OK": 1, "WRONG_PIN": 1, "PIN_NOT_SET": 2}, Word.OK, "50 % of 4"),
        ({"OK": 1, "NOT_KNOWN_OFFLINE": 2}, Word.LOOK, "33.3 % of 3"),
        ({"OK": 1, "LATER_REASON": 1}, Word.OK, "100 % of 2"),
    ],
)
def test_coverage_counts_only_entries_that_tell_of_verifiers(
    reasons: dict[str, int], word: Word, said: str
) -> None:
    [found] = of(changed("coverage", reasons={"front": reasons}), "coverage front")
    assert (found.word, said in found.what) == (word, True), found


@given(st.dictionaries(st.sampled_from([r.value for r in Reason]), st.integers(0, 10**6)))
def test_coverage_never_claims_everybody_when_somebody_was_missing(reasons: dict[str, int]) -> None:
    [found] = of(changed("coverage", reasons={"front": reasons}), "coverage front")
    missing = sum(reasons.get(r, 0) for r in ("UNKNOWN_CARD", "PIN_NOT_SET", "NOT_KNOWN_OFFLINE"))
    assert not (missing and "100 %" in found.what)


def test_as_json_every_line_has_its_word_and_way_out() -> None:
    told = as_json(judge(changed("disk", read_only=True)))
    assert told["well"] is False
    assert {frozenset(check) for check in told["checks"]} == {
        frozenset({"check", "word", "what", "todo"})
    }


PARTS: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
    "disk": lambda: st.builds(
        DiskLook, *[st.integers(0, 10**13)] * 2, st.text(), *[st.booleans()] * 2
    ),
    "machine": lambda: st.builds(MachineLook, st.lists(st.text()).map(tuple), st.text()),
    "key": lambda: st.builds(
        KeyLook, st.text(), st.none() | st.builds(FileLook, st.text(), st.booleans()), st.booleans()
    ),
    "cache": lambda: st.builds(
        CacheLook, st.booleans(), st.booleans(), age=st.none() | st.timedeltas()
    ),
}


@pytest.mark.parametrize("part", PARTS)
@given(data=st.data())
def test_whatever_was_found_is_judged(part: str, data: st.DataObject) -> None:
    found = data.draw(PARTS[part]())
    findings = judge(replace(WELL, **{part: found}))
    assert all(f.what for f in findings)
    assert all(f.todo for f in findings if f.word is not Word.OK)

"""The doctor over a site with a library system: what it says of a good one and of bad ones."""

import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from kioskd.cli.doctor import look_around
from kioskd.daemon import doctoring, ils_look, machine
from kioskd.daemon.ils_talk import NO_SUCH_CARD
from kioskd.health.findings import Word
from sync.sip2.fake_ils import Act, Answer, Pause, Say, Silence
from sync.sip2.fake_library import WellBehaved
from sync.sip2.messages import Message
from tests.hub_line.certificates import Authority
from tests.sip2_cli.sip_cli_changes import (
    TEST_CARD,
    Looked,
    changed,
    found,
    with_field,
    with_fixed,
    without,
)
from tests.sip2_cli.sip_cli_site import (
    CARD,
    SipSite,
    leaked,
    library,
    well_behaved,
)

# Stories


def test_a_library_system_that_is_well(look: Looked) -> None:
    seen = look(well_behaved(), TEST_CARD)
    assert {f.word for f in seen.values()} == {Word.OK}, seen
    assert {
        *("port", "tls", "log-in", "status", "messages", "institution", "rule", "pin"),
        *("wrong pin", "verdict", "lending", "flags", "fields", "charset", "checksum"),
    } == set(seen)
    assert "BD (home address) 15 characters" in seen["fields"].what
    assert seen["fields"].what.startswith("arrived for the test card: ")
    assert seen["verdict"].what == "this card would be let in by it (BL Y, CQ Y, PA 1)"
    assert seen["lending"].what == "may borrow"
    assert leaked(*(f.what + f.todo for f in seen.values())) == []


def test_without_a_test_card_it_says_how_to_ask_with_one(look: Looked) -> None:
    seen = look(well_behaved())
    assert "--card-stdin" in seen["test card"].what
    assert seen["fields"].what.startswith("arrived for a card that cannot exist: ")
    assert {f.word for f in seen.values()} == {Word.OK}
    assert not {"verdict", "wrong pin", "lending", "flags"} & set(seen)


def test_the_real_command_asks_about_the_test_card_and_shows_nobody(tmp_path: Path) -> None:
    with library(well_behaved()) as ils:
        site = SipSite(tmp_path, ils.port)
        plain = site.ran("doctor", "--card-stdin")
        told = site.ran("doctor", "--card-stdin", "--json")
        asked = [m.first("AA") for m in ils.heard if m.code == "63"]
    assert asked == [NO_SUCH_CARD, CARD, CARD] * 2
    checks = {check["check"]: check for check in json.loads(told.stdout)["checks"]}
    assert checks["sip2 verdict"]["word"] == "ok"
    assert "sip2 verdict" in plain.stdout
    assert leaked(plain.stdout, plain.stderr, told.stdout, told.stderr) == []
    assert {m.code for m in ils.heard} == {"93", "99", "63"}, "nothing that changes anything"


# What is wrong with one


@pytest.mark.parametrize(
    ("answer", "check", "word", "said"),
    [
        (changed("94", with_fixed(ok="0")), "log-in", Word.BAD, "refuses this account"),
        (changed("98", with_fixed(online_status="N")), "status", Word.BAD, "off-line"),
        (changed("98", with_fixed(checkout_ok="N")), "status", Word.LOOK, "no to checkouts"),
        (changed("98", with_fixed(timeout_period="999")), "status", Word.OK, "of not said"),
        (changed("98", with_field("BX", "Y" * 7 + "N" * 9)), "messages", Word.LOOK, "63 patron"),
        (changed("98", without("BX")), "messages", Word.OK, "does not say"),
        (changed("98", with_field("AO", "KES")), "institution", Word.BAD, "KES by its word, ESI"),
        (changed("98", with_field("AO", "ESI ")), "institution", Word.OK, "ESI, on both"),
        (changed("98", without("AO")), "institution", Word.BAD, "none by its word"),
        (changed("64", with_field("BL", "Y")), "pin", Word.LOOK, "is known to it"),
        (changed("64", with_field("PA", "1")), "access", Word.OK, "only beside a right PIN"),
        (changed("64", with_field("BL", "Y")), "rule", Word.OK, "PA must be there and not 0"),
        (changed("64", with_field("AE", "Mäki")), "charset", Word.OK, "utf-8, as configured"),
    ],
)
def test_what_is_said_without_a_test_card(
    look: Looked, answer: Answer, check: str, word: Word, said: str
) -> None:
    finding = look(answer)[check]
    assert (finding.word, said in finding.what) == (word, True), finding
    assert bool(finding.todo) is (word is not Word.OK)


def test_only_where_who_enters_hangs_on_it_another_institution_is_bad(look: Looked) -> None:
    other = changed("98", with_field("AO", "KES"))
    assert look(other, dialect='"koha"')["institution"].word is Word.LOOK


@pytest.mark.parametrize(
    ("kind", "word", "said"),
    [
        ("absent", Word.LOOK, "missing in 3 of 3"),
        ("wrong", Word.LOOK, "wrong in 3 of 3"),
        ("code-points", Word.LOOK, "over characters"),
    ],
)
def test_checksums(look: Looked, kind: str, word: Word, said: str) -> None:
    well = well_behaved()

    def answer(asked: Message) -> Sequence[Act]:
        told = [act.message for act in well(asked) if isinstance(act, Say)]
        named = [with_field("AE", "Mäki")(m) if m.code == "64" else m for m in told]
        return [Say(m, checksum=kind) for m in named]  # type: ignore[arg-type]

    finding = look(answer, checksum='"warn"')["checksum"]
    assert (finding.word, said in finding.what) == (word, True), finding


def test_a_secret_that_cannot_be_read_leaves_the_rest_to_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with library(well_behaved()) as ils:
        site = SipSite(tmp_path, ils.port, secret='"credential:sip2-secret"')
        seen = found(look_around(site.config))
        assert ils.codes() == []
    assert (seen["log-in"].word, seen["port"].word) == (Word.LOOK, Word.OK)
    assert "not tried: credential:sip2-secret: no $CREDENTIALS_DIRECTORY" in seen["log-in"].what
    assert "status" not in seen


# The way there


def test_a_name_that_nobody_knows(look: Looked, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    seen = look(well_behaved(), host='"nowhere.invalid"', tls="true")
    assert set(seen) == {"name"}
    assert seen["name"].word is Word.BAD
    assert seen["name"].what == "nowhere.invalid: Name or service not known"


def test_a_name_server_that_never_answers_holds_nothing_up(
    look: Looked, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(ils_look, "DOCTOR_SECONDS", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [][over.wait(20) :])
    began = time.monotonic()
    seen = look(well_behaved())
    over.set()
    assert "the name server does not answer" in seen["name"].what
    assert time.monotonic() - began < 10  # the fake name server takes 20


def test_a_port_where_nothing_listens(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        site = SipSite(tmp_path, taken.getsockname()[1])
        seen = found(look_around(site.config))
        assert (set(seen), seen["port"].word) == ({"port"}, Word.BAD)
        site.secret.unlink()
        assert set(found(look_around(site.config))) == {"port", "log-in"}  # both are to be mended


@pytest.mark.parametrize("act", [Silence(), Pause(20.0)])
def test_one_that_takes_connections_and_says_nothing(
    look: Looked, monkeypatch: pytest.MonkeyPatch, act: Act
) -> None:
    monkeypatch.setattr(ils_look, "DOCTOR_SECONDS", 0.1)
    seen = look(lambda asked: [act], answer_seconds="30")
    assert (seen["port"].word, seen["log-in"].word) == (Word.OK, Word.BAD)
    assert "no answer within 0.1 s, the limit of doctor itself" in seen["log-in"].what
    assert seen["log-in"].todo.startswith("`kioskd sip2 trace` waits longer")
    seen = look(lambda asked: [act], TEST_CARD, answer_seconds="30")
    assert seen["log-in"].todo.startswith("`kioskd sip2 trace --card-stdin` waits longer")


def encrypted(authority: Authority, **keys: str) -> dict[str, str]:
    table = {"host": '"localhost"', "tls": "true", "ca_file": f'"{authority.file}"'}
    return {**table, **keys}


def test_a_certificate_is_named_with_its_days(look: Looked, authority: Authority) -> None:
    tls = authority.server("localhost", until=90)
    seen = look(well_behaved(), serves=tls, **encrypted(authority))
    assert seen["tls"].word is Word.OK
    assert seen["tls"].what == "TLSv1.3, certificate of localhost, good for 90 days"
    assert seen["name"].what.startswith("localhost is 127.0.0.1")
    soon = authority.server("localhost", until=5)
    seen = look(well_behaved(), serves=soon, **encrypted(authority))
    assert (seen["tls"].word, "ends in 5 days" in seen["tls"].what) == (Word.LOOK, True)


def test_a_certificate_that_is_not_good_is_told_as_tls(look: Looked, authority: Authority) -> None:
    tls = authority.server("elsewhere.example")
    seen = look(well_behaved(), serves=tls, **encrypted(authority))
    assert (seen["port"].word, seen["tls"].word) == (Word.OK, Word.BAD)
    assert "another name" in seen["tls"].what
    assert "log-in" not in seen
    assert "tls = false" not in seen["tls"].todo
    missing = encrypted(authority, ca_file='"/nowhere/ca.pem"')
    assert look(well_behaved(), serves=tls, **missing)["tls"].what.startswith("/nowhere/ca.pem")


# Machines that let a command see little


def test_one_look_that_the_machine_denies_ends_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'zlib'")

    for place in (machine, doctoring):
        for name in ("versions", "memory", "disk_look", "hub_look", "_devices", "_clock", "_hours"):
            monkeypatch.setattr(place, name, gone, raising=False)
    monkeypatch.setattr(doctoring, "ils_look", gone)
    findings = look_around(SipSite(tmp_path, 1).config)
    unseen = {f.check: f for f in findings if "No module named 'zlib'" in f.what}
    assert set(unseen) == {"clock", "hours", "disk", "swap", "sip2", "versions"}
    assert "may read them" in unseen["sip2"].todo
    assert {"key", "journal", "feed"} <= {f.check for f in findings}


def test_a_mistake_of_the_doctor_s_own_is_not_taken_for_the_machine_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> None:
        raise KeyError("clock")

    monkeypatch.setattr(doctoring, "_clock", wrong)
    site = SipSite(tmp_path, 1)
    with pytest.raises(KeyError):
        look_around(site.config)
    monkeypatch.setattr(os, "__file__", "/nowhere/os.py")  # as root's own Python looks
    (clock,) = [f for f in look_around(site.config) if f.check == "clock"]
    assert clock.word is Word.LOOK


# Sites without one


def test_without_a_library_system_nothing_of_sip2_is_loaded(tmp_path: Path) -> None:
    site = SipSite(tmp_path, 1)
    text = site.config.read_text(encoding="utf-8")
    site.config.write_text(text.partition("[register.sip2]")[0], encoding="utf-8")
    program = (
        "import sys; from pathlib import Path; from kioskd.cli.doctor import look_around; "
        f"found = look_around(Path({str(site.config)!r})); "
        "assert not [f for f in found if f.check.startswith('sip2')]; "
        "print([m for m in sys.modules if m.startswith('sync.sip2') or m == "
        "'kioskd.daemon.ils_talk'])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_test_card_without_a_library_system_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = SipSite(tmp_path, 1)
    text = site.config.read_text(encoding="utf-8")
    site.config.write_text(text.partition("[register.sip2]")[0], encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    (finding,) = [f for f in look_around(site.config, TEST_CARD) if f.check == "sip2"]
    assert finding.todo == "set [register.sip2]"


def test_whom_the_device_contacts_is_said(tmp_path: Path) -> None:
    with library(WellBehaved()) as ils:
        site = SipSite(tmp_path, ils.port)
        (network,) = [f for f in look_around(site.config) if f.check == "network"]
    assert "nothing goes out" in network.what
    assert "a tunnel to it" in network.what

"""The doctor over a site with a library system: what it says of a good one and of bad ones."""

import io
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from kioskd.cli.doctor import look_around
from kioskd.daemon import ils_look
from kioskd.daemon.ils_talk import NO_SUCH_CARD, Patron
from kioskd.health.findings import Finding, Word
from sync.sip2.fake_ils import Act, Answer, Pause, Raw, Say, Silence
from sync.sip2.fake_library import WellBehaved
from sync.sip2.messages import Message
from tests.hub_line.certificates import Authority
from tests.sip2_cli.sip_cli_site import (
    CARD,
    PIN,
    SipSite,
    leaked,
    library,
    well_behaved,
)

Looked = Callable[..., dict[str, Finding]]


@pytest.fixture
def look(tmp_path: Path) -> Looked:
    """The doctor's findings of the library system, by check."""
    bases = fresh(tmp_path)

    def run(
        answer: Answer,
        patron: Patron | None = None,
        serves: object = None,
        greeting: Sequence[Act] = (),
        **keys: str,
    ) -> dict[str, Finding]:
        with library(answer, tls=serves, greeting=greeting) as ils:
            site = SipSite(next(bases), ils.port, **keys)
            return found(look_around(site.config, patron))

    return run


def fresh(folder: Path) -> Iterator[Path]:
    for number in count():
        (folder / str(number)).mkdir()
        yield folder / str(number)


def found(findings: Sequence[Finding]) -> dict[str, Finding]:
    return {f.check.removeprefix("sip2 "): f for f in findings if f.check.startswith("sip2")}


def changed(code: str, change: Callable[[Message], Message]) -> Answer:
    """A well-behaved library whose answers of one command are changed."""
    well = well_behaved()

    def answer(asked: Message) -> Sequence[Act]:
        acts = well(asked)
        return [
            Say(change(act.message)) if isinstance(act, Say) and act.message.code == code else act
            for act in acts
        ]

    return answer


def without(*names: str) -> Callable[[Message], Message]:
    def change(message: Message) -> Message:
        kept = [field for field in message.fields if field[0] not in names]
        return replace(message, fields=kept)

    return change


def with_field(name: str, value: str) -> Callable[[Message], Message]:
    def change(message: Message) -> Message:
        return replace(message, fields=[*without(name)(message).fields, (name, value)])

    return change


def with_fixed(**parts: str) -> Callable[[Message], Message]:
    return lambda message: replace(message, fixed={**message.fixed, **parts})


TEST_CARD = Patron(CARD, PIN)


# Stories


def test_a_library_system_that_is_well(look: Looked) -> None:
    seen = look(well_behaved(), TEST_CARD)
    assert {f.word for f in seen.values()} == {Word.OK}, seen
    assert {
        *("port", "tls", "log-in", "status", "messages", "institution", "pin", "test card"),
        *("access", "flags", "fields", "charset", "checksum"),
    } == set(seen)
    assert "BD (home address) 15 characters" in seen["fields"].what
    assert "PA is 1 of the test card: may enter" in seen["access"].what
    assert leaked(*(f.what + f.todo for f in seen.values())) == []


def test_without_a_test_card_it_says_how_to_ask_with_one(look: Looked) -> None:
    seen = look(well_behaved())
    assert "kioskd doctor --card-stdin" in seen["access"].what
    assert {f.word for f in seen.values()} == {Word.OK}
    assert "test card" not in seen


def test_one_that_says_yes_to_any_card_and_pin_is_bad(look: Looked) -> None:
    gullible = changed("64", lambda m: with_field("CQ", "Y")(with_field("BL", "Y")(m)))
    seen = look(gullible)
    assert seen["pin"].word is Word.BAD
    assert "yes to any card and PIN: nobody may be let in by it" in seen["pin"].what
    seen = look(gullible, TEST_CARD)
    assert seen["test card"].word is Word.OK  # which alone would not tell
    assert seen["pin"].word is Word.BAD


def test_the_real_command_asks_about_the_test_card_and_shows_nobody(tmp_path: Path) -> None:
    with library(well_behaved()) as ils:
        site = SipSite(tmp_path, ils.port)
        plain = site.ran("doctor", "--card-stdin")
        told = site.ran("doctor", "--card-stdin", "--json")
        asked = [m.first("AA") for m in ils.heard if m.code == "63"]
    assert asked == [NO_SUCH_CARD, CARD] * 2
    checks = {check["check"]: check for check in json.loads(told.stdout)["checks"]}
    assert checks["sip2 test card"]["word"] == "ok"
    assert "sip2 test card" in plain.stdout
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
        (changed("64", with_field("AE", "Mäki")), "charset", Word.OK, "utf-8, as configured"),
    ],
)
def test_what_is_said_without_a_test_card(
    look: Looked, answer: Answer, check: str, word: Word, said: str
) -> None:
    finding = look(answer)[check]
    assert (finding.word, said in finding.what) == (word, True), finding
    assert bool(finding.todo) is (word is not Word.OK)


@pytest.mark.parametrize(
    ("change", "check", "word", "said"),
    [
        (without("CQ"), "test card", Word.BAD, "not confirmed (BL Y, CQ missing)"),
        (with_field("CQ", "N"), "test card", Word.BAD, "not confirmed (BL Y, CQ N)"),
        (with_field("CQ", ""), "test card", Word.BAD, "CQ empty"),
        (with_field("BL", "N"), "test card", Word.BAD, "is not known"),
        (without("BL"), "test card", Word.BAD, "is not known"),
        (with_field("PA", "0"), "access", Word.OK, "may not enter"),
        (with_field("PA", "2"), "access", Word.OK, "PA is 2 of the test card: may enter"),
        (with_field("PA", ""), "access", Word.BAD, "PA is empty: nobody is let in"),
        (without("PA"), "access", Word.BAD, "PA is missing: nobody is let in"),
        (with_fixed(patron_status="    Y" + " " * 9), "flags", Word.OK, "card_lost"),
        (with_fixed(patron_status=" " * 14), "flags", Word.OK, "none"),
    ],
)
def test_what_is_said_of_a_test_card(
    look: Looked, change: Callable[[Message], Message], check: str, word: Word, said: str
) -> None:
    finding = look(changed("64", change), TEST_CARD)[check]
    assert (finding.word, said in finding.what) == (word, True), finding


def test_nothing_that_tells_who_may_enter_is_bad(look: Looked) -> None:
    seen = look(well_behaved(), dialect='"polaris"')
    assert (seen["access"].word, "nobody may" in seen["access"].what) == (Word.BAD, True)
    flags = look(well_behaved(), TEST_CARD, dialect='"custom"', door_flags='["card_lost"]')
    assert flags["access"].word is Word.OK
    assert "kept out by card_lost (card is lost)" in flags["access"].what


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
    assert "no answer within" in seen["log-in"].what


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


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
    missing = encrypted(authority, ca_file='"/nowhere/ca.pem"')
    assert look(well_behaved(), serves=tls, **missing)["tls"].what.startswith("/nowhere/ca.pem")
    plain = look(well_behaved(), greeting=[Raw(b"hello\r")], **encrypted(authority))
    assert (plain["port"].word, plain["tls"].word) == (Word.OK, Word.BAD)


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

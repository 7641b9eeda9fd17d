"""What the doctor says of a conversation that comes to an end: the key that mends it, first."""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from kioskd.cli.doctor import look_around
from kioskd.config.load import load
from kioskd.daemon import ils_look, ils_secret, machine
from kioskd.daemon.ils_look import looked
from kioskd.daemon.ils_talk import Patron, Plan
from kioskd.health.findings import Finding, Word
from kioskd.health.ils_checks import ils_checks
from kioskd.health.ils_seen import Entrance, How, IlsLook, Speech, Step
from sync.sip2 import transport
from sync.sip2.fake_ils import Act, Answer, Close, Raw, Say, Silence
from sync.sip2.messages import Message
from tests.hub_line.certificates import Authority
from tests.sip2_cli.sip_cli_site import CARD, PIN, SipSite, leaked, library, well_behaved

TEST_CARD = Patron(CARD, PIN)
NO_USER = {"user": "", "secret": ""}
AGAIN = Raw(b"96AZFEF6\r")
HTTP = b"HTTP/1.1 400 Bad Request\r\nServer: some\r\nConnection: close\r\n\r\n"

Told = Callable[..., dict[str, Finding]]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """The doctor's findings of the library system that are not well, by check."""
    count = iter(range(100))

    def run(
        answer: Answer, patron: Patron | None = None, serves: object = None, **keys: str
    ) -> dict[str, Finding]:
        base = tmp_path / str(next(count))
        base.mkdir()
        with library(answer, tls=serves) as ils:
            return wrong(SipSite(base, ils.port, **keys), patron)

    return run


def wrong(site: SipSite, patron: Patron | None = None) -> dict[str, Finding]:
    findings = [f for f in look_around(site.config, patron) if f.check.startswith("sip2")]
    assert leaked(*(f.what + f.todo for f in findings)) == []
    assert not [f for f in findings if f.word is not Word.OK and not f.todo]
    return {f.check.removeprefix("sip2 "): f for f in findings if f.word is not Word.OK}


def always(*acts: Act) -> Answer:
    return lambda _: acts


def instead(code: str, *acts: Act) -> Answer:
    well = well_behaved()
    return lambda message: acts if message.code == code else well(message)


def bare(message: Message) -> Sequence[Act]:
    """A library that knows of no sequence numbers and checksums."""
    return [
        Say(act.message, seq=None, checksum="absent") if isinstance(act, Say) else act
        for act in well_behaved()(message)
    ]


# Who does not get as far as a log-in


@pytest.mark.parametrize(
    "answer",
    [
        instead("99", Close()),
        instead("99", Say(Message("94", {"ok": "0"}))),
        instead("99", AGAIN),
        instead("99", Silence()),
    ],
)
def test_without_a_user_it_may_be_a_log_in_that_is_wanted(told: Told, answer: Answer) -> None:
    seen = told(answer, **NO_USER)
    assert set(seen) == {"status"}
    assert seen["status"].todo.startswith("it may want a log-in: set user and secret")
    assert "send_99 = false" in seen["status"].todo
    assert "log-in" not in told(instead("99", Close()))["status"].todo


def test_without_a_user_and_without_99_too(told: Told) -> None:
    seen = told(instead("63", Close()), send_99="false", **NO_USER)
    assert seen["pin"].todo.startswith("it may want a log-in")
    seen = told(instead("63", Close()), **NO_USER)
    assert "log-in" not in seen["pin"].todo  # it answered the 99 well


def test_plain_sip2_at_a_tls_port(told: Told, authority: Authority) -> None:
    seen = told(well_behaved(), serves=authority.server("localhost"))
    assert seen["log-in"].todo.startswith(
        "if TLS is meant there: tls = true (take out tls = false)"
    )
    seen = told(well_behaved(), serves=authority.server("localhost"), **NO_USER)
    assert "set user and secret" in seen["status"].todo
    assert "tls = true (take out tls = false)" in seen["status"].todo
    assert "tls = true" not in told(instead("99", Close()))["status"].todo  # it spoke before


@contextmanager
def plain_server(does: Callable[[socket.socket], None]) -> Iterator[int]:
    """One that takes connections and does this with each."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        over = threading.Event()

        def serve() -> None:
            while True:
                one, _ = server.accept()
                with one:
                    if over.is_set():
                        return
                    does(one)

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        try:
            yield port
        finally:
            over.set()
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()


def hangs_up(one: socket.socket) -> None:
    one.recv(4096)


def resets(one: socket.socket) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def answers_sip2(one: socket.socket) -> None:
    one.recv(4096)
    one.sendall(b"96AZFEF6\r")
    one.recv(4096)


def says_nothing(one: socket.socket) -> None:
    while one.recv(4096):
        pass


@pytest.mark.parametrize("does", [hangs_up, resets, answers_sip2, says_nothing])
def test_tls_to_a_plain_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: Callable[[socket.socket], None]
) -> None:
    monkeypatch.setattr(transport, "_HANDSHAKE_SECONDS", 0.2)
    with plain_server(does) as port:
        seen = wrong(SipSite(tmp_path, port, tls="true"))
    assert set(seen) == {"tls"}
    assert "tls = false in [register.sip2], on this machine alone" in seen["tls"].todo
    assert "insecure_plaintext" in seen["tls"].todo


@pytest.mark.parametrize("data", [HTTP, b"220 mail ready\r\n", b"SSH-2.0-x\r\n", b"9\r", b"<p>\r"])
@pytest.mark.parametrize("close", [(), (Close(),)])
def test_what_is_no_sip2_is_told_so(told: Told, data: bytes, close: tuple[Act, ...]) -> None:
    seen = told(always(Raw(data), *close))
    assert set(seen) == {"log-in"}
    assert seen["log-in"].what.startswith("what answers there is no SIP2 (127.0.0.1:")
    assert seen["log-in"].todo.startswith("check port")


def test_noise_between_answers_that_are_right_is_no_fault(told: Told) -> None:
    well = well_behaved()
    assert told(lambda m: [Raw(b"hello\r"), *well(m)]) == {}


def test_a_password_that_no_message_may_carry(tmp_path: Path) -> None:
    with library(well_behaved()) as ils:
        site = SipSite(tmp_path, ils.port)
        site.secret.write_text("ses|am\n", encoding="utf-8")
        seen = wrong(site)
        assert ils.heard == []
    assert (set(seen), seen["log-in"].word) == ({"log-in"}, Word.BAD)
    assert seen["log-in"].what.startswith("not tried: register.sip2.secret: ")
    assert "password that a message can carry" in seen["log-in"].todo
    assert "ses|am" not in seen["log-in"].what + seen["log-in"].todo


# Sums and numbers


def test_answers_without_a_number_want_no_error_detection(told: Told) -> None:
    seen = told(bare)
    assert set(seen) == {"log-in", "checksum"}
    assert "no sequence number: error_detection = false" in seen["log-in"].todo
    assert told(bare, error_detection="false") == {}


def test_who_does_not_understand_is_answered_by_the_key_that_may_help(told: Told) -> None:
    off = told(always(AGAIN), error_detection="false")["log-in"].todo
    assert off.startswith("set error_detection = true")
    on = told(always(AGAIN), retries="1")["log-in"].todo
    assert on.startswith("it may not take our checksums: error_detection = false")
    for todo in (off, on):
        assert "another encoding, or the line" in todo


def test_answers_with_wrong_sums_want_other_rules(told: Told) -> None:
    well = well_behaved()

    def answer(message: Message) -> Sequence[Act]:
        return [Say(a.message, checksum="wrong") for a in well(message) if isinstance(a, Say)]

    todo = told(answer, retries="1")["log-in"].todo
    assert todo.startswith('its checksums may be of another kind: checksum = "warn"')
    assert "if that is not enough: error_detection = false" in todo
    assert set(told(answer, checksum='"warn"')) == {"checksum"}
    lost = told(lambda message: [*answer(message), AGAIN], retries="1")["log-in"].todo
    assert lost.startswith("its checksums may be of another kind")


# Cards


@pytest.mark.parametrize(("patron", "check"), [(None, "pin"), (TEST_CARD, "pin")])
def test_who_hangs_up_on_a_card_may_be_of_another_dialect(
    told: Told, patron: Patron | None, check: str
) -> None:
    seen = told(instead("63", Close()), patron)
    assert set(seen) == {check}
    assert seen[check].todo.startswith("dialect or zone in [register.sip2] may not be")
    seen = told(lambda m: [Close()] if m.first("AD") == PIN else well_behaved()(m), patron)
    assert [f.todo[:15] for f in seen.values()] == (["dialect or zone"] if patron else [])


@pytest.mark.parametrize(
    "patron", [Patron("167|A", PIN), Patron("1" * 65, PIN), Patron(CARD, "4|7"), Patron("ä☃", PIN)]
)
def test_a_card_that_no_message_may_carry_is_not_said_to_be_asked(
    tmp_path: Path, patron: Patron
) -> None:
    with library(well_behaved()) as ils:
        seen = wrong(SipSite(tmp_path, ils.port, encoding='"latin-1"'), patron)
        heard = [m.first("AA") for m in ils.heard if m.code == "63"]
    assert len(heard) == 1  # the card that cannot exist
    assert set(seen) == {"test card"}
    assert seen["test card"].what.startswith("not asked about: ")
    assert seen["test card"].todo == "give the card as it is printed, and its PIN as it is keyed"


def test_only_the_doctor_says_that_it_does_not_wait_longer(tmp_path: Path) -> None:
    with library(always(Silence())) as ils:
        config = load(SipSite(tmp_path, ils.port, answer_seconds="9").config)
        assert config.register.sip2
        seen = looked(config, config.register.sip2, Plan(0.1))
    (finding,) = [f for f in ils_checks(seen) if f.check == "sip2 log-in"]
    assert finding.what.startswith("no answer within ")
    assert "limit" not in finding.what
    assert "waits longer" not in finding.todo


# Secrets


def test_a_secret_that_is_wrong_says_what_to_do(tmp_path: Path) -> None:
    with library(well_behaved()) as ils:
        site = SipSite(tmp_path, ils.port)
        owner = machine.user_name(os.geteuid())
        site.secret.chmod(0o644)
        seen = wrong(site)["log-in"]
        assert (seen.word, seen.todo) == (Word.BAD, f"as root: chmod 600 {site.secret}")
        site.secret.chmod(0o600)
        site.secret.write_bytes(b"\n")
        seen = wrong(site)["log-in"]
        assert (seen.word, seen.todo[:25]) == (Word.BAD, "write the password into i")
        site.secret.unlink()
        seen = wrong(site)["log-in"]
        made = f"install -m 600 -o {owner} /dev/null {site.secret}"
        assert seen.word is Word.BAD
        assert seen.todo == f"as root: {made}, then write the password into it"
        assert ils.heard == []


def test_a_secret_of_another_account_is_to_be_its() -> None:
    denied = PermissionError(13, "Permission denied")
    path = Path("/etc/kioskd/sip2.secret")
    me = machine.user_name(os.geteuid())
    mine = ils_secret._unread(path, me, denied)
    assert mine.bad
    assert f"chown {me} {path} && chmod 600 {path}" in mine.todo
    other = ils_secret._unread(path, "somebody-else", denied)
    assert not other.bad  # whoever looks here may just not
    assert "as somebody-else" in other.todo


def test_the_owner_is_who_the_storage_belongs_to(tmp_path: Path) -> None:
    assert ils_look.owner_of(tmp_path) == machine.user_name(os.geteuid())
    assert ils_look.owner_of(tmp_path / "none") == "kioskd"


# Properties


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("how", How)
@pytest.mark.parametrize("account", [True, False])
def test_every_end_has_a_way_out(step: Step, how: How, *, account: bool) -> None:
    speech = Speech("utf-8", "latin-1", "strict", True, unnumbered=1)
    after = step not in (Step.NAME, Step.PORT, Step.TLS, Step.LOG_IN)
    look = IlsLook(
        "h",
        1,
        "",
        Entrance("PA", ()),
        speech,
        account=account,
        stopped=step,
        how=how,
        why="so it was",
        logged_in=True if after else None,
    )
    ends = [f for f in ils_checks(look) if "so it was" in f.what]
    assert [(f.word, bool(f.todo)) for f in ends] == [(Word.BAD, True)]

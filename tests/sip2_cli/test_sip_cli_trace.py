"""The command `sip2 trace`: each message as it passes, nobody in it, then what it means."""

import io
import json
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kioskd.cli import main, sip2_patron, sip2_trace
from kioskd.clock.system import SystemClock
from sync.sip2.dialects import DIALECTS
from sync.sip2.fake_ils import Act, Answer, Close, Raw, Say, Silence
from sync.sip2.messages import Message
from sync.sip2.settings import Way
from tests.sip2_cli.sip_cli_site import (
    CARD,
    PIN,
    SipSite,
    leaked,
    library,
    well_behaved,
)

Traced = Callable[..., tuple[int, str, str]]


@pytest.fixture
def trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Traced:
    """Runs the command in this process: code, output, what is on standard error."""

    def run(
        answer: Answer, *options: str, stdin: str = f"{CARD}\n{PIN}\n", **keys: str
    ) -> tuple[int, str, str]:
        with library(answer) as ils:
            site = SipSite(tmp_path, ils.port, **keys)
            monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
            code = main.main(["sip2", "trace", *options, "--config", str(site.config)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def instead(code: str, *acts: Act) -> Answer:
    """A library that does this when it hears a command, and else answers well."""
    well = well_behaved()

    def answer(message: Message) -> Sequence[Act]:
        return acts if message.code == code else well(message)

    return answer


# Stories


def test_a_conversation_is_shown_in_both_ways_and_explained(trace: Traced) -> None:
    code, out, err = trace(well_behaved(status="Y   Y         "), "--card-stdin")
    assert (code, err) == (0, "")
    messages, _, meaning = out.partition("\n\n")
    arrows = [line.split()[1:3] for line in messages.splitlines()]
    assert arrows == [
        *(["→", "93"], ["←", "94"], ["→", "99"], ["←", "98"]),
        *(["→", "63"], ["←", "64"], ["→", "35"], ["←", "36"]),
    ]
    assert "BD (home address) 15 characters" in messages
    assert "AA (card) 10 characters" in messages
    assert "AO (institution) ESI" in messages
    assert "language 007 (Finnish)" in messages
    assert "sip2 access: PA is 1 of the test card: may enter" in meaning
    assert "charge_denied (may not borrow), card_lost (card is lost)" in meaning
    assert "sip2 checksum: right in every answer" in meaning
    assert "sip2 charset: every answer was plain ASCII" in meaning
    assert "sip2 end of session: answered" in meaning


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_nobody_is_in_what_the_real_command_writes(tmp_path: Path, options: Sequence[str]) -> None:
    with library(well_behaved()) as ils:
        site = SipSite(tmp_path, ils.port)
        done = site.ran("sip2", "trace", "--card-stdin", *options)
        asked = next(message for message in ils.heard if message.code == "63")
    assert (asked.first("AA"), asked.first("AD")) == (CARD, PIN)  # else nothing was tried
    assert (done.returncode, done.stderr) == (0, "")
    assert leaked(done.stdout) == []


def test_programs_get_a_json_object_for_each_message_and_one_for_the_meaning(
    trace: Traced,
) -> None:
    code, out, _ = trace(well_behaved(), "--card-stdin", "--json")
    *messages, meaning = map(json.loads, out.splitlines())
    assert code == 0
    assert [(m["way"], m["code"]) for m in messages][:2] == [("sent", "93"), ("received", "94")]
    (answer,) = [m for m in messages if m["code"] == "64"]
    values = {field["field"]: field["value"] for field in answer["fields"]}
    assert (values["PA"], values["AA"], values["BD"]) == ("1", None, None)
    assert meaning["answered"]
    assert {"check", "word", "what", "todo"} == set(meaning["checks"][0])


def test_without_a_card_nobody_is_asked_about(trace: Traced) -> None:
    well = well_behaved()
    code, out, _ = trace(well, stdin="")
    assert code == 0
    assert " 63 " not in out
    assert "sip2 log-in: accepted" in out


def test_an_access_field_of_the_site_shows_its_value_and_a_person_s_never(trace: Traced) -> None:
    keys = {"dialect": '"custom"', "access_values": '["7"]'}
    code, out, _ = trace(well_behaved(ZX="7"), "--card-stdin", access_field='"ZX"', **keys)
    assert code == 0
    assert "ZX (not in SIP2 2.00) 7" in out
    assert "ZX is 7 of the test card: may enter" in out


def test_the_date_of_birth_is_not_shown_because_it_says_who_enters(trace: Traced) -> None:
    keys = {"dialect": '"custom"', "access_values": '["7"]', "access_field": '"PB"'}
    _, out, _ = trace(well_behaved(), "--card-stdin", **keys)
    assert "PB is 8 characters of the test card: may not enter" in out
    assert leaked(out) == []


# What does not answer


def test_an_account_that_is_refused_ends_it(trace: Traced) -> None:
    code, out, _ = trace(instead("93", Say(Message("94", {"ok": "0"}))), "--card-stdin")
    assert code == 1
    assert "ok 0 (refused)" in out
    assert "bad  sip2 log-in: the library system refuses this account" in out
    assert " 63 " not in out


@pytest.mark.parametrize(
    ("silent", "check"),
    [("99", "status"), ("63", "test card"), ("35", "end of session"), ("93", "log-in")],
)
@pytest.mark.parametrize("act", [Silence(), Close()])
def test_what_is_not_answered_is_told(trace: Traced, silent: str, check: str, act: Act) -> None:
    code, out, _ = trace(instead(silent, act), "--card-stdin")
    assert code == 1
    assert f"bad  sip2 {check}: " in out
    assert leaked(out) == []


def test_a_port_where_nothing_listens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        site = SipSite(tmp_path, taken.getsockname()[1])
        assert main.main(["sip2", "trace", "--config", str(site.config)]) == 1
    assert "bad  sip2 port: 127.0.0.1:" in capsys.readouterr().out


def test_nonsense_of_the_other_side_is_not_repeated(trace: Traced) -> None:
    lines = (
        b"64|AEMaija|\r",
        b"<html>Virtanen</html>\r",
        b"64" + b" " * 30 + b"|AA167A006007|AEVirtanen, Maija Kaarina|BDKotikatu|AO|\r",
    )
    # At once, because the first of them ends the connection.
    answer = instead("63", Raw(b"".join(lines)), Close())
    code, out, _ = trace(answer, "--card-stdin", error_detection="false")
    assert code == 1
    assert "cannot be read: truncated_fixed_field:patron_status" in out
    assert "64 patron information response: not shown: fields have slipped" in out
    assert "67A0" not in out  # a piece of the card, as a count
    assert leaked(out) == []


def test_what_slipped_out_of_a_value_is_no_field(trace: Traced) -> None:
    _, out, _ = trace(well_behaved(AJ="Kotikatu|Virtanen|\x1b[2J"), "--card-stdin")
    assert "?? (no field) 6 characters" in out
    assert leaked(out) == []
    assert "\x1b" not in out


# How it is asked


def test_a_site_without_a_library_system_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = SipSite(tmp_path, 1)
    text = site.config.read_text(encoding="utf-8")
    site.config.write_text(text.partition("[register.sip2]")[0], encoding="utf-8")
    assert main.main(["sip2", "trace", "--config", str(site.config)]) == 2
    assert "register.sip2: missing" in capsys.readouterr().err


def test_a_secret_that_cannot_be_read_is_told_and_how_to_get_at_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    site = SipSite(tmp_path, 1)
    site.secret.chmod(0o640)
    assert main.main(["sip2", "trace", "--config", str(site.config)]) == 2
    assert f"chmod 600 {site.secret}" in capsys.readouterr().err
    text = site.config.read_text(encoding="utf-8")
    changed = text.replace(f"file:{site.secret}", "credential:sip2-secret")
    site.config.write_text(changed, encoding="utf-8")
    assert main.main(["sip2", "trace", "--config", str(site.config)]) == 2
    assert "systemd-run --pty --wait" in capsys.readouterr().err


@pytest.mark.parametrize("stdin", ["", f"{CARD}\n", f"\n{PIN}\n", f"{CARD}\n  \n"])
def test_a_card_without_a_pin_is_never_asked_about(trace: Traced, stdin: str) -> None:
    well = well_behaved()
    code, out, err = trace(well, "--card-stdin", stdin=stdin)
    assert (code, out) == (2, "")
    assert "a test card in the first line, its PIN in the next" in err
    assert leaked(err) == []


def test_at_a_terminal_card_and_pin_are_asked_for_and_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked: list[str] = []

    def unseen(prompt: str) -> str:
        asked.append(prompt)
        return f"*{CARD.lower()}*" if "card" in prompt else PIN

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sip2_patron, "unseen", unseen)
    patron = sip2_patron.read_patron()
    assert (patron.card, patron.pin, len(asked)) == (CARD, PIN, 2)
    assert leaked(repr(patron)) == []


def test_an_output_that_goes_away_ends_nothing_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    clock = SystemClock()
    passing = sip2_trace.Passing(DIALECTS["koha"], lambda: clock.moment().wall, as_json=False)
    passing(Way.SENT, b"990080" + b"2.00")
    passing(Way.RECEIVED, b"941")
    with pytest.raises(BrokenPipeError):
        passing.check()

"""The command `sip2 trace`: each message as it passes, nobody in it, then what it means."""

import io
import json
import re
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kioskd.cli import main, sip2_drawn, sip2_patron, sip2_trace
from kioskd.cli.sip2_drawn import Paper
from kioskd.clock.system import SystemClock
from kioskd.daemon.ils_talk import NO_SUCH_CARD, NO_SUCH_PIN
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


def said(out: str) -> dict[str, str]:
    """The findings by check, as `word what → todo` in a line each."""
    found: dict[str, str] = {}
    check = ""
    for line in out.splitlines():
        if line.startswith("sip2 "):
            check, word, what = re.split(r"\s{2,}|(?<=ok|ad) +|(?<=look) +", line, maxsplit=2)
            found[check] = f"{word} {what.strip()}"
        elif check and line.startswith(" "):
            found[check] += f" {line.strip()}"
    return found


# Stories


def test_a_conversation_is_shown_in_both_ways_and_explained(trace: Traced) -> None:
    code, out, err = trace(well_behaved(status="Y   Y         "), "--card-stdin")
    assert (code, err) == (0, "")
    messages, _, meaning = out.partition("\n\n")
    arrows = [line.split()[1:3] for line in messages.splitlines() if line[0] != " "]
    assert arrows == [
        *(["→", "93"], ["←", "94"], ["→", "99"], ["←", "98"]),
        *(["→", "63"], ["←", "64"]) * 2,  # a card that cannot exist, then the test card
        *(["→", "35"], ["←", "36"]),
    ]
    parts = [line.strip() for line in messages.splitlines()]
    assert {"home address (BD): 15 characters", "card (AA): 10 characters"} <= set(parts)
    assert {"institution (AO): ESI", "right to enter (PA): 1"} <= set(parts)
    assert "status: well; characters in a line: 80; SIP: 2.00" in parts
    assert re.search(r"language: Finnish \(007\); time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d;", messages)
    found = said(meaning)
    assert found["sip2 verdict"] == (
        "look would be kept out: CARD_UNUSABLE (card_lost) → if this card is meant to be let in: "
        "see the patron there, and sip2 rule"
    )
    assert found["sip2 lending"] == "ok no loans: charge_denied, card_lost"
    assert "charge_denied (may not borrow), card_lost (lost, or" in found["sip2 flags"]
    assert found["sip2 checksum"] == "ok right in every answer"
    assert found["sip2 charset"].startswith("ok every answer was plain ASCII")
    assert found["sip2 end of session"] == "ok answered"
    assert "sip2 wrong pin" not in found


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_nobody_is_in_what_the_real_command_writes(tmp_path: Path, options: Sequence[str]) -> None:
    with library(well_behaved()) as ils:
        site = SipSite(tmp_path, ils.port)
        done = site.ran("sip2", "trace", "--card-stdin", *options)
        asked = [(m.first("AA"), m.first("AD")) for m in ils.heard if m.code == "63"]
    assert asked == [(NO_SUCH_CARD, NO_SUCH_PIN), (CARD, PIN)]  # else nothing was tried
    assert (done.returncode, done.stderr) == (0, "")
    assert leaked(done.stdout) == []


def test_programs_get_a_json_object_for_each_message_and_one_for_the_meaning(
    trace: Traced,
) -> None:
    code, out, _ = trace(well_behaved(), "--card-stdin", "--json")
    *messages, meaning = map(json.loads, out.splitlines())
    assert code == 0
    assert [(m["way"], m["code"]) for m in messages][:2] == [("sent", "93"), ("received", "94")]
    _, answer = [m for m in messages if m["code"] == "64"]
    values = {field["field"]: field["value"] for field in answer["fields"]}
    assert (values["PA"], values["AA"], values["BD"]) == ("1", None, None)
    assert meaning["answered"]
    assert {"check", "word", "what", "todo"} == set(meaning["checks"][0])


def test_without_a_card_only_one_that_cannot_exist_is_asked_about(trace: Traced) -> None:
    asked: list[str | None] = []
    well = well_behaved()

    def answer(message: Message) -> Sequence[Act]:
        asked.extend(message.every("AA"))
        return well(message)

    code, out, _ = trace(answer, stdin="")
    assert (code, asked) == (0, [NO_SUCH_CARD])
    assert said(out)["sip2 pin"].startswith("ok a card that cannot exist is refused")
    assert "--card-stdin" in said(out)["sip2 test card"]


@pytest.mark.parametrize("options", [(), ("--card-stdin",), ("--json",)])
def test_what_is_bad_is_an_exit_code_though_all_was_answered(
    trace: Traced, options: Sequence[str]
) -> None:
    well = well_behaved()

    def gullible(message: Message) -> Sequence[Act]:
        yes = (("BL", "Y"), ("CQ", "Y"), ("PA", "1"), ("AA", message.first("AA") or ""))
        return [
            Say(replace(act.message, fields=yes))
            if isinstance(act, Say) and act.message.code == "64"
            else act
            for act in well(message)
        ]

    code, out, _ = trace(gullible, *options)
    assert code == 1
    assert "yes to any card and PIN" in " ".join(out.split())
    assert '"answered": true' in out or "--json" not in options


def test_a_pin_that_is_wrong_is_an_exit_code(trace: Traced) -> None:
    code, out, _ = trace(well_behaved(pin="9999"), "--card-stdin")
    assert code == 1
    assert "bad would be kept out: its PIN is not confirmed" in said(out)["sip2 verdict"]


@pytest.mark.parametrize("dialect", ["polaris", "custom"])
def test_that_nothing_tells_who_may_enter_is_told(trace: Traced, dialect: str) -> None:
    flags = '["card_lost"]' if dialect == "custom" else ""
    code, out, _ = trace(well_behaved(), stdin="", dialect=f'"{dialect}"', door_flags=flags)
    nobody = "bad nothing tells who may enter" in said(out)["sip2 rule"]
    assert (code, nobody) == ((1, True) if dialect == "polaris" else (0, False))


def test_an_output_that_is_no_terminal_has_no_colour_and_a_width_of_its_own(
    trace: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, out, _ = trace(well_behaved(status="Y" * 14), "--card-stdin")
    assert "\x1b" not in out
    assert 90 < max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_has_its_own_width_and_colours(
    trace: Traced, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(sip2_drawn, "_watched", lambda: True)
    for name, value in (("COLUMNS", str(width)), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    _, out, _ = trace(well_behaved(status="Y" * 14), "--card-stdin")
    assert "\x1b[36m" in out  # sent
    assert "\x1b[32m" in out  # received
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert width - 15 < max(map(len, plain.splitlines())) <= width
    words = {"charge_denied", "too_many_renewals", "(PA):", "YYYYYYYYYYYYYYYY", "2.00"}
    assert words <= set(plain.replace(";", " ").split())


def test_an_access_field_of_the_site_shows_its_value_and_a_person_s_never(trace: Traced) -> None:
    keys = {"dialect": '"custom"', "access_values": '["7"]'}
    code, out, _ = trace(well_behaved(ZX="7"), "--card-stdin", access_field='"ZX"', **keys)
    assert code == 0
    assert "right to enter (ZX): 7" in out
    assert said(out)["sip2 verdict"] == "ok this card would be let in by it (BL Y, CQ Y, ZX 7)"


def test_the_date_of_birth_is_not_shown_because_it_says_who_enters(trace: Traced) -> None:
    keys = {"dialect": '"custom"', "access_values": '["7"]', "access_field": '"PB"'}
    _, out, _ = trace(well_behaved(), "--card-stdin", **keys)
    assert "kept out: NO_ACCESS (PB is 8 characters)" in said(out)["sip2 verdict"]
    assert leaked(out) == []


# What does not answer


def test_an_account_that_is_refused_ends_it(trace: Traced) -> None:
    code, out, _ = trace(instead("93", Say(Message("94", {"ok": "0"}))), "--card-stdin")
    assert code == 1
    assert "outcome: refused" in out
    assert said(out)["sip2 log-in"].startswith("bad the library system refuses this account")
    assert " 63 " not in out


@pytest.mark.parametrize(
    ("silent", "check"),
    [("99", "status"), ("63", "pin"), ("35", "end of session"), ("93", "log-in")],
)
@pytest.mark.parametrize("act", [Silence(), Close()])
def test_what_is_not_answered_is_told(trace: Traced, silent: str, check: str, act: Act) -> None:
    code, out, _ = trace(instead(silent, act), "--card-stdin")
    assert code == 1
    assert said(out)[f"sip2 {check}"].startswith("bad ")
    assert leaked(out) == []


def test_a_port_where_nothing_listens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        site = SipSite(tmp_path, taken.getsockname()[1])
        assert main.main(["sip2", "trace", "--config", str(site.config)]) == 1
    assert said(capsys.readouterr().out)["sip2 port"].startswith("bad 127.0.0.1:")


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
    assert "64 patron information response, not shown: fields have slipped" in out
    assert "67A0" not in out  # a piece of the card, as a count
    assert leaked(out) == []


def test_what_slipped_out_of_a_value_is_no_field(trace: Traced) -> None:
    _, out, _ = trace(well_behaved(AJ="Kotikatu|Virtanen|\x1b[2J"), "--card-stdin")
    assert "no field (??): 6 characters" in out
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
    assert (patron.card, patron.pin) == (CARD, PIN)
    assert asked == ["card (not shown): ", "PIN (not shown): "]
    assert leaked(repr(patron)) == []


def test_an_output_that_goes_away_ends_nothing_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    clock = SystemClock()
    passing = sip2_trace.Passing(DIALECTS["koha"], lambda: clock.moment().wall, Paper())
    passing(Way.SENT, b"990080" + b"2.00")
    passing(Way.RECEIVED, b"941")
    with pytest.raises(BrokenPipeError):
        passing.check()

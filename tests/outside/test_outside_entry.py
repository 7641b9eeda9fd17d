"""People at the door of one running daemon: bytes in at three wires, bytes out at one."""

import time
from pathlib import Path

import pytest

from tests.outside.outside_facts import (
    BCRYPT_CARD,
    BLOCKED_CARD,
    BOTH_CARD,
    CARD,
    PIN,
    UNKNOWN_CARD,
    WRONG_PIN,
    chain_faults,
)
from tests.outside.premises import (
    LONG_RELEASE_SECONDS,
    RECONNECT_SECONDS,
    RELEASE_SECONDS,
    Premises,
)
from tests.outside.wire import OFF, ON

CUT_SECONDS = 0.05  # a hiccup within one scan
SILENCE_SECONDS = 0.3  # longer than a scanner's idle time-out of 200 ms
EARLY_SECONDS = 0.25  # by which the on-frame may be seen late
_FRAME_BYTES = 4


def idle(running: Premises) -> None:
    """The door serves the next patron as if nothing had been."""
    before = running.ons()
    assert running.visit(CARD) == "OK"
    assert running.ons() == before + 1


def frames(running: Premises) -> list[bytes]:
    """All that the relay got, in frames."""
    got = running.relay.listen()
    return [got[at : at + _FRAME_BYTES] for at in range(0, len(got), _FRAME_BYTES)]


def test_the_relay_gets_its_off_frame_before_anything_else(running: Premises) -> None:
    assert set(frames(running)) == {OFF}


def test_a_granted_entry_switches_on_once_and_off_after_the_release(running: Premises) -> None:
    before, begun = len(frames(running)), len(running.lines())
    running.scan(CARD.encode() + b"\r")
    running.until(lambda: running.told("enter-pin", begun))
    running.keypad.send(PIN.encode() + b"#")
    running.until(lambda: running.relay.listen().endswith(ON))
    on = time.monotonic()
    running.until(lambda: running.relay.listen().endswith(OFF))
    assert time.monotonic() - on > RELEASE_SECONDS - EARLY_SECONDS
    assert frames(running)[before:] == [ON, OFF]


def test_a_zero_before_the_card_gives_the_longer_release(running: Premises) -> None:
    running.keypad.send(b"0")
    time.sleep(0.2)  # from the keypad to the reader
    begun = len(running.lines())
    running.scan(CARD.encode() + b"\r")
    running.until(lambda: running.told("enter-pin", begun))
    running.keypad.send(PIN.encode() + b"#")
    running.until(lambda: running.relay.listen().endswith(ON))
    on = time.monotonic()
    running.until(lambda: running.relay.listen().endswith(OFF))
    assert time.monotonic() - on > LONG_RELEASE_SECONDS - EARLY_SECONDS


@pytest.mark.parametrize("terminator", [b"\r", b"\n", b"\r\n"])
def test_every_terminator_ends_a_scan_once(running: Premises, terminator: bytes) -> None:
    assert running.visit(BCRYPT_CARD, grace=terminator) == "OK"


def test_a_code_39_scan_with_its_wrapping_is_the_card(running: Premises) -> None:
    assert running.visit(f"]A0*{CARD}*") == "OK"
    idle(running)
    cards = [row["card"] for row in running.export() if row["decision"] == "granted"]
    assert cards[-1] == cards[-2] is not None


def test_a_scan_cut_in_two_by_50_ms_counts(running: Premises) -> None:
    begun = len(running.lines())
    running.scan(CARD[:4].encode())
    time.sleep(CUT_SECONDS)
    running.scan(CARD[4:].encode() + b"\r")
    running.until(lambda: running.told("enter-pin", begun))
    running.keypad.send(PIN.encode() + b"#")
    assert running.answer(begun) == "OK"


def test_a_scan_cut_off_is_forgotten(running: Premises) -> None:
    before = len(running.decisions())
    running.scan(CARD[:7].encode())
    time.sleep(SILENCE_SECONDS)
    idle(running)
    assert len(running.decisions()) == before + 1


def test_the_late_tail_of_a_cut_scan_is_no_card(running: Premises) -> None:
    begun = len(running.lines())
    running.scan(CARD[:4].encode())
    time.sleep(SILENCE_SECONDS)
    running.scan(CARD[4:].encode() + b"\r")
    running.until(lambda: running.told("not-a-library-code", begun))
    assert not running.told("enter-pin", begun)
    idle(running)


def test_card_and_pin_at_the_same_instant(running: Premises) -> None:
    begun = len(running.lines())
    running.scan(CARD.encode() + b"\r")
    running.keypad.send(PIN.encode() + b"#")
    assert running.answer(begun) == "OK"
    begun = len(running.lines())
    running.keypad.send(PIN.encode() + b"#")
    running.scan(CARD.encode() + b"\r")
    assert running.answer(begun) == "OK"


def test_who_is_denied_moves_nothing(running: Premises) -> None:
    before = frames(running)
    assert running.visit(CARD, WRONG_PIN) == "WRONG_PIN"
    assert running.visit(UNKNOWN_CARD) == "UNKNOWN_CARD"
    assert running.visit(BLOCKED_CARD) == "SELF_SERVICE_BLOCK"
    assert running.visit(CARD, "7" * 64) == "WRONG_PIN"
    assert running.visit(CARD, PIN[:3]) == "WRONG_PIN"
    assert frames(running) == before
    idle(running)


def test_a_code_that_is_card_and_item_is_a_card_at_the_door(running: Premises) -> None:
    assert running.visit(BOTH_CARD) == "OK"


def test_a_second_card_waits_and_does_not_inherit_the_session(running: Premises) -> None:
    begun, before = len(running.lines()), len(running.decisions())
    running.scan(BLOCKED_CARD.encode() + b"\r")
    running.until(lambda: running.told("enter-pin", begun))
    running.scan(CARD.encode() + b"\r")
    running.until(lambda: running.told("wait", begun))
    running.keypad.send(PIN.encode() + b"#")
    assert running.answer(begun) == "SELF_SERVICE_BLOCK"
    assert len(running.decisions()) == before + 1
    idle(running)


@pytest.mark.parametrize(
    "scanned",
    [
        b"9789510000008\r",
        b"'; DROP TABLE event; --\r",
        b'"&<>|`$(reboot)\\\r',
        b"\x00\x1b[2J\x07\x7f\xff\xfe\r",
        b"167A006007\x1b[31m\r",
        b"167A\x00006007\r",
        b"\r\n\r\n\r\n",
        "1674006007É\r".encode(),
    ],
)
def test_what_is_no_card_asks_for_nothing(running: Premises, scanned: bytes) -> None:
    begun, before = len(running.lines()), frames(running)
    running.scan(scanned)
    running.keypad.send(PIN.encode() + b"#")
    time.sleep(SILENCE_SECONDS)
    assert not running.told("enter-pin", begun)
    assert frames(running) == before
    assert b"\x1b" not in running.log.read_bytes()
    idle(running)


def test_keys_without_a_card_do_nothing(running: Premises) -> None:
    begun = len(running.lines())
    running.keypad.send(b"1234567890#*##**ABC\x00\xff" * 50)
    time.sleep(SILENCE_SECONDS)
    assert running.lines()[begun:] == []
    idle(running)


def test_a_megabyte_without_a_terminator(running: Premises) -> None:
    before = frames(running)
    running.scan(CARD.encode() * 100_000)
    time.sleep(SILENCE_SECONDS)
    assert frames(running) == before
    idle(running)


@pytest.mark.parametrize("name", ["scanner", "keypad", "relay"])
def test_a_device_unplugged_and_back_works_without_a_restart(running: Premises, name: str) -> None:
    wire, before = getattr(running, name), running.ons()
    wire.unplug()
    running.until(lambda: "device.lost" in [e for e in running.events() if "device" in e][-1:])
    lines, heard = len(running.lines()), len(running.relay.listen())
    wire.plug()
    running.until(lambda: "device.back" in running.events()[lines:], RECONNECT_SECONDS)
    assert running.ons() == before  # neither loss nor return releases a door
    if name == "relay":
        assert running.relay.listen()[heard:].startswith(OFF)
    idle(running)


def test_a_device_replaced_behind_its_path_is_noticed(running: Premises) -> None:
    lines = len(running.lines())
    running.scanner.plug()
    running.until(lambda: "device.back" in running.events()[lines:], RECONNECT_SECONDS)
    idle(running)


def test_a_feed_takes_effect_beside_the_daemon(running: Premises) -> None:
    lines = len(running.lines())
    blocked = {"card": BCRYPT_CARD, "restrictions": [{"kind": "use-ban"}], "pin_hash": ""}
    assert running.load([blocked], "--delta").returncode == 0
    running.until(lambda: "cache.adopted" in running.events()[lines:])
    assert running.visit(BCRYPT_CARD) == "PIN_NOT_SET"


def test_explain_answers_beside_the_daemon(running: Premises) -> None:
    done = running.command("explain", "--door", "front", "--card-stdin", stdin=f"{BLOCKED_CARD}\n")
    assert done.returncode == 0
    assert "SELF_SERVICE_BLOCK" in done.stdout
    assert BLOCKED_CARD not in done.stdout


def test_the_day_ends_well(running: Premises) -> None:
    """Last in this module: the sums over all that happened before."""
    idle(running)
    assert (running.storage / "journal.db-wal").stat().st_size > 0
    _nobody_is_written_down(running.base)
    assert running.stop() == 0
    _nobody_is_written_down(running.base)
    rows = running.export()
    assert chain_faults(rows) == []
    granted = [row for row in rows if row["decision"] == "granted"]
    assert len(granted) == running.ons() > 0
    assert set(frames(running)) == {ON, OFF}
    assert [row["reason"] for row in granted] == ["OK"] * len(granted)
    verified = running.command("journal", "verify")
    assert verified.returncode == 0, verified.stdout


def _nobody_is_written_down(base: Path) -> None:
    """No PIN and no card number in any file, log or output of the daemon and its commands."""
    assert _holding(base, b"entry.decided") != []  # the search finds what is there
    for secret in (PIN, WRONG_PIN, CARD, BCRYPT_CARD, BLOCKED_CARD, BOTH_CARD, UNKNOWN_CARD):
        assert _holding(base, secret.encode()) == []


def _holding(base: Path, secret: bytes) -> list[str]:
    files = [path for path in base.rglob("*") if path.is_file() and path.name != "kioskd.toml"]
    return [path.name for path in files if secret in path.read_bytes()]

"""The same commands beside a real daemon that goes on serving its door."""

import json
import select
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.outside.outside_facts import CARD, PIN, UNKNOWN_CARD
from tests.outside.premises import KIOSKD, Premises


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, master_site: Premises) -> Iterator[Premises]:
    """One daemon for the whole module."""
    premises = Premises(tmp_path_factory.mktemp("s"))
    premises.begin_as(master_site)
    try:
        premises.start()
        yield premises
    finally:
        premises.close()


def asked(premises: Premises, *command: str, stdin: str = "") -> dict[str, Any]:
    done = premises.command(*command, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert isinstance(told, dict)
    return told


def test_why_tells_the_last_attempt_and_leaves_a_row(served: Premises) -> None:
    assert served.visit(UNKNOWN_CARD) == "UNKNOWN_CARD"
    told = asked(served, "why", "front")
    assert (told["granted"], told["reason"], told["strike"]) == (
        False,
        "UNKNOWN_CARD",
        "not-released",
    )
    assert served.visit(CARD) == "OK"
    told = asked(served, "why", "front", "--language", "sv")
    assert (told["granted"], told["strike"]) == (True, "released")
    looks = [row for row in served.export() if row["detail"].get("action") == "why"]
    assert len(looks) == 2
    assert all(row["by"] for row in looks)
    in_words = served.command("why", "front")
    assert "The card was in order" in in_words.stdout


def test_probe_reads_along_while_the_door_opens(served: Premises) -> None:
    command = [*KIOSKD, "probe", "front-scanner", "--json", "--config", str(served.config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        seen = ""
        while not seen:  # the first scans may come before it listens
            assert served.visit(CARD) == "OK"
            seen = _line_if_any(child)
        child.send_signal(signal.SIGINT)
        rest = child.stdout.read()
        assert child.wait() == 0
    event = json.loads(seen)
    assert (event["what"], event["last"]) == ("patron card", "…007")
    assert CARD not in seen + rest


def _line_if_any(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    ready, _, _ = select.select([child.stdout], [], [], 1.0)
    return child.stdout.readline() if ready else ""


def test_doctor_devices_and_explain_answer(served: Premises) -> None:
    found = asked(served, "doctor")
    assert found["well"], found
    assert "runs, answers at" in {c["check"]: c["what"] for c in found["checks"]}["daemon"]
    listed = asked(served, "devices")
    assert listed["missing"] == []
    told = asked(served, "explain", "--door", "front", "--card-stdin", stdin=f"{CARD}\n")
    assert told["granted"] is True


def test_the_bundle_has_the_daemon_s_own_words(served: Premises, tmp_path: Path) -> None:
    out = tmp_path / "b.tar.gz"
    done = served.command("support-bundle", "--out", str(out))
    assert done.returncode == 0, done.stderr
    with tarfile.open(out) as archive:
        status = archive.extractfile("kioskd-support/status.json")
        assert status is not None
        told = json.loads(status.read())
        text = "".join(
            file.read().decode() for m in archive.getmembers() if (file := archive.extractfile(m))
        )
    assert told["status"]["doors"][0]["name"] == "front"
    for secret in (CARD, UNKNOWN_CARD, PIN):
        assert secret not in text


def test_a_device_that_goes_is_named_as_the_daemon_sees_it(served: Premises) -> None:
    served.keypad.unplug()
    served.until(lambda: "device.lost" in served.events())
    try:
        done = served.command("doctor", "--json")
        found = {c["check"]: c for c in json.loads(done.stdout)["checks"]}
        assert found["device front-keypad"]["word"] == "bad"
        assert done.returncode == 1
    finally:
        served.keypad.plug()

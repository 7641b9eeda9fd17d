"""Looks of an account that may read little, of root, and of who has a file with faults."""

import json
import os
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kioskd.daemon.sight import is_guest, lies_open, may_look
from tests.doctor.conftest import Run
from tests.doctor.somebody import SOMEBODY
from tests.outside.premises import Premises

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
HIDDEN = ("key", "feed", "coverage", "journal", "hours")
Found = dict[str, list[dict[str, Any]]]


def by_check(text: str) -> Found:
    found: Found = {}
    for check in json.loads(text)["checks"]:
        found.setdefault(check["check"], []).append(check)
    return found


def bad(found: Found) -> set[str]:
    return {check for check, told in found.items() for one in told if one["word"] == "bad"}


@as_root
@pytest.mark.parametrize("mode", [0o700, 0o755, 0o711])
@pytest.mark.parametrize("runs", [True, False], ids=["running", "stopped"])
def test_what_staff_may_not_read_is_no_fault_of_the_site(
    shared: Premises, as_somebody: Run, mode: int, *, runs: bool
) -> None:
    shared.start()
    if not runs:
        assert shared.stop() == 0
    shared.storage.chmod(mode)
    done = as_somebody("doctor", "--json")
    assert done.stderr == ""
    found = by_check(done.stdout)
    assert bad(found) <= {"permissions", "daemon"}, found
    assert not (runs and "daemon" in bad(found))
    for check in HIDDEN:
        [told] = [one for one in found[check] if one["word"] != "ok"]
        assert "not allowed to look" in told["what"], told
        assert "run it as root" in told["todo"]
    for harm in ("feed import", "put the right key back", "journal verify", "keygen"):
        assert harm not in done.stdout


@as_root
def test_a_configuration_of_root_s_own_is_no_fault_either(
    shared: Premises, as_somebody: Run
) -> None:
    shared.config.chmod(0o600)
    found = by_check(as_somebody("doctor", "--json").stdout)
    assert [one["word"] for one in found["configuration"]] == ["look"]
    assert "chmod 644" in found["configuration"][0]["todo"]


@as_root
def test_what_its_own_account_cannot_read_is_a_fault(shared: Premises, as_somebody: Run) -> None:
    shared.start()
    assert shared.stop() == 0
    os.chown(shared.storage, SOMEBODY, SOMEBODY)
    shared.storage.chmod(0o755)
    found = by_check(as_somebody("doctor", "--json").stdout)
    assert {"feed", "journal"} <= bad(found)


@as_root
def test_a_journal_that_takes_no_row_is_named(shared: Premises, as_somebody: Run) -> None:
    shared.start()
    assert shared.stop() == 0
    for path in (shared.storage, *shared.storage.iterdir(), shared.key):
        os.chown(path, SOMEBODY, SOMEBODY)
    (shared.storage / "journal.db").chmod(0o400)
    found = by_check(as_somebody("doctor", "--json").stdout)
    [told] = found["journal"]
    assert (told["word"], "takes no more" in told["what"]) == ("bad", True), told


@as_root
def test_a_directory_is_shown_to_who_may_read_its_files(tmp_path: Path) -> None:
    directory = tmp_path / "storage"
    assert lies_open(directory, "journal.db")  # nothing is there that could be hidden
    directory.mkdir()
    assert not is_guest(directory)
    (directory / "journal.db").touch(0o600)
    may_look(directory, "journal.db")


def faulty(premises: Premises) -> None:
    text = premises.config.read_text(encoding="utf-8")
    premises.config.write_text(text.replace("release_seconds", "releas_seconds"), encoding="utf-8")


def torn(premises: Premises) -> None:
    """Not even TOML any more."""
    text = premises.config.read_text(encoding="utf-8")
    premises.config.write_text(text.replace("[site]", "[site"), encoding="utf-8")


@pytest.mark.parametrize("damage", [faulty, torn])
def test_beside_a_file_with_faults_the_daemon_goes_on(
    premises: Premises, damage: Callable[[Premises], None]
) -> None:
    premises.start()
    damage(premises)
    done = premises.command("doctor", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    found = by_check(done.stdout)
    assert bad(found) == {"configuration"}, found
    running, goes_on = found["daemon"]
    assert "runs, answers at" in running["what"]
    assert "the configuration that it read last" in goes_on["what"]
    for device in ("front-scanner", "front-keypad", "front-relay"):
        assert found[f"device {device}"][0]["what"].endswith("there, in use")
    assert found["feed"][0]["what"].startswith("4 credentials")


def test_beside_a_file_with_faults_a_lost_device_is_named(premises: Premises) -> None:
    premises.start()
    faulty(premises)
    premises.keypad.unplug()
    premises.until(lambda: "device.lost" in premises.events())
    found = by_check(premises.command("doctor", "--json").stdout)
    assert bad(found) == {"configuration", "device front-keypad"}
    assert "daemon" in found


def test_the_bundle_has_the_status_of_a_daemon_beside_a_file_with_faults(
    premises: Premises, tmp_path: Path
) -> None:
    premises.start()
    faulty(premises)
    out = tmp_path / "b.tar.gz"
    assert premises.command("support-bundle", "--out", str(out)).returncode == 0
    with tarfile.open(out) as archive:
        assert "kioskd-support/status.json" in archive.getnames()


@contextmanager
def later_daemon(path: Path) -> Iterator[None]:
    """What greets in another protocol until the block ends."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def greet() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    client.sendall(b'{"hello":99,"version":"9.0"}\n')

        thread = threading.Thread(target=greet)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_daemon_of_another_protocol_is_no_matter_of_accounts(premises: Premises) -> None:
    with later_daemon(premises.storage / "control.sock"):
        found = by_check(premises.command("doctor", "--json").stdout)
    [told] = found["daemon"]
    assert "speaks protocol 99" in told["what"]
    assert "root" not in told["todo"]
    assert "systemctl restart kioskd" in told["todo"]


def test_a_wrong_key_asks_for_no_import_and_has_no_tier(premises: Premises) -> None:
    premises.key.unlink()
    assert premises.command("keygen", "--out", str(premises.key)).returncode == 0
    premises.start()
    done = premises.command("doctor", "--json")
    found = by_check(done.stdout)
    assert [one["word"] for one in found["key"]] == ["bad"]
    assert {"key", "feed"} <= bad(found)
    assert "import" not in " ".join(one["todo"] for one in found["feed"]).replace("no import", "")
    raised = [line["alert"] for line in premises.lines() if line["event"] == "alert.raised"]
    assert "feed-too-old" not in raised


def test_a_key_that_is_gone_is_put_back_and_not_made_anew(premises: Premises) -> None:
    premises.key.unlink()
    [told] = by_check(premises.command("doctor", "--json").stdout)["key"]
    assert "put it back from its copy" in told["todo"]
    assert "keygen" not in told["todo"]


@as_root
def test_root_s_bundle_lies_where_only_root_may_write_and_is_root_s(
    shared: Premises, by_root: Run
) -> None:
    os.chown(shared.storage, SOMEBODY, SOMEBODY)
    place = shared.base / "roots-own"
    place.mkdir(mode=0o700)
    out = place / "b.tar.gz"
    done = by_root("support-bundle", "--out", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    found = out.stat()
    assert (found.st_uid, found.st_mode & 0o777) == (0, 0o600)
    with tarfile.open(out) as archive:
        assert "kioskd-support/doctor.json" in archive.getnames()


@as_root
@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_what_staff_could_not_bundle_is_said_in_words(
    shared: Premises, as_somebody: Run, mode: int
) -> None:
    shared.start()
    assert shared.stop() == 0
    shared.storage.chmod(mode)
    place = shared.base / "for-all"
    place.mkdir()
    place.chmod(0o777)
    done = as_somebody("support-bundle", "--json", "--out", str(place / "b.tar.gz"))
    told = json.loads(done.stdout)
    lines = {line.partition(":")[0]: line for line in told["left_out"]}
    assert "not allowed to look; run it as root" in lines["journal.jsonl"]
    assert not any("Errno" in line for line in told["left_out"])


def test_no_file_is_left_where_the_bundle_cannot_be_written(
    premises: Premises, tmp_path: Path
) -> None:
    out = tmp_path / "missing" / "b.tar.gz"
    done = premises.command("support-bundle", "--out", str(out))
    assert done.returncode == 2
    assert "No such file or directory; give another name" in done.stderr

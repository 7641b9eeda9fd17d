"""The site's own program for alerts: real programs, whatever they do to us."""

import asyncio
import errno
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from drivers.fakes import MORNING, FakeClock, settle
from kioskd.daemon import signals
from kioskd.daemon.alerting import AlertCommand, raised_earlier, run_alerts
from kioskd.daemon.programs import MOST_OUTPUT, environment_for_others, run_program
from kioskd.domain.record import Kind, Record
from kioskd.errors import InputError
from kioskd.health.alert_book import Earlier, Told
from kioskd.health.alerts import Conditions
from kioskd.store.journal_start import open_journal
from tests.health.book import UNPLUGGED, Book

PATIENCE_SECONDS = 10.0  # only ever spent by a test that fails
ENVIRONMENT = {"PATH": os.environ["PATH"]}
FORCED = Told(MORNING, "door-forced", "front", raised=True, words="front was opened: go and look")


def shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


@asynccontextmanager
async def running(command: AlertCommand) -> AsyncIterator[None]:
    task = asyncio.create_task(command.run())
    try:
        yield
    finally:
        assert not task.done()
        task.cancel()
        await asyncio.wait({task})


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110 - files of another process
            await asyncio.sleep(0.005)


async def test_it_reads_one_object_without_persons(tmp_path: Path) -> None:
    read = tmp_path / "read"
    command = AlertCommand(shell(f"cat > {read}.new; mv {read}.new {read}"), "ESI", ENVIRONMENT)
    async with running(command):
        command.put(FORCED)
        await until(read.exists)
    assert json.loads(read.read_text(encoding="utf-8")) == {
        "at": "2026-11-23T08:00:00.000000Z",
        "alert": "door-forced",
        "subject": "front",
        "state": "raised",
        "words": "front was opened: go and look",
        "branch": "ESI",
    }


async def test_alerts_are_told_one_at_a_time_and_in_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f"echo begin >> {log}; sleep 0.02; cat >> {log}; echo end >> {log}"
    command = AlertCommand(shell(script), "ESI", ENVIRONMENT)
    async with running(command):
        for subject in ("front", "back", "side"):
            command.put(Told(MORNING, "door-held", subject, raised=False, words=""))
        await until(lambda: log.exists() and log.read_text().count("end") == 3)
    lines = log.read_text().split()
    assert [line for line in lines if line in ("begin", "end")] == ["begin", "end"] * 3
    positions = [log.read_text().index(f'"{name}"') for name in ("front", "back", "side")]
    assert positions == sorted(positions)


async def test_of_too_many_the_oldest_go_and_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "log"
    command = AlertCommand(shell(f"cat >> {log}"), "ESI", ENVIRONMENT)
    for number in range(70):
        command.put(Told(MORNING, "device-lost", f"<{number}>", raised=True, words=""))
    async with running(command):
        await until(lambda: log.exists() and "<69>" in log.read_text())
    assert log.read_text().count("device-lost") == 64
    assert "<5>" not in log.read_text()
    assert [r.dropped for r in caplog.records if r.message == "alert.command_slow"] == [6]  # type: ignore[attr-defined]


async def test_without_a_command_nothing_waits() -> None:
    command = AlertCommand((), "ESI", ENVIRONMENT)
    for _ in range(1000):
        command.put(FORCED)
    assert not command._waiting


async def test_a_reload_brings_another_command_or_none(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = AlertCommand(shell(f"cat >> {log}"), "ESI", ENVIRONMENT)
    command.put(FORCED)
    command.use((), "ESI")
    async with running(command):
        await settle()
        command.use(shell(f"sed s/^/second/ >> {log}"), "OTHER")
        command.put(FORCED)
        await until(log.exists)
        await until(log.read_text)
    assert log.read_text().startswith("second{")
    assert '"branch": "OTHER"' in log.read_text()


@pytest.mark.parametrize("missing", ["/nowhere/mail-us", "no-such-program-at-all", "/etc"])
async def test_a_program_that_is_missing_is_told_loudly_once(
    caplog: pytest.LogCaptureFixture, missing: str
) -> None:
    command = AlertCommand((missing,), "ESI", ENVIRONMENT)
    with caplog.at_level(logging.DEBUG, "kioskd.alerts"):
        async with running(command):
            for _ in range(3):
                command.put(FORCED)
            await until(lambda: len(caplog.records) == 3)
    assert [r.levelname for r in caplog.records] == ["ERROR", "DEBUG", "DEBUG"]
    why = str(getattr(caplog.records[0], "why", ""))
    assert why.startswith(f"{missing}: cannot be started: ")
    assert why.endswith("correct alerts.command")


async def test_one_that_fails_is_told_with_what_it_said_and_loudly_again_after_a_success(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    script = f"echo 'no\x1b[2J mail' >&2; test -e {tmp_path / 'well'}"
    command = AlertCommand(shell(script), "ESI", ENVIRONMENT)
    with caplog.at_level(logging.DEBUG, "kioskd.alerts"):
        async with running(command):
            for number in range(4):
                if number == 2:
                    (tmp_path / "well").touch()
                if number == 3:
                    (tmp_path / "well").unlink()
                command.put(FORCED)
                await until(lambda n=number: len(caplog.records) == n + 1)  # type: ignore[misc]
    assert [r.levelname for r in caplog.records] == ["ERROR", "DEBUG", "INFO", "ERROR"]
    assert {getattr(r, "output", "") for r in caplog.records} == {"no [2J mail"}
    assert getattr(caplog.records[0], "why", "") == "ended with 1"


async def test_one_that_hangs_is_ended_with_its_whole_group(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pids = tmp_path / "pids"
    script = f"trap '' TERM; sleep 1000 & echo $! $$ > {pids}; wait"
    command = AlertCommand(shell(script), "ESI", ENVIRONMENT, seconds=0.3)
    async with running(command):
        command.put(FORCED)
        await until(lambda: caplog.records)
    assert getattr(caplog.records[0], "why", "") == "took longer than 0.3 s and was ended"
    await until(lambda: not any(_lives(int(pid)) for pid in pids.read_text().split()))


async def test_a_daemon_that_stops_leaves_none_behind(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    command = AlertCommand(shell(f"echo $$ > {pids}; exec sleep 1000"), "ESI", ENVIRONMENT)
    async with running(command):
        command.put(FORCED)
        await until(lambda: pids.exists() and pids.read_text().strip())
    await until(lambda: not _lives(int(pids.read_text())))


async def test_what_it_says_is_bounded_however_much_it_is() -> None:
    ended = await run_program(shell("yes lots | head -c 3000000"), b"", ENVIRONMENT, 20.0)
    assert (ended.code, ended.late, len(ended.output)) == (0, False, MOST_OUTPUT - 1)


async def test_one_that_talks_for_ever_does_not_keep_the_loop() -> None:
    turns = 0
    task = asyncio.create_task(run_program(("yes",), b"", ENVIRONMENT, 0.2))
    while not task.done():
        turns += 1
        await asyncio.sleep(0)
    assert (await task).late
    assert turns > 10


async def test_one_that_does_not_read_is_no_fault() -> None:
    ended = await run_program(("true",), b"x" * 4000, ENVIRONMENT, 20.0)
    assert ended.code == 0


async def test_a_grandchild_that_goes_on_holds_up_nobody() -> None:
    ended = await run_program(shell("sleep 3 & echo done"), b"", ENVIRONMENT, 20.0)
    assert (ended.output, ended.late) == ("done", False)


async def test_it_holds_no_signals_though_the_daemon_does() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals.STOPPING | signals.PAUSING)
    try:
        ended = await run_program(("cat", "/proc/self/status"), b"", ENVIRONMENT, 20.0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    masks = dict(zip(ended.output.split()[:-1], ended.output.split()[1:], strict=True))
    assert int(masks["SigBlk:"], 16) == 0
    # SIGXFSZ is the interpreter's own choice; who never learns of a broken pipe would go on.
    assert int(masks["SigIgn:"], 16) & (1 << signal.SIGPIPE - 1) == 0


async def test_what_systemd_meant_for_the_daemon_stays_with_it() -> None:
    given = {
        **ENVIRONMENT,
        "NOTIFY_SOCKET": "/run/x",
        "CREDENTIALS_DIRECTORY": "/run/y",
        "WATCHDOG_USEC": "1",
        "MAIL_TO": "staff@library.invalid",
    }
    ended = await run_program(("env",), b"", environment_for_others(given), 20.0)
    assert "MAIL_TO=staff@library.invalid" in ended.output
    assert not {"NOTIFY", "CREDENTIALS", "WATCHDOG"} & set(ended.output.replace("_", " ").split())


async def test_more_than_fits_is_refused_before_anything_starts() -> None:
    with pytest.raises(InputError, match="4096"):
        await run_program(("true",), b"x" * 5000, ENVIRONMENT, 1.0)
    with pytest.raises(InputError, match="cannot be started"):
        await run_program(("tr\0ue",), b"", ENVIRONMENT, 1.0)


async def test_a_program_that_cannot_be_watched_is_ended_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The daemon has no descriptor left, alert after alert."""
    begun: list[int] = []

    def none_left(pid: int) -> int:
        begun.append(pid)
        raise OSError(errno.EMFILE, "Too many open files")

    await run_program(("true",), b"", ENVIRONMENT, 20.0)
    before = _open_files()
    monkeypatch.setattr(os, "pidfd_open", none_left)
    command = AlertCommand(("sleep", "1000"), "ESI", ENVIRONMENT)
    async with running(command):
        command.put(FORCED)
        command.put(FORCED)
        await until(lambda: len(begun) == 2 and not any(map(_is_known, begun)))
    assert _open_files() == before
    failed = [r.__dict__ for r in caplog.records if r.message == "alert.command_failed"]
    assert [record["why"] for record in failed] == ["sleep: Too many open files"]


async def test_nothing_is_left_open(tmp_path: Path) -> None:
    await run_program(("true",), b"", ENVIRONMENT, 20.0)
    before = _open_files()
    for command in (("true",), ("false",), ("sleep", "1000")):
        await run_program(command, b"x", ENVIRONMENT, 0.1)
    for missing in ("/nowhere", str(tmp_path)):
        with pytest.raises(InputError):
            await run_program((missing,), b"x", ENVIRONMENT, 0.1)
    assert _open_files() == before


async def test_the_site_is_looked_at_every_five_seconds(clock: FakeClock) -> None:
    book, looks = Book(clock), 0

    async def look() -> Conditions:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise OSError("a disk that fails")
        return UNPLUGGED

    told: list[int] = []
    work = run_alerts(book.book, look, clock, lambda: told.append(looks))
    task = asyncio.create_task(work)
    await clock.advance(5.0)
    assert (looks, told) == (2, [1])
    await clock.advance(60.0)
    await settle()
    assert looks == 3
    assert book.current() == ["device-lost scanner"]
    task.cancel()


def test_what_the_journal_left_raised_is_taken_over(tmp_path: Path) -> None:
    assert raised_earlier(tmp_path) == ()
    opened = open_journal(tmp_path, ZoneInfo("Europe/Helsinki"), MORNING, "start", None)
    for number, (kind, alert) in enumerate(
        [
            (Kind.ALERT_RAISED, "disk-low"),
            (Kind.ALERT_RAISED, "feed-old"),
            (Kind.ALERT_CLEARED, "disk-low"),
        ]
    ):
        detail = {"alert": alert, "subject": ""}
        opened.file.append(Record(f"row-{number}", MORNING, kind, detail=detail))
    opened.file.close()
    assert raised_earlier(tmp_path) == (Earlier("feed-old", "", MORNING),)


def test_a_journal_that_cannot_be_read_left_nothing(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"junk" * 1000)
    assert raised_earlier(tmp_path) == ()


def _open_files() -> set[str]:
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are enough


def _is_known(pid: int) -> bool:
    """Whether it lives, or is dead and nobody took note."""
    return Path(f"/proc/{pid}").exists()


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"

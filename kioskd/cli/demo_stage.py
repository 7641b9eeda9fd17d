"""Where the demo's script is played: moves at the door, waiting for answers, and what was seen.

A move waits for what must come of it; what did come is read back from the lines of the devices
and from `journal export`, never from the daemon's memory. Every wait ends with the demo's time.
"""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from kioskd.cli.demo_child import Done
from kioskd.cli.demo_clock import Offset
from kioskd.cli.demo_devices import OFF, ON, SimulatedDoor
from kioskd.cli.demo_ending import Ending
from kioskd.cli.demo_hub import DemoHub
from kioskd.cli.demo_ils import DemoIls
from kioskd.cli.demo_seen import Seen, seen_in
from kioskd.cli.demo_site import Daemon, Site
from kioskd.domain.card import canonical, masked

PATIENCE_SECONDS: Final = 10.0  # for any one answer; only a demo that fails waits so long
ROWS_SECONDS: Final = 3.0  # facts that follow an entry are journalled a moment after it
_LOOK_SECONDS: Final = 0.005
_ANSWERS: Final = frozenset({"entry.granted", "entry.denied", "door.not_opened"})
_UNWRITTEN: Final = "STORE_FAILED"


class Unexpected(Exception):
    """What should have happened did not; the text says what."""


class TimeUp(Exception):
    """The time given to the whole demo is over."""


class Deadline:
    """The end of the whole demo. ending: signals that end it sooner."""

    def __init__(self, seconds: float, ending: Ending) -> None:
        self._until = time.monotonic() + seconds
        self._ending = ending

    def left(self) -> float:
        """Seconds that are left, more than none; TimeUp, KeyboardInterrupt."""
        self._ending.check()
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeUp
        return left


class Stage:
    """Site, door, daemon and clock of one demo, and the hub where it has one.

    ils: the library system; None without pysip2.
    """

    def __init__(
        self,
        site: Site,
        door: SimulatedDoor,
        daemon: Daemon,
        clock: Offset,
        deadline: Deadline,
        hub: DemoHub | None = None,
        ils: DemoIls | None = None,
    ) -> None:
        self.site = site
        self.door = door
        self.daemon = daemon
        self.clock = clock
        self.ils = ils
        self._deadline = deadline
        self._hub = hub
        self._done: list[str] = []
        self._said: list[str] = []
        self._frames_seen = self._lit_seen = self._texts_seen = 0
        self._last_seq = 0
        self._page = 0  # events of the log before this step
        self._mark = 0  # events of the log before the last scan or move

    @property
    def hub(self) -> DemoHub:
        """The hub beside the site. Unexpected where there is none."""
        if self._hub is None:
            raise Unexpected("this demo has no hub")
        return self._hub

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds. Unexpected, TimeUp."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            self._listen()
            if holds():
                return
            self._deadline.left()
            if time.monotonic() > end:
                raise Unexpected(f"{what}: not within {PATIENCE_SECONDS:g} s")
            time.sleep(_LOOK_SECONDS)

    def wait(self, seconds: float) -> None:
        """Let so much time pass, listening. TimeUp."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end, "time")

    def scan(self, code: str) -> None:
        """Hold a code before the scanner; what the daemon logs from now on answers it."""
        self.mark(masked(canonical(code)))
        self.door.scan(code)

    def press(self, keys: str, shown: str | None = None) -> None:
        """Press keys; PIN digits are shown as dots."""
        dots = "".join("•" if key.isdigit() else key for key in keys)
        self._done.append(dots if shown is None else shown)
        self.door.press(keys)

    def noticed(self, notice: str, **values: str) -> None:
        """Wait until somebody at the door would read this notice."""
        self.until(lambda: self._logged("notice", notice=notice, **values), f"the notice {notice}")

    def answered(self) -> None:
        """Wait for the decision and for what the person at the door is told of it."""
        self.until(lambda: any(map(self._logged, _ANSWERS)), "a decision")
        if not self._logged("entry.denied", reason="CANCELLED"):
            self.until(self._told, "a notice after the decision")

    def logged(self, event: str, **values: str) -> None:
        """Wait for an event of the daemon's log since `mark` or the last scan."""
        self.until(lambda: self._logged(event, **values), f"the daemon's {event}")

    def mark(self, done: str = "") -> None:
        """Note what is done now; `logged` waits for what comes after it."""
        self._listen()
        self._mark = len(self.daemon.events)
        self._done += [done] if done else []

    def say(self, answer: str) -> None:
        """Note what came of it, where that is neither a decision nor a frame."""
        self._said.append(answer)

    def relay_on(self) -> None:
        """Wait until the strike was switched on in this step."""
        self.until(lambda: ON in self._new_data(), "the on-frame")

    def relay_off(self, times: int = 1) -> None:
        """Wait until the last frames of this step, so many, switched the strike off."""
        self.until(lambda: self._new_data()[-times:] == [OFF] * times, "the off-frame")

    def run(self, *arguments: str, stdin: str = "", shown: str = "", code: int = 0) -> Done:
        """Run a command that must end with this code. Unexpected, TimeUp."""
        return _ended(self.tried(*arguments, stdin=stdin, shown=shown), code)

    def run_hub(self, *arguments: str, stdin: str = "", shown: str = "", code: int = 0) -> Done:
        """The same of a command of `kioskd-hub`. Unexpected, TimeUp."""
        self._done.append(shown or "kioskd-hub " + " ".join(arguments))
        try:
            ended = self.hub.command(arguments, seconds=self._deadline.left(), stdin=stdin)
        except subprocess.TimeoutExpired:
            raise TimeUp from None
        return _ended(ended, code)

    def tried(self, *arguments: str, stdin: str = "", shown: str = "") -> Done:
        """Run a command, however it ends. TimeUp."""
        self._done.append(shown or "kioskd " + " ".join(arguments))
        return self._command(*arguments, stdin=stdin)

    def complaints(self) -> list[str]:
        """The last warnings and errors of daemon and hub, for whoever wants to know why."""
        children = [self.daemon, *([self._hub] if self._hub else [])]
        for child in children:
            child.listen()
        events = [event for child in children for event in child.events]
        worse = [e for e in events if e.get("level") not in ("INFO", "DEBUG")]
        return [" ".join(f"{name}={value}" for name, value in e.items()) for e in worse[-5:]]

    def rows(self) -> list[dict[str, Any]]:
        """The whole journal, as `journal export` tells it. Unexpected, TimeUp."""
        exported = self._command("journal", "export")
        if exported.code != 0:
            raise Unexpected(f"journal export ended with {exported.code}: {exported.err.strip()}")
        return [json.loads(line) for line in exported.out.splitlines()]

    def observe(self, satisfied: Callable[[Seen], bool]) -> Seen:
        """What this step brought about, looked at until it satisfies or for ROWS_SECONDS."""
        end = time.monotonic() + ROWS_SECONDS
        while True:
            self._listen()
            rows = self._new_rows()
            seen = self._seen(rows)
            if satisfied(seen) or time.monotonic() > end:
                break
        return self._turn_page(seen, rows)

    def glance(self) -> Seen:
        """What this step brought about where no journal is there to be read."""
        self._listen()
        return self._turn_page(self._seen([]), [])

    def _turn_page(self, seen: Seen, rows: list[dict[str, Any]]) -> Seen:
        self._done, self._said = [], []
        self._frames_seen = len(self.door.frames)
        self._lit_seen, self._texts_seen = len(self.door.lit), len(self.door.texts)
        self._page = len(self.daemon.events)
        self._last_seq = rows[-1]["seq"] if rows else self._last_seq
        return seen

    def _seen(self, rows: list[dict[str, Any]]) -> Seen:
        events = self.daemon.events[self._page :]
        denied = [e.get("reason") for e in events if e["event"] == "entry.denied"]
        notices = [e for e in events if e["event"] == "notice"]
        return replace(
            seen_in(rows, self.door.frames[self._frames_seen :]),
            done=" ".join(self._done),
            said=tuple(self._said),
            unwritten=tuple(f"denied {reason}" for reason in denied if reason == _UNWRITTEN),
            notice=_read(notices[-1]) if notices else "",
            lamps=(*self.door.lit[self._lit_seen :], self.door.lamp),
            texts=(*self.door.texts[self._texts_seen :], self.door.text),
        )

    def _listen(self) -> None:
        self.door.listen()
        self.daemon.listen()

    def _logged(self, event: str, **values: str) -> bool:
        return any(
            line["event"] == event and values.items() <= line.items()
            for line in self.daemon.events[self._mark :]
        )

    def _told(self) -> bool:
        events = [line["event"] for line in self.daemon.events[self._mark :]]
        return "notice" in events[min(events.index(e) for e in _ANSWERS if e in events) :]

    def _new_data(self) -> list[bytes]:
        return [frame.data for frame in self.door.frames[self._frames_seen :]]

    def _new_rows(self) -> list[dict[str, Any]]:
        return [row for row in self.rows() if row["seq"] > self._last_seq]

    def _command(self, *arguments: str, stdin: str = "") -> Done:
        named = [*arguments, "--config", str(self.site.config)]
        try:
            return self.site.command(*named, seconds=self._deadline.left(), stdin=stdin)
        except subprocess.TimeoutExpired:
            raise TimeUp from None


def _ended(ended: Done, code: int) -> Done:
    if ended.code != code:
        raise Unexpected(f"exit code {ended.code}: {(ended.err or ended.out).strip()}")
    return ended


def _read(line: dict[str, Any]) -> str:
    return f"{line['notice']} {line.get('code', '')}".rstrip()

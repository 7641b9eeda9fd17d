"""What a step of the demo's day brought about, and what it should have.

Values alone. Deliberately not here: looking (kioskd.cli.demo_stage).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kioskd.cli.demo_devices import OFF, ON, Frame

EARLY_SECONDS: Final = 0.25  # by which a busy machine may see an on-frame late
_NAMES: Final = {ON: "on", OFF: "off"}
_DECIDED: Final = "entry.decided"
_ALERTS: Final = {"alert.raised": "{}", "alert.cleared": "{}: all clear"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What one step brought about.

    said: what a command answered. decided: "granted OK", "denied WRONG_PIN"; unwritten: the same,
    where it could not be journalled. relay: frames of the strike in order, an off-frame that was
    repeated once. pulses: seconds from each on-frame to its off-frame. journal: kinds of rows,
    without decisions and alerts. alerts: those that were raised or cleared. notice: what the
    person at the door read last, with the code of a fault. lamps: those that burnt. texts: what
    the display showed.
    """

    done: str = ""
    said: tuple[str, ...] = ()
    decided: tuple[str, ...] = ()
    unwritten: tuple[str, ...] = ()
    relay: tuple[str, ...] = ()
    pulses: tuple[float, ...] = ()
    journal: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    notice: str = ""
    lamps: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """What a step must bring about; the fields are those of Seen.

    pulse: the least seconds of each pulse. opened: a pulse ends early, for the door was opened.
    alerts: at least these; the daemon looks for others every few seconds, whatever is played.
    notice, lamp, display: empty where the step says nothing of them; display: a part of a text.
    in_order: whether rows come in one order. often, maybe: kinds of rows that come at least once,
    or perhaps, however often and wherever; `journal` is all others. journalled: False before
    there is a journal.
    """

    decided: tuple[str, ...] = ()
    relay: tuple[str, ...] = ()
    journal: tuple[str, ...] = ()
    pulse: float = 0.0
    opened: float = 0.0
    unwritten: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    notice: str = ""
    lamp: str = ""
    display: str = ""
    in_order: bool = True
    often: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()
    journalled: bool = True

    def faults(self, seen: Seen) -> list[str]:
        """A sentence for everything that came out otherwise."""
        return [*self._other(seen), *self._missing(seen), *self._pulses(seen)]

    def _other(self, seen: Seen) -> list[str]:
        order = tuple if self.in_order else sorted
        counted = [kind for kind in seen.journal if kind not in (*self.often, *self.maybe)]
        pairs: dict[str, tuple[Sequence[str], Sequence[str]]] = {
            "decided": (self.decided, seen.decided),
            "decided without a row": (self.unwritten, seen.unwritten),
            "to the relay": (self.relay, seen.relay),
            "in the journal": (order(self.journal), order(counted)),
        }
        if self.notice:
            pairs["the notice"] = (self.notice,), (seen.notice,)
        return [
            f"{what}: expected {_listed(meant)}, got {_listed(got)}"
            for what, (meant, got) in pairs.items()
            if meant != got
        ]

    def _missing(self, seen: Seen) -> list[str]:
        faults = [f"no alert {name}" for name in self.alerts if name not in seen.alerts]
        faults += [f"no row {kind}" for kind in self.often if kind not in seen.journal]
        if self.lamp and self.lamp not in seen.lamps:
            faults.append(f"the lamp {self.lamp} did not burn; {_listed(seen.lamps)} did")
        if self.display and not any(self.display in text for text in seen.texts):
            shown = seen.texts[-1] if seen.texts else ""
            faults.append(f"the display shows {shown!r}, not {self.display!r}")
        return faults

    def _pulses(self, seen: Seen) -> list[str]:
        short = [length for length in seen.pulses if length < self.pulse - EARLY_SECONDS]
        faults = [f"a pulse of {s:.2f} s instead of {self.pulse:g} s" for s in short]
        if self.opened:
            long = [length for length in seen.pulses if length >= self.opened]
            faults += [f"a pulse of {s:.2f} s, though the door was opened" for s in long]
        return faults


NOTHING: Final = Expected()


def seen_in(rows: Iterable[Mapping[str, Any]], frames: Sequence[Frame]) -> Seen:
    """What rows of the journal and frames of the strike tell."""
    told = list(rows)
    return Seen(
        decided=tuple(f"{r['decision']} {r['reason']}" for r in told if r["kind"] == _DECIDED),
        relay=_named(frames),
        pulses=_lengths(frames),
        journal=tuple(r["kind"] for r in told if r["kind"] not in (_DECIDED, *_ALERTS)),
        alerts=tuple(
            _ALERTS[r["kind"]].format(r["detail"]["alert"]) for r in told if r["kind"] in _ALERTS
        ),
    )


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values) or "nothing"


def _named(frames: Sequence[Frame]) -> tuple[str, ...]:
    names: list[str] = []
    for frame in frames:
        name = _NAMES.get(frame.data, str(frame))
        if not (name == "off" and names[-1:] == ["off"]):
            names.append(name)
    return tuple(names)


def _lengths(frames: Sequence[Frame]) -> tuple[float, ...]:
    lengths: list[float] = []
    begun: float | None = None
    for frame in frames:
        if frame.data == ON:
            begun = frame.at
        elif begun is not None:
            lengths.append(frame.at - begun)
            begun = None
    return tuple(lengths)

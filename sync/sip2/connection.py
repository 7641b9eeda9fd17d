"""One connection to a library system, without the connection: who may speak, and what counts.

One request is in flight at a time. Pure: bytes, timers and the end of the stream are told to it,
and every method returns what is to be done.

- An answer counts when its command is the one that answers, and its AY is ours.
- What was said last is said again when its answer is late, unreadable or not understood (96),
  byte for byte, as often as `retries`. After that, and wherever a second answer could be taken
  for another's, the connection fails.
- After a time-out a request is only said again where nothing can be done twice by it: a read,
  or a server that replays. Without AY (no error detection) never.
- A broken answer is asked for again (97). The repeat may lack AY or bear AY0 [seen]; that counts
  only with a checksum, and where the broken one had our AY: else the server may not have heard
  us yet, and would repeat its answer to the request before. Nor does AY0 count where it was the
  number of the request before. A line that was taken once is taken for no other request.
- A 98 instead of an answer means that nothing was done: the request goes out under a new AY,
  unless the library system says that it does not take such requests now. What changes something
  goes out so once: many 98 in a row would be as many copies.
- What comes is bounded: in lines since the last answer, and in bytes that are read in one go.
  While nothing is asked, only a 98 is read at all.

Deliberately not here: sockets and clocks (transport), a new connection and what is asked again
over it (client), what an answer means (answers).
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from sync.sip2.dialect import Dialect
from sync.sip2.faults import Malformed
from sync.sip2.framing import MAX_BYTES, Framer
from sync.sip2.layouts import ANSWERS, NAMES, READS
from sync.sip2.messages import TERMINATOR, Check, Message, encode, limited, parse
from sync.sip2.signals import Answered, Arm, Failed, Noted, Send, Signal, Timer, Told

__all__ = ["Answered", "Arm", "Connection", "Failed", "Noted", "Send", "Signal", "Timer", "Told"]

MAX_DISCARDED: Final = 50  # lines that answer nothing, of any kind, since the last that did
MAX_READ: Final = MAX_BYTES + 16_384  # bytes of messages in one go: an answer, what stands about it
MAX_FIELDS: Final = MAX_BYTES // 8  # of a message; 500 loans with their fees have about 1,500
KEEP_ALIVE: Final = Message(
    "99", {"status_code": "0", "max_print_width": "080", "protocol_version": "2.00"}
)
_RESEND: Final = encode(Message("97", {}), checked=True)
_ENDLESS: Final = "the library system sent a message without end"
_FLOOD: Final = "the library system sends more lines than answers"
_POLICIES: Final = {  # request -> the part of 98 that forbids it
    "09": "checkin_ok",
    "11": "checkout_ok",
    "29": "acs_renewal_policy",
    "65": "acs_renewal_policy",
}


@dataclass(slots=True, repr=False)
class _Asked:
    """The request in flight. own: a keep-alive. said: its bytes, which may hold a PIN.

    resend: what went out last is a 97. heard: a broken answer to it has come. misheard: a 96 to it.
    anew: it went out under a second number.
    """

    message: Message
    own: bool
    said: bytes
    seq: int | None
    repeats: int = 0
    resend: bool = False
    heard: bool = False
    misheard: bool = False
    anew: bool = False

    @property
    def name(self) -> str:
        return NAMES[self.message.code]

    @property
    def read(self) -> bool:
        return self.message.code in READS


class Connection:
    """What is said over one connection. After Failed every method returns nothing.

    answer_seconds: for one try. retries: how often one request is said again, whatever the reason.
    """

    def __init__(self, dialect: Dialect, *, answer_seconds: float, retries: int = 3) -> None:
        self._dialect = dialect
        self._answer = Arm(Timer.ANSWER, answer_seconds)
        self._retries = retries
        self._delimiter = dialect.delimiter.encode("ascii", "replace")
        self._framer = Framer(blank=True)
        self._asked: _Asked | None = None
        self._next = 0  # AY
        self._taken = b""  # digest of the last line that was an answer
        self._stray = 0  # lines since then
        self._read = 0  # bytes of messages in this go
        self._noted: set[str] = set()
        self._repeated = False  # something was said twice on this connection
        self._astray = False  # what was said before may be answered yet
        self._unnumbered = False  # an answer bore no AY
        self._spent = self._failed = False

    @property
    def waiting(self) -> bool:
        """Whether a request, or a keep-alive, is in flight."""
        return self._asked is not None

    @property
    def spent(self) -> bool:
        """Whether nothing may be asked any more: failed, or an answer too many may come."""
        return self._spent

    def start(self) -> list[Signal]:
        """The connection stands."""
        return self._rest()

    def request(self, message: Message) -> list[Signal]:
        """Ask. ValueError for what cannot be said; RuntimeError while waiting or spent."""
        if self._asked or self._spent:
            raise RuntimeError("one request at a time, and none over a spent connection")
        if message.code not in ANSWERS:
            raise ValueError(f"{message.code} asks for nothing")
        return self._ask(limited(message), own=False)

    def receive(self, data: bytes) -> list[Signal]:
        """Bytes came. Never raises."""
        if self._failed:
            return []
        self._read = 0
        try:
            lines = self._framer.feed(data)
        except Malformed as fault:
            return self._fail(_ENDLESS if fault.what == "endless" else _FLOOD)
        return [signal for line in lines for signal in self._counted(line)]

    def fired(self, timer: Timer) -> list[Signal]:
        """A timer ran out; one that no longer matters changes nothing."""
        asked = self._asked
        if asked:
            return self._silence(asked) if timer is Timer.ANSWER else []
        if timer is Timer.ANSWER or self._spent or not self._dialect.keep_alive_seconds:
            return []
        return self._ask(KEEP_ALIVE, own=True)

    def ended(self) -> list[Signal]:
        """The other side closed. A message that was cut off by it counts for nothing."""
        if self._failed:
            return []
        before = f" before it answered {self._asked.name}" if self._asked else ""
        return self._fail(f"the library system closed the connection{before}")

    # What goes out

    def _ask(self, message: Message, *, own: bool) -> list[Signal]:
        said, seq = self._number(message)
        self._asked = _Asked(message, own, said, seq)
        return [Send(said + TERMINATOR), self._answer]

    def _number(self, message: Message) -> tuple[bytes, int | None]:
        dialect, numbered = self._dialect, self._dialect.error_detection
        seq = self._next if numbered else None
        said = encode(message, dialect.charset, dialect.delimiter, seq=seq, checked=numbered)
        self._next = (self._next + 1) % 10
        return said, seq

    def _repeat(self, asked: _Asked, why: str, *, resend: bool = False) -> list[Signal]:
        if asked.repeats >= self._retries:
            return self._fail(why + _after(asked.repeats))
        asked.repeats += 1
        asked.resend = resend
        self._repeated = True
        return [Send((_RESEND if resend else asked.said) + TERMINATOR), self._answer]

    def _rest(self) -> list[Signal]:
        seconds = self._dialect.keep_alive_seconds
        return [] if self._spent or not seconds else [Arm(Timer.IDLE, seconds)]

    def _note(self, what: str) -> list[Signal]:
        if what in self._noted:
            return []
        self._noted.add(what)
        return [Noted(what)]

    def _fail(self, why: str) -> list[Signal]:
        self._failed = self._spent = True
        self._asked = None
        return [Failed(why)]

    # What comes in

    def _counted(self, line: bytes) -> list[Signal]:
        asked = self._asked
        if self._failed:  # by the line before
            return []
        self._stray += 1
        signals = self._line(line) if line and (asked or line.startswith(b"98")) else []
        if self._stray <= MAX_DISCARDED or (signals and isinstance(signals[-1], Failed)):
            return signals
        to = f" to {asked.name}" if asked else ""
        return self._fail(f"more than {MAX_DISCARDED} lines that are no answer{to}")

    def _line(self, line: bytes) -> list[Signal]:
        asked = self._asked
        self._read += len(line)
        if self._read > MAX_READ:
            return self._fail(_FLOOD)
        if line.count(self._delimiter) > MAX_FIELDS:
            return self._fail(f"the library system sent a message of over {MAX_FIELDS} fields")
        try:
            message = parse(line, self._dialect.charset, self._dialect.delimiter)
        except Malformed as fault:
            why = "the answer to {} cannot be read: " + fault.what
            return self._broken(asked, fault.seq, why) if asked else []
        if message.check is Check.WRONG and self._dialect.checksum == "strict":
            why = "wrong checksum in the answer to {}"
            return self._broken(asked, message.seq, why) if asked else []
        if not message.known:
            return []
        heard = self._heard(asked, message, line) if asked else [Told(message)]
        return self._checksum(message) + heard

    def _checksum(self, message: Message) -> list[Signal]:
        if self._dialect.checksum == "off":
            return []
        if message.check is Check.CODE_POINTS:
            return self._note("checksum over characters")
        if message.check is Check.WRONG:
            return self._note("wrong checksum")
        bare = message.check is Check.ABSENT and message.seq is not None
        return self._note("no checksum") if bare else []

    def _heard(self, asked: _Asked, message: Message, line: bytes) -> list[Signal]:
        if message.code == "96":
            return self._not_understood(asked)
        answers = message.code == ANSWERS[asked.message.code]
        if answers and self._ours(asked, message):
            again = asked.seq is not None and _digest(line) == self._taken
            return [] if again else self._take(asked, message, line)
        if answers and message.seq is None and self._may_lack_number():
            self._unnumbered = True
            return self._note("no sequence number") + self._take(asked, message, line)
        if message.code == "98":
            return [Told(message), *self._status(asked, message)]
        if asked.seq is not None and message.seq == asked.seq:
            return self._fail(f"{asked.name} was answered by {NAMES[message.code]}")
        self._unnumbered = self._unnumbered or (answers and message.seq is None)
        return []

    def _ours(self, asked: _Asked, message: Message) -> bool:
        if asked.seq is None or message.seq == asked.seq:
            return True
        summed = message.check is not Check.ABSENT
        none = message.seq is None or (message.seq == 0 and asked.seq != 1)  # 0 came before 1
        return asked.heard and summed and none

    def _may_lack_number(self) -> bool:
        return self._dialect.checksum != "strict" and not self._repeated

    def _take(self, asked: _Asked, message: Message, line: bytes) -> list[Signal]:
        self._asked = None
        self._taken, self._stray = _digest(line), 0
        # Without AY, what was said twice may be answered twice.
        self._spent = asked.seq is None and asked.repeats > 0
        return [Told(message) if asked.own else Answered(message), *self._rest()]

    # What went wrong

    def _silence(self, asked: _Asked) -> list[Signal]:
        why = f"no answer to {asked.name}"
        if asked.seq is None:
            return self._fail(why)
        if self._unnumbered:  # who does not number cannot tell a repeat from a request
            return self._fail(f"{why} with a sequence number")
        self._astray = True
        if asked.heard and not asked.read:  # it was done: only its answer is wanted
            return self._repeat(asked, why, resend=True)
        if asked.read or self._dialect.replays:
            return self._repeat(asked, why)
        return self._fail(why + _after(asked.repeats))

    def _broken(self, asked: _Asked, seq: int | None, why: str) -> list[Signal]:
        why = why.format(asked.name)
        if asked.seq is None:
            return self._fail(why)
        self._astray = True
        asked.heard = asked.heard or seq == asked.seq
        return self._repeat(asked, why, resend=True)

    def _not_understood(self, asked: _Asked) -> list[Signal]:
        if asked.resend:
            return self._fail(f"the library system did not repeat its answer to {asked.name}")
        why = f"the library system did not understand {asked.name}"
        # With more than one copy on its way it may be an earlier one that was not understood.
        if self._astray and not (asked.read or self._dialect.replays):
            return self._fail(why)
        asked.misheard = True
        return self._repeat(asked, why)

    def _status(self, asked: _Asked, status: Message) -> list[Signal]:
        numbered = asked.seq is not None
        if numbered and status.seq != asked.seq:
            return []  # nobody asked for it
        if status.fixed["online_status"].upper() != "Y":
            return self._fail("the library system says that it is off-line")
        part = _POLICIES.get(asked.message.code, "")
        if numbered and part and status.fixed[part].upper() == "N":
            return self._fail(f"the library system says that it takes no {asked.name} ({part})")
        return self._ask_anew(asked)

    def _ask_anew(self, asked: _Asked) -> list[Signal]:
        """Said once more under a new AY: a server would replay its 98 for the old one."""
        why = f"the library system answered {asked.name} with its status"
        if asked.seq is None:
            return self._repeat(asked, why) if asked.read else []
        if (self._astray or asked.misheard or asked.anew) and not asked.read:
            return self._fail(why)  # an earlier copy may have been done, whatever was said of it
        asked.anew = True
        asked.said, asked.seq = self._number(asked.message)
        asked.heard = False
        return self._repeat(asked, why)


def _digest(line: bytes) -> bytes:
    """What tells one line from another without keeping a person's data."""
    return hashlib.sha256(line).digest()


def _after(repeats: int) -> str:
    if not repeats:
        return ""
    return f" after {repeats} repeat" + "s" * (repeats > 1)

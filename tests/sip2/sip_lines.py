"""SIP2 messages made shortly, a model of a library system, and a wire that loses and delays."""

from collections import Counter, deque
from collections.abc import Iterator
from enum import Enum, auto

from sync.sip2.connection import Answered, Arm, Connection, Failed, Noted, Send, Signal, Timer
from sync.sip2.dialect import Dialect
from sync.sip2.faults import Malformed
from sync.sip2.layouts import ANSWERS, LAYOUTS
from sync.sip2.messages import Check, Field, Message, encode, parse

DATE = "20261123    105419"
CHANGES = frozenset({"09", "11", "29"})
HTML = b"<html><body>502 Bad Gateway</body></html>"


def said(code: str, *fields: Field, **fixed: str) -> Message:
    """A message whose fixed parts are dates, zeros, or what is given."""
    parts = {
        name: DATE if name.endswith("date") else "0" * (end - start)
        for name, start, end in LAYOUTS[code].parts
    }
    return Message(code, parts | fixed, fields)


def line(message: Message, seq: int | None = None, *, checked: bool = True) -> bytes:
    """Its bytes with their terminator."""
    return encode(message, seq=seq, checked=checked) + b"\r"


def bad(data: bytes) -> bytes:
    """The same line with a checksum of zeros."""
    return data[:-5] + b"0000\r"


def status(**fixed: str) -> Message:
    """98 of a library system that is on-line and takes everything, but for what is given."""
    usual = dict.fromkeys(
        ("online_status", "checkin_ok", "checkout_ok", "acs_renewal_policy", "offline_ok"), "Y"
    )
    return said("98", ("AO", "ESI"), **(usual | fixed))


def of_kind(signals: list[Signal], kind: type) -> list[Signal]:
    """Those signals that are of this kind."""
    return [signal for signal in signals if isinstance(signal, kind)]


def sent(signals: list[Signal]) -> bytes:
    """All bytes that are to be sent."""
    return b"".join(signal.data for signal in signals if isinstance(signal, Send))


def why(signals: list[Signal]) -> str:
    """Why the connection failed; empty when it did not."""
    return "".join(signal.why for signal in signals if isinstance(signal, Failed))


ANSWER = Arm(Timer.ANSWER, 3.0)
IDLE = Arm(Timer.IDLE, 25)
RESEND = b"97AZFEF5\r"
NOT_UNDERSTOOD = b"96AZFEF6\r"
LENIENT = ("warn", "off")  # policies of checksums

ASK = said("63", ("AO", "ESI"), ("AA", "167A006007"), ("AD", "4711"))
LEND = said("11", ("AO", "ESI"), ("AA", "167A006007"), ("AB", "item1"))
ANSWER_63 = said("64", ("AA", "167A006007"), ("BL", "Y"))
ANSWER_11 = said("12", ("AB", "item1"), ok="1")


def opened(
    checksum: str = "strict",
    *,
    ay: bool = True,
    replays: bool = True,
    retries: int = 3,
    keep_alive: int = 25,
) -> Connection:
    """A connection of a dialect with these knobs, before anything is asked."""
    dialect = Dialect(
        "test",
        error_detection=ay,
        checksum=checksum,
        replays=replays,
        keep_alive_seconds=keep_alive,
    )
    return Connection(dialect, answer_seconds=3.0, retries=retries)


def asking(message: Message, checksum: str = "strict", **how: bool | int) -> Connection:
    """The same, with this message in flight."""
    connection = opened(checksum, **how)  # type: ignore[arg-type]
    connection.request(message)
    return connection


def answered(signals: list[Signal]) -> list[str]:
    """Codes of what was answered, in order."""
    return [signal.message.code for signal in signals if isinstance(signal, Answered)]


def notes(signals: list[Signal]) -> list[str]:
    """What was noted, in order."""
    return [signal.what for signal in signals if isinstance(signal, Noted)]


class Resend(Enum):
    """What the answer to a 97 bears for a sequence number."""

    OWN = auto()
    ZERO = auto()
    BARE = auto()


class ModelLibrary:
    """Answers in order, and counts what it did.

    replays: a repeated request is not done again. numbers: its answers bear AY. demands: what
    has no checksum is not understood.
    """

    def __init__(
        self,
        *,
        replays: bool = True,
        resend: Resend = Resend.OWN,
        numbers: bool = True,
        demands: bool = False,
    ) -> None:
        self.done: Counter[str] = Counter()
        self.refuses_next = False
        self._replays, self._resend = replays, resend
        self._numbers, self._demands = numbers, demands
        self.connect()

    def connect(self) -> None:
        """A new connection: nothing is remembered of the one before."""
        self._request = b""
        self._answer: tuple[Message, int | None] | None = None
        self._garbled = False

    def hear(self, data: bytes) -> bytes:
        """What it says to these bytes, which are one message."""
        try:
            message = parse(data.rstrip(b"\r"))
        except Malformed:
            return self._cannot_read()
        bare = message.check is Check.ABSENT and self._demands
        if bare or message.check is Check.WRONG or not message.known:
            return self._cannot_read()
        if message.code == "97":
            return self._again()
        self._garbled = False
        if not (self._replays and data == self._request and self._answer):
            self._request = data
            self._answer = (self._do(message), message.seq)
        return self._say(*self._answer)

    def _cannot_read(self) -> bytes:
        self._garbled = True
        return line(Message("96", {}))

    def _again(self) -> bytes:
        if self._answer is None or self._garbled:
            return line(Message("96", {}))
        message, seq = self._answer
        seq = {Resend.OWN: seq, Resend.ZERO: 0, Resend.BARE: None}[self._resend]
        return line(message, seq)

    def _say(self, message: Message, seq: int | None) -> bytes:
        return line(message, seq if self._numbers else None, checked=seq is not None)

    def _do(self, message: Message) -> Message:
        if self.refuses_next:
            self.refuses_next = False
            return status()
        if message.code in CHANGES:
            self.done[message.first("AB") or ""] += 1
        echoed = [(name, message.first(name) or "") for name in ("AA", "AB")]
        return said(ANSWERS[message.code], *echoed)


class Fate(Enum):
    """What becomes of a message on its way."""

    PASS = auto()
    SERVER_FIRST = auto()  # what the client said is heard before the client hears
    LOSE = auto()
    BREAK = auto()  # a byte of it changes
    TWICE = auto()
    LATE = auto()  # the time-out is earlier
    JUNK = auto()  # something else comes before it
    STATUS = auto()  # the library system says 98 instead of doing what is asked next
    TOLD = auto()  # it says 98 unasked


JUNK = (HTML + b"\r\n", b"\n\x00  ", b"64cut off\r", b"}\r", b"\r\r", b"16\xff\xfe\r")


class Wire:
    """Carries messages in order, each as the next fate says; passes them when fates run out."""

    def __init__(
        self,
        connection: Connection,
        library: ModelLibrary,
        fates: Iterator[Fate],
        *,
        bytewise: bool = False,
    ) -> None:
        self.connection, self._library, self._fates = connection, library, fates
        self._bytewise = bytewise
        self._up: deque[bytes] = deque()
        self._down: deque[bytes] = deque()
        self._armed: Timer | None = None
        self._junk = 0
        library.connect()
        self._told(connection.start())

    def ask(self, message: Message) -> Message | Failed:
        """The outcome of a request."""
        ended = self._told(self.connection.request(message))
        while ended is None:
            ended = self._told(self._step())
        return ended

    def _told(self, signals: list[Signal]) -> Message | Failed | None:
        ended: Message | Failed | None = None
        for signal in signals:
            if isinstance(signal, Send):
                self._up.append(signal.data)
            elif isinstance(signal, Arm):
                self._armed = signal.timer
            elif isinstance(signal, Answered):
                ended = signal.message
            elif isinstance(signal, Failed):
                ended = signal
        if self.connection.waiting:
            assert self._armed is Timer.ANSWER  # else nobody would ever hear of it
        return ended

    def _step(self) -> list[Signal]:
        fate = next(self._fates, Fate.PASS)
        if fate is Fate.LATE or not (self._up or self._down):
            return self.connection.fired(Timer.ANSWER)
        if fate is Fate.STATUS:
            self._library.refuses_next = True
        if fate is Fate.TOLD:
            self._down.append(line(status(), checked=False))
        if self._up and (fate is Fate.SERVER_FIRST or not self._down):
            for data in self._fated(fate, self._up.popleft()):
                self._down.append(self._library.hear(data))
            return []
        if fate is Fate.JUNK:
            self._junk += 1
            self._down.appendleft(JUNK[self._junk % len(JUNK)])
        return self._deliver(b"".join(self._fated(fate, self._down.popleft())))

    def _fated(self, fate: Fate, data: bytes) -> list[bytes]:
        if fate is Fate.LOSE:
            return []
        if fate is Fate.TWICE:
            return [data, data]
        if fate is Fate.BREAK:
            at = sum(data) % (len(data) - 1)  # anywhere but its terminator
            return [data[:at] + bytes((data[at] ^ 0x80,)) + data[at + 1 :]]
        return [data]

    def _deliver(self, data: bytes) -> list[Signal]:
        if not self._bytewise:
            return self.connection.receive(data)
        return [signal for byte in data for signal in self.connection.receive(bytes((byte,)))]

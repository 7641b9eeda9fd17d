"""Library systems of a few lines that answer asks without a wire, and the answers they give."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from drivers.fakes import FakeClock
from kioskd.errors import RegisterError
from sync.sip2.dialect import STATUS_FLAGS, Dialect
from sync.sip2.dialects import DIALECTS
from sync.sip2.faults import NoAnswer, NotAsked
from sync.sip2.messages import Field, Message
from sync.sip2.settings import SipSettings

CARD, PIN, ITEM = "167A006007", "8642", "167N00000001"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DATE = "20261123    140000"
LATER = 2000.0  # a deadline that a fake clock does not reach
BLANK_COUNTS = {
    f"{what}_count": "    "
    for what in (
        "hold_items",
        "overdue_items",
        "charged_items",
        "fine_items",
        "recall_items",
        "unavailable_holds",
    )
}


def settings(dialect: str | Dialect = "koha", **more: object) -> SipSettings:
    spoken = DIALECTS[dialect] if isinstance(dialect, str) else dialect
    made = SipSettings("127.0.0.1", 6001, spoken, tls=False, institution="ESI", location="ESI")
    return replace(made, **more)  # type: ignore[arg-type]


def status_of(*flags: str) -> str:
    return "".join("Y" if name in flags else " " for name in STATUS_FLAGS)


def patron(
    *more: Field,
    bl: str | None = "Y",
    cq: str | None = "Y",
    card: str | None = CARD,
    flags: Sequence[str] = (),
    code: str = "64",
    **fixed: str,
) -> Message:
    """A 64, or a 24. None leaves a field out."""
    parts = {
        "patron_status": status_of(*flags),
        "language": "007",
        "transaction_date": DATE,
        **(BLANK_COUNTS if code == "64" else {}),
        **fixed,
    }
    said = (("AO", "ESI"), ("AA", card), ("AE", "Matti Meikäläinen"), ("BL", bl), ("CQ", cq))
    return Message(code, parts, [*((f, v) for f, v in said if v is not None), *more])


def lent_answer(*more: Field, ok: str = "1", code: str = "12", **fixed: str) -> Message:
    parts = {
        "ok": ok,
        "renewal_ok": "N",
        "magnetic_media": "N",
        "desensitize": "Y",
        "transaction_date": DATE,
        **fixed,
    }
    return Message(code, parts, [("AO", "ESI"), ("AA", CARD), ("AB", ITEM), *more])


def returned_answer(*more: Field, ok: str = "1", **fixed: str) -> Message:
    parts = {
        "ok": ok,
        "resensitize": "Y",
        "magnetic_media": "N",
        "alert": "N",
        "transaction_date": DATE,
        **fixed,
    }
    return Message("10", parts, [("AO", "ESI"), ("AB", ITEM), *more])


def item_answer(status: str, *more: Field, item: str = ITEM, title: str = "Kalevala") -> Message:
    parts = {
        "circulation_status": status,
        "security_marker": "00",
        "fee_type": "01",
        "transaction_date": DATE,
    }
    return Message("18", parts, [("AB", item), ("AJ", title), *more])


def listing(kind: str, *items: str, count: int | str | None = None, **more: str) -> Message:
    """A 64 with a list; count None: as many as there are."""
    name = {"AU": "charged_items", "AS": "hold_items", "CD": "unavailable_holds"}[kind]
    counted = f"{len(items) if count is None else count:>04}"
    return patron(*((kind, item) for item in items), **{f"{name}_count": counted}, **more)


Answer = Message | RegisterError


class ScriptedAsk:
    """Answers as a script says: a message, or an error to raise. `asked` has every request."""

    def __init__(self, script: Callable[[Message], Answer] | Sequence[Answer]) -> None:
        self.asked: list[Message] = []
        self._queue: Iterator[Answer] | None = None
        if callable(script):
            self._script = script
        else:
            self._queue = iter(script)

    async def ask(self, message: Message, deadline: float) -> Message:
        self.asked.append(message)
        said = next(self._queue) if self._queue is not None else self._script(message)
        if isinstance(said, RegisterError):
            raise said
        return said

    @property
    def codes(self) -> list[str]:
        return [message.code for message in self.asked]


@dataclass
class Shelf:
    """One item, its loan and its due day, and what was done to it.

    faults: for each ask in turn, "" for none; "unsent": it never leaves; "lost": done, and no
    answer; "late": done only once time passes, and no answer; "deaf": not done, and no answer.
    """

    faults: Iterator[str]
    on_loan: bool = False
    blocked: bool = False
    renewals_left: int = 1
    done: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    pending: list[Message] = field(default_factory=list)

    async def ask(self, message: Message, deadline: float) -> Message:
        self.asked.append(message.code)
        fault = next(self.faults, "")
        if fault == "unsent":
            raise NotAsked("not asked")
        if fault == "late":
            self.pending.append(message)
        if fault in ("late", "deaf"):
            raise NoAnswer("no answer")
        answer = self._answer(message)
        if fault == "lost":
            raise NoAnswer("no answer")
        return answer

    def time_passes(self) -> None:
        for message in self.pending:
            self._answer(message)
        self.pending.clear()

    def _answer(self, message: Message) -> Message:
        match message.code:
            case "11":
                return self._lend()
            case "09":
                return self._take_back()
            case "29":
                return self._renew()
            case "17":
                return item_answer("04" if self.on_loan else "03", ("AH", "20261207    235900"))
            case "23":
                return patron(code="24", flags=("charge_denied",) if self.blocked else ())
        return listing("AU", *([ITEM] if self.on_loan else []))

    def _lend(self) -> Message:
        if self.on_loan or self.blocked:
            return lent_answer(ok="0", desensitize="N")
        self.on_loan = True
        self.done.append("lent")
        return lent_answer(("AH", "20261207    235900"))

    def _take_back(self) -> Message:
        if not self.on_loan:
            return returned_answer(ok="0")
        self.on_loan = False
        self.done.append("returned")
        return returned_answer()

    def _renew(self) -> Message:
        if not self.on_loan or not self.renewals_left:
            return lent_answer(ok="0", code="30")
        self.renewals_left -= 1
        self.done.append("renewed")
        return lent_answer(("AH", "20261221    235900"), code="30")


class HurriedClock(FakeClock):
    """A clock whose sleepers wake at once; what was late is done by then."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        super().__init__()
        self.slept: list[float] = []
        self._shelf = shelf

    async def sleep_until(self, monotonic: float) -> None:
        self.slept.append(monotonic - self.monotonic())
        if self._shelf is not None:
            self._shelf.time_passes()

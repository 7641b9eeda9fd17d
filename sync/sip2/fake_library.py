"""A library system as one would wish it, as answers for fake_ils: koha-suomi's additions included.

Deliberately not here: rules. What is there can be lent once and be returned any number of times;
the demo's library (sync.demo_ils) knows fees, holds and limits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sync.sip2.fake_ils import Act, Say
from sync.sip2.layouts import LAYOUTS
from sync.sip2.messages import Field, Message

_DUE: Final = "20261231    235900"
_NO_FLAGS: Final = " " * 14


@dataclass(slots=True)
class WellBehaved:
    """Answers by what its patrons and items are; an Answer of FakeIls.

    patrons: card -> {"pin", "status": 14 flags, and two-letter fields of 64: "PA"}. items: number
    -> {"title", "card": whose loan it is, "stands": circulation status, and two-letter fields of
    its answers: "CV", "CT", "AQ", "CL"}. done: (what, card, item), each thing that was done.
    PA is looked up by institution: another one answers 1, as the real ones do. An empty PIN is
    answered with yes, as by many.
    """

    patrons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    items: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    login: tuple[str, str] = ("kiosk", "sesam")
    institution: str = "ESI"
    done: list[tuple[str, str, str]] = field(default_factory=list)
    loans: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.loans = {number: item["card"] for number, item in self.items.items() if "card" in item}

    def __call__(self, message: Message) -> Sequence[Act]:
        answers: Mapping[str, Callable[[Message], Message]] = {
            "93": self._login,
            "99": _status,
            "23": self._patron,
            "63": self._patron,
            "17": self._item,
            "11": self._checkout,
            "09": self._checkin,
            "29": self._renew,
            "65": self._renew_all,
            "35": self._end,
        }
        answer = answers.get(message.code)
        return (Say(answer(message)),) if answer else ()

    def _login(self, asked: Message) -> Message:
        ok = (asked.first("CN"), asked.first("CO")) == self.login
        return Message("94", {"ok": "1" if ok else "0"})

    def _patron(self, asked: Message) -> Message:
        """24 of 23 and 64 of 63: only the latter carries the patron's own fields."""
        card, pin = asked.first("AA") or "", asked.first("AD") or ""
        patron = self.patrons.get(card)
        known = patron or {}
        right = patron is not None and pin in ("", known.get("pin"))
        said: list[Field] = [("AE", "A Person"), ("BL", _yes(patron is not None))]
        said.append(("CQ", _yes(right)))
        status = {"patron_status": known.get("status", _NO_FLAGS), "language": "007"}
        if asked.code == "23":
            return _answer(asked, "24", said, **status)
        said += [(name, value) for name, value in known.items() if len(name) == 2]
        if asked.first("AO") != self.institution:
            said = [(name, "1" if name == "PA" else value) for name, value in said]
        mine = [number for number, holder in self.loans.items() if holder == card]
        if asked.fixed["summary"][2] == "Y":
            said += [("AU", number) for number in mine]
        counts = {name: "0000" for name, _, _ in LAYOUTS["64"].parts if name.endswith("_count")}
        counts["charged_items_count"] = f"{len(mine):04}"
        return _answer(asked, "64", said, **status, **counts)

    def _item(self, asked: Message) -> Message:
        number = asked.first("AB") or ""
        item = self.items.get(number, {})
        lent = number in self.loans
        stands = "04" if lent else item.get("stands", "03" if item else "01")
        said = [("AJ", item.get("title", "")), *([("AH", _DUE)] if lent else [])]
        fixed = {"circulation_status": stands, "security_marker": "00", "fee_type": "01"}
        return _answer(asked, "18", said, **fixed)

    def _checkout(self, asked: Message) -> Message:
        card, number = asked.first("AA") or "", asked.first("AB") or ""
        ok = number in self.items and card in self.patrons and number not in self.loans
        if ok:
            self.loans[number] = card
            self.done.append(("checkout", card, number))
        return self._lent(asked, "12", ok=ok)

    def _renew(self, asked: Message) -> Message:
        card, number = asked.first("AA") or "", asked.first("AB") or ""
        ok = self.loans.get(number) == card
        if ok:
            self.done.append(("renew", card, number))
        return self._lent(asked, "30", ok=ok)

    def _lent(self, asked: Message, code: str, *, ok: bool) -> Message:
        title = self.items.get(asked.first("AB") or "", {}).get("title", "")
        said = [("AJ", title), ("AH", _DUE if ok else "")]
        fixed = {"renewal_ok": _yes(ok and code == "30"), "magnetic_media": "N"}
        return _answer(asked, code, said, ok="01"[ok], desensitize=_yes(ok), **fixed)

    def _checkin(self, asked: Message) -> Message:
        number = asked.first("AB") or ""
        item = self.items.get(number)
        if item is not None:
            self.done.append(("checkin", self.loans.pop(number, ""), number))
        told = {"AQ": self.institution, **(item or {})}
        said = [(name, value) for name, value in told.items() if len(name) == 2]
        ok = item is not None
        fixed = {"resensitize": _yes(ok), "magnetic_media": "N", "alert": _yes("CV" in told)}
        return _answer(asked, "10", [*said, ("AJ", told.get("title", ""))], ok="01"[ok], **fixed)

    def _renew_all(self, asked: Message) -> Message:
        card = asked.first("AA") or ""
        mine = [number for number, holder in self.loans.items() if holder == card]
        self.done += [("renew", card, number) for number in mine]
        counts = {"renewed_count": f"{len(mine):04}", "unrenewed_count": "0000"}
        return _answer(asked, "66", [("BM", number) for number in mine], ok="1", **counts)

    def _end(self, asked: Message) -> Message:
        return _answer(asked, "36", (), end_session="Y")


def off_line(*, online: bool = False) -> Message:
    """98 of a server that is off-line, or one that is not."""
    flags = ("online_status", "checkin_ok", "checkout_ok", "acs_renewal_policy")
    fixed = dict.fromkeys((*flags, "status_update_ok", "offline_ok"), _yes(online))
    fixed |= {"timeout_period": "030", "retries_allowed": "003", "protocol_version": "2.00"}
    fixed["date_time_sync"] = "20260101    120000"
    return Message("98", fixed, (("AO", "ESI"), ("BX", "YYYYYYYYYYYYYYYY")))


def _status(_: Message) -> Message:
    return off_line(online=True)


def _yes(holds: bool) -> str:
    return "Y" if holds else "N"


def _answer(asked: Message, code: str, said: Sequence[Field], **fixed: str) -> Message:
    """An answer that repeats what the request named: institution, patron, item."""
    echoed = tuple((name, value) for name, value in asked.fields if name in ("AO", "AA", "AB"))
    date = {"transaction_date": asked.fixed["transaction_date"]}
    return Message(code, date | fixed, (*echoed, *said))

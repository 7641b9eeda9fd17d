"""Requests about patrons to the demo's library, and its answers, as messages of PyPI pysip2.

Whatever PIN comes, all that there is to say of a card is said, as real systems do: what was asked
without the right PIN is for the other side to keep to itself. Handlers are coroutines, for others
would be run in threads. Deliberately not here: the rules (rules), and sockets (server).
"""

from typing import Any, Final

from pysip2 import (
    BlockPatronRequest,
    EndPatronSessionRequest,
    EndSessionResponse,
    FeePaidRequest,
    FeePaidResponse,
    LoginRequest,
    LoginResponse,
    PatronEnableRequest,
    PatronEnableResponse,
    PatronInformationRequest,
    PatronInformationResponse,
    PatronStatusRequest,
    PatronStatusResponse,
)

from sync.demo_ils.outcomes import Why
from sync.demo_ils.records import MOST_FEES, MOST_LOANS
from sync.demo_ils.rules import Library
from sync.demo_ils.saying import (
    Now,
    amount,
    asked_list,
    money,
    patron_status,
    pin_right,
    price,
    stamp,
    told,
    yes,
)

_ENGLISH: Final = "001"


class PatronDesk:
    """A handler for each request. login: the name and password of 93; None: whatever they are."""

    def __init__(
        self, library: Library, now: Now, institution: str, login: tuple[str, str] | None
    ) -> None:
        self._library = library
        self._now = now
        self._institution = institution
        self._login = login

    async def login(self, req: LoginRequest, _: Any) -> LoginResponse:
        """93."""
        given = (req.login_user_id, req.login_password)
        return LoginResponse(ok="1" if self._login in (None, given) else "0")

    async def patron_status(self, req: PatronStatusRequest, _: Any) -> PatronStatusResponse:
        """23."""
        return self._status(req.patron_identifier, req.patron_password, req.language)

    async def block(self, req: BlockPatronRequest, _: Any) -> PatronStatusResponse:
        """01."""
        self._library.block(req.patron_identifier, blocked=True)
        return self._status(req.patron_identifier, None, _ENGLISH)

    async def patron(self, req: PatronInformationRequest, _: Any) -> PatronInformationResponse:
        """63: one list at a time."""
        now = self._now()
        view = self._library.patron(req.patron_identifier, req.patron_password, now)
        name, items = asked_list(view, req.summary, req.start_item, req.end_item)
        return PatronInformationResponse(
            patron_status=patron_status(view),
            language=req.language,
            transaction_date=stamp(now),
            hold_items_count=f"{len(view.ready):04}",
            overdue_items_count=f"{len(view.overdue):04}",
            charged_items_count=f"{len(view.loans):04}",
            fine_items_count="0000",
            recall_items_count="0000",
            unavailable_holds_count=f"{len(view.queued):04}",
            institution_id=self._institution,
            patron_identifier=req.patron_identifier,
            personal_name=view.name,
            charged_items_limit=f"{MOST_LOANS:04}",
            valid_patron=yes(view.known),
            valid_patron_password=pin_right(view),
            fee_limit=money(MOST_FEES),
            **price(view.fees),
            hold_items=items if name == "ready" else (),
            overdue_items=items if name == "overdue" else (),
            charged_items=items if name == "loans" else (),
            unavailable_hold_items=items if name == "queued" else (),
        )

    async def end_session(self, req: EndPatronSessionRequest, _: Any) -> EndSessionResponse:
        """35."""
        return EndSessionResponse(
            end_session="Y",
            transaction_date=stamp(self._now()),
            institution_id=self._institution,
            patron_identifier=req.patron_identifier,
        )

    async def fee_paid(self, req: FeePaidRequest, _: Any) -> FeePaidResponse:
        """37."""
        why = self._library.pay(req.patron_identifier, amount(req.fee_amount))
        return FeePaidResponse(
            payment_accepted=yes(why is Why.OK),
            transaction_date=stamp(self._now()),
            institution_id=self._institution,
            patron_identifier=req.patron_identifier,
            transaction_id=req.transaction_id,
            screen_message=told(why),
        )

    async def enable(self, req: PatronEnableRequest, _: Any) -> PatronEnableResponse:
        """25: lifts a block for whoever gives the PIN, which an empty one is not."""
        card, pin, now = req.patron_identifier, req.patron_password, self._now()
        if pin and self._library.patron(card, pin, now).pin_right:
            self._library.block(card, blocked=False)
        view = self._library.patron(card, pin, now)
        return PatronEnableResponse(
            patron_status=patron_status(view),
            language=_ENGLISH,
            transaction_date=stamp(now),
            institution_id=self._institution,
            patron_identifier=card,
            personal_name=view.name,
            valid_patron=yes(view.known),
            valid_patron_password=pin_right(view),
        )

    def _status(self, card: str, pin: str | None, language: str) -> PatronStatusResponse:
        now = self._now()
        view = self._library.patron(card, pin, now)
        return PatronStatusResponse(
            patron_status=patron_status(view),
            language=language,
            transaction_date=stamp(now),
            institution_id=self._institution,
            patron_identifier=card,
            personal_name=view.name,
            valid_patron=yes(view.known),
            valid_patron_password=pin_right(view),
            **price(view.fees),
        )

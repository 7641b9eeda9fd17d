"""Requests about items to the demo's library, and its answers, as messages of PyPI pysip2.

pysip2 can say no CV and CT: alert, AQ and CL tell that a return must go elsewhere.
Deliberately not here: the rules (rules), and patrons (patron_desk).
"""

from typing import Any, Final

from pysip2 import (
    CheckinRequest,
    CheckinResponse,
    CheckoutRequest,
    CheckoutResponse,
    HoldRequest,
    HoldResponse,
    ItemInformationRequest,
    ItemInformationResponse,
    ItemStatusUpdateRequest,
    ItemStatusUpdateResponse,
    RenewAllRequest,
    RenewAllResponse,
    RenewRequest,
    RenewResponse,
)

from sync.demo_ils.catalogue import BRANCHES
from sync.demo_ils.outcomes import Lent, Returned, Why
from sync.demo_ils.rules import Asked, Library
from sync.demo_ils.saying import Now, item_status, moment, price, stamp, told, yes

_CIRCULATION: Final = "01"  # fee type: other
_MAGNETIC: Final = "N"
_TO_TRAVEL: Final = "9"  # the bin of what goes to another branch or to somebody


class LoanDesk:
    """A handler for each request."""

    def __init__(self, library: Library, now: Now, institution: str) -> None:
        self._library = library
        self._now = now
        self._institution = institution

    async def checkout(self, req: CheckoutRequest, _: Any) -> CheckoutResponse:
        """11; with BI=Y its undoing."""
        card, item = req.patron_identifier, req.item_identifier
        if req.cancel == "Y":
            lent = self._library.cancel_checkout(card, item)
        else:
            lent = self._checkout(req)
        return CheckoutResponse(**self._lent(lent, card, item))

    def _checkout(self, req: CheckoutRequest) -> Lent:
        now, no_block = self._now(), req.no_block == "Y"
        asked = Asked(
            no_block=no_block,
            renew_own=req.sc_renewal_policy == "Y",
            fee_accepted=req.fee_acknowledged == "Y",
            due=moment(req.nb_due_date, now),
        )
        at = (moment(req.transaction_date, now) if no_block else None) or now
        return self._library.checkout(req.patron_identifier, req.item_identifier, at, asked)

    async def renew(self, req: RenewRequest, _: Any) -> RenewResponse:
        """29, by item number."""
        card, item = req.patron_identifier, req.item_identifier or ""
        no_block = req.no_block == "Y"
        lent = self._library.renew(card, item, self._now(), no_block=no_block)
        return RenewResponse(**self._lent(lent, card, item))

    async def renew_all(self, req: RenewAllRequest, _: Any) -> RenewAllResponse:
        """65."""
        now = self._now()
        all_of_them = self._library.renew_all(req.patron_identifier, now)
        return RenewAllResponse(
            ok="1" if all_of_them.why is Why.OK else "0",
            renewed_count=f"{len(all_of_them.renewed):04}",
            unrenewed_count=f"{len(all_of_them.unrenewed):04}",
            transaction_date=stamp(now),
            institution_id=self._institution,
            renewed_items=all_of_them.renewed,
            unrenewed_items=all_of_them.unrenewed,
            screen_message=told(all_of_them.why),
        )

    async def checkin(self, req: CheckinRequest, _: Any) -> CheckinResponse:
        """09; with BI=Y its undoing. The branch is AP where that is one."""
        number, undone = req.item_identifier, req.cancel == "Y"
        returned = self._library.cancel_checkin(number) if undone else self._checkin(req)
        item = returned.item
        goes_on = bool(returned.to) or returned.held
        return CheckinResponse(
            ok="1" if returned.done else "0",
            resensitize=yes(returned.done and not undone),
            magnetic_media=_MAGNETIC,
            alert=yes(goes_on or not returned.done),
            transaction_date=stamp(self._now()),
            institution_id=self._institution,
            item_identifier=number,
            permanent_location=item.home if item else "",
            title_identifier=item.title if item else None,
            sort_bin=(_TO_TRAVEL if goes_on else item.bin) if item and returned.done else None,
            patron_identifier=returned.card or None,
            media_type=item.media if item else None,
            screen_message=told(returned.why),
        )

    def _checkin(self, req: CheckinRequest) -> Returned:
        there = req.current_location in BRANCHES
        branch = req.current_location if there else self._institution
        no_block = req.no_block == "Y"
        return self._library.checkin(req.item_identifier, branch, self._now(), no_block=no_block)

    async def item(self, req: ItemInformationRequest, _: Any) -> ItemInformationResponse:
        """17."""
        now, view = self._now(), self._library.item(req.item_identifier)
        if view is None:
            return ItemInformationResponse(
                circulation_status="01",
                security_marker="00",
                fee_type=_CIRCULATION,
                transaction_date=stamp(now),
                item_identifier=req.item_identifier,
                title_identifier="",
                screen_message=told(Why.UNKNOWN_ITEM),
            )
        return ItemInformationResponse(
            circulation_status=item_status(view),
            security_marker="02",
            fee_type=_CIRCULATION,
            transaction_date=stamp(now),
            hold_queue_length=str(view.queue),
            due_date=stamp(view.due) if view.due else None,
            hold_pickup_date=stamp(view.waits_until) if view.waits_until else None,
            item_identifier=req.item_identifier,
            title_identifier=view.item.title,
            **price(view.item.fee),
            media_type=view.item.media,
            permanent_location=view.item.home,
            current_location=view.branch,
        )

    async def hold(self, req: HoldRequest, _: Any) -> HoldResponse:
        """15: + and -; * is refused."""
        card, item = req.patron_identifier, req.item_identifier or ""
        why = Why.UNKNOWN_ITEM
        if req.hold_mode == "+":
            why = self._library.reserve(card, item, req.pickup_location or self._institution)
        elif req.hold_mode == "-":
            why = self._library.cancel_reservation(card, item)
        view = self._library.item(item)
        return HoldResponse(
            ok="1" if why is Why.OK else "0",
            available="N",
            transaction_date=stamp(self._now()),
            queue_position=str(view.queue) if view and req.hold_mode == "+" else None,
            institution_id=self._institution,
            patron_identifier=card,
            item_identifier=item,
            title_identifier=view.item.title if view else None,
            screen_message=told(why),
        )

    async def item_update(self, req: ItemStatusUpdateRequest, _: Any) -> ItemStatusUpdateResponse:
        """19: properties are taken note of nowhere."""
        view = self._library.item(req.item_identifier)
        return ItemStatusUpdateResponse(
            item_properties_ok="1" if view else "0",
            transaction_date=stamp(self._now()),
            item_identifier=req.item_identifier,
            title_identifier=view.item.title if view else None,
            item_properties=req.item_properties,
        )

    def _lent(self, lent: Lent, card: str, number: str) -> dict[str, Any]:
        """What 12 and 30 have in common. due is there when something was lent or renewed."""
        item = lent.item
        lent_anew = lent.due is not None and not lent.renewed
        costs = item is not None and (lent_anew or lent.why is Why.FEE)
        return {
            "ok": "1" if lent.done else "0",
            "renewal_ok": yes(lent.renewed),
            "magnetic_media": _MAGNETIC,
            "desensitize": yes(lent_anew),
            "transaction_date": stamp(self._now()),
            "institution_id": self._institution,
            "patron_identifier": card,
            "item_identifier": number,
            "title_identifier": item.title if item else "",
            "due_date": stamp(lent.due) if lent.due else "",
            "media_type": item.media if item else None,
            "screen_message": told(lent.why),
            **(price(item.fee) if item and costs else {}),
        }

"""The core's verifier over SIP2: one card and PIN in, the library system's word out.

Deliberately not here: a cache, a second try, and any reading of a PIN's outcome (answers).
"""

import logging
from datetime import datetime

from kioskd.domain.ils import PatronVerdict, Recheck
from kioskd.ports import Clock
from sync.sip2 import answers, requests
from sync.sip2.asking import Asks
from sync.sip2.fields import other_institution
from sync.sip2.messages import Message
from sync.sip2.settings import SipSettings

_log = logging.getLogger("sync.sip2")


class SipVerifier:
    """register_ports.OnlineVerifier. A verification is a 63, which says more than a 23 may."""

    def __init__(self, asks: Asks, settings: SipSettings, clock: Clock) -> None:
        self._asks = asks
        self._settings = settings
        self._clock = clock
        self._told = False

    async def verify(self, card: str, pin: str, deadline: float) -> PatronVerdict:
        """The verdict on a card and its PIN. InputError before anything is sent."""
        asked = requests.patron_information(self._settings, self._now(), card, pin=pin)
        answer = await self._asks.ask(asked, deadline)
        self._note(answer)
        return answers.verdict(asked, answer, self._settings.dialect)

    async def recheck(self, card: str, deadline: float) -> Recheck:
        """The word on a card alone. A 23: some systems count a 63 as the patron being active."""
        asked = requests.patron_status(self._settings, self._now(), card)
        answer = await self._asks.ask(asked, deadline)
        self._note(answer)
        return answers.recheck(asked, answer, self._settings.dialect)

    def _note(self, answer: Message) -> None:
        """Say once that another institution answers: its code is often an alias of ours."""
        if not self._told and other_institution(answer, self._settings.institution):
            self._told = True
            _log.warning("the library system answers as another institution than the configured")

    def _now(self) -> datetime:
        return self._clock.moment().wall

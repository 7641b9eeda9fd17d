"""The verb `sync-now`: pull and push at once.

    sync-now  {}  -> {"asked": true}; `status` shows what came of it

Deliberately not here: the line itself (kioskd.daemon.line).
"""

from collections.abc import Callable, Mapping

from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Run, only
from kioskd.errors import InputError


def line_verbs(look_now: Callable[[], None] | None) -> Mapping[str, Run]:
    """look_now: None where this site has no hub."""

    async def run(person: Person, args: Arguments) -> Answer:
        only(args)
        if look_now is None:
            raise InputError(
                "this site has no hub: its credentials come by `kioskd feed import`; for a hub "
                'set kind = "hub" in [register]'
            )
        look_now()
        return {"asked": True}

    return {"sync-now": run}

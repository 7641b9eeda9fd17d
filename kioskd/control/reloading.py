"""The verb `reload`: read the configuration anew, while the doors go on.

Deliberately not here: what a change asks of the daemon (kioskd.daemon.change).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from kioskd.control.fitting import fitted
from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Run, only
from kioskd.errors import ConfigError, InputError

_LISTS: Final = ("held_back", "changed", "devices", "doors", "warnings")


def reload_verbs(reload: Callable[[Person], Awaitable[Answer]]) -> Mapping[str, Run]:
    """`reload` {} -> what changed, what waits for a restart, which doors and devices began anew.

    Where that is more than an answer has room for, `more` counts what is left out, by list.
    """

    async def run(person: Person, args: Arguments) -> Answer:
        only(args)
        try:
            return fitted(await reload(person), *_LISTS)
        except ConfigError as wrong:
            count = len(wrong.faults)
            faults = "1 fault" if count == 1 else f"{count} faults"
            lines = (f"the configuration in force stays: {faults} in the file", *wrong.faults)
            raise InputError("\n".join(lines)) from None

    return {"reload": run}

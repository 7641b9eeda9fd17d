"""What is plugged in at the device, and which of it the daemon uses: devices.

    {}
    {"ports": [{"node", "port", "usb", "maker", "model", "serial", "likely",
                "used_by": [{"name", "present"}]}],
     "missing": [{"name", "driver", "port", "why"}], "lines": [TOML, ...], "hints": [...]}

Where there is more than an answer has room for, `more` counts what is left out, by list.
Deliberately not here: looking (kioskd.daemon.device_list). What a device sends is a topic,
`probe:DEVICE`, and no verb.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kioskd.control.fitting import fitted
from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Run, only


def device_verbs(listing: Callable[[], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Run]:
    """The verb. listing: looks off the loop."""

    async def devices(person: Person, args: Arguments) -> Answer:
        only(args)
        return fitted(await listing(), "missing", "ports", "lines")

    return {"devices": devices}

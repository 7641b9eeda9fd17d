"""Who asks: a device by its token, at every request anew, so that revoking bites at the next one.

Missing, malformed, unknown and revoked tokens get one answer. A device whose branch is configured
no more is refused in words: its token is good, and staff must know what is wrong.

Deliberately not here: what a token is (devices).
"""

from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from sync.hub.answering import DEVICE
from sync.hub.app_parts import Tokens
from sync.hub.devices import Device
from sync.hub.model import Branch, HubConfig
from sync.hub.problems import Refused
from sync.hub_wire import TOKEN

_SCHEME: Final = "bearer"
_LONGEST: Final = 200  # characters of the header; the longest token has 112


@dataclass(frozen=True, slots=True)
class Asker:
    """A device that may ask, and its branch."""

    device: Device
    branch: Branch
    token: str

    def __repr__(self) -> str:
        return f"Asker({self.device.name})"


class Door:
    """Lets devices in."""

    def __init__(self, tokens: Tokens, config: HubConfig) -> None:
        self._tokens = tokens
        self._config = config

    async def asker(self, request: web.Request) -> Asker:
        """Who asks; Refused: 401 or 403."""
        token = token_of(request.headers.getall(hdrs.AUTHORIZATION, []))
        device = await self._tokens.by_token(token) if token else None
        if device is None:
            raise Refused(401, "a token of this hub is wanted; this one is none, or was revoked")
        request[DEVICE] = device.name
        branch = self._config.branch(device.branch)
        if branch is None:
            raise Refused(
                403, f"branch {device.branch} is not in this hub's configuration; the device is"
            )
        return Asker(device, branch, token)

    async def still(self, asker: Asker) -> bool:
        """Whether its token is still good, for the same branch."""
        device = await self._tokens.by_token(asker.token)
        return device is not None and device.branch == asker.device.branch


def token_of(headers: list[str]) -> str:
    """The token of exactly one Authorization header; empty when there is none of its form."""
    if len(headers) != 1 or len(headers[0]) > _LONGEST:
        return ""
    scheme, _, token = headers[0].partition(" ")
    token = token.strip(" ")
    return token if scheme.lower() == _SCHEME and TOKEN.fullmatch(token) else ""

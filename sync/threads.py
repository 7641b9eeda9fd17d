"""A call in a thread whose end is waited for, also when the caller is cancelled meanwhile.

What such a call works on is closed right after a cancellation; it must not be in use then.

Deliberately not here: which calls, and how long one may take: chunks are bounded.
"""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def in_thread(call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What the call returns or raises; a cancellation takes effect once it has ended."""
    running = asyncio.ensure_future(asyncio.to_thread(call, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # looked at: nobody else will
        raise

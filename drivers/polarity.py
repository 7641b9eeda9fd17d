"""Which way round a lock is wired. The one place where this is known.

Deliberately not here: frames and pins; a relay driver asks here and sets its own output.
"""

FAIL_SECURE = "fail-secure"  # without power the door stays locked: energise to release
FAIL_SAFE = "fail-safe"  # without power the door opens: energise to secure
LOCKS = (FAIL_SECURE, FAIL_SAFE)


def energised(lock: str, *, released: bool) -> bool:
    """Whether the relay is on for a released or a secured door. ValueError: no such lock."""
    if lock not in LOCKS:
        raise ValueError(f"lock {lock!r}: use {FAIL_SECURE} or {FAIL_SAFE}")
    return released is (lock == FAIL_SECURE)

"""How long ago something was, in words short enough for a table.

Deliberately not here: whether that is too long.
"""

from datetime import timedelta

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def ago(age: timedelta) -> str:
    """`3 d`, `5 h`, `12 min` or `now`; a clock that was set back does not matter."""
    seconds = age.total_seconds()
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return "now"

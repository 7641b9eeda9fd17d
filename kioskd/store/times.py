"""Stored times are read here: what no clock of this century wrote was damaged."""

from datetime import datetime

_YEARS = range(1970, 2201)  # what lies outside would overflow where times are added to it


def time_of(text: object) -> datetime | None:
    """A stored time; None where there is none or it was damaged."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None and at.year in _YEARS else None

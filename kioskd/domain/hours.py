"""The three states of a library."""

from enum import StrEnum


class HoursState(StrEnum):
    """Whether the library is closed, open without staff, or open with staff."""

    CLOSED = "closed"
    SELF_SERVICE = "self-service"
    STAFFED = "staffed"

"""What can go wrong between this device and the library system, and what that leaves open.

    RegisterError
    ├── Malformed     a message that is none
    ├── NotAsked      the request never left: nothing was done
    │   └── LogInRefused
    └── NoAnswer      the request left and nobody knows what became of it

Deliberately not here: what the library system refuses. That is an answer, and a value.
"""

from kioskd.errors import RegisterError


class Malformed(RegisterError):
    """A message that cannot be read. what: in one word, `truncated_fixed_field:patron_status`.

    code, seq, checksum, checksum_valid: as far as they could be read.
    """

    def __init__(
        self,
        what: str,
        code: str = "",
        *,
        seq: int | None = None,
        checksum: str | None = None,
        checksum_valid: bool | None = None,
    ) -> None:
        super().__init__(f"a SIP2 message {code or '??'} that cannot be read: {what}")
        self.what, self.code = what, code
        self.seq, self.checksum, self.checksum_valid = seq, checksum, checksum_valid


class NotAsked(RegisterError):
    """The library system was not asked, so nothing was done there."""


class LogInRefused(NotAsked):
    """It answered, and does not know this account; trying on could lock it."""


class NoAnswer(RegisterError):
    """The request went out and no answer came: it may have been done."""

"""What argon2id costs on this device: the same call as a PIN check, timed.

The secret and the salt are of nobody. Deliberately not here: which cost to take (kioskd.cli), and
how fast somebody else's machine is.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Final

from argon2.exceptions import HashingError

from kioskd.errors import VaultError
from kioskd.vault.kdf import SITE_PARAMETERS, compute
from kioskd.vault.verifiers import Argon2id, Argon2Parameters

RUNS: Final = 5
_DECOY: Final = b"0000"
_SALT, _HASH = bytes(16), bytes(32)
# OWASP's equal choices around the site's own, and what a stronger device may take.
TRIED: Final = (
    Argon2Parameters(9216, 4, 1),
    Argon2Parameters(12288, 3, 1),
    SITE_PARAMETERS,
    Argon2Parameters(19456, 3, 1),
    Argon2Parameters(32768, 2, 1),
    Argon2Parameters(47104, 1, 1),
    Argon2Parameters(47104, 2, 1),
    Argon2Parameters(65536, 2, 1),
    Argon2Parameters(65536, 3, 1),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of one check, median: alone, and while a second one runs beside it."""

    parameters: Argon2Parameters
    alone: float
    beside: float


def measure(
    parameters: Argon2Parameters,
    runs: int = RUNS,
    clock: Callable[[], float] = time.perf_counter,
) -> Measured:
    """Time some checks of this cost. VaultError when the memory is not to be had."""
    verifier = Argon2id(parameters, _SALT, _HASH)

    def once() -> float:
        begun = clock()
        compute(verifier, _DECOY)
        return clock() - begun

    try:
        once()  # the first one fetches its memory from the system
        alone = median(once() for _ in range(runs))
        with ThreadPoolExecutor(2) as pool:
            pairs = [[pool.submit(once), pool.submit(once)] for _ in range(runs)]
            beside = median(future.result() for pair in pairs for future in pair)
    except (HashingError, MemoryError) as error:
        raise VaultError(f"argon2id: {str(error) or 'no memory'}; close other programs") from None
    return Measured(parameters, alone, beside)

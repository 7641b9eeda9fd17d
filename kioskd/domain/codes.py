"""Codes of branches and patron categories, as configuration and feeds write them.

Two codes that look alike on a screen must not differ: a restriction that names a branch which no
device answers to would bind nowhere, and nobody would notice. So a code has no blank in it and
nothing that cannot be seen.
"""

import re

WANTED_CODE = "1 to 32 letters, digits and signs, without a blank, ';', ':' or '@'"
BLANKS = " \t\r\n\f\v"

# Letters and digits of any script, so no mark that joins what stands before it and nothing of no
# width; the four that are left out are letters by name and blank on a screen. The two sorts share
# no character: where they did, a code of 33 letters would be tried in 2^33 ways.
_CODE = re.compile(r"(?:[^\W_\u115f\u1160\u3164\uffa0]|[!-/<-?\[-`{-~]){1,32}")


def is_code(text: str) -> bool:
    """Whether a branch or category may be called this, as it stands."""
    return _CODE.fullmatch(text) is not None


def same_branch(one: str, other: str) -> bool:
    """Whether two codes may mean the same branch: case does not tell them apart.

    For what keeps somebody out, where too often is the safe side; consent is compared exactly.
    """
    return one == other or one.casefold() == other.casefold()

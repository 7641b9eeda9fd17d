"""The command `kioskd-hub`.

Deliberately not here yet: the hub itself. The name is taken so that an installation which calls
it is told so in words, and with the exit code of wrong usage.
"""

import argparse
import sys
from collections.abc import Sequence

NOT_BUILT = 2  # wrong usage, as everywhere in this project


def main(arguments: Sequence[str] | None = None) -> int:
    """Say that the hub is not built into this version; the exit code is 2."""
    parser = argparse.ArgumentParser(
        prog="kioskd-hub",
        description="The server between the library system and the devices. "
        "Not built into this version: use `kioskd feed import` on the device.",
    )
    parser.add_argument("command", nargs="*", help="any: none is built into this version")
    parser.parse_known_args(arguments)
    print("kioskd-hub: not built into this version", file=sys.stderr)
    return NOT_BUILT

"""The commands `kiosk-ui` (patron screen) and `kiosk-console` (staff screen).

Deliberately not here yet: the screens. The names are taken so that whoever starts them is told
so in words, and with the exit code of wrong usage.
"""

import argparse
import sys
from collections.abc import Sequence

NOT_BUILT = 2  # wrong usage, as everywhere in this project


def kiosk_ui(arguments: Sequence[str] | None = None) -> int:
    """Say that the patron screen is not built into this version; the exit code is 2."""
    return _not_built("kiosk-ui", "The patron screen of a desk or a door.", arguments)


def kiosk_console(arguments: Sequence[str] | None = None) -> int:
    """Say that the staff screen is not built into this version; the exit code is 2."""
    return _not_built("kiosk-console", "The staff screen of a device.", arguments)


def _not_built(name: str, purpose: str, arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog=name, description=f"{purpose} Not built into this version."
    )
    parser.parse_known_args(arguments)
    print(f"{name}: not built into this version", file=sys.stderr)
    return NOT_BUILT

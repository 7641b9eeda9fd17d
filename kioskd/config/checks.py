"""What check-config looks at beyond the file itself, and the daemon once its doors are safe.

Apart from load() because it is slow: it imports the holiday calendars.
"""

from kioskd.config.calendar import holiday_test
from kioskd.config.model import Config
from kioskd.errors import ConfigError


def check(config: Config) -> tuple[str, ...]:
    """The faults that load() cannot see, one line each as in ConfigError; empty when well."""
    try:
        holiday_test(config)
    except ConfigError as wrong:
        return wrong.faults
    return ()

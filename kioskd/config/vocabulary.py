"""Which drivers a file may name. Read before any driver is imported."""

from collections.abc import Mapping
from types import MappingProxyType

from kioskd.config.model import DriverKind

BUILT_IN: Mapping[str, DriverKind] = MappingProxyType(
    {
        "serial-scanner": DriverKind(
            "reader", frozenset({"baud", "terminator", "idle_timeout_ms"})
        ),
        "serial-keypad": DriverKind("keypad", frozenset({"baud"})),
        "lcus-relay": DriverKind("relay", frozenset({"baud"})),
        "relay-indicator": DriverKind(
            "indicator", frozenset({"red", "green", "wait", "tone"}), frozenset({"relay"})
        ),
        "serial-display": DriverKind("display", frozenset({"baud", "characters"})),
        "simulated-inputs": DriverKind("inputs", frozenset({"baud"})),
    }
)

PLANNED = frozenset(
    {
        "evdev-scanner",
        "evdev-keypad",
        "gpio-relay",
        "gpio-inputs",
        "gpio-indicator",
        "modbus-relay",
        "modbus-inputs",
        "kmtronic-relay",
        "numato-relay",
        "osdp-reader",
        "3m-rfid",
        "feig-rfid",
        "escpos-printer",
    }
)

SIMULATED = frozenset({"simulated-inputs"})  # for demonstrations and tests, never for a real door

"""What is plugged in, beside what is configured: who uses which port, and lines to paste.

Deliberately not here: finding ports (plugged), and asking a daemon (asked).
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from kioskd.config.model import Config, DeviceConfig
from kioskd.daemon import plugged
from kioskd.daemon.plugged import Port

Present = Callable[[str], tuple[bool | None, str]]
_KINDS: Final[Mapping[str, str]] = {"serial-scanner": "scanner", "lcus-relay": "relay"}
_HINTS: Final = (
    "is the device plugged in, and does it get power? `dmesg | tail` tells what the kernel saw",
    "a scanner that types like a keyboard has no serial port: set it to USB-COM by its own codes",
    "a port of the board must be switched on: raspi-config, Interface Options, Serial Port",
)


def device_list(
    config: Config | None, present: Present = lambda name: (None, ""), root: Path = plugged.ROOT
) -> dict[str, Any]:
    """{"ports", "missing", "lines", "hints"}: see the keys below. config: None to list ports alone.

    present: what a running daemon says of a configured device, None where it says nothing.
    """
    configured = config.devices if config else ()
    ports = plugged.find(root)
    users = {port.node: _users(port, configured, root) for port in ports}
    free = [port for port in ports if not users[port.node] and port.vendor]
    return {
        "ports": [_as_json(port, users[port.node], present) for port in ports],
        "missing": [_missing(d, present) for d in configured if _is_missing(d, root)],
        "lines": list(_lines(free, {device.name for device in configured})),
        "hints": [] if ports else list(_HINTS),
    }


def _users(port: Port, configured: Sequence[DeviceConfig], root: Path) -> list[str]:
    there = plugged.resolved(port.node, root)
    return [d.name for d in configured if d.port and plugged.resolved(d.port, root) == there]


def _is_missing(device: DeviceConfig, root: Path) -> bool:
    by_path = bool(device.port) and not plugged.is_remote(device.port)
    return by_path and plugged.resolved(device.port, root) is None


def _missing(device: DeviceConfig, present: Present) -> dict[str, Any]:
    why = present(device.name)[1]
    return {"name": device.name, "driver": device.driver, "port": device.port, "why": why}


def _as_json(port: Port, users: list[str], present: Present) -> dict[str, Any]:
    return {
        "node": port.node,
        "port": port.port,
        "usb": f"{port.vendor}:{port.product}" if port.vendor else "",
        "maker": port.maker,
        "model": port.model,
        "serial": port.serial,
        "likely": port.likely,
        "used_by": [{"name": name, "present": present(name)[0]} for name in users],
    }


def _lines(free: Sequence[Port], taken: set[str]) -> Iterator[str]:
    """A table to paste for each port that nobody uses. JSON's quotes are TOML's here."""
    for port in free:
        name = _name(_KINDS.get(port.driver, "device"), taken)
        note = "" if port.driver else "  # or serial-keypad, lcus-relay: see what hangs on it"
        yield (
            f"[devices.{name}]\n"
            f'driver = "{port.driver or "serial-scanner"}"{note}\n'
            f"port = {json.dumps(port.port, ensure_ascii=False)}\n"
        )


def _name(kind: str, taken: set[str]) -> str:
    number = 1
    while f"{kind}-{number}" in taken:
        number += 1
    taken.add(f"{kind}-{number}")
    return f"{kind}-{number}"

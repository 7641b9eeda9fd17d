"""What is plugged in: serial ports that exist, by their stable names, and what they may be.

Read from /dev and /sys under `root`, so that tests can draw a machine. Nothing is opened: a port
that is opened resets some devices. Deliberately not here: keyboards and other devices of
/dev/input, for which this version has no driver.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path("/")
_NAMES: Final = ("ttyUSB*", "ttyACM*", "ttyAMA*", "ttyS*")
_NO_UART: Final = "0"  # PORT_UNKNOWN: the kernel keeps a name for a port that is not there
_CLIMB: Final = 8  # folders from a tty to its USB device; three is usual
_REMOTE: Final = "socket://"

# USB ids, lower case. Makers of barcode scanners: what they sell on a serial port is a scanner.
_SCANNER_MAKERS: Final[Mapping[str, str]] = {
    "05e0": "Zebra (Symbol)",
    "05f9": "Datalogic",
    "065a": "Opticon",
    "0c2e": "Honeywell",
    "1eab": "Newland",
}
# Chips that turn USB into a serial line; what hangs on the line cannot be seen.
_CHIPS: Final[Mapping[tuple[str, str], str]] = {
    ("0403", "6001"): "FTDI serial adapter",
    ("067b", "2303"): "Prolific serial adapter",
    ("10c4", "ea60"): "CP210x serial adapter",
}
_RELAY_CHIP: Final = ("1a86", "7523")  # CH340: LCUS boards have it, and so do cheap adapters


@dataclass(frozen=True, slots=True)
class Port:
    """A serial port that is there. vendor, product: USB ids, empty for a port of the board.

    driver: what it may be, empty where nothing tells; likely: in words.
    """

    node: str
    by_id: str = ""
    by_path: str = ""
    vendor: str = ""
    product: str = ""
    maker: str = ""
    model: str = ""
    serial: str = ""
    driver: str = ""
    likely: str = ""

    @property
    def port(self) -> str:
        """The name to configure: the one that stays the same when the device is plugged anew."""
        return self.by_id or self.by_path or self.node


def find(root: Path = ROOT) -> tuple[Port, ...]:
    """Every serial port that is there, in the order of their names."""
    by_id, by_path = _links(root, "by-id"), _links(root, "by-path")
    return tuple(_port(root, node, by_id, by_path) for node in sorted(_nodes(root)))


def is_remote(port: str) -> bool:
    """Whether a configured port is on the network."""
    return port.startswith(_REMOTE)


def resolved(port: str, root: Path = ROOT) -> Path | None:
    """Where a configured path leads; None when nothing is there, or it is on the network."""
    if not port.startswith("/"):
        return None
    try:
        return _below(root, port).resolve(strict=True)
    except (OSError, RuntimeError):
        return None


def _below(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _nodes(root: Path) -> Iterator[str]:
    for pattern in _NAMES:
        for path in (root / "dev").glob(pattern):
            if _exists(root, path.name):
                yield f"/dev/{path.name}"


def _exists(root: Path, name: str) -> bool:
    """Whether hardware is behind the name: the 8250 driver makes names for ports in advance."""
    if not name.startswith("ttyS"):
        return True
    return _text(root / "sys/class/tty" / name / "type") not in ("", _NO_UART)


def _links(root: Path, kind: str) -> dict[str, str]:
    """Stable names by the node that they lead to."""
    found: dict[str, str] = {}
    folder = root / "dev/serial" / kind
    for link in sorted(folder.glob("*")) if folder.is_dir() else ():
        try:
            node = link.resolve(strict=True).name
        except (OSError, RuntimeError):
            continue
        found.setdefault(f"/dev/{node}", f"/dev/serial/{kind}/{link.name}")
    return found


def _port(root: Path, node: str, by_id: Mapping[str, str], by_path: Mapping[str, str]) -> Port:
    usb = _usb(root / "sys/class/tty" / node.rpartition("/")[2] / "device")
    vendor, product = usb.get("idVendor", ""), usb.get("idProduct", "")
    driver, likely = _guess(node, vendor, product)
    return Port(
        node,
        by_id.get(node, ""),
        by_path.get(node, ""),
        vendor,
        product,
        usb.get("manufacturer", ""),
        usb.get("product", ""),
        usb.get("serial", ""),
        driver,
        likely,
    )


def _usb(device: Path) -> Mapping[str, str]:
    """What the USB device above a tty says of itself; empty for a port of the board."""
    try:
        folder = device.resolve(strict=True)
    except (OSError, RuntimeError):
        return {}
    for _ in range(_CLIMB):
        if (folder / "idVendor").exists():
            names = ("idVendor", "idProduct", "manufacturer", "product", "serial")
            return {name: _text(folder / name) for name in names}
        folder = folder.parent
    return {}


def _guess(node: str, vendor: str, product: str) -> tuple[str, str]:
    vendor, product = vendor.lower(), product.lower()
    if vendor in _SCANNER_MAKERS:
        return "serial-scanner", f"a barcode scanner by {_SCANNER_MAKERS[vendor]}"
    if (vendor, product) == _RELAY_CHIP:
        return "lcus-relay", "a CH340: an LCUS relay board, or a cheap serial adapter"
    if (vendor, product) in _CHIPS:
        return "", _CHIPS[vendor, product]
    if not vendor:
        return "", "a serial port of the board" if "USB" not in node else ""
    return "", ""


def _text(path: Path) -> str:
    """A line of sysfs, made printable: a device may say of itself what it likes."""
    try:
        raw = path.read_bytes()[:200]
    except OSError:
        return ""
    text = raw.decode("utf-8", "replace").strip()
    return "".join(c if c.isprintable() else "?" for c in text)

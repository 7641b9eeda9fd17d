"""A machine drawn into a folder: the parts of /dev, /sys and /proc that the doctor reads."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """A root with as little in it as a test needs."""

    root: Path

    def usb(
        self,
        name: str,
        vendor: str,
        product: str,
        *,
        by_id: str = "",
        by_path: str = "",
        maker: str = "",
        model: str = "",
    ) -> None:
        """A serial port on USB, as the kernel and udev show it."""
        device = self.root / f"sys/devices/usb1/{name}"
        tty = device / f"{name}:1.0/{name}"
        tty.mkdir(parents=True)
        said = {"idVendor": vendor, "idProduct": product, "manufacturer": maker, "product": model}
        for file, text in said.items():
            (device / file).write_text(f"{text}\n", encoding="utf-8")
        self._class(name).mkdir(parents=True)
        (self._class(name) / "device").symlink_to(tty)
        self._node(name)
        for kind, link in (("by-id", by_id), ("by-path", by_path)):
            if link:
                folder = self.root / "dev/serial" / kind
                folder.mkdir(parents=True, exist_ok=True)
                (folder / link).symlink_to(f"../../{name}")

    def board(self, name: str, *, uart: bool) -> None:
        """A port of the board, with hardware behind it or without."""
        self._class(name).mkdir(parents=True)
        (self._class(name) / "type").write_text("4\n" if uart else "0\n")
        self._node(name)

    def file(self, path: str, text: str) -> None:
        """Any file below the root."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def _class(self, name: str) -> Path:
        return self.root / "sys/class/tty" / name

    def _node(self, name: str) -> None:
        (self.root / "dev").mkdir(parents=True, exist_ok=True)
        (self.root / "dev" / name).touch()

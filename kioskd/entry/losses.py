"""Tells doors at once when a device of theirs goes away."""

from collections.abc import Callable

from kioskd.ports import DeviceWatch


class Losses:
    """A DeviceWatch before another one, `then`, that also calls the doors of a device."""

    def __init__(self, then: DeviceWatch) -> None:
        self._then = then
        self._wanted: list[tuple[str, str, Callable[[], None]]] = []

    def on_loss(self, device: str, door: str, call: Callable[[], None]) -> None:
        """Call this each time a door's device goes, however often. It must not block or raise."""
        self._wanted.append((device, door, call))

    def forget(self, door: str) -> None:
        """The door is gone: nobody is called for it."""
        self._wanted = [wanted for wanted in self._wanted if wanted[1] != door]

    def lost(self, device: str, why: str) -> None:
        """A device is gone, which is news."""
        self._then.lost(device, why)

    def back(self, device: str) -> None:
        """A device is there, which is news."""
        self._then.back(device)

    def dropped(self, device: str) -> None:
        """A device went, news or not: its doors are called."""
        self._then.dropped(device)
        for wanted, _, call in self._wanted:
            if wanted == device:
                call()

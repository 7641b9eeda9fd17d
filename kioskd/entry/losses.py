"""Tells doors at once when a device of theirs goes away."""

from collections.abc import Callable

from kioskd.ports import DeviceWatch


class Losses:
    """A DeviceWatch before another one, `then`, that also calls the doors of a device."""

    def __init__(self, then: DeviceWatch) -> None:
        self._then = then
        self._wanted: list[tuple[str, str, Callable[[], None]]] = []

    def on_loss(self, device: str, door: str, call: Callable[[], None]) -> None:
        """Call this each time a door's device is lost. It must neither block nor raise."""
        self._wanted.append((device, door, call))

    def forget(self, door: str) -> None:
        """The door is gone: nobody is called for it."""
        self._wanted = [wanted for wanted in self._wanted if wanted[1] != door]

    def lost(self, device: str, why: str) -> None:
        """A device is gone."""
        self._then.lost(device, why)
        for wanted, _, call in self._wanted:
            if wanted == device:
                call()

    def back(self, device: str) -> None:
        """A device is there."""
        self._then.back(device)

"""Every device of a configuration, made from its table; a role is asked for by who needs it.

Deliberately not here: running them (fleet), and which of them begin anew (change).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, TypeVar

from drivers.lcus_relay import LcusRelay
from drivers.relay_indicator import OUTPUTS, RelayIndicator
from drivers.serial_display import SerialDisplay
from drivers.serial_keypad import SerialKeypad
from drivers.serial_scanner import SerialScanner
from drivers.simulated_inputs import SimulatedInputs
from kioskd.config.model import Config, DeviceConfig, InputConfig, StrikeConfig
from kioskd.errors import ConfigError
from kioskd.ports import Clock, Device, DeviceWatch, InputLine, Strike, Switch

T = TypeVar("T")
SERIAL: Final[Mapping[str, Callable[[DeviceConfig, Clock, DeviceWatch], Device]]] = {
    "serial-scanner": SerialScanner,
    "serial-keypad": SerialKeypad,
    "lcus-relay": LcusRelay,
    "serial-display": SerialDisplay,
    "simulated-inputs": SimulatedInputs,
}
LAMPS: Final = "relay-indicator"
DRIVERS: Final = frozenset({*SERIAL, LAMPS})


class DeviceSet:
    """Devices by name. A relay's strikes are handed out once, and kept as long as it is."""

    def __init__(self, clock: Clock, watch: DeviceWatch) -> None:
        self._clock = clock
        self._watch = watch
        self._devices: dict[str, Device] = {}
        self._strikes: dict[tuple[str, int], Strike] = {}

    def make(self, config: Config, names: Collection[str]) -> list[Device]:
        """Make these; what hangs on a relay after it."""
        wanted = [device for device in config.devices if device.name in names]
        wanted.sort(key=lambda device: device.driver == LAMPS)
        for device in wanted:
            self._devices[device.name] = self._made(device)
            self._hand_out(device.name, config)
        return [self._devices[device.name] for device in wanted]

    def drop(self, name: str) -> None:
        """Forget one that has ended."""
        del self._devices[name]
        self._strikes = {at: s for at, s in self._strikes.items() if at[0] != name}

    def all(self) -> tuple[Device, ...]:
        """Those that there are."""
        return tuple(self._devices.values())

    def there(self, name: str | None) -> bool:
        """Whether a device is connected; what a door does not have is not missing."""
        return name is None or self._devices[name].present

    async def tried(self, names: Iterable[str | None]) -> None:
        """Wait until each of these was tried once, whether or not it was there."""
        for name in names:
            if name is not None:
                await self._devices[name].tried()

    def strike(self, wired: StrikeConfig) -> Strike:
        """The strike that is wired so."""
        return self._strikes[wired.device, wired.channel]

    def line(self, wired: InputConfig | None) -> InputLine | None:
        """The input that is wired so, for one more listener."""
        if wired is None:
            return None
        return self.of(wired.device, SimulatedInputs).line(wired.line, wired.active)

    def of(self, name: str, kind: type[T]) -> T:
        """The device of that name, as what it is. ConfigError when it is something else."""
        device = self._devices[name]
        if not isinstance(device, kind):
            raise ConfigError([f"{name} is no {kind.__name__}; run `kioskd check-config`"])
        return device

    def _made(self, config: DeviceConfig) -> Device:
        if config.driver == LAMPS:
            return RelayIndicator(config, self._switches(config), self._clock, self._watch)
        return SERIAL[config.driver](config, self._clock, self._watch)

    def _switches(self, config: DeviceConfig) -> dict[str, Switch]:
        relay = self.of(config.relay, LcusRelay)
        wired: Iterable[tuple[str, int]] = ((name, getattr(config, name)) for name in OUTPUTS)
        return {name: relay.switch(channel) for name, channel in wired if channel}

    def _hand_out(self, name: str, config: Config) -> None:
        for door in config.doors:
            wired = door.strike
            if wired.device == name:
                relay = self.of(name, LcusRelay)
                self._strikes[name, wired.channel] = relay.strike(wired.channel, wired.lock)

"""relay-indicator: a red, a green and a waiting lamp and a buzzer on channels of a relay board.

One lamp burns at a time, or none. A sound is a pattern of pulses, cut short by the next notice.
The board is no device of this driver, and it says nothing: what should burn is sent again every
AGAIN_SECONDS, which also finds out whether the board is there, and sets the lamps again once it
is back. All is off when this starts and when it ends.

Deliberately not here: frames, and the rule that locks go before lamps (the relay board's
driver), and which notice has which light (kioskd.words).
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from drivers.serial_open import OPEN_SECONDS
from drivers.supervise import Supervised
from kioskd.config.model import DeviceConfig
from kioskd.domain.face import Light, Tone
from kioskd.errors import DeviceError
from kioskd.ports import Clock, DeviceWatch, Switch

AGAIN_SECONDS: Final = 2.0
BOARD_SECONDS: Final = OPEN_SECONDS + 0.2  # from the start until the board was tried as well
_LOOK_SECONDS: Final = 0.05
OUTPUTS: Final = ("red", "green", "wait", "tone")  # keys of the device's table, and of `switches`
_LAMPS: Final = OUTPUTS[:3]
_BUZZER: Final = "tone"

# Seconds on, and then off, as often as there are pairs.
PATTERNS: Mapping[Tone, tuple[tuple[float, float], ...]] = MappingProxyType(
    {
        Tone.NONE: (),
        Tone.KEY: ((0.03, 0.0),),
        Tone.PLEASE: ((0.15, 0.0),),
        Tone.GRANTED: ((0.8, 0.0),),
        Tone.DENIED: ((0.15, 0.15), (0.15, 0.0)),
    }
)


class RelayIndicator(Supervised):
    """An Indicator and Device over Switches by name; an output that is not wired stays dark."""

    def __init__(
        self,
        config: DeviceConfig,
        switches: Mapping[str, Switch],
        clock: Clock,
        watch: DeviceWatch,
    ) -> None:
        super().__init__(config.name, clock, watch)
        self._switches = switches
        self._light = Light.OFF
        self._tone = Tone.NONE
        self._new = False  # something was asked for that is not shown yet
        self._wake = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []

    async def indicate(self, light: Light, tone: Tone) -> None:
        """Show this light at once and begin this sound. DeviceError when no lamp took it.

        The light of a failed call is shown all the same when the board is back; its sound is not.
        """
        self._light = light
        if not self.present:
            raise DeviceError(f"{self.name}: its relay board is away; see why that was lost")
        self._tone = tone
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(taken)
        self._new = True
        self._wake.set()
        await taken

    async def _session(self) -> None:
        try:
            await self._hold()
        except DeviceError as error:
            self._answer(error)
            raise
        finally:
            await self._all_off()
            self._answer(DeviceError(f"{self.name}: its relay board went away meanwhile"))

    async def _hold(self) -> None:
        self._tone = Tone.NONE
        await self._first_lamps()
        self._came_up()
        while True:
            self._new = False
            tone, self._tone = self._tone, Tone.NONE
            await self._set_lamps()
            self._answer(None)
            await self._sound(tone)
            await self._pause(AGAIN_SECONDS)

    async def _first_lamps(self) -> None:
        """At the start the board is still being opened, by a task beside this one."""
        until = self._clock.monotonic() + BOARD_SECONDS
        while not self._tried.is_set():
            with suppress(DeviceError):
                return await self._set_lamps()
            if self._clock.monotonic() >= until:
                break
            await self._clock.sleep_until(self._clock.monotonic() + _LOOK_SECONDS)
        return await self._set_lamps()

    async def _set_lamps(self) -> None:
        """The buzzer off, then the lamps that are not asked for, then the one that is."""
        burning = self._light.value
        for name in (_BUZZER, *(lamp for lamp in _LAMPS if lamp != burning)):
            await self._turn(name, on=False)
        if burning in _LAMPS:
            await self._turn(burning, on=True)

    async def _sound(self, tone: Tone) -> None:
        for on_seconds, off_seconds in PATTERNS[tone]:
            if self._new:
                return
            await self._turn(_BUZZER, on=True)
            await self._pause(on_seconds)
            await self._turn(_BUZZER, on=False)
            await self._pause(off_seconds)

    async def _pause(self, seconds: float) -> None:
        """Until so much time has passed, or something new is asked for."""
        if self._new or not seconds:
            return
        self._wake.clear()
        passed = asyncio.create_task(self._after(seconds), name=f"{self.name} pause")
        try:
            await self._wake.wait()
        finally:
            passed.cancel()

    async def _after(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.monotonic() + seconds)
        self._wake.set()

    async def _all_off(self) -> None:
        for name in OUTPUTS:
            with suppress(DeviceError):
                await self._turn(name, on=False)

    async def _turn(self, name: str, *, on: bool) -> None:
        if name in self._switches:
            await self._switches[name].turn(on=on)

    def _answer(self, error: DeviceError | None) -> None:
        waiting, self._waiting = self._waiting, []
        for taken in waiting:
            if taken.done():  # its caller was cancelled
                continue
            if error is None:
                taken.set_result(None)
            else:
                taken.set_exception(error)

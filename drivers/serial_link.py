"""One supervised serial link: a device path (pseudo-terminals and symlinks too) or a TCP socket.

The path is resolved anew at each opening, and looked at once a second while it is open: a
descriptor may stay silent for ever after its device was replaced. Reading is bounded for each
turn of the loop. A frame that did not get out in time takes the link with it, and what the kernel
still holds is dropped: half a frame, or a release that comes late, is worse than none. What is
to be dark without us is told so in one last write, which waits for nothing.

Deliberately not here: what the bytes mean, and pyserial's own reading and writing, which waits.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress

from drivers.serial_open import OPEN_SECONDS, OpenPort, explained, give_up, opening, too_slow
from drivers.supervise import Supervised
from kioskd.config.model import DeviceConfig
from kioskd.errors import DeviceError
from kioskd.ports import Clock, DeviceWatch

READ_SIZE = 1024  # bytes a turn; one second at 9600 baud, well under 5 ms of work on a Pi
WRITE_SECONDS = 0.2  # as the Strike port promises
LOOK_SECONDS = 1.0  # between looks at the path


class SerialLink(Supervised):
    """A Device on a port. Subclasses say what to send first and what to do with bytes."""

    def __init__(self, config: DeviceConfig, clock: Clock, watch: DeviceWatch) -> None:
        super().__init__(config.name, clock, watch)
        self._path = config.port
        self._baud = config.baud
        self._port: OpenPort | None = None  # set while frames may be sent
        self._lost: asyncio.Future[str] | None = None
        self._opening: Future[OpenPort] | None = None
        self._writing = asyncio.Lock()
        # Told of all bytes that come, for who sets the device up; must not raise nor keep them.
        self.tapped: Callable[[bytes, float], None] | None = None

    @abstractmethod
    def _opened(self) -> Iterable[bytes]:
        """The link is new: what must go out before the device counts as present."""

    @abstractmethod
    def _received(self, data: bytes, at: float) -> None:
        """Bytes came, at most READ_SIZE, at this monotonic time. Must not raise."""

    def _last_words(self) -> bytes:
        """What the device should hear when it is let go, while it is still there."""
        return b""

    async def send(self, data: bytes) -> None:
        """Write a whole frame within WRITE_SECONDS; DeviceError when it did not get out."""
        if self._port is None:
            raise DeviceError(f"{self.name}: not connected; plug it in, or see why it was lost")
        await self._write(self._port, data)

    async def _session(self) -> None:
        port = await self._open()
        try:
            await self._hold(port)
        except OSError as error:
            raise explained(self._path, error) from error
        except asyncio.CancelledError:
            self._say_last(port)
            raise
        finally:
            self._port = self._lost = None
            self._unwatch(port)
            port.close()

    async def _open(self) -> OpenPort:
        """The port, opened off the loop. One that hangs is waited for again, not started twice."""
        result = self._opening or opening(self._path, self._baud)
        self._opening = result
        opened = asyncio.wrap_future(result)
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                port = await asyncio.shield(opened)
        except TimeoutError:
            opened.add_done_callback(_seen)
            raise too_slow(self._path) from None
        except asyncio.CancelledError:
            opened.add_done_callback(_seen)
            give_up(result)
            raise
        except DeviceError:
            self._opening = None
            raise
        self._opening = None
        return port

    async def _hold(self, port: OpenPort) -> None:
        self._lost = lost = asyncio.get_running_loop().create_future()
        for frame in self._opened():
            await self._write(port, frame)
        asyncio.get_running_loop().add_reader(port.fd, self._readable, port)
        self._port = port
        self._came_up()
        looking = asyncio.create_task(self._look_at_path(port), name=f"{self.name} path")
        try:
            why = await lost
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        raise DeviceError(why)

    def _say_last(self, port: OpenPort) -> None:
        # Not into the middle of a frame, and not on a line that has failed.
        if port is self._port and not self._writing.locked():
            with suppress(OSError):
                port.write(self._last_words())

    async def _look_at_path(self, port: OpenPort) -> None:
        while not port.replaced():
            await self._clock.sleep_until(self._clock.monotonic() + LOOK_SECONDS)
        self._lose(port, f"{self._path}: unplugged or replaced; plug the device in")

    def _readable(self, port: OpenPort) -> None:
        try:
            data = port.read(READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(port, str(explained(self._path, error)))
            return
        if data:
            at = self._clock.monotonic()
            self._received(data, at)
            if self.tapped is not None:
                self.tapped(data, at)
        else:
            self._lose(port, f"{self._path}: closed by the other side; check its cable and power")

    def _lose(self, port: OpenPort, why: str) -> None:
        """End this session. Without its reader the loop does not spin until the session sees it."""
        self._unwatch(port)
        self._port = None
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(why)

    async def _write(self, port: OpenPort, data: bytes) -> None:
        try:
            async with asyncio.timeout(WRITE_SECONDS), self._writing:
                await self._write_all(port, data)
        except BaseException as error:
            port.abandon()
            why = f"{self._path}: took no bytes in time; check its cable and power"
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                why = str(explained(self._path, error))
            self._lose(port, why)
            if isinstance(error, OSError):
                raise DeviceError(why) from error
            raise

    async def _write_all(self, port: OpenPort, data: bytes) -> None:
        while data:
            try:
                data = data[port.write(data) :]
            except BlockingIOError:
                await self._writable(port)

    async def _writable(self, port: OpenPort) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(port.fd, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(port.fd)

    def _unwatch(self, port: OpenPort) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(port.fd)
        loop.remove_writer(port.fd)


def _seen(opened: "asyncio.Future[OpenPort]") -> None:
    """Take note of a late outcome, which is no news: the attempt was already reported."""
    if not opened.cancelled():
        opened.exception()
